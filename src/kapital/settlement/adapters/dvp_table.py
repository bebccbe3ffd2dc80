"""Tables dvp_batch, dvp_instruction and dvp_link."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.dvp import BatchState, DvpBatch, DvpInstruction, DvpLink, DvpMove
from kapital.settlement.dvp_rows import COLUMNS, batch_of, instruction_of

# All SQL below is made of constants of this module and of `dvp_rows`; values are bound.
_ADD_BATCH: Final = text(
    """
    INSERT INTO dvp_batch (batch_id, content_sha256, state, instructions, instructed_by, instructed_at)
    VALUES (:batch, :content, :state, :instructions, :by, :at)
    """
)
_ADD: Final = text(
    """
    INSERT INTO dvp_instruction (instruction_id, batch_id, item, reference, asset_id, issue_id, seller_wallet_id,
        buyer_wallet_id, units, amount_kopecks, rail, is_held, priority, is_partial_allowed, intended_on, cut_off_at,
        state, changed_at)
    SELECT i.*, :now
    FROM unnest(CAST(:instruction_id AS uuid[]), CAST(:batch_id AS uuid[]), CAST(:item AS integer[]),
        CAST(:reference AS text[]), CAST(:asset_id AS uuid[]), CAST(:issue_id AS uuid[]),
        CAST(:seller_wallet_id AS uuid[]), CAST(:buyer_wallet_id AS uuid[]), CAST(:units AS bigint[]),
        CAST(:amount_kopecks AS bigint[]), CAST(:rail AS text[]), CAST(:is_held AS boolean[]),
        CAST(:priority AS smallint[]), CAST(:is_partial_allowed AS boolean[]), CAST(:intended_on AS date[]),
        CAST(:cut_off_at AS timestamptz[]), CAST(:state AS text[])) AS i
    ON CONFLICT (reference) DO NOTHING
    """
)
_ADDED: Final = (
    "instruction_id", "batch_id", "item", "reference", "asset_id", "issue_id", "seller_wallet_id", "buyer_wallet_id",
    "units", "amount_kopecks", "rail", "is_held", "priority", "is_partial_allowed", "intended_on", "cut_off_at",
    "state",
)  # fmt: skip
_ADD_LINKS: Final = text(
    """
    INSERT INTO dvp_link (instruction_id, kind, other_id)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:others AS uuid[]))
    ON CONFLICT DO NOTHING
    """
)
_TOUCH: Final = text(
    """
    UPDATE dvp_instruction SET row_version = row_version + 1, changed_at = :now
    WHERE instruction_id = ANY(CAST(:ids AS uuid[]))
    """
)
_LOCK_BATCH: Final = text("SELECT * FROM dvp_batch WHERE batch_id = :batch FOR UPDATE")
_DECIDE: Final = text(
    "UPDATE dvp_batch SET state = :state, decided_by = :by, decided_at = :now WHERE batch_id = :batch"
)
_OF_BATCH: Final = text(f"SELECT {COLUMNS} FROM dvp_instruction d WHERE d.batch_id = :batch ORDER BY d.item")  # noqa: S608
_LOCK: Final = text(
    f"""
    SELECT {COLUMNS} FROM dvp_instruction d WHERE d.instruction_id = ANY(CAST(:ids AS uuid[]))
    ORDER BY d.instruction_id FOR UPDATE
    """  # noqa: S608
)
_BY_REFERENCE: Final = text(
    f"""
    SELECT {COLUMNS} FROM dvp_instruction d WHERE d.reference = ANY(CAST(:references AS text[]))
    ORDER BY d.instruction_id FOR UPDATE
    """  # noqa: S608
)
_MOVE: Final = text(
    """
    UPDATE dvp_instruction AS d
    SET state = m.target, reason = coalesce(m.reason, d.reason), end_code = coalesce(m.end_code, d.end_code),
        entry_seq = coalesce(m.entry_seq, d.entry_seq), row_version = d.row_version + 1, changed_at = :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:sources AS text[]), CAST(:targets AS text[]), CAST(:reasons AS text[]),
        CAST(:ends AS text[]), CAST(:seqs AS bigint[]))
        AS m (instruction_id, source, target, reason, end_code, entry_seq)
    WHERE d.instruction_id = m.instruction_id AND d.state = m.source
    RETURNING d.instruction_id
    """
)
_SET_HELD: Final = text(
    """
    UPDATE dvp_instruction SET is_held = :is_held, row_version = row_version + 1, changed_at = :now
    WHERE instruction_id = ANY(CAST(:ids AS uuid[]))
    """
)
_SET_PRIORITY: Final = text(
    """
    UPDATE dvp_instruction SET priority = :priority, row_version = row_version + 1, changed_at = :now
    WHERE instruction_id = ANY(CAST(:ids AS uuid[]))
    """
)


class DvpTable:
    """Implements `ports.DvpInstructions`."""

    async def add(
        self,
        conn: AsyncConnection,
        batch: DvpBatch,
        instructions: Sequence[DvpInstruction],
        links: Sequence[DvpLink],
    ) -> int:
        """Keep a batch whole; returns how many of its references were taken already (then nothing may be kept)."""
        head = {
            "batch": batch.batch_id,
            "content": batch.content_sha256,
            "state": batch.state.value,
            "instructions": batch.instructions,
            "by": batch.instructed_by,
            "at": batch.instructed_at,
        }
        await conn.execute(_ADD_BATCH, head)
        values: dict[str, Any] = {name: [getattr(one, name) for one in instructions] for name in _ADDED}
        added = (await conn.execute(_ADD, {**values, "now": batch.instructed_at})).rowcount
        if added == len(instructions):
            await self.add_links(conn, links, batch.instructed_at)
        return len(instructions) - added

    async def lock_batch(self, conn: AsyncConnection, batch_id: UUID) -> DvpBatch | None:
        """The batch, locked until the commit."""
        row = (await conn.execute(_LOCK_BATCH, {"batch": batch_id})).one_or_none()
        return None if row is None else batch_of(row)

    async def decide_batch(
        self, conn: AsyncConnection, batch_id: UUID, state: BatchState, decided_by: str, now: datetime
    ) -> None:
        """Keep the decision on a batch that is locked."""
        await conn.execute(_DECIDE, {"batch": batch_id, "state": state.value, "by": decided_by, "now": now})

    async def of_batch(self, conn: AsyncConnection, batch_id: UUID) -> list[DvpInstruction]:
        """The instructions of a batch, in its order."""
        return [instruction_of(row) for row in await conn.execute(_OF_BATCH, {"batch": batch_id})]

    async def lock(self, conn: AsyncConnection, ids: Collection[UUID]) -> list[DvpInstruction]:
        """These instructions by id, locked until the commit, in the order of their ids; unknown ones are left out."""
        return [instruction_of(row) for row in await conn.execute(_LOCK, {"ids": list(ids)})]

    async def by_reference(self, conn: AsyncConnection, references: Collection[str]) -> list[DvpInstruction]:
        """The instructions with these references, locked against their end until the commit."""
        if not references:
            return []
        rows = await conn.execute(_BY_REFERENCE, {"references": list(references)})
        return [instruction_of(row) for row in rows]

    async def move(self, conn: AsyncConnection, moves: Sequence[DvpMove], now: datetime) -> frozenset[UUID]:
        """Make the steps that are still possible; returns the ids of those made here and now."""
        if not moves:
            return frozenset()
        values: dict[str, Any] = {
            "ids": [move.instruction_id for move in moves],
            "sources": [move.source.value for move in moves],
            "targets": [move.target.value for move in moves],
            "reasons": [move.reason for move in moves],
            "ends": [move.end_code for move in moves],
            "seqs": [move.entry_seq for move in moves],
        }
        made = (await conn.execute(_MOVE, {**values, "now": now})).scalars()
        return frozenset(UUID(bytes=one.bytes) for one in made)

    async def set_held(self, conn: AsyncConnection, ids: Collection[UUID], *, is_held: bool, now: datetime) -> None:
        """Hold or release these."""
        await conn.execute(_SET_HELD, {"ids": list(ids), "is_held": is_held, "now": now})

    async def set_priority(self, conn: AsyncConnection, ids: Collection[UUID], priority: int, now: datetime) -> None:
        """Give these a priority, 1 to 4."""
        await conn.execute(_SET_PRIORITY, {"ids": list(ids), "priority": priority, "now": now})

    async def add_links(self, conn: AsyncConnection, links: Sequence[DvpLink], now: datetime) -> None:
        """Keep links; those kept already stay. Both ends count as changed."""
        if not links:
            return
        values: dict[str, list[Any]] = {
            "ids": [link.instruction_id for link in links],
            "kinds": [link.kind.value for link in links],
            "others": [link.other_id for link in links],
        }
        await conn.execute(_ADD_LINKS, values)
        await conn.execute(_TOUCH, {"ids": [*values["ids"], *values["others"]], "now": now})
