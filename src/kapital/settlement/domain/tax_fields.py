"""Fields 101 and 104 to 109 of a payment order, which only a payment to the budget has.

Source: Ministry of Finance order 107н of 12.11.2013. Which values go together changes with its editions and is not
judged here: a bank refuses what does not. Judged is the form that every edition had ([M]).
"""

import re
from typing import Final

import msgspec

_FORMS: Final = {
    "payer_status": re.compile(r"[0-9]{2}"),
    "kbk": re.compile(r"[0-9]{20}"),
    "oktmo": re.compile(r"0|[0-9]{8}|[0-9]{11}"),
    "evidence": re.compile(r"0|00|[А-Я]{2}"),
    "period": re.compile(r"0|[0-9]{8}|(?:Д[123]|МС|КВ|ПЛ|ГД)\.[0-9]{2}\.[0-9]{4}|[0-9]{2}\.[0-9]{2}\.[0-9]{4}"),
    "doc_number": re.compile(r"[!-~А-яЁё№]{1,15}"),
    "doc_date": re.compile(r"0|00|[0-9]{2}\.[0-9]{2}\.[0-9]{4}"),
}


class TaxFields(msgspec.Struct, frozen=True, kw_only=True):
    """`payer_status` (101), `kbk` (104), `oktmo` (105), `evidence` – основание (106), `period` (107), `doc_number`
    (108) and `doc_date` (109). Zero is a value: what is left out says `0`."""

    payer_status: str
    kbk: str
    oktmo: str
    evidence: str
    period: str
    doc_number: str
    doc_date: str

    def malformed(self) -> list[str]:
        """The names of the fields that cannot be."""
        return [name for name, form in _FORMS.items() if not form.fullmatch(getattr(self, name))]
