"""The Russian texts of acts, which a person sees before signing: made from the command alone, the same for ever.

A change of wording is a new TEXT_VERSION beside the old one: an act says under which its text was made.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from kapital.kernel.calendar import MOSCOW
from kapital.kernel.ids import id_text
from kapital.kernel.money import format_rubles
from kapital.tokenization.domain.events import utc
from kapital.tokenization.domain.issue import Issue

TEXT_VERSION: Final = "kapital.act-text.v1"
WITHDRAWAL_TEXT_VERSION: Final = "kapital.act-text.v2"
"""The first said that all orders are the signer's own."""


class OrderLine(NamedTuple):
    """One order of a command.

    `max_price_kopecks`: the most that is paid for a unit, where the price is a quote's. `funds_until_at`: the first
    instant at which the order awaits its money no more. `for_participant_id`: the principal for whom a broker orders.
    """

    issue_id: UUID
    units: int
    max_price_kopecks: int | None = None
    funds_until_at: datetime | None = None
    for_participant_id: UUID | None = None


def orders_text(orders: Sequence[OrderLine], issues: Mapping[UUID, Issue]) -> str:
    """Orders of one command. Shape: an issue that is not public is named by its id."""
    lines, kopecks = [], 0
    for number, (issue_id, units, cap, until, principal) in enumerate(orders, 1):
        issue = issues.get(issue_id)
        if issue is None:
            lines.append(f"{number}. Выпуск {issue_id}: {units} ед.")
            lines += _for_text(principal) + _waits_text(until, principal)
            continue
        amount = issue.reserved_for(units, cap)
        kopecks += amount
        at_price = f"по цене {format_rubles(issue.price_kopecks, 'ru')}, всего"
        if cap is not None:
            at_price = f"по цене не выше {format_rubles(cap, 'ru')} за единицу, всего не более"
        lines.append(
            f"{number}. Выпуск «{issue.title}» ({issue.code}), решение {issue.decision_sha256}: {units} ед. "
            f"{at_price} {format_rubles(amount, 'ru')}."
        )
        lines += _for_text(principal) + _waits_text(until, principal)
    return "\n".join(
        [
            "Заявка на приобретение цифровых финансовых активов",
            "",
            *lines,
            "",
            f"Заявок: {len(orders)}. Сумма: {format_rubles(kopecks, 'ru')}.",
            "Поручаю оператору информационной системы зарезервировать эту сумму на номинальном счёте и,",
            f"если заявки будут удовлетворены, внести записи о зачислении {_to_whom(orders)}.",
            "С решениями о выпуске ознакомлен(а).",
            *_by_mandate_text(orders),
        ]
    )


def _for_text(principal: UUID | None) -> list[str]:
    """For whom a broker orders: nothing in an order of one's own."""
    return [] if principal is None else [f"   Клиент, для которого подана заявка: участник {principal}."]


def _to_whom(orders: Sequence[OrderLine]) -> str:
    is_own = not orders or any(order.for_participant_id is None for order in orders)
    return "мне единиц" if is_own else "единиц клиентам"


def _by_mandate_text(orders: Sequence[OrderLine]) -> list[str]:
    if all(order.for_participant_id is None for order in orders):
        return []
    return [
        "Заявки, в которых назван клиент, подаю по его поручению, от его имени и за его счёт: деньги прошу",
        "резервировать из его остатка, единицы зачислять ему.",
    ]


def _waits_text(until: datetime | None, principal: UUID | None) -> list[str]:
    """What an order with a cut-off for its money asks for beside the others: nothing without one."""
    if until is None:
        return []
    whose = "моём свободном остатке" if principal is None else "свободном остатке клиента"
    return [
        f"   Если свободных денег недостаточно, прошу ожидать их до {until.astimezone(MOSCOW):%d.%m.%Y %H:%M:%S}",
        "   московского времени и зарезервировать эту сумму, как только их станет достаточно.",
        f"   Деньги, поступившие позже, прошу оставить в {whose}.",
    ]


def orders_command(orders: Sequence[OrderLine]) -> dict[str, Any]:
    """Orders in canonical form; a greatest price, a cut-off and a principal stand there only if given."""
    return {"orders": [_order_command(order) for order in orders]}


def _order_command(order: OrderLine) -> dict[str, str]:
    told = {"issue_id": id_text(order.issue_id), "units": str(order.units)}
    if order.max_price_kopecks is not None:
        told["max_price_kopecks"] = str(order.max_price_kopecks)
    if order.funds_until_at is not None:
        told["funds_until_at"] = utc(order.funds_until_at)
    if order.for_participant_id is not None:
        told["for_participant_id"] = str(order.for_participant_id)
    return told


def withdrawal_text(order_ids: Sequence[UUID]) -> str:
    """Withdrawal of orders."""
    lines = [f"{number}. Заявка {order_id}" for number, order_id in enumerate(order_ids, 1)]
    return "\n".join(
        [
            "Отзыв заявок на приобретение цифровых финансовых активов",
            "",
            *lines,
            "",
            "Отзываю эти заявки.",
            # Whoever signs it: orders of its own and orders that it placed for others stand in one act.
            "Зарезервированные деньги прошу вернуть в свободный остаток того, для кого подана заявка.",
        ]
    )


def withdrawal_command(order_ids: Sequence[UUID]) -> dict[str, Any]:
    """Withdrawal in canonical form."""
    return {"order_ids": [str(order_id) for order_id in order_ids]}


def decision_text(issue_id: UUID, decision_sha256: str) -> str:
    """Signing of a decision. The hash names its whole text and terms."""
    return "\n".join(
        [
            "Подписание решения о выпуске цифровых финансовых активов",
            "",
            f"Выпуск {issue_id}. Контрольная сумма решения (SHA-256): {decision_sha256}.",
            "",
            "С полным текстом решения ознакомлен(а).",
            "Подписываю решение от имени лица, выпускающего цифровые финансовые активы.",
        ]
    )


def decision_command(issue_id: UUID, decision_sha256: str) -> dict[str, Any]:
    """Signing in canonical form."""
    return {"issue_id": str(issue_id), "decision_sha256": decision_sha256}
