"""Where a withdrawal goes: a bank account whose key must fit its bank, a phone at a member of the SBP, the budget."""

import re
from typing import Final

import msgspec

from kapital.kernel.requisites import account_is_valid
from kapital.settlement.domain.budget_payment import BudgetPayment
from kapital.settlement.domain.problems import PayoutAccountKeyMustMatch, PayoutAccountMalformed
from kapital.settlement.domain.sbp_problems import SbpPayeeMalformed

_BIC: Final = re.compile(r"04[0-9]{7}")
_ACCOUNT: Final = re.compile(r"[0-9]{20}")
_PHONE: Final = re.compile(r"\+7[0-9]{10}")
_MEMBER: Final = re.compile(r"1[0-9]{11}")


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


class SbpPayee(msgspec.Struct, frozen=True):
    """Whom the SBP pays: a Russian mobile number (`+7` and ten digits) and the id of the member bank (twelve digits).

    Personal data: never in the register, in an event or in a log.
    """

    phone: str
    member_id: str

    def require_valid(self) -> None:
        """Raises: SbpPayeeMalformed."""
        if not _PHONE.fullmatch(self.phone) or not _MEMBER.fullmatch(self.member_id):
            raise SbpPayeeMalformed


class ReturnToPayer(msgspec.Struct, frozen=True):
    """Back to the account that a payment came from, which the bank knows by its own id of that payment."""

    bank_id: str


Payee = PayoutAccount | SbpPayee | ReturnToPayer | BudgetPayment
