"""Control digits of the taxpayer number (ИНН)."""

import re
from collections.abc import Sequence
from typing import Final

from kapital.registry.domain.problems import InnInvalid

ENTITY_DIGITS: Final = 10
PERSON_DIGITS: Final = 12

_WEIGHTS_10: Final = (2, 4, 10, 3, 5, 9, 4, 6, 8)
_WEIGHTS_11: Final = (7, *_WEIGHTS_10)
_WEIGHTS_12: Final = (3, *_WEIGHTS_11)


def _control(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11 % 10


def require_valid_inn(inn: str, *, digits_expected: int) -> None:
    """Return if `inn` has the length and the control digits that it must have.

    Shape: 10 digits of an entity, the last one a control digit; 12 of a person, the last two control digits.
    The first four name the tax office and do not start with the region 00, which no office has: so a row of
    zeros, whose control digits are right, does not pass.
    Law: Order of the Federal Tax Service ММВ-7-6/435@ of 29.06.2012 (structure of the number).
    Raises: InnInvalid.
    Not: a check that the number was given to anybody.
    """
    fault = InnInvalid(facts={"digits_expected": digits_expected})
    # Not str.isdigit: it takes digits of every script.
    if not re.fullmatch(rf"[0-9]{{{digits_expected}}}", inn) or inn.startswith("00"):
        raise fault
    digits = [int(sign) for sign in inn]
    if digits_expected == ENTITY_DIGITS:
        right = digits[9] == _control(digits[:9], _WEIGHTS_10)
    else:
        right = digits[10] == _control(digits[:10], _WEIGHTS_11)
        right = right and digits[11] == _control(digits[:11], _WEIGHTS_12)
    if not right:
        raise fault
