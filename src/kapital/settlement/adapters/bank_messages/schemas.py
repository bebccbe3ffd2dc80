"""The ISO 20022 schemas that are shipped, and the element names that they and the versions before them know."""

from functools import cache
from importlib.resources import files
from typing import Final

from lxml import etree

_OLDER: Final = frozenset(
    {"AdmstnZn", "BIC", "BICOrBEI", "RmtLctnElctrncAdr", "RmtLctnMtd", "RmtLctnPstlAdr", "TtlNetNtryAmt"}
)
"""In older versions of camt.05x, pain.001 and pain.002, no more in those shipped."""
_SCHEMA: Final = "{http://www.w3.org/2001/XMLSchema}"


def schema_bytes(message: str) -> bytes:
    """The schema of a message such as `camt.053.001.08`, as shipped."""
    return (files("kapital.settlement.adapters.bank_messages") / "xsd" / f"{message}.xsd").read_bytes()


@cache
def schema_of(message: str) -> etree.XMLSchema:
    """The compiled schema of a message."""
    return etree.XMLSchema(etree.fromstring(schema_bytes(message)))


@cache
def names_of(*messages: str) -> frozenset[str]:
    """Every element name that these messages may hold, in the shipped versions or those before them."""
    names = set(_OLDER)
    for message in messages:
        schema = etree.fromstring(schema_bytes(message))
        names |= {str(one.get("name")) for one in schema.iter(f"{_SCHEMA}element")}
    return frozenset(names)


def camt_names() -> frozenset[str]:
    """As `names_of`, for messages about accounts."""
    return names_of("camt.052.001.08", "camt.053.001.08", "camt.054.001.08")
