"""Control digits of the numbers that name a company or a sole proprietor: ИНН, ОГРН, ОГРНИП.

Law: orders of the tax service on the structure of ИНН and ОГРН; the arithmetic is common knowledge ([M]).
"""

from typing import Final

_INN_10: Final = (2, 4, 10, 3, 5, 9, 4, 6, 8)
_INN_11: Final = (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
_INN_12: Final = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
_COMPANY_DIGITS: Final = 10
_PERSON_DIGITS: Final = 12
_OGRN_DIGITS: Final = 13
_OGRNIP_DIGITS: Final = 15


def inn_is_valid(inn: str, *, legal_entity: bool) -> bool:
    """Whether digits are an ИНН of a legal entity (10 digits) or of a person (12 digits)."""
    if legal_entity:
        return len(inn) == _COMPANY_DIGITS and _control(inn, _INN_10)
    return len(inn) == _PERSON_DIGITS and _control(inn[:11], _INN_11) and _control(inn, _INN_12)


def ogrn_is_valid(ogrn: str, *, legal_entity: bool) -> bool:
    """Whether digits are an ОГРН (13 digits, modulus 11) or an ОГРНИП (15 digits, modulus 13)."""
    length, modulus = (_OGRN_DIGITS, 11) if legal_entity else (_OGRNIP_DIGITS, 13)
    return len(ogrn) == length and int(ogrn[:-1]) % modulus % 10 == int(ogrn[-1])


def _control(digits: str, weights: tuple[int, ...]) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(digits[:-1], weights, strict=True))
    return total % 11 % 10 == int(digits[-1])
