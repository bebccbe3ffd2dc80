"""The table of messages on measures applied."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.identity.domain.aml_message import AmlMessage
from kapital.identity.domain.states import AmlMessageState
from kapital.kernel.problems import ensure
from kapital.platform.row_versions import row_version

_COLUMNS: Final = """
    message_id, hit_id, number, participant_id, format, content, state, drafted_at, due_at, prepared_by, prepared_at,
    approved_by, approved_at, sent_by, sent_at, sent_reference, answered_by, answered_at, answer_reference
"""
# Every draft of a transaction has one format.
_ADD: Final = text(
    """
    INSERT INTO aml_message (message_id, hit_id, number, participant_id, format, content, state, drafted_at, due_at)
    SELECT id, hit, number, participant, :format, content, 'draft', drafted_at, due_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:hits AS uuid[]), CAST(:numbers AS integer[]),
            CAST(:participants AS uuid[]), CAST(:contents AS bytea[]), CAST(:instants AS timestamptz[]),
            CAST(:terms AS timestamptz[]))
        AS m (id, hit, number, participant, content, drafted_at, due_at)
    ON CONFLICT (hit_id, number) DO NOTHING
    """
)
_READ: Final = f"SELECT {_COLUMNS} FROM aml_message WHERE message_id = :id"  # noqa: S608 - a constant of this module
_SAVE: Final = text(
    """
    UPDATE aml_message SET content = :content, state = :state, prepared_by = :prepared_by, prepared_at = :prepared_at,
        approved_by = :approved_by, approved_at = :approved_at, sent_by = :sent_by, sent_at = :sent_at,
        sent_reference = :sent_reference, answered_by = :answered_by, answered_at = :answered_at,
        answer_reference = :answer_reference
    WHERE message_id = :message_id
    """
)
_SAVED: Final = (
    "content", "prepared_by", "prepared_at", "approved_by", "approved_at", "sent_by", "sent_at", "sent_reference",
    "answered_by", "answered_at", "answer_reference", "message_id",
)  # fmt: skip


class AmlMessageTable:
    """AmlMessageStore on PostgreSQL."""

    async def row_version(self, conn: AsyncConnection, message_id: UUID) -> int:
        """The version of the message; 0 without one."""
        return await row_version(conn, "aml_message", "message_id", message_id)

    async def add(self, conn: AsyncConnection, messages: Sequence[AmlMessage]) -> None:
        """Enter drafts; one that is there for the same hit and number stays."""
        if not messages:
            return
        formats = {message.format for message in messages}
        ensure(len(formats) == 1, "drafts made together have one format")
        await conn.execute(
            _ADD,
            {
                "format": formats.pop(),
                "ids": [message.message_id for message in messages],
                "hits": [message.hit_id for message in messages],
                "numbers": [message.number for message in messages],
                "participants": [message.participant_id for message in messages],
                "contents": [message.content for message in messages],
                "instants": [message.drafted_at for message in messages],
                "terms": [message.due_at for message in messages],
            },
        )

    async def find(self, conn: AsyncConnection, message_id: UUID, *, lock: bool) -> AmlMessage | None:
        """One message."""
        statement = text(_READ + (" FOR UPDATE" if lock else ""))
        row = (await conn.execute(statement, {"id": message_id})).one_or_none()
        return None if row is None else message_of(row)

    async def save(self, conn: AsyncConnection, message: AmlMessage) -> None:
        """Write what steps change of a locked message."""
        values = {name: getattr(message, name) for name in _SAVED} | {"state": message.state.value}
        saved = await conn.execute(_SAVE, values)
        ensure(saved.rowcount == 1, "a locked message has gone")


def message_of(row: Any) -> AmlMessage:
    """The message in a row of its columns."""
    values = {name.strip(): getattr(row, name.strip()) for name in _COLUMNS.split(",")}
    values |= {
        "message_id": UUID(str(row.message_id)),
        "hit_id": UUID(str(row.hit_id)),
        "participant_id": UUID(str(row.participant_id)),
        "content": bytes(row.content),
        "state": AmlMessageState(row.state),
    }
    return AmlMessage(**values)
