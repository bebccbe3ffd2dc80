"""The bank account a withdrawal goes to, with the check that account and bank belong together."""

import re
from typing import Final

import msgspec

from kapital.kernel.requisites import account_is_valid
from kapital.settlement.domain.problems import PayoutAccountKeyMustMatch, PayoutAccountMalformed

_BIC: Final = re.compile(r"04[0-9]{7}")
_ACCOUNT: Final = re.compile(r"[0-9]{20}")


class PayoutAccount(msgspec.Struct, frozen=True):
    """BIC (nine digits) and account (twenty digits) of a client of a Russian bank, in roubles."""

    bic: str
    account: str

    def require_valid(self) -> None:
        """Raises: PayoutAccountMalformed, PayoutAccountKeyMustMatch."""
        if not _BIC.fullmatch(self.bic) or not _ACCOUNT.fullmatch(self.account):
            raise PayoutAccountMalformed("a BIC is 04 and seven digits, an account twenty digits")
        if not account_is_valid(self.account, bic=self.bic):
            raise PayoutAccountKeyMustMatch("the control key of the account does not fit the BIC")
