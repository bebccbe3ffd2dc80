"""The Russian texts of acts about the end of a placement, cancelling an action, exchanging units; `TEXT_VERSION` as
of other acts.
"""

from typing import Any
from uuid import UUID


def placement_end_text(issue_id: UUID, decision_sha256: str) -> str:
    """The issuer's word that the placement ends."""
    return "\n".join(
        [
            "Заявление эмитента об окончании размещения цифровых финансовых активов",
            "",
            f"Выпуск {issue_id}, контрольная сумма решения о выпуске (SHA-256) {decision_sha256}.",
            "Пользуюсь правом окончить размещение досрочно, которое даёт решение о выпуске: заявки принимаются и",
            "отзываются до момента, в который это заявление принято, и удовлетворяются, как указано в решении.",
        ]
    )


def placement_end_command(issue_id: UUID, decision_sha256: str) -> dict[str, Any]:
    """The statement in canonical form."""
    return {"issue_id": str(issue_id), "decision_sha256": decision_sha256}


def cancellation_text(proposal_id: UUID, proposal_sha256: str) -> str:
    """The issuer's consent to a cancellation."""
    return "\n".join(
        [
            "Согласие эмитента на отмену корпоративного действия",
            "",
            f"Предложение оператора {proposal_id}, контрольная сумма (SHA-256) {proposal_sha256}.",
            "Согласен(на) на отмену названного в нём корпоративного действия.",
        ]
    )


def cancellation_command(proposal_id: UUID, proposal_sha256: str) -> dict[str, Any]:
    """The consent in canonical form."""
    return {"proposal_id": str(proposal_id), "proposal_sha256": proposal_sha256}


def exchange_text(proposal_id: UUID, proposal_sha256: str) -> str:
    """A holder's consent to an exchange."""
    return "\n".join(
        [
            "Согласие обладателя на обмен цифровых финансовых активов при реструктуризации",
            "",
            f"Реструктуризация {proposal_id}, контрольная сумма (SHA-256) {proposal_sha256}.",
            "Согласен(на), чтобы записи обо всех моих свободных единицах прежнего выпуска были погашены, а мои",
            "требования по ним, включая невыплаченные, прекратились, и чтобы той же записью мне были зачислены",
            "единицы нового выпуска в названном соотношении. С решением о новом выпуске ознакомлен(а).",
        ]
    )


def exchange_command(proposal_id: UUID, proposal_sha256: str) -> dict[str, Any]:
    """The consent in canonical form."""
    return {"proposal_id": str(proposal_id), "proposal_sha256": proposal_sha256}
