"""Table record_list: how far the list of holders of each action is taken."""

from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.adapters.versioned_table import as_plain
from kapital.tokenization.domain.record_list import RecordList

_BEGIN: Final = text(
    """
    INSERT INTO record_list (action_id, record_size, holders, total_kopecks, parts)
    VALUES (:action_id, :record_size, 0, 0, 0) ON CONFLICT DO NOTHING
    """
)
_LOCK: Final = text(
    """
    SELECT action_id, record_size, after_wallet, holders, total_kopecks, parts FROM record_list
    WHERE action_id = :action_id FOR NO KEY UPDATE
    """
)
_SAVE: Final = text(
    """
    UPDATE record_list SET after_wallet = :after_wallet, holders = :holders, total_kopecks = :total_kopecks,
        parts = :parts
    WHERE action_id = :action_id
    """
)


class RecordListTable:
    """Adapter of the port `RecordLists` on PostgreSQL."""

    async def lock_or_begin(self, conn: AsyncConnection, action_id: UUID, record_size: int) -> RecordList:
        """The list of an action as far as it is taken, begun if it is not, locked."""
        await conn.execute(_BEGIN, {"action_id": action_id, "record_size": record_size})
        row = (await conn.execute(_LOCK, {"action_id": action_id})).mappings().one()
        return msgspec.convert(as_plain(row), RecordList)

    async def save(self, conn: AsyncConnection, taken: RecordList) -> None:
        """Write how far the list is taken now."""
        await conn.execute(_SAVE, msgspec.structs.asdict(taken))
