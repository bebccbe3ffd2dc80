"""Holders' instructions to put units or to accept an offer, and the early actions of the schedule."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.adapters.actions import ACTION_TABLE
from kapital.tokenization.adapters.versioned_table import VersionedTable, plain
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.redemption_instruction import Instruction

INSTRUCTION_TABLE: Final = VersionedTable(
    Instruction,
    "redemption_instruction",
    "instruction_id",
    {
        "instruction_id": "uuid",
        "action_id": "uuid",
        "issue_id": "uuid",
        "participant_id": "uuid",
        "wallet_id": "uuid",
        "units": "bigint",
        "state": "text",
        "version": "bigint",
        "actor_id": "text",
        "command_id": "text",
        "fingerprint": "text",
        "created_at": "timestamptz",
        "act_file_sha256": "text",
        "lock_seq": "bigint",
        "locked_at": "timestamptz",
        "refusal_code": "text",
        "refusal_facts": "jsonb",
        "taken_units": "bigint",
        "release_units": "bigint",
        "release_seq": "bigint",
    },
)
_RELEASED: Final = text(
    """
    UPDATE redemption_instruction SET release_seq = r.seq, version = version + 1
    FROM unnest(CAST(:ids AS uuid[]), CAST(:seqs AS bigint[])) AS r(id, seq)
    WHERE instruction_id = r.id AND release_seq IS NULL
    """
)
_ENDED: Final = text(
    """
    SELECT issue_id FROM issue i
    WHERE state IN ('circulating', 'technical_default') AND allocated_units > 0
      AND EXISTS (SELECT FROM corporate_action a WHERE a.issue_id = i.issue_id AND early IS NOT NULL
                  AND a.state IN ('paid', 'closed'))
      AND allocated_units = (
          SELECT sum(CAST(early ->> 'units' AS bigint)) FROM corporate_action a
          WHERE a.issue_id = i.issue_id AND early IS NOT NULL AND a.state IN ('paid', 'closed'))
    ORDER BY issue_id LIMIT :limit
    """
)


class InstructionTables:
    """Adapter of the port `Instructions` on PostgreSQL."""

    async def add(self, conn: AsyncConnection, instruction: Instruction) -> bool:
        """Keep a new instruction; False if the command has one."""
        return bool(await INSTRUCTION_TABLE.insert(conn, [instruction]))

    async def save(self, conn: AsyncConnection, instructions: Sequence[Instruction]) -> None:
        """Write the next version of each. Raises: StaleVersion."""
        await INSTRUCTION_TABLE.update(conn, instructions)

    async def of_command(self, conn: AsyncConnection, actor_id: str, command_id: str) -> Instruction | None:
        """The instruction that a command made."""
        tail = "WHERE actor_id = :actor AND command_id = :command"
        rows = await INSTRUCTION_TABLE.select(conn, tail, {"actor": actor_id, "command": command_id})
        return rows[0] if rows else None

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Instruction]:
        """Those instructions that exist, by id."""
        tail = "WHERE instruction_id = ANY(CAST(:ids AS uuid[]))"
        rows = await INSTRUCTION_TABLE.select(conn, tail, {"ids": sorted(ids)})
        return {row.instruction_id: row for row in rows}

    async def lock(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Instruction]:
        """As `read`, rows locked. Issue and action are locked before."""
        tail = "WHERE instruction_id = ANY(CAST(:ids AS uuid[])) ORDER BY instruction_id FOR NO KEY UPDATE"
        rows = await INSTRUCTION_TABLE.select(conn, tail, {"ids": sorted(ids)})
        return {row.instruction_id: row for row in rows}

    async def lock_of_actions(
        self, conn: AsyncConnection, action_ids: Iterable[UUID], states: Sequence[str]
    ) -> list[Instruction]:
        """The instructions of actions in some states, locked."""
        tail = """WHERE action_id = ANY(CAST(:ids AS uuid[])) AND state = ANY(CAST(:states AS text[]))
            ORDER BY instruction_id FOR NO KEY UPDATE"""
        return await INSTRUCTION_TABLE.select(conn, tail, {"ids": sorted(action_ids), "states": list(states)})

    async def asked(
        self, conn: AsyncConnection, *, before: datetime, actions: Iterable[UUID], limit: int
    ) -> list[Instruction]:
        """Instructions not decided: older than `before`, or of these actions whatever their age."""
        tail = """WHERE state = 'asked' AND (created_at < :before OR action_id = ANY(CAST(:actions AS uuid[])))
            ORDER BY instruction_id LIMIT :limit"""
        values = {"before": before, "actions": list(actions), "limit": limit}
        return await INSTRUCTION_TABLE.select(conn, tail, values)

    async def release_due(self, conn: AsyncConnection, after: UUID, limit: int) -> list[Instruction]:
        """Instructions with units that have to go back, with ids above `after`."""
        tail = """WHERE release_units > 0 AND release_seq IS NULL AND instruction_id > :after
            ORDER BY instruction_id LIMIT :limit"""
        return await INSTRUCTION_TABLE.select(conn, tail, {"after": after, "limit": limit})

    async def note_released(self, conn: AsyncConnection, entries: Mapping[UUID, int]) -> None:
        """Note the ledger entries with which units went back."""
        await conn.execute(_RELEASED, {"ids": list(entries), "seqs": list(entries.values())})

    async def page(
        self,
        conn: AsyncConnection,
        *,
        participant_id: UUID | None,
        action_id: UUID | None,
        after: UUID | None,
        limit: int,
    ) -> list[Instruction]:
        """Instructions by id above `after`, of one participant and one action where given."""
        tail = """WHERE (CAST(:participant_id AS uuid) IS NULL OR participant_id = :participant_id)
              AND (CAST(:action_id AS uuid) IS NULL OR action_id = :action_id)
              AND (CAST(:after AS uuid) IS NULL OR instruction_id > :after)
            ORDER BY instruction_id LIMIT :limit"""
        values = {"participant_id": participant_id, "action_id": action_id, "after": after, "limit": limit}
        return await INSTRUCTION_TABLE.select(conn, tail, values)

    async def early_actions(
        self, conn: AsyncConnection, *, states: Sequence[str], limit: int
    ) -> list[CorporateAction]:
        """Early actions in some states, whatever became of their issue."""
        tail = """WHERE early IS NOT NULL AND state = ANY(CAST(:states AS text[]))
            ORDER BY pay_on, issue_id, number LIMIT :limit"""
        return await ACTION_TABLE.select(conn, tail, {"states": list(states), "limit": limit})

    async def to_free(self, conn: AsyncConnection, limit: int) -> list[CorporateAction]:
        """Calls whose lock stands on accounts that they no longer need: a part was listed, or all is cancelled."""
        tail = """WHERE early IS NOT NULL AND early ->> 'lock' = 'locked'
              AND (state = 'cancelled'
                   OR (early ->> 'units_max' IS NOT NULL AND record_size IS NOT NULL))
            ORDER BY action_id LIMIT :limit"""
        return await ACTION_TABLE.select(conn, tail, {"limit": limit})

    async def paid_with_taken(self, conn: AsyncConnection, limit: int) -> list[CorporateAction]:
        """Paid actions whose instructions are not told so yet."""
        tail = """WHERE early IS NOT NULL AND state IN ('paid', 'closed') AND EXISTS (
                SELECT FROM redemption_instruction r
                WHERE r.action_id = corporate_action.action_id AND r.state = 'taken')
            ORDER BY action_id LIMIT :limit"""
        return await ACTION_TABLE.select(conn, tail, {"limit": limit})

    async def ended(self, conn: AsyncConnection, limit: int) -> list[UUID]:
        """Issues in circulation whose every unit ended early."""
        return [plain(key) for key in (await conn.execute(_ENDED, {"limit": limit})).scalars()]
