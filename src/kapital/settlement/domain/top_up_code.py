"""Top-up code (код пополнения): what a payer writes in the purpose, so that the money finds its wallet.

Shape: `KPT-`, twelve characters from SHA-256 of the wallet id in Crockford's base 32 (60 bits, no I, L, O, U), one
check character by ISO/IEC 7064:2003, MOD 37,36 (hybrid system, alphanumeric), which catches every single wrong
character and almost every swap of neighbours.
"""

import re
from hashlib import sha256
from typing import Final
from uuid import UUID

PREFIX: Final = "KPT-"
BODY_LENGTH: Final = 12

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALPHANUMERIC: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_M: Final = len(_ALPHANUMERIC)
_VALUE_OF: Final = {character: value for value, character in enumerate(_ALPHANUMERIC)}
# Payers type the code on a Russian keyboard; these letters look the same.
_LOOK_ALIKES: Final = str.maketrans("АВЕКМНОРСТУХ", "ABEKMHOPCTYX")
_IN_TEXT: Final = re.compile(rf"(?<![0-9A-Z])KPT[- ]?([0-9A-Z]{{{BODY_LENGTH + 1}}})(?![0-9A-Z])")


def top_up_code(wallet_id: UUID) -> str:
    """The code of a wallet; the same in every process and release."""
    bits = int.from_bytes(sha256(b"kapital/top-up/" + wallet_id.bytes).digest()[:8], "big") >> 4
    body = "".join(_CROCKFORD[bits >> shift & 31] for shift in range(5 * (BODY_LENGTH - 1), -1, -5))
    return PREFIX + body + check_character(body)


def check_character(body: str) -> str:
    """The check character of a text of digits and capital Latin letters (ISO/IEC 7064 MOD 37,36)."""
    return _ALPHANUMERIC[(1 - _product(body)) % _M]


def is_intact(text: str) -> bool:
    """Whether the last character of `text` is the check character of the others."""
    return (_product(text[:-1]) + _VALUE_OF[text[-1]]) % _M == 1


def codes_in(purpose: str) -> tuple[frozenset[str], bool]:
    """The intact codes written in a purpose of payment, and whether a broken one stands there too."""
    found = _IN_TEXT.findall(purpose.upper().translate(_LOOK_ALIKES))
    intact = frozenset(PREFIX + text for text in found if is_intact(text))
    return intact, len(intact) < len(set(found))


def _product(text: str) -> int:
    product = _M
    for character in text:
        product = ((product + _VALUE_OF[character]) % _M or _M) * 2 % (_M + 1)
    return product
