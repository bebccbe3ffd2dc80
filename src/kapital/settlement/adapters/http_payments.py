"""A payment as contracts/outside/bank_nominal_account.yaml has it: where it is asked for, and the body."""

from typing import Any, Final
from urllib.parse import quote

from kapital.settlement.domain.budget_payment import BudgetPayment
from kapital.settlement.domain.payout_account import Payee, PayoutAccount, ReturnToPayer, SbpPayee

BASE: Final = "/v1/nominal-account"


def spoken_payment(
    reference: str, amount_kopecks: int, payee: Payee, purpose: str, beneficiary_id: str | None
) -> tuple[str, dict[str, Any]]:
    """Target and body of the question that pays."""
    body: dict[str, Any] = {"payment_id": reference, "amount_kopecks": amount_kopecks, "purpose": purpose}
    if beneficiary_id is not None:
        body["beneficiary_id"] = beneficiary_id
    match payee:
        case SbpPayee(phone, member_id):
            return f"{BASE}/sbp-payouts", body | {"phone": phone, "member_id": member_id}
        case ReturnToPayer(bank_id):
            return f"{BASE}/incoming-payments/{quote(bank_id, safe='')}/return", body
        case BudgetPayment():
            body |= {"kind": "tax", "tax": payee.said()}
        case PayoutAccount():
            body |= {"kind": "regular"}
    return f"{BASE}/payments", body | {"payee": {"bic": payee.bic, "account": payee.account}}
