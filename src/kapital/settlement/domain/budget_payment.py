"""Withheld tax on its way to the budget: how much, to whom, and the fields of such a payment order."""

from typing import Final

import msgspec

from kapital.kernel.requisites import inn_is_valid, treasury_account_is_valid
from kapital.settlement.domain.bank_message import Party
from kapital.settlement.domain.incoming import AMOUNT_KOPECKS_MAX
from kapital.settlement.domain.payment_order import kpp_is_valid, name_is_writable, purpose_is_writable, uin_is_valid
from kapital.settlement.domain.tax_fields import TaxFields

_TAX_FIELDS: Final = TaxFields.__struct_fields__


class BudgetPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment of tax, whole: what two persons agree to is every field of the order.

    Shape: name, ИНН and КПП of the receiver (получатель; fields 16, 61, 103); БИК of its office of the Bank of
    Russia (14), the single account there (ЕКС, 15) and the account of the Treasury (17); `purpose` 24, `uin` 22; then
    those of `TaxFields`. All of it is public; persons are not named.
    """

    amount_kopecks: int
    receiver_name: str
    receiver_inn: str
    receiver_kpp: str
    bic: str
    single_account: str
    account: str
    purpose: str
    payer_status: str
    kbk: str
    oktmo: str
    evidence: str
    period: str
    doc_number: str
    doc_date: str
    uin: str

    @property
    def receiver(self) -> Party:
        """Who is paid, as an order names it."""
        return Party(
            name=self.receiver_name,
            inn=self.receiver_inn,
            kpp=self.receiver_kpp,
            account=self.account,
            bic=self.bic,
            correspondent_account=self.single_account,
        )

    @property
    def tax(self) -> TaxFields:
        """The fields that only a payment to the budget has."""
        return TaxFields(**{name: getattr(self, name) for name in _TAX_FIELDS})

    def said(self) -> dict[str, str]:
        """What a bank over HTTP is told besides sum, account and purpose, by the names of its contract."""
        return {
            **{name: getattr(self, name) for name in _TAX_FIELDS},
            "uin": self.uin,
            "receiver_name": self.receiver_name,
            "receiver_inn": self.receiver_inn,
            "receiver_kpp": self.receiver_kpp,
            "receiver_single_account": self.single_account,
        }

    def malformed(self) -> str | None:
        """The first field that cannot be, or None."""
        checks = {
            "amount_kopecks": 0 < self.amount_kopecks <= AMOUNT_KOPECKS_MAX,
            "receiver_name": name_is_writable(self.receiver_name),
            "receiver_inn": inn_is_valid(self.receiver_inn, legal_entity=True),
            "receiver_kpp": kpp_is_valid(self.receiver_kpp),
            "account": treasury_account_is_valid(self.account, bic=self.bic, single_account=self.single_account),
            "purpose": purpose_is_writable(self.purpose),
            "uin": uin_is_valid(self.uin),
        }
        wrong = [name for name, holds in checks.items() if not holds]
        return next(iter([*wrong, *self.tax.malformed()]), None)
