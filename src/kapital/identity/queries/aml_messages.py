"""Read models: messages on measures applied – their course for supervision, their file for the AML officer alone."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import identity as contract
from kapital.identity.contract_forms import aml_message
from kapital.identity.domain.aml_message import AmlMessage
from kapital.identity.domain.problems import AmlMessageNotFound
from kapital.identity.domain.states import AmlMessageState
from kapital.kernel.actor import Actor
from kapital.platform import access

MessageRows = Callable[[Any], AmlMessage]
"""Makes the message of a row of `aml_message`."""

_PAGE: Final = text(
    """
    SELECT * FROM aml_message
    WHERE (CAST(:state AS text) IS NULL OR state = CAST(:state AS text))
        AND (CAST(:after AS uuid) IS NULL OR (due_at, message_id) > (
            SELECT due_at, message_id FROM aml_message WHERE message_id = CAST(:after AS uuid)))
    ORDER BY due_at, message_id LIMIT :limit
    """
)
_ONE: Final = text("SELECT * FROM aml_message WHERE message_id = :id")


async def list_aml_messages(
    conn: AsyncConnection,
    *,
    actor: Actor,
    message_of: MessageRows,
    now: datetime,
    state: AmlMessageState | None = None,
    after: UUID | None = None,
    limit: int = 100,
) -> contract.AmlMessagePage:
    """A page, the earliest deadline first. Shape: `limit` 1 to 1,000. Raises: NotPermitted."""
    access.require(actor, "list_aml_messages")
    rows = (await conn.execute(_PAGE, {"after": after, "state": state, "limit": limit + 1})).all()
    shown = [message_of(row) for row in rows[:limit]]
    return contract.AmlMessagePage(
        messages=[aml_message(message, now) for message in shown],
        next_after=shown[-1].message_id if len(rows) > limit else None,
    )


async def get_aml_message_file(
    conn: AsyncConnection, message_id: UUID, *, actor: Actor, message_of: MessageRows
) -> contract.AmlMessageFile:
    """The file, personal data. Raises: NotPermitted, AmlMessageNotFound."""
    access.require(actor, "get_aml_message_file", access.Resource("AmlMessage"))
    row = (await conn.execute(_ONE, {"id": message_id})).one_or_none()
    if row is None:
        raise AmlMessageNotFound(facts={"message_id": str(message_id)})
    message = message_of(row)
    return contract.AmlMessageFile(
        message_id=message.message_id,
        message_sha256=message.sha256,
        file_name=f"{message.message_id}-{message.number}.json",
        content=message.content.decode(),
    )
