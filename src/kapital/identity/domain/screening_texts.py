"""What the AML officer is told of a hit; the client is told nothing of it.

Law: 115-FZ art. 4 (those concerned are not told of measures taken against laundering, but for the suspension itself).
"""

from typing import Final

from kapital.identity.domain.screening_hit import ScreeningHit
from kapital.identity.domain.states import HitState

_STATE: Final = {
    HitState.FROZEN: "Имущество заблокировано автоматически: совпадение точное.",
    HitState.SUSPECTED: "Операции приостановлены до решения.",
}


def officer_message(hit: ScreeningHit) -> str:
    """The draft of the message to the AML officer (специальное должностное лицо), in Russian."""
    lines = [
        f"Совпадение клиента {hit.participant_id} с перечнем «{hit.source.value}», версия {hit.list_number}.",
        f"Запись перечня: {hit.entry_uid} (SHA-256 {hit.entry_sha256}).",
        f"Степень сходства: {hit.score_ppm // 10_000} %, вид совпадения: {_GRADE[hit.grade.value]}.",
        "Основания: " + ("; ".join(hit.reasons) or "нет") + ".",
        _STATE.get(hit.state, f"Состояние: {hit.state.value}."),
    ]
    if hit.decide_by is not None and hit.state is HitState.SUSPECTED:
        lines.append(f"Решение нужно принять до {hit.decide_by.isoformat(timespec='minutes')}.")
    if hit.state is HitState.FROZEN:
        lines.append("О применённых мерах необходимо незамедлительно сообщить в Росфинмониторинг.")
    return "\n".join(lines)


_GRADE: Final = {"exact": "точное", "fuzzy": "по сходству"}
