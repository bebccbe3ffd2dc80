"""The bank account a withdrawal goes to, with the check that account and bank belong together."""

import re
from typing import Final

import msgspec

from kapital.settlement.domain.problems import PayoutAccountKeyMustMatch, PayoutAccountMalformed

_BIC: Final = re.compile(r"04[0-9]{7}")
_ACCOUNT: Final = re.compile(r"[0-9]{20}")
_WEIGHTS: Final = (7, 1, 3)
# A BIC that ends with these is a settlement centre of the Bank of Russia; its accounts are keyed by another number.
_SETTLEMENT_CENTRE_ENDS: Final = ("000", "001", "002")


class PayoutAccount(msgspec.Struct, frozen=True):
    """BIC (nine digits) and account (twenty digits) of a client of a Russian bank, in roubles."""

    bic: str
    account: str

    def require_valid(self) -> None:
        """Raises: PayoutAccountMalformed, PayoutAccountKeyMustMatch."""
        if not _BIC.fullmatch(self.bic) or not _ACCOUNT.fullmatch(self.account):
            raise PayoutAccountMalformed("a BIC is 04 and seven digits, an account twenty digits")
        if _weighted(self) % 10 != 0:
            raise PayoutAccountKeyMustMatch("the control key of the account does not fit the BIC")


def with_control_key(bic: str, account: str) -> str:
    """The account number with its ninth digit set so that it fits the bank."""
    blank = PayoutAccount(bic=bic, account=account[:8] + "0" + account[9:])
    # The ninth digit of the account is the twelfth weighted one, of weight 3; 3 * 7 = 21, so 7 is 3's inverse mod 10.
    return account[:8] + str(-_weighted(blank) * 7 % 10) + account[9:]


def _weighted(where: PayoutAccount) -> int:
    """Sum of last digits of the products. Source: Bank of Russia procedure N 515 of 08.09.1997."""
    number = "0" + where.bic[4:6] if where.bic.endswith(_SETTLEMENT_CENTRE_ENDS) else where.bic[6:9]
    digits = number + where.account
    return sum(int(digit) * _WEIGHTS[place % 3] % 10 for place, digit in enumerate(digits))
