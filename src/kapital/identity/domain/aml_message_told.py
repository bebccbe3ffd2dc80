"""How a message on measures applied is told in the contract's words, by commands and by queries alike."""

from datetime import datetime

from kapital.contracts import identity as contract
from kapital.identity.domain.aml_message import AmlMessage
from kapital.identity.domain.states import AmlMessageState


def aml_message(message: AmlMessage, now: datetime) -> contract.AmlMessage:
    """The contract's form of a message, without its content."""
    unsent = message.state in (AmlMessageState.DRAFT, AmlMessageState.APPROVED)
    return contract.AmlMessage(
        message_id=message.message_id,
        hit_id=message.hit_id,
        number=message.number,
        participant_id=message.participant_id,
        format=message.format,
        message_sha256=message.sha256,
        state=contract.AmlMessageState(message.state.value),
        drafted_at=message.drafted_at,
        due_at=message.due_at,
        is_overdue=(now if unsent else message.sent_at or now) >= message.due_at,
        prepared_by=message.prepared_by,
        prepared_at=message.prepared_at,
        approved_by=message.approved_by,
        approved_at=message.approved_at,
        sent_by=message.sent_by,
        sent_at=message.sent_at,
        sent_reference=message.sent_reference,
        answered_by=message.answered_by,
        answered_at=message.answered_at,
        answer_reference=message.answer_reference,
    )
