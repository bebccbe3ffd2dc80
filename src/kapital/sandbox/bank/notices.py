"""What the bank tells of credits: normally each once and truly, in one order."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.bank_nominal_account import FaultKind, FaultPoint
from kapital.sandbox.bank import faults, journal

COLUMNS: Final = "bank_id, amount_kopecks, purpose, payer_account, payer_name, credited_at"

# The place in the list is drawn under the account's row lock: a later place is never visible before an earlier one.
_NEXT: Final = text("UPDATE account SET last_notice = last_notice + 1 RETURNING last_notice")
_ADD: Final = text(
    f"INSERT INTO notice (cursor, {COLUMNS}) VALUES (:cursor, :bank_id, :amount, :purpose, :account, :name, :at)"  # noqa: S608 - constants of this module; values are bound
)
_HOLD_BACK: Final = text(
    f"INSERT INTO held_notice ({COLUMNS}) VALUES (:bank_id, :amount, :purpose, :account, :name, :at)"  # noqa: S608 - constants of this module; values are bound
)
_HELD: Final = text(
    f"WITH gone AS (DELETE FROM held_notice RETURNING id, {COLUMNS}) SELECT {COLUMNS} FROM gone ORDER BY id"  # noqa: S608 - constants of this module; values are bound
)
_ANY_HELD: Final = text("SELECT EXISTS (SELECT FROM held_notice)")


async def is_scripted(conn: AsyncConnection, now: datetime) -> bool:
    """Whether the next credit has to be told by `tell_as_scripted`."""
    return await faults.waits(conn, FaultPoint.credit, now) or bool((await conn.execute(_ANY_HELD)).scalar_one())


async def tell(conn: AsyncConnection, row: dict[str, Any]) -> None:
    """Put a notice at the end of the list."""
    cursor = (await conn.execute(_NEXT)).scalar_one()
    await conn.execute(_ADD, {**row, "cursor": cursor})


async def tell_as_scripted(conn: AsyncConnection, row: dict[str, Any], now: datetime) -> None:
    """Tell of a new credit as the fault script has it, and after it of those held back."""
    fault = await faults.take(conn, FaultPoint.credit, now)
    match fault.kind if fault else None:
        case FaultKind.lost:
            pass
        case FaultKind.reorder:
            await conn.execute(_HOLD_BACK, row)
        case FaultKind.duplicate:
            await tell(conn, row)
            await tell(conn, row)
        case FaultKind.duplicate_other_id:
            await tell(conn, row)
            await tell(conn, {**row, "bank_id": f"{row['bank_id']}-2"})
        case FaultKind.wrong_sum:
            await tell(conn, {**row, "amount": row["amount"] + (fault.kopecks if fault else 0)})
        case _:
            await tell(conn, row)
    if fault is not None:
        await journal.keep(conn, at=now, operation="credit", target=row["bank_id"], fault=fault.kind.value)
    if fault is None or fault.kind is not FaultKind.reorder:
        for held in await conn.execute(_HELD):
            await tell(
                conn,
                {
                    "bank_id": held.bank_id,
                    "amount": held.amount_kopecks,
                    "purpose": held.purpose,
                    "account": held.payer_account,
                    "name": held.payer_name,
                    "at": held.credited_at,
                },
            )
