"""What a page takes from the decision itself (решение о выпуске): its title and the issuer."""

import msgspec

from kapital.disclosure.domain.problems import DecisionUnreadable


class IssuerHead(msgspec.Struct, frozen=True, kw_only=True):
    """Issuer as the decision names it."""

    name: str
    inn: str
    ogrn: str


class DecisionHead(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a decision; all other terms are in the document."""

    title: str
    issuer: IssuerHead


def decision_head(document: bytes) -> DecisionHead:
    """Read title and issuer from the published decision; other fields may come and go.

    Raises: DecisionUnreadable.
    """
    try:
        return msgspec.json.decode(document, type=DecisionHead)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecisionUnreadable(f"the decision has no readable title and issuer: {error}") from None
