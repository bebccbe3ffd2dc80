"""The Russian texts of acts about early redemption, made from the command alone; `TEXT_VERSION` as of other acts."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from kapital.kernel.money import format_rubles
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.human_words import day_text, percent
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.schedule import ActionKind


def call_text(issue_id: UUID, option: int, units: int | None) -> str:
    """The notice of a call."""
    what = "всех единиц выпуска" if units is None else f"{units} ед. выпуска, пропорционально у всех обладателей,"
    return "\n".join(
        [
            "Уведомление о досрочном погашении цифровых финансовых активов по решению эмитента",
            "",
            f"Выпуск {issue_id}. Право эмитента номер {option} из перечисленных в решении о выпуске.",
            f"Заявляю о досрочном погашении {what} в день и по цене, которые названы в решении.",
            "Поручаю выплатить эту цену обладателям с моего счёта и погасить записи вместе с выплатой.",
        ]
    )


def call_command(issue_id: UUID, option: int, units: int | None) -> dict[str, Any]:
    """The notice in canonical form."""
    return {"issue_id": str(issue_id), "option": str(option), "units": None if units is None else str(units)}


def offer_text(given: Mapping[str, str]) -> str:
    """An offer of the issuer's own. Shape: `given` is the canonical command."""
    return "\n".join(
        [
            "Оферта эмитента о выкупе цифровых финансовых активов",
            "",
            f"Выпуск {given['issue_id']}. Цена за единицу: {format_rubles(int(given['price_kopecks']), 'ru')}.",
            f"Не более {given['units_max']} ед.; если согласий больше – пропорционально целыми единицами, остаток по",
            "наибольшим дробным частям.",
            f"Согласия принимаются по {given['accept_to_on']} включительно, расчёты – {given['on']}.",
            "Оферта безотзывна. Поручаю выплатить цену принявшим её и погасить выкупленные записи вместе с выплатой.",
        ]
    )


def instruction_text(action_id: UUID, units: int, action: CorporateAction | None, issue: Issue | None) -> str:
    """A demand to redeem, or the acceptance of an offer. An action that is not there is named by its id alone."""
    accepts = action is not None and action.kind is ActionKind.BUYBACK
    return "\n".join(
        [
            "Согласие на выкуп цифровых финансовых активов"
            if accepts
            else "Требование о досрочном погашении цифровых финансовых активов",
            "",
            f"Корпоративное действие {action_id}. Количество: {units} ед.",
            *_about(action, issue),
            "Поручаю заблокировать эти единицы сразу и погасить записи о них вместе с выплатой цены, которая",
            "указана в решении о выпуске или в оферте эмитента. Распоряжаться этими единицами до выплаты не буду.",
        ]
    )


def _about(action: CorporateAction | None, issue: Issue | None) -> list[str]:
    if action is None or issue is None or action.early is None:
        return []
    early = action.early
    price = (
        f"{format_rubles(early.price_kopecks, 'ru')} за единицу"
        if early.price_kopecks is not None
        else f"{percent(early.price or '0')} непогашенного номинала"
    )
    return [
        f"Выпуск «{issue.title}» ({issue.code}), решение {issue.decision_sha256}.",
        f"День выплаты: {day_text(action.pay_on)}. Цена: {price}.",
    ]


def instruction_command(action_id: UUID, units: int) -> dict[str, Any]:
    """The instruction in canonical form."""
    return {"action_id": str(action_id), "units": str(units)}


def withdrawal_text(instruction_id: UUID) -> str:
    """The withdrawal of an instruction."""
    return "\n".join(
        [
            "Отзыв требования о досрочном погашении или согласия на выкуп",
            "",
            f"Поручение {instruction_id}.",
            "Отзываю его; заблокированные единицы прошу вернуть в мой свободный остаток.",
        ]
    )


def withdrawal_command(instruction_id: UUID) -> dict[str, Any]:
    """The withdrawal in canonical form."""
    return {"instruction_id": str(instruction_id)}
