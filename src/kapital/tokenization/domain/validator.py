"""Whether terms agree with the law and with themselves: every fault at once, each with its legal basis."""

from datetime import date

from msgspec import Struct

from kapital.kernel.calendar import BusinessCalendar
from kapital.tokenization.domain.terms import IssuanceTerms


class Fault(Struct, frozen=True, kw_only=True):
    """One fault of the terms.

    `confidence` marks the legal basis: F read in a source, M from memory, M? doubtful memory, P practice.
    """

    code: str
    pointer: str
    message_ru: str
    message_en: str
    legal_basis: str
    confidence: str


def find_faults(terms: IssuanceTerms, *, calendar: BusinessCalendar, today: date) -> list[Fault]:
    """Every fault of the terms, in order of the decision's items; empty means the terms may be published."""
    raise NotImplementedError
