"""Control digits of the numbers by which the state and banks name a person, a company, an account.

ИНН, ОГРН, ОГРНИП, СНИЛС, БИК (by form: it has no control digit) and the key of an account number.

Law: order of the Federal Tax Service ММВ-7-6/435@ of 29.06.2012 (ИНН); orders on ОГРН and ОГРНИП; rules of the
pension fund on СНИЛС ([M] all of these: the arithmetic is common knowledge); Bank of Russia procedure N 515 of
08.09.1997 (key of an account).
Promise: a single wrong digit is caught always in an account number, and in the others except where the remainder of
the control sum folds: 10 and 0 (ИНН, ОГРН), 10, 11, 12 and 0, 1, 2 (ОГРНИП), 100 and 0 (СНИЛС).
Not: a check that a number was given to anybody; that two neighbours are not exchanged.
"""

import re
from typing import Final

from kapital.kernel.problems import ensure

ENTITY_INN_DIGITS: Final = 10
PERSON_INN_DIGITS: Final = 12
OGRN_DIGITS: Final = 13
OGRNIP_DIGITS: Final = 15
SNILS_DIGITS: Final = 11

_WEIGHTS: Final = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
"""Of the last control digit of a person's number; each shorter body takes the end of the row."""

_SNILS_WITHOUT_CONTROL_MAX: Final = 1_001_998
"""Numbers up to 001-001-998 were given before there was a control number."""

_ACCOUNT_WEIGHTS: Final = (7, 1, 3)
_KEY_PLACE: Final = 8
_CURRENCY_LETTERS: Final = dict(zip("АВСЕНКМРТХABCEHKMPTX", "01234567890123456789", strict=True))
"""The sixth character of a clearing-currency account, as the procedure (Cyrillic) and УФЭБС (Latin) write it."""
_SETTLEMENT_CENTRE_ENDS: Final = ("000", "001", "002")  # [M]
_SINGLE_TREASURY_START: Final = "40102"
_KEPT_WITH_THE_BANK_OF_RUSSIA: Final = ("30101", _SINGLE_TREASURY_START)
"""Correspondent accounts, and the single accounts of the Treasury (ЕКС), which are keyed alike: so are those that it
publishes. Accounts with other banks (30109…) are accounts in a bank."""

# Not str.isdigit: it takes digits of every script.
_DIGITS: Final = re.compile(r"[0-9]+")
# 04 are the participants of the payment system; 00, 01 and 02 offices of the Bank of Russia and the Treasury ([M]).
_BIC: Final = re.compile(r"0[0124][0-9]{7}")
_TREASURY_BIC: Final = re.compile(r"0[01][0-9]{7}")
_TREASURY_ACCOUNT: Final = re.compile(r"03[0-9]{3}643[0-9]{12}")
_ACCOUNT: Final = re.compile(f"[0-9]{{5}}[0-9{''.join(_CURRENCY_LETTERS)}][0-9]{{14}}")


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


def with_ogrn_control(body: str) -> str:
    """Complete the body of an ОГРН – 12 digits – or an ОГРНИП – 14 digits – with its control digit."""
    ensure(len(body) in (12, 14) and _DIGITS.fullmatch(body) is not None, "the body of an ОГРН has 12 or 14 digits")
    return body + str(int(body) % (11 if len(body) == OGRN_DIGITS - 1 else 13) % 10)


def snils_is_valid(snils: str) -> bool:
    """Whether a text is a СНИЛС, its 11 digits without hyphens or blanks.

    Numbers to 001-001-998 carry no control number: for these only the form is looked at, and that it is not zero.
    """
    if len(snils) != SNILS_DIGITS or not _DIGITS.fullmatch(snils):
        return False
    if int(snils[:9]) <= _SNILS_WITHOUT_CONTROL_MAX:
        return int(snils[:9]) > 0
    return snils == with_snils_control(snils[:9])


def with_snils_control(body: str) -> str:
    """Complete the nine digits of a СНИЛС with the two of control."""
    ensure(len(body) == SNILS_DIGITS - 2 and _DIGITS.fullmatch(body) is not None, "the body of a СНИЛС has 9 digits")
    total = sum(int(digit) * weight for digit, weight in zip(body, range(9, 0, -1), strict=True))
    return f"{body}{total % 101 % 100:02}"


def bic_is_valid(bic: str) -> bool:
    """Whether a text has the form of a БИК: nine digits that start with 00, 01, 02 or 04. It has no control digit."""
    return _BIC.fullmatch(bic) is not None


def account_has_form(account: str) -> bool:
    """Whether a text has the form of an account number: 20 digits, the sixth perhaps a currency letter."""
    return _ACCOUNT.fullmatch(account) is not None


def account_is_valid(account: str, *, bic: str) -> bool:
    """Whether an account number has its form and its key fits the bank of this БИК.

    The number of the bank that goes into the sum is БИК 7–9; for accounts in a settlement centre of the Bank of
    Russia (БИК ends with 000, 001, 002), for correspondent accounts with it (30101…) and for single accounts of the
    Treasury (40102…) it is 0 and БИК 5–6.
    """
    return bic_is_valid(bic) and account_has_form(account) and _account_sum(account, bic) % 10 == 0


def treasury_account_is_valid(account: str, *, bic: str, single_account: str) -> bool:
    """Whether money may go to an account of the Treasury (казначейский счёт, 03…643…) at its single account (ЕКС).

    An account of the Treasury has no key: where a bank account has it, in the ninth place, begins the ОКТМО of the
    budget. The key that catches a wrong digit is that of the single account (40102…) at the same БИК, which starts
    with 00 or 01. Source: the accounts that the Treasury publishes, by which both were checked; its order on their
    numbers was not at hand ([M]).
    """
    return (
        _TREASURY_BIC.fullmatch(bic) is not None
        and _TREASURY_ACCOUNT.fullmatch(account) is not None
        and single_account.startswith(_SINGLE_TREASURY_START)
        and account_is_valid(single_account, bic=bic)
    )


def with_account_key(account: str, *, bic: str) -> str:
    """The account number with its ninth character set so that it fits the bank."""
    ensure(bic_is_valid(bic), "the form of a БИК")
    blank = f"{account[:_KEY_PLACE]}0{account[_KEY_PLACE + 1 :]}"
    ensure(account_has_form(blank), "the form of an account number")
    # The ninth digit of the account is the twelfth weighted one, of weight 3; 3 * 7 = 21, so 7 is 3's inverse mod 10.
    return f"{account[:_KEY_PLACE]}{-_account_sum(blank, bic) * 7 % 10}{account[_KEY_PLACE + 1 :]}"


def _account_sum(account: str, bic: str) -> int:
    in_bank_of_russia = bic.endswith(_SETTLEMENT_CENTRE_ENDS) or account.startswith(_KEPT_WITH_THE_BANK_OF_RUSSIA)
    number = "0" + bic[4:6] if in_bank_of_russia else bic[6:9]
    digits = number + account[:5] + _CURRENCY_LETTERS.get(account[5], account[5]) + account[6:]
    return sum(int(digit) * _ACCOUNT_WEIGHTS[place % 3] % 10 for place, digit in enumerate(digits))


def _inn_control(digits: str) -> str:
    weights = _WEIGHTS[-len(digits) :]
    return str(sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11 % 10)
