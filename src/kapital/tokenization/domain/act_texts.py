"""The Russian texts of acts, which a person sees before signing: made from the command alone, the same for ever.

A change of wording is a new TEXT_VERSION beside the old one: an act says under which its text was made.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from kapital.kernel.money import format_rubles
from kapital.tokenization.domain.issue import Issue

TEXT_VERSION: Final = "kapital.act-text.v1"


def orders_text(orders: Sequence[tuple[UUID, int]], issues: Mapping[UUID, Issue]) -> str:
    """Orders of one command. Shape: pairs of issue and units; an issue that is not public is named by its id."""
    lines, kopecks = [], 0
    for number, (issue_id, units) in enumerate(orders, 1):
        issue = issues.get(issue_id)
        if issue is None:
            lines.append(f"{number}. Выпуск {issue_id}: {units} ед.")
            continue
        price = issue.price_kopecks
        kopecks += price * units
        lines.append(
            f"{number}. Выпуск «{issue.title}» ({issue.code}), решение {issue.decision_sha256}: {units} ед. по цене "
            f"{format_rubles(price, 'ru')}, всего {format_rubles(price * units, 'ru')}."
        )
    return "\n".join(
        [
            "Заявка на приобретение цифровых финансовых активов",
            "",
            *lines,
            "",
            f"Заявок: {len(orders)}. Сумма: {format_rubles(kopecks, 'ru')}.",
            "Поручаю оператору информационной системы зарезервировать эту сумму на номинальном счёте и,",
            "если заявки будут удовлетворены, внести записи о зачислении мне единиц.",
            "С решениями о выпуске ознакомлен(а).",
        ]
    )


def orders_command(orders: Sequence[tuple[UUID, int]]) -> dict[str, Any]:
    """Orders in canonical form."""
    return {"orders": [{"issue_id": str(issue_id), "units": str(units)} for issue_id, units in orders]}


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
            "Зарезервированные деньги прошу вернуть в мой свободный остаток на номинальном счёте.",
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
