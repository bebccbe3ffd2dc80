"""Control digits of the numbers that name a person or a company before the state: ИНН, ОГРН, ОГРНИП.

Law: order of the Federal Tax Service ММВ-7-6/435@ of 29.06.2012 (ИНН); orders on ОГРН and ОГРНИП; the arithmetic is
common knowledge ([M]).
Not: a check that a number was given to anybody.
"""

import re
from typing import Final

from kapital.kernel.problems import ensure

ENTITY_INN_DIGITS: Final = 10
PERSON_INN_DIGITS: Final = 12
OGRN_DIGITS: Final = 13
OGRNIP_DIGITS: Final = 15

_WEIGHTS: Final = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
"""Of the last control digit of a person's number; each shorter body takes the end of the row."""

# Not str.isdigit: it takes digits of every script.
_DIGITS: Final = re.compile(r"[0-9]+")


def inn_is_valid(inn: str, *, legal_entity: bool) -> bool:
    """Whether a text is an ИНН of a legal entity (10 digits, one of control) or of a person (12, the last two).

    The first four digits name the tax office and do not start with the region 00, which no office has: so a row of
    zeros, whose control digits are right, does not pass.
    """
    length = ENTITY_INN_DIGITS if legal_entity else PERSON_INN_DIGITS
    if len(inn) != length or not _DIGITS.fullmatch(inn) or inn.startswith("00"):
        return False
    return inn == with_inn_control(inn[:9] if legal_entity else inn[:10])


def with_inn_control(body: str) -> str:
    """Complete the body of an ИНН – 9 digits of a legal entity, 10 of a person – with its control digits."""
    ensure(len(body) in (9, 10) and _DIGITS.fullmatch(body) is not None, "the body of an ИНН has 9 or 10 digits")
    first = body + _inn_control(body)
    return first if len(body) == ENTITY_INN_DIGITS - 1 else first + _inn_control(first)


def ogrn_is_valid(ogrn: str, *, legal_entity: bool) -> bool:
    """Whether a text is an ОГРН (13 digits, modulus 11) or an ОГРНИП (15 digits, modulus 13)."""
    length, modulus = (OGRN_DIGITS, 11) if legal_entity else (OGRNIP_DIGITS, 13)
    if len(ogrn) != length or not _DIGITS.fullmatch(ogrn):
        return False
    return int(ogrn[:-1]) % modulus % 10 == int(ogrn[-1])


def _inn_control(digits: str) -> str:
    weights = _WEIGHTS[-len(digits) :]
    return str(sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11 % 10)
