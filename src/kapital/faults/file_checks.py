"""What must hold of a bank by files: every file has its way, and each message of the bank is taken in."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from kapital.faults.finding import BankKind, Broken
from kapital.faults.world import World
from kapital.settlement.ports import Place

_UNTOLD: Final = "SELECT last_notice - told_cursor FROM account, file_desk"
_UNWRITTEN: Final = "SELECT count(*) FROM file_message WHERE written_at IS NULL"
_ASKED: Final = "SELECT count(*) FROM file_request"
_ASK: Final = (
    "INSERT INTO file_request (kind) SELECT 'statement' WHERE NOT EXISTS (SELECT FROM file_request)"
    " AND EXISTS (SELECT FROM file_desk)"
)
_UNREAD: Final = "SELECT coalesce((SELECT max(cursor) FROM bank_file_credit), 0) - cursor FROM bank_feed"
_UNMATCHED: Final = """
    SELECT count(*) FROM incoming_message
    WHERE state = 'taken_in' AND statement_count > 0 AND lines_compared_at IS NULL
"""
_NOT_TAKEN_IN: Final = """
    SELECT state, coalesce(reason, 'no reason') AS reason FROM incoming_message
    WHERE state NOT IN ('taken_in', 'noticed')
"""
_STATED: Final = "SELECT bank_id, amount_kopecks FROM credit WHERE statement_number IS NOT NULL"
_LOOKS: Final = ("in", "out", ".staged")


async def ask_for_statement(world: World) -> None:
    """The bank's people close the day once more: what no notice and no word about an order told stands there."""
    await world.fetch("sandbox_bank", _ASK)


async def stated_by_files(world: World) -> dict[str, int]:
    """Kopecks of the credits that the bank's statements have told."""
    if world.kind is not BankKind.FILES:
        return {}
    return {row["bank_id"]: row["amount_kopecks"] for row in await world.fetch("sandbox_bank", _STATED)}


async def files_moving(world: World) -> AsyncIterator[str]:
    """What is still on its way between bank and house."""
    if untold := await world.value("sandbox_bank", _UNTOLD):
        yield f"{untold} credits that no notice tells yet"
    if unwritten := await world.value("sandbox_bank", _UNWRITTEN):
        yield f"{unwritten} messages that are not laid down"
    if await world.value("sandbox_bank", _ASKED):
        yield "a statement that was asked for"
    for name in _LOOKS:
        if left := _files_in(world.exchange / name):
            yield f"{left} files in {name}"
    if unread := await world.value("settlement", _UNREAD):
        yield f"{unread} credits of notices not read"
    if unmatched := await world.value("settlement", _UNMATCHED):
        yield f"{unmatched} statements not matched"


async def check_files(world: World) -> None:
    """All of it, when nothing moves. Raises: Broken."""
    if world.kind is not BankKind.FILES:
        return
    if left := [f"{row['state']} ({row['reason']})" for row in await world.fetch("settlement", _NOT_TAKEN_IN)]:
        raise Broken("bank_file_not_taken_in", ", ".join(left))
    if parked := _files_in(world.exchange / Place.PARKED):
        raise Broken("bank_file_left_parked", f"{parked} files of messages that are taken in")


def _files_in(folder: Path) -> int:
    return sum(not path.name.startswith(".") for path in folder.iterdir()) if folder.exists() else 0
