"""Table withdrawal."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.budget_payment import BudgetPayment
from kapital.settlement.domain.payout_account import Payee, PayoutAccount, ReturnToPayer, SbpPayee
from kapital.settlement.domain.states import WithdrawalState
from kapital.settlement.domain.withdrawal import Move, Withdrawal

_COLUMNS: Final = """
    withdrawal_id, requested_by, item, wallet_id, amount_kopecks, bic, account, state, reason, entry_seq,
    returns_bank_id, sbp_withdrawal_id, budget,
    (SELECT phone FROM sbp_withdrawal AS s WHERE s.sbp_withdrawal_id = withdrawal.sbp_withdrawal_id),
    (SELECT member_id FROM sbp_withdrawal AS s WHERE s.sbp_withdrawal_id = withdrawal.sbp_withdrawal_id)
"""
_ADD: Final = text(
    """
    INSERT INTO withdrawal (withdrawal_id, requested_by, command_id, item, wallet_id, amount_kopecks, bic, account,
        state, sbp_withdrawal_id, returns_bank_id, budget, requested_at, changed_at, asked_at)
    SELECT withdrawal_id, requested_by, :command, item, wallet_id, amount_kopecks, bic, account, state,
        sbp_withdrawal_id, returns_bank_id, CAST(budget AS jsonb), :now, :now, :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:actors AS text[]), CAST(:items AS integer[]), CAST(:wallets AS uuid[]),
        CAST(:amounts AS bigint[]), CAST(:bics AS text[]), CAST(:accounts AS text[]), CAST(:states AS text[]),
        CAST(:of_sbp AS uuid[]), CAST(:returns AS text[]), CAST(:budgets AS text[]))
        AS w (withdrawal_id, requested_by, item, wallet_id, amount_kopecks, bic, account, state, sbp_withdrawal_id,
            returns_bank_id, budget)
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
_BY_ID: Final = text(f"SELECT {_COLUMNS} FROM withdrawal WHERE withdrawal_id = ANY(CAST(:ids AS uuid[]))")  # noqa: S608 - constants of this module; values are bound
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
# What is refused, or goes back to its wallet, is not withdrawn.
_SUMS_OF_DAYS: Final = text(
    """
    WITH asked AS (
        SELECT w.withdrawal_id, b.participant_id, (w.requested_at AT TIME ZONE 'Europe/Moscow')::date AS day
        FROM withdrawal AS w JOIN beneficiary AS b USING (wallet_id)
        WHERE w.withdrawal_id = ANY(CAST(:ids AS uuid[]))
            AND NOT EXISTS (SELECT FROM money_decision AS d WHERE d.new_withdrawal_id = w.withdrawal_id)
    ), sums AS (
        SELECT a.participant_id, a.day, sum(w.amount_kopecks)::bigint AS kopecks
        FROM (SELECT DISTINCT participant_id, day FROM asked) AS a
            JOIN beneficiary AS b USING (participant_id) JOIN withdrawal AS w USING (wallet_id)
        WHERE w.requested_at >= a.day::timestamp AT TIME ZONE 'Europe/Moscow'
            AND w.requested_at < (a.day + 1)::timestamp AT TIME ZONE 'Europe/Moscow'
            AND w.state NOT IN ('refused', 'rejected', 're_credited')
        GROUP BY a.participant_id, a.day
    )
    SELECT withdrawal_id, day, kopecks FROM asked JOIN sums USING (participant_id, day)
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
        payees = [one.payout_account for one in withdrawals]
        values: dict[str, Any] = {
            "ids": [one.withdrawal_id for one in withdrawals],
            "actors": [one.requested_by for one in withdrawals],
            "items": [one.item for one in withdrawals],
            "wallets": [one.wallet_id for one in withdrawals],
            "amounts": [one.amount_kopecks for one in withdrawals],
            "bics": [one.bic if isinstance(one, PayoutAccount | BudgetPayment) else None for one in payees],
            "accounts": [one.account if isinstance(one, PayoutAccount | BudgetPayment) else None for one in payees],
            "returns": [one.bank_id if isinstance(one, ReturnToPayer) else None for one in payees],
            "budgets": [
                msgspec.json.encode(one).decode() if isinstance(one, BudgetPayment) else None for one in payees
            ],
            "of_sbp": [one.sbp_withdrawal_id for one in withdrawals],
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

    async def list_by_id(self, conn: AsyncConnection, ids: Sequence[UUID]) -> list[Withdrawal]:
        """Those of these ids, whatever their state."""
        return [_withdrawal(row) for row in await conn.execute(_BY_ID, {"ids": list(ids)})] if ids else []

    async def sums_of_days(self, conn: AsyncConnection, ids: Sequence[UUID]) -> list[tuple[UUID, date, int]]:
        """Of each: the Moscow day on which it was asked for, and what its owner withdraws on it in all, in kopecks.

        Without those by which two persons decided that money leaves, and those of no beneficiary: these never wait.
        """
        rows = await conn.execute(_SUMS_OF_DAYS, {"ids": list(ids)}) if ids else ()
        return [(UUID(str(row.withdrawal_id)), row.day, row.kopecks) for row in rows]

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
        payout_account=_payee(row),
        state=WithdrawalState(row.state),
        reason=row.reason,
        entry_seq=row.entry_seq,
        sbp_withdrawal_id=UUID(str(row.sbp_withdrawal_id)) if row.sbp_withdrawal_id else None,
    )


def _payee(row: Any) -> Payee:
    if row.returns_bank_id is not None:
        return ReturnToPayer(bank_id=row.returns_bank_id)
    if row.sbp_withdrawal_id is not None:
        return SbpPayee(phone=row.phone, member_id=row.member_id)
    if row.budget is not None:
        return msgspec.convert(row.budget, BudgetPayment)
    return PayoutAccount(bic=row.bic, account=row.account)
