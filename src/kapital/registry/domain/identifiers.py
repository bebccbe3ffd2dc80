"""The numbers that name an applicant before the state: ИНН, ОГРН or ОГРНИП, СНИЛС."""

from kapital.kernel.requisites import (
    ENTITY_INN_DIGITS,
    OGRN_DIGITS,
    OGRNIP_DIGITS,
    PERSON_INN_DIGITS,
    inn_is_valid,
    ogrn_is_valid,
    snils_is_valid,
)
from kapital.registry.domain.problems import InnInvalid, OgrnInvalid, SnilsInvalid

_REGISTRATION = {"legal_entity": OGRN_DIGITS, "sole_proprietor": OGRNIP_DIGITS}
_PERSONS = ("natural_person", "sole_proprietor")


def require_valid_inn(inn: str, *, legal_entity: bool) -> None:
    """Return if `inn` has the length and the control digits that it must have (see `kernel.requisites`).

    Raises: InnInvalid, which does not repeat the number.
    """
    if not inn_is_valid(inn, legal_entity=legal_entity):
        raise InnInvalid(facts={"digits_expected": ENTITY_INN_DIGITS if legal_entity else PERSON_INN_DIGITS})


def require_valid_identifiers(kind: str, *, ogrn: str | None, snils: str | None) -> None:
    """Return if the further numbers, as far as given, are right and of this kind of participant.

    Raises: OgrnInvalid, SnilsInvalid, which do not repeat the numbers.
    """
    digits = _REGISTRATION.get(kind, 0)
    if ogrn is not None and not (digits and ogrn_is_valid(ogrn, legal_entity=digits == OGRN_DIGITS)):
        raise OgrnInvalid(facts={"digits_expected": digits})
    if snils is not None and not (kind in _PERSONS and snils_is_valid(snils)):
        raise SnilsInvalid
