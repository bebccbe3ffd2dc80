"""The Russian text of a withdrawal of money, made from the command alone, the same for ever."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from kapital.kernel.money import format_rubles
from kapital.settlement.domain.payout_account import SbpPayee
from kapital.settlement.domain.withdrawal import WithdrawalItem

TEXT_VERSION: Final = "kapital.act-text.v1"
"""A change of wording is a new version beside the old one."""


def withdrawals_text(items: Sequence[WithdrawalItem]) -> str:
    """What the person sees before signing."""
    lines = [
        f"{number}. {format_rubles(item.amount_kopecks, 'ru')} с кошелька {item.wallet_id} на счёт "
        f"{item.payout_account.account}, БИК {item.payout_account.bic}"
        for number, item in enumerate(items, 1)
    ]
    total = format_rubles(sum(item.amount_kopecks for item in items), "ru")
    return "\n".join(
        [
            "Распоряжение о выводе денежных средств с номинального счёта",
            "",
            *lines,
            "",
            f"Всего: {total}.",
            "Поручаю оператору информационной системы перечислить эти деньги по указанным реквизитам.",
        ]
    )


def sbp_withdrawal_text(wallet_id: UUID, amount_kopecks: int, payee: SbpPayee) -> str:
    """What the person sees before signing."""
    return f"""Распоряжение о выводе денежных средств с номинального счёта через Систему быстрых платежей

{format_rubles(amount_kopecks, "ru")} с кошелька {wallet_id} по номеру телефона {payee.phone}.
Банк – участник СБП: {payee.member_id}.

Поручаю оператору информационной системы перечислить эти деньги.
Сумма сверх предела одной операции делится на части."""


def sbp_withdrawal_command(wallet_id: UUID, amount_kopecks: int, payee: SbpPayee) -> dict[str, Any]:
    """A withdrawal by the SBP in canonical form."""
    return {
        "sbp_withdrawal": {
            "amount_kopecks": str(amount_kopecks),
            "member_id": payee.member_id,
            "phone": payee.phone,
            "wallet_id": str(wallet_id),
        }
    }


def withdrawals_command(items: Sequence[WithdrawalItem]) -> dict[str, Any]:
    """Withdrawals in canonical form."""
    return {
        "withdrawals": [
            {
                "account": item.payout_account.account,
                "amount_kopecks": str(item.amount_kopecks),
                "bic": item.payout_account.bic,
                "wallet_id": str(item.wallet_id),
            }
            for item in items
        ]
    }
