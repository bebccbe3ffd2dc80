"""Table message_decision."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.incoming_message import IncomingMessage, MessageReason
from kapital.settlement.domain.message_decision import MessageDecision, MessageDecisionKind, MessageDecisionState
from kapital.settlement.ports.message_decisions import ToBook

_ADD: Final = text(
    """
    INSERT INTO message_decision (decision_id, message_id, kind, raw_sha256, parked_for, reason, document_sha256,
        state, proposed_by, proposed_at)
    VALUES (:decision_id, :message_id, :kind, :raw_sha256, :parked_for, :reason, :document_sha256, :state,
        :proposed_by, :proposed_at)
    ON CONFLICT DO NOTHING RETURNING decision_id
    """
)
_PROPOSED: Final = text("SELECT * FROM message_decision WHERE message_id = :id AND state = 'proposed' FOR UPDATE")
_DECIDE: Final = text(
    """
    UPDATE message_decision SET state = :state, decided_by = :decided_by, decided_at = :decided_at
    WHERE decision_id = :decision_id AND state = 'proposed'
    """
)
_APPROVED: Final = text(
    """
    SELECT d.decision_id, d.message_id, m.line_count FROM message_decision AS d JOIN incoming_message AS m
        USING (message_id)
    WHERE d.state = 'approved' ORDER BY d.decision_id LIMIT :limit
    """
)
_DONE: Final = text("UPDATE message_decision SET state = 'done' WHERE decision_id = :id AND state = 'approved'")
_OF_MESSAGE: Final = text(
    "SELECT * FROM message_decision WHERE message_id = :id ORDER BY decision_id DESC LIMIT :limit"
)
_CONTENT_BOOKED: Final = text(
    """
    SELECT EXISTS (SELECT FROM incoming_message
        WHERE content_sha256 = :content AND state = 'taken_in' AND message_id <> :id)
    """
)


class MessageDecisionTable:
    """Implements `ports.MessageDecisions`."""

    async def add(self, conn: AsyncConnection, decision: MessageDecision) -> bool:
        """Keep a proposal; False when another one about the message is open or approved."""
        return (await conn.execute(_ADD, _values(decision))).one_or_none() is not None

    async def proposed(self, conn: AsyncConnection, message_id: UUID) -> MessageDecision | None:
        """What is proposed about a message, locked until the commit."""
        row = (await conn.execute(_PROPOSED, {"id": message_id})).one_or_none()
        return None if row is None else _decision(row)

    async def decide(self, conn: AsyncConnection, decision: MessageDecision) -> None:
        """Save what the second person said."""
        await conn.execute(_DECIDE, _values(decision))

    async def approved(self, conn: AsyncConnection, limit: int) -> Sequence[ToBook]:
        """Those whose lines are still to be booked, oldest first."""
        rows = await conn.execute(_APPROVED, {"limit": limit})
        return [ToBook(UUID(str(row.decision_id)), UUID(str(row.message_id)), row.line_count) for row in rows]

    async def done(self, conn: AsyncConnection, decision_id: UUID) -> None:
        """Save that the lines are booked; a repeat changes nothing."""
        await conn.execute(_DONE, {"id": decision_id})

    async def of_message(self, conn: AsyncConnection, message_id: UUID, limit: int) -> Sequence[MessageDecision]:
        """What was ever proposed about a message, newest first."""
        return [_decision(row) for row in await conn.execute(_OF_MESSAGE, {"id": message_id, "limit": limit})]

    async def is_content_booked(self, conn: AsyncConnection, message: IncomingMessage) -> bool:
        """Whether another message with the same content is taken in."""
        values = {"content": message.content_sha256, "id": message.message_id}
        return bool((await conn.execute(_CONTENT_BOOKED, values)).scalar_one())


def _values(decision: MessageDecision) -> dict[str, Any]:
    named = {
        "kind": decision.kind.value,
        "parked_for": decision.parked_for.value,
        "state": decision.state.value,
    }
    return msgspec.structs.asdict(decision) | named


def _decision(row: Any) -> MessageDecision:
    return MessageDecision(
        decision_id=UUID(str(row.decision_id)),
        message_id=UUID(str(row.message_id)),
        kind=MessageDecisionKind(row.kind),
        raw_sha256=row.raw_sha256,
        parked_for=MessageReason(row.parked_for),
        reason=row.reason,
        document_sha256=row.document_sha256,
        state=MessageDecisionState(row.state),
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )
