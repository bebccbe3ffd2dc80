"""Table withdrawal."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.states import WithdrawalState
from kapital.settlement.domain.withdrawal import Move, Withdrawal

_COLUMNS: Final = (
    "withdrawal_id, requested_by, item, wallet_id, amount_kopecks, bic, account, state, reason, entry_seq"
)
_ADD: Final = text(
    """
    INSERT INTO withdrawal (withdrawal_id, requested_by, command_id, item, wallet_id, amount_kopecks, bic, account,
        state, requested_at, changed_at, asked_at)
    SELECT withdrawal_id, requested_by, :command, item, wallet_id, amount_kopecks, bic, account, state,
        :now, :now, :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:actors AS text[]), CAST(:items AS integer[]), CAST(:wallets AS uuid[]),
        CAST(:amounts AS bigint[]), CAST(:bics AS text[]), CAST(:accounts AS text[]), CAST(:states AS text[]))
        AS w (withdrawal_id, requested_by, item, wallet_id, amount_kopecks, bic, account, state)
    """
)
_OF_COMMAND: Final = (
    f"SELECT {_COLUMNS} FROM withdrawal WHERE requested_by = :actor AND command_id = :command "  # noqa: S608 - constants of this module; values are bound
    "ORDER BY item"
)
_FREE: Final = """
    NOT EXISTS (
        SELECT FROM beneficiary b JOIN participant_measure USING (participant_id)
        WHERE b.wallet_id = withdrawal.wallet_id
    )
"""
_IN_STATES: Final = f"""
    SELECT {_COLUMNS} FROM withdrawal
    WHERE state = ANY(CAST(:states AS text[])) AND (NOT CAST(:free_only AS boolean) OR {_FREE})
    ORDER BY asked_at, withdrawal_id LIMIT :limit
"""  # noqa: S608 - constants of this module; values are bound
_SENDABLE: Final = text(
    f"""
    SELECT {_COLUMNS} FROM withdrawal
    WHERE withdrawal_id = ANY(CAST(:ids AS uuid[])) AND state = :state AND {_FREE} ORDER BY withdrawal_id
    """  # noqa: S608 - constants of this module; values are bound
)
_MOVE: Final = text(
    """
    UPDATE withdrawal AS w
    SET state = m.target, reason = coalesce(m.reason, w.reason), entry_seq = coalesce(m.entry_seq, w.entry_seq),
        changed_at = :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:sources AS text[]), CAST(:targets AS text[]), CAST(:reasons AS text[]),
        CAST(:seqs AS bigint[])) AS m (withdrawal_id, source, target, reason, entry_seq)
    WHERE w.withdrawal_id = m.withdrawal_id AND w.state = m.source
    RETURNING w.withdrawal_id
    """
)
_NOTE_ASKED: Final = text("UPDATE withdrawal SET asked_at = :now WHERE withdrawal_id = ANY(CAST(:ids AS uuid[]))")


class WithdrawalTable:
    """Implements `ports.Withdrawals`."""

    async def add(
        self, conn: AsyncConnection, withdrawals: Sequence[Withdrawal], *, command_id: str, now: datetime
    ) -> None:
        """Keep new ones."""
        if not withdrawals:
            return
        values: dict[str, Any] = {
            "ids": [one.withdrawal_id for one in withdrawals],
            "actors": [one.requested_by for one in withdrawals],
            "items": [one.item for one in withdrawals],
            "wallets": [one.wallet_id for one in withdrawals],
            "amounts": [one.amount_kopecks for one in withdrawals],
            "bics": [one.payout_account.bic for one in withdrawals],
            "accounts": [one.payout_account.account for one in withdrawals],
            "states": [one.state.value for one in withdrawals],
        }
        await conn.execute(_ADD, {**values, "command": command_id, "now": now})

    async def list_of_command(
        self, conn: AsyncConnection, *, actor_id: str, command_id: str, lock: bool = False
    ) -> list[Withdrawal]:
        """What a command asked for, in its order."""
        statement = text(_OF_COMMAND + (" FOR UPDATE" if lock else ""))
        rows = await conn.execute(statement, {"actor": actor_id, "command": command_id})
        return [_withdrawal(row) for row in rows]

    async def list_in(
        self,
        conn: AsyncConnection,
        states: Sequence[WithdrawalState],
        limit: int,
        *,
        lock: bool = False,
        free_only: bool = False,
    ) -> list[Withdrawal]:
        """Withdrawals in these states, those longest not looked at first; `lock` skips what others hold."""
        statement = text(_IN_STATES + (" FOR UPDATE OF withdrawal SKIP LOCKED" if lock else ""))
        values = {"states": [state.value for state in states], "limit": limit, "free_only": free_only}
        rows = await conn.execute(statement, values)
        return [_withdrawal(row) for row in rows]

    async def list_sendable(
        self, conn: AsyncConnection, ids: Sequence[UUID], state: WithdrawalState
    ) -> list[Withdrawal]:
        """Those of these ids that are in the state, without those whose owners are under a measure."""
        rows = await conn.execute(_SENDABLE, {"ids": list(ids), "state": state.value})
        return [_withdrawal(row) for row in rows]

    async def move(self, conn: AsyncConnection, moves: Sequence[Move], now: datetime) -> frozenset[UUID]:
        """Make the steps that are still possible; returns the ids of those made here and now."""
        if not moves:
            return frozenset()
        values: dict[str, Any] = {
            "ids": [move.withdrawal.withdrawal_id for move in moves],
            "sources": [move.source.value for move in moves],
            "targets": [move.target.value for move in moves],
            "reasons": [move.reason for move in moves],
            "seqs": [move.entry_seq for move in moves],
        }
        made = (await conn.execute(_MOVE, {**values, "now": now})).scalars()
        return frozenset(UUID(str(withdrawal_id)) for withdrawal_id in made)

    async def note_asked(self, conn: AsyncConnection, ids: Sequence[UUID], now: datetime) -> None:
        """Put these at the end of the queue of enquiries."""
        if ids:
            await conn.execute(_NOTE_ASKED, {"ids": list(ids), "now": now})


def _withdrawal(row: Any) -> Withdrawal:
    return Withdrawal(
        withdrawal_id=UUID(str(row.withdrawal_id)),
        requested_by=row.requested_by,
        item=row.item,
        wallet_id=UUID(str(row.wallet_id)),
        amount_kopecks=row.amount_kopecks,
        payout_account=PayoutAccount(bic=row.bic, account=row.account),
        state=WithdrawalState(row.state),
        reason=row.reason,
        entry_seq=row.entry_seq,
    )
