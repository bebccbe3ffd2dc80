"""What the bank tells of changes of escrow holds, and how a fault script tells it."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import bank_nominal_account as contract
from kapital.contracts.bank_nominal_account import FaultKind, FaultPoint
from kapital.sandbox.bank import faults, journal

# The account's row is locked by whoever changes a hold, so cursors are given in the order of commits.
_TELL: Final = text(
    """
    INSERT INTO escrow_notice (cursor, notice_id, hold_id, number, state, at)
    SELECT CASE WHEN :told THEN coalesce(max(cursor), 0) + 1 END, :notice, :hold, :number, :state, :at
    FROM escrow_notice
    """
)
_TELL_HELD_BACK: Final = text(
    """
    UPDATE escrow_notice AS n SET cursor = told.last + late.place
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM escrow_notice WHERE cursor IS NULL) AS late,
        (SELECT coalesce(max(cursor), 0) AS last FROM escrow_notice) AS told
    WHERE n.id = late.id
    """
)
_LIST: Final = text(
    """
    SELECT cursor, notice_id, hold_id, number, state, at FROM escrow_notice
    WHERE cursor > :after ORDER BY cursor LIMIT :limit
    """
)


async def tell_change(conn: AsyncConnection, hold: contract.EscrowHold, now: datetime) -> None:
    """Tell of a change as the fault script has it."""
    fault = await faults.take(conn, FaultPoint.escrow_notice, now)
    kind = fault.kind if fault else None
    values: dict[str, Any] = {
        "notice": f"{hold.hold_id[:48]}.{hold.number}",
        "hold": hold.hold_id,
        "number": hold.number,
        "state": hold.state.value,
        "at": now,
        "told": kind is not FaultKind.reorder,
    }
    if kind is not FaultKind.lost:
        await conn.execute(_TELL, values)
    if kind is FaultKind.duplicate:
        await conn.execute(_TELL, values)
    if kind is not None:
        await journal.keep(conn, at=now, operation="escrow_notice", target=hold.hold_id, fault=kind.value)
    if kind is not FaultKind.reorder:
        await conn.execute(_TELL_HELD_BACK)


async def list_changes(conn: AsyncConnection, after: int, limit: int) -> contract.EscrowNoticePage:
    """Notices after a place in the list."""
    rows = await conn.execute(_LIST, {"after": after, "limit": limit})
    return contract.EscrowNoticePage(
        items=[
            contract.EscrowNotice(
                cursor=row.cursor,
                notice_id=row.notice_id,
                hold_id=row.hold_id,
                number=row.number,
                state=contract.EscrowHoldState(row.state),
                at=row.at,
            )
            for row in rows
        ]
    )
