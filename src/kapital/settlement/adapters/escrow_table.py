"""Tables dvp_escrow and escrow_notice, and the instructions of the escrow rail in dvp_instruction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.calendar import moscow_day
from kapital.settlement.domain.escrow import (
    EscrowAccounts,
    EscrowInstruction,
    EscrowMove,
    HoldNotice,
    HoldOrder,
    HoldState,
    HoldStatus,
    hold_reference,
)
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.states import DvpState

ASK_AGAIN_AFTER: Final = timedelta(seconds=30)
"""What the bank works on is asked about so often; at once when the bank tells of a change, or was silent."""

# All SQL below is made of constants of this module; values are bound.
_COLUMNS: Final = """
    d.instruction_id, d.asset_id, d.seller_wallet_id, d.buyer_wallet_id, d.units, d.amount_kopecks, d.state,
    d.row_version, e.reference, e.buyer_bic, e.buyer_account, e.seller_bic, e.seller_account, e.release_try,
    e.entry_try, e.lock_seq, e.is_lock_asked, e.is_unlocked, e.is_reserve_asked, e.is_release_sent,
    e.is_free_by_statement, e.bank_state
"""
_ADD: Final = text(
    """
    INSERT INTO dvp_escrow (instruction_id, reference, buyer_bic, buyer_account, seller_bic, seller_account, asked_at)
    SELECT a.*, :now FROM unnest(CAST(:ids AS uuid[]), CAST(:references AS text[]), CAST(:buyer_bics AS text[]),
        CAST(:buyer_accounts AS text[]), CAST(:seller_bics AS text[]), CAST(:seller_accounts AS text[])) AS a
    """
)
# Who is under a measure of 115-FZ, and what waits for another instruction, is not begun.
_READY: Final = text(
    f"""
    SELECT {_COLUMNS} FROM dvp_instruction d JOIN dvp_escrow e USING (instruction_id)
    WHERE d.rail = 'escrow' AND d.state = 'prechecked' AND NOT d.is_held AND d.intended_on <= :today
        AND d.cut_off_at > :now AND e.is_lock_asked = :asked AND e.asked_at < :before
        AND NOT EXISTS (
            SELECT FROM dvp_link l JOIN dvp_instruction o ON o.instruction_id = l.other_id
            WHERE l.instruction_id = d.instruction_id AND l.kind = 'after' AND o.state <> 'settled')
        AND NOT EXISTS (
            SELECT FROM beneficiary b JOIN participant_measure USING (participant_id)
            WHERE b.wallet_id IN (d.seller_wallet_id, d.buyer_wallet_id))
        AND NOT EXISTS (
            SELECT FROM issuer_of_asset i JOIN beneficiary b USING (participant_id)
            WHERE i.asset_id = d.asset_id AND b.wallet_id = d.buyer_wallet_id)
    ORDER BY d.priority, d.intended_on, d.instruction_id LIMIT :limit FOR UPDATE OF d SKIP LOCKED
    """  # noqa: S608
)
_IN_STATES: Final = f"""
    SELECT {_COLUMNS} FROM dvp_instruction d JOIN dvp_escrow e USING (instruction_id)
    WHERE d.rail = 'escrow' AND d.state NOT IN ('new', 'settled', 'rolled_back')
        AND d.state = ANY(CAST(:states AS text[])) AND e.asked_at < :before
        AND (e.bank_state IS NULL OR e.bank_state NOT IN ('pending', 'releasing') OR e.asked_at < :worked_on)
    ORDER BY e.asked_at, d.instruction_id LIMIT :limit
"""  # noqa: S608
_LOCK: Final = text(
    f"""
    SELECT {_COLUMNS} FROM dvp_instruction d JOIN dvp_escrow e USING (instruction_id)
    WHERE d.instruction_id = :id FOR UPDATE OF d
    """  # noqa: S608
)
_OPEN_STATES: Final = text(
    """
    SELECT DISTINCT state FROM dvp_instruction
    WHERE rail = 'escrow' AND state NOT IN ('new', 'settled', 'rolled_back')
    """
)
_TRIED: Final = text("UPDATE dvp_escrow SET asked_at = :now WHERE instruction_id = ANY(CAST(:ids AS uuid[]))")
_LOCK_ASKED: Final = text(
    "UPDATE dvp_escrow SET is_lock_asked = true WHERE instruction_id = ANY(CAST(:ids AS uuid[]))"
)
_ANSWERED: Final = text(
    """
    UPDATE dvp_escrow AS e
    SET bank_state = a.state, bank_reason = a.reason, is_release_sent = e.is_release_sent OR :released
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:reasons AS text[])) AS a (id, state, reason)
    WHERE e.instruction_id = a.id
    """
)
_MOVE: Final = text(
    """
    WITH m AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:sources AS text[]), CAST(:targets AS text[]),
            CAST(:reasons AS text[]), CAST(:ends AS text[]), CAST(:seqs AS bigint[]),
            CAST(:recorded AS timestamptz[]), CAST(:entries AS uuid[]), CAST(:locks AS bigint[]),
            CAST(:unlocked AS boolean[]), CAST(:reserved AS boolean[]))
            AS m (instruction_id, source, target, reason, end_code, entry_seq, recorded_at, entry_id, lock_seq,
                is_unlocked, is_reserve_asked)
    ), moved AS (
        UPDATE dvp_instruction AS d
        SET state = m.target, reason = coalesce(m.reason, d.reason), end_code = coalesce(m.end_code, d.end_code),
            entry_seq = coalesce(m.entry_seq, d.entry_seq), row_version = d.row_version + 1, changed_at = :now,
            settled_units = CASE WHEN m.entry_seq IS NULL THEN d.settled_units ELSE d.units END,
            settled_kopecks = CASE WHEN m.entry_seq IS NULL THEN d.settled_kopecks ELSE d.amount_kopecks END
        FROM m WHERE d.instruction_id = m.instruction_id AND d.state = m.source
        RETURNING d.instruction_id, d.units, d.amount_kopecks
    ), noted AS (
        UPDATE dvp_escrow AS e
        SET lock_seq = coalesce(m.lock_seq, e.lock_seq), is_unlocked = coalesce(m.is_unlocked, e.is_unlocked),
            is_reserve_asked = coalesce(m.is_reserve_asked, e.is_reserve_asked)
        FROM m JOIN moved USING (instruction_id) WHERE e.instruction_id = m.instruction_id
    ), entered AS (
        INSERT INTO dvp_part (instruction_id, settling_id, units, amount_kopecks, entry_seq, recorded_at)
        SELECT m.instruction_id, m.entry_id, moved.units, moved.amount_kopecks, m.entry_seq, m.recorded_at
        FROM m JOIN moved USING (instruction_id) WHERE m.entry_seq IS NOT NULL
    )
    SELECT instruction_id FROM moved
    """
)
_CURSOR: Final = text("SELECT cursor FROM escrow_cursor")
_SET_CURSOR: Final = text("UPDATE escrow_cursor SET cursor = greatest(cursor, :cursor)")
_KEEP_NOTICES: Final = text(
    """
    INSERT INTO escrow_notice (notice_id, cursor, reference, number, state, told_at, received_at)
    SELECT n.*, :now FROM unnest(CAST(:ids AS text[]), CAST(:cursors AS bigint[]), CAST(:references AS text[]),
        CAST(:numbers AS integer[]), CAST(:states AS text[]), CAST(:told AS timestamptz[])) AS n
    ON CONFLICT (notice_id) DO NOTHING
    """
)
_CONTRADICTED: Final = text(
    """
    SELECT count(*) FROM unnest(CAST(:ids AS text[]), CAST(:references AS text[]), CAST(:numbers AS integer[]),
        CAST(:states AS text[])) AS n (notice_id, reference, number, state)
    JOIN escrow_notice k USING (notice_id)
    WHERE (k.reference, k.number, k.state) <> (n.reference, n.number, n.state)
    """
)
# Numbers without a gap after the last one that was applied; what came before its turn waits for it.
_APPLY: Final = text(
    """
    WITH waiting AS (
        SELECT n.notice_id, n.reference, n.number, e.applied_number,
            row_number() OVER (PARTITION BY n.reference ORDER BY n.number) AS place
        FROM escrow_notice n JOIN dvp_escrow e USING (reference) WHERE n.applied_at IS NULL
    ), ripe AS (
        SELECT * FROM waiting WHERE number = applied_number + place OR number <= applied_number
    ), applied AS (
        UPDATE escrow_notice AS n SET applied_at = :now FROM ripe WHERE n.notice_id = ripe.notice_id
    ), last AS (
        SELECT reference, max(number) AS number FROM ripe GROUP BY reference
    )
    UPDATE dvp_escrow AS e SET applied_number = greatest(e.applied_number, last.number), asked_at = '-infinity'
    FROM last WHERE e.reference = last.reference
    """
)


class EscrowTable:
    """Implements `ports.escrow.EscrowRecords`."""

    async def add(self, conn: AsyncConnection, accounts: Mapping[UUID, EscrowAccounts], now: datetime) -> None:
        """Keep the accounts of new instructions by their ids."""
        if not accounts:
            return
        values = {
            "ids": list(accounts),
            "references": [hold_reference(one) for one in accounts],
            "buyer_bics": [one.buyer_account.bic for one in accounts.values()],
            "buyer_accounts": [one.buyer_account.account for one in accounts.values()],
            "seller_bics": [one.seller_account.bic for one in accounts.values()],
            "seller_accounts": [one.seller_account.account for one in accounts.values()],
        }
        await conn.execute(_ADD, {**values, "now": now})

    async def lock_ready(
        self, conn: AsyncConnection, now: datetime, before: datetime, limit: int, *, asked: bool
    ) -> list[EscrowInstruction]:
        """Instructions whose units may be locked now, locked as rows, by priority."""
        values = {"today": moscow_day(now), "now": now, "before": before, "limit": limit, "asked": asked}
        return [_instruction(row) for row in await conn.execute(_READY, values)]

    async def list_in(
        self, conn: AsyncConnection, states: Collection[DvpState], before: datetime, limit: int, *, lock: bool = False
    ) -> list[EscrowInstruction]:
        """Instructions in these states not looked at since `before`."""
        statement = text(_IN_STATES + (" FOR UPDATE OF d SKIP LOCKED" if lock else ""))
        values = {
            "states": [state.value for state in states],
            "before": before,
            "worked_on": before - ASK_AGAIN_AFTER,
            "limit": limit,
        }
        return [_instruction(row) for row in await conn.execute(statement, values)]

    async def open_states(self, conn: AsyncConnection) -> frozenset[DvpState]:
        """The states in which instructions stand that have not ended."""
        return frozenset(DvpState(row.state) for row in await conn.execute(_OPEN_STATES))

    async def lock(self, conn: AsyncConnection, instruction_id: UUID) -> EscrowInstruction | None:
        """One instruction, locked until the commit."""
        row = (await conn.execute(_LOCK, {"id": instruction_id})).one_or_none()
        return None if row is None else _instruction(row)

    async def note_tried(self, conn: AsyncConnection, ids: Sequence[UUID], now: datetime) -> None:
        """Put these behind those not looked at yet."""
        if ids:
            await conn.execute(_TRIED, {"ids": list(ids), "now": now})

    async def note_lock_asked(self, conn: AsyncConnection, ids: Sequence[UUID]) -> None:
        """Keep that the register will be asked to lock the units of these."""
        if ids:
            await conn.execute(_LOCK_ASKED, {"ids": list(ids)})

    async def note_answers(
        self, conn: AsyncConnection, answers: Sequence[tuple[UUID, HoldStatus]], *, released: bool
    ) -> None:
        """Keep what the bank said."""
        if answers:
            values = {
                "ids": [one for one, _ in answers],
                "states": [answer.state.value for _, answer in answers],
                "reasons": [answer.reason for _, answer in answers],
            }
            await conn.execute(_ANSWERED, {**values, "released": released})

    async def move(self, conn: AsyncConnection, moves: Sequence[EscrowMove], now: datetime) -> frozenset[UUID]:
        """Make the steps that are still possible; returns the ids of those made here and now."""
        if not moves:
            return frozenset()
        values: dict[str, Any] = {
            "ids": [move.one.instruction_id for move in moves],
            "sources": [move.source.value for move in moves],
            "targets": [move.target.value for move in moves],
            "reasons": [move.reason for move in moves],
            "ends": [move.end_code for move in moves],
            "seqs": [move.entry_seq for move in moves],
            "recorded": [move.recorded_at for move in moves],
            "entries": [move.entry_id for move in moves],
            "locks": [move.lock_seq for move in moves],
            "unlocked": [move.is_unlocked for move in moves],
            "reserved": [move.is_reserve_asked for move in moves],
        }
        made = (await conn.execute(_MOVE, {**values, "now": now})).scalars()
        return frozenset(UUID(bytes=one.bytes) for one in made)

    async def cursor(self, conn: AsyncConnection) -> int:
        """Up to where the bank's notices are kept."""
        return int((await conn.execute(_CURSOR)).scalar_one())

    async def keep_notices(
        self, conn: AsyncConnection, notices: Sequence[HoldNotice], cursor: int, now: datetime
    ) -> int:
        """Keep notices once; returns how many came again with other content."""
        by_id = {one.notice_id: one for one in notices}
        values: dict[str, Any] = {
            "ids": list(by_id),
            "references": [one.reference for one in by_id.values()],
            "numbers": [one.number for one in by_id.values()],
            "states": [one.state.value for one in by_id.values()],
        }
        places = {
            "cursors": [one.cursor for one in by_id.values()],
            "told": [one.at for one in by_id.values()],
        }
        contradicted = int((await conn.execute(_CONTRADICTED, values)).scalar_one())
        await conn.execute(_KEEP_NOTICES, {**values, **places, "now": now})
        await conn.execute(_SET_CURSOR, {"cursor": cursor})
        return contradicted

    async def apply_notices(self, conn: AsyncConnection, now: datetime) -> int:
        """Apply what came in order; returns for how many instructions the bank has to be asked."""
        return (await conn.execute(_APPLY, {"now": now})).rowcount


def _instruction(row: Any) -> EscrowInstruction:
    instruction_id = UUID(bytes=row.instruction_id.bytes)
    return EscrowInstruction(
        instruction_id=instruction_id,
        asset_id=UUID(bytes=row.asset_id.bytes),
        seller_wallet_id=UUID(bytes=row.seller_wallet_id.bytes),
        buyer_wallet_id=UUID(bytes=row.buyer_wallet_id.bytes),
        units=row.units,
        state=DvpState(row.state),
        order=HoldOrder(
            instruction_id=instruction_id,
            reference=row.reference,
            amount_kopecks=row.amount_kopecks,
            buyer_account=PayoutAccount(bic=row.buyer_bic, account=row.buyer_account),
            seller_account=PayoutAccount(bic=row.seller_bic, account=row.seller_account),
            release_try=row.release_try,
        ),
        entry_try=row.entry_try,
        lock_seq=row.lock_seq,
        is_lock_asked=row.is_lock_asked,
        is_unlocked=row.is_unlocked,
        is_reserve_asked=row.is_reserve_asked,
        is_release_sent=row.is_release_sent,
        is_free_by_statement=row.is_free_by_statement,
        bank_state=HoldState(row.bank_state) if row.bank_state else None,
        row_version=row.row_version,
    )
