"""What the XML stream refuses, as refusals of a bank's message; and the limit of a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kapital.platform.xml_stream import DOCUMENT_TYPE, ENCODING, TOO_LARGE, XmlRefused
from kapital.settlement.domain.problems import (
    BankMessageEncodingRefused,
    BankMessageHasDocumentType,
    BankMessageTooLarge,
    BankMessageUnreadable,
)

XML_BYTES_MAX: Final = 536_870_912
_REFUSALS: Final = {
    DOCUMENT_TYPE: BankMessageHasDocumentType,
    ENCODING: BankMessageEncodingRefused,
    TOO_LARGE: BankMessageTooLarge,
}


@contextmanager
def refusals() -> Iterator[None]:
    """Turn XmlRefused into the problem with a stable code."""
    try:
        yield
    except XmlRefused as refused:
        facts: dict[str, str | int] = {"reason": refused.why}
        if refused.line is not None:
            facts["line"] = refused.line
        raise _REFUSALS.get(refused.why, BankMessageUnreadable)(refused.about, facts) from refused
