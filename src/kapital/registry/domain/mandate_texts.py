"""The Russian texts of a mandate and its acceptance, made from the command alone, the same for ever."""

from typing import Any, Final
from uuid import UUID

from kapital.kernel.calendar import MOSCOW
from kapital.kernel.money import format_rubles
from kapital.registry.domain.mandate import MandatePower, MandateSaid

_POWERS: Final = {
    MandatePower.PLACE_ORDERS: "подавать заявки на приобретение цифровых финансовых активов",
    MandatePower.WITHDRAW_ORDERS: "отзывать заявки, поданные им",
}


def mandate_text(principal_id: UUID, said: MandateSaid) -> str:
    """What the principal sees before signing."""
    powers = "; ".join(_POWERS[power] for power in sorted(said.powers))
    one_order, all_of_day = (format_rubles(n, "ru") for n in (said.order_limit_kopecks, said.day_limit_kopecks))
    until = f"{said.valid_until.astimezone(MOSCOW):%d.%m.%Y %H:%M:%S} московского времени"
    return "\n".join(
        [
            "Поручение брокеру",
            "",
            f"Клиент: участник {principal_id}",
            f"Брокер: участник {said.broker_id}",
            "",
            f"Поручаю брокеру от моего имени и за мой счёт: {powers}.",
            f"Сумма одной заявки – не более {one_order}.",
            f"Сумма всех заявок за день по московскому времени – не более {all_of_day}.",
            f"Поручение действует с принятия его брокером до {until}, если раньше его не прекратит одна из сторон.",
            "Единицы зачисляются в мой кошелёк, деньги резервируются и списываются из моего остатка.",
        ]
    )


def mandate_command(principal_id: UUID, said: MandateSaid) -> dict[str, Any]:
    """A mandate in canonical form."""
    return {"participant_id": str(principal_id), **said.canonical()}


def mandate_acceptance_text(mandate_id: UUID, text_sha256: str) -> str:
    """What the broker's person sees before signing. The hash names the text of the mandate."""
    return "\n".join(
        [
            "Принятие поручения клиента",
            "",
            f"Поручение {mandate_id}. Контрольная сумма его текста (SHA-256): {text_sha256}.",
            "",
            "С текстом поручения ознакомлен(а), от имени брокера принимаю его полностью.",
        ]
    )


def mandate_acceptance_command(mandate_id: UUID, text_sha256: str) -> dict[str, Any]:
    """An acceptance in canonical form."""
    return {"mandate_id": str(mandate_id), "text_sha256": text_sha256}
