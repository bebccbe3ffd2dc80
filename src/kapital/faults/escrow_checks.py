"""What must hold on the escrow rail: the bank's holds, the entries of units and our rows tell one story, once."""

from collections import Counter
from typing import Any, Final

from kapital.faults.checks import Books, Entry
from kapital.faults.finding import Broken
from kapital.faults.world import World

_RECORD, _LOCK = "dvp/escrow_hold/", "escrow_hold/"
_BEHIND: Final = frozenset({"held", "releasing", "release_rejected", "released"})
"""What the bank may say of a hold once its record is entered: the money is blocked, on its way or paid."""
_FREE: Final = frozenset({None, "refused", "cancelled"})
"""What it says of one whose instruction is undone; None: it never saw it."""
_WAITS: Final = frozenset({"review_before_record", "review_after_record"})

_HOLDS: Final = "SELECT * FROM escrow_hold"
_STATES: Final = "SELECT hold_id, state FROM escrow_hold"
_CLIENTS: Final = "SELECT bic, account, balance_kopecks FROM client"
_INSTRUCTIONS: Final = """
    SELECT i.instruction_id, i.state, i.units, i.amount_kopecks, i.entry_seq, e.* FROM dvp_instruction i
    JOIN dvp_escrow e USING (instruction_id)
"""
_TOLD: Final = """
    SELECT line ->> 'instruction_id' AS instruction_id, type
    FROM outbox CROSS JOIN jsonb_array_elements(data -> 'lines') AS line
    WHERE type LIKE 'kapital.settlement.dvp\\_%'
"""


async def require_money_behind(world: World, books: Books) -> None:
    """At any instant: what was paid out has its record, and behind each record the money is blocked or paid.

    Raises: Broken.
    """
    paid = {row["hold_id"] for row in await world.fetch("sandbox_bank", _STATES) if row["state"] == "released"}
    await books.read_on(world)
    recorded = books.of(_RECORD).keys()
    # Read after the log: a hold that stood behind a record does not go away.
    holds = {row["hold_id"]: row["state"] for row in await world.fetch("sandbox_bank", _STATES)}
    if early := paid - recorded:
        raise Broken("paid_without_a_record", ", ".join(sorted(early)))
    if alone := [f"{one} {holds.get(one)}" for one in recorded if holds.get(one) not in _BEHIND]:
        raise Broken("record_without_money", ", ".join(alone))


async def check_escrow(world: World, books: Books) -> None:
    """All of it, when nothing moves. Raises: Broken."""
    await require_money_behind(world, books)
    rows = {row["reference"]: row for row in await world.fetch("settlement", _INSTRUCTIONS)}
    holds = {row["hold_id"]: row for row in await world.fetch("sandbox_bank", _HOLDS)}
    records, locks = books.of(_RECORD), books.of(_LOCK)
    if unknown := (holds.keys() | records.keys() | locks.keys()) - rows.keys():
        raise Broken("hold_of_no_instruction", ", ".join(sorted(unknown)))
    for reference, row in rows.items():
        _entries(row, records.get(reference, []), locks.get(reference, []))
        _hold(row, holds.get(reference))
    await _money(world, holds)
    await _told(world, rows)


def _entries(row: Any, records: list[Entry], locks: list[Entry]) -> None:
    state, units = str(row["state"]), row["units"]
    is_recorded = state in ("settled", "review_after_record")
    locked = [n for e in locks if (n := e.moved("locked", money=False, credit=True))]
    unlocked = [n for e in locks if (n := e.moved("locked", money=False, credit=False))]
    passed = [e.moved("locked", money=False, credit=False) for e in records]
    found = {"locked": locked, "unlocked": unlocked, "passed": passed}
    due = {
        # What was undone before the register locked anything has neither.
        "locked": [] if state == "rolled_back" and not locked else [units],
        "unlocked": locked if state == "rolled_back" else [],
        "passed": [units] if is_recorded else [],
    }
    if due != found:
        raise Broken("escrow_units_not_once", f"{row['reference']} {state}: {due} due, {found} found")
    if is_recorded and records[0].seq != row["entry_seq"]:
        raise Broken("escrow_record_otherwise", f"{row['reference']}: entry {records[0].seq}")


def _hold(row: Any, hold: Any) -> None:
    state, at_bank = str(row["state"]), None if hold is None else hold["state"]
    if state == "settled":
        names = ("amount_kopecks", "payer_bic", "payer_account", "payee_bic", "payee_account")
        kept = ("amount_kopecks", "buyer_bic", "buyer_account", "seller_bic", "seller_account")
        is_right = at_bank == "released" and [hold[name] for name in names] == [row[name] for name in kept]
    elif state == "rolled_back":
        is_right = at_bank in _FREE
    else:
        is_right = state in _WAITS and at_bank != "released"
    if not is_right:
        raise Broken("escrow_leg_alone", f"{row['reference']} {state}: the hold at the bank is {at_bank}")


async def _money(world: World, holds: dict[str, Any]) -> None:
    """Of each account: what was put in, less what is blocked and was paid, and what came, each hold counted once."""
    due = Counter(world.put_in)
    for hold in holds.values():
        payer, payee = (hold["payer_bic"], hold["payer_account"]), (hold["payee_bic"], hold["payee_account"])
        if hold["state"] == "released":
            due[payer] -= hold["amount_kopecks"]
            due[payee] += hold["amount_kopecks"]
        elif hold["state"] in _BEHIND:
            due[payer] -= hold["amount_kopecks"]
    clients = await world.fetch("sandbox_bank", _CLIENTS)
    found = {(row["bic"], row["account"]): row["balance_kopecks"] for row in clients}
    differ = {account: (due[account], found.get(account, 0)) for account in due.keys() | found.keys()}
    if differ := {account: sums for account, sums in differ.items() if sums[0] != sums[1]}:
        raise Broken("escrow_debited_otherwise", f"due and found by account: {differ}")


async def _told(world: World, rows: dict[str, Any]) -> None:
    """The end of each instruction was told once, as what it is."""
    told: dict[str, list[str]] = {}
    for line in await world.fetch("settlement", _TOLD):
        told.setdefault(line["instruction_id"], []).append(line["type"].rpartition("_")[2])
    for reference, row in rows.items():
        due = {"settled": ["settled"], "rolled_back": ["ended"]}.get(str(row["state"]), [])
        found = [kind.split(".")[0] for kind in told.get(str(row["instruction_id"]), [])]
        if due != found:
            raise Broken("escrow_end_not_told_once", f"{reference} {row['state']}: told {found}")
