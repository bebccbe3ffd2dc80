"""When nothing moves any more: every instruction is at its end, or waits for a person."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final

from kapital.faults.file_checks import ask_for_statement, files_moving
from kapital.faults.finding import BankKind, Broken
from kapital.faults.share_checks import mistold, shares_untold
from kapital.faults.world import World
from kapital.settlement.adapters.escrow_table import ASK_AGAIN_AFTER

PATIENCE_S: Final = 300.0
LOOK_EVERY_S: Final = 0.1
STATEMENT_AFTER: Final = 50
"""After so many looks at a bank by files it is asked for a statement."""
_SAID_CHARS: Final = 600
TALKING: Final = ("registry", "identity", "tokenization", "settlement", "disclosure")
"""Services that tell each other events."""

_BREAKS: Final = "SELECT count(*) FROM reconciliation_break WHERE state IN ('open', 'resolution_proposed')"
_WITHDRAWALS: Final = """
    SELECT state, count(*) AS n FROM withdrawal
    WHERE state IN ('requested', 'checked', 'sent', 'unknown', 'rejected') GROUP BY state
"""
_STOPPED: Final = ["awaiting_approval", "checked"]
_UNBOOKED: Final = "SELECT count(*) FROM incoming_payment WHERE state IN ('received', 'verified')"
_JOBS: Final = "SELECT count(*) FROM settlement_job WHERE state NOT IN ('settled', 'rolled_back')"
_DVP: Final = """
    SELECT state, coalesce(reason, 'no reason') AS reason, count(*) AS n FROM dvp_instruction
    WHERE state NOT IN ('new', 'settled', 'rolled_back', 'review_before_record', 'review_after_record')
        AND intended_on <= $1::date AND NOT is_held
    GROUP BY state, reason
"""
_REVIEWS: Final = (
    "SELECT count(*) FROM dvp_instruction WHERE state IN ('review_before_record', 'review_after_record')"
)
_AT_WORK: Final = """
    SELECT min(asked_at) FROM dvp_escrow JOIN dvp_instruction USING (instruction_id)
    WHERE bank_state IN ('pending', 'releasing') AND state NOT IN ('settled', 'rolled_back')
        AND asked_at > '-infinity'
"""
_ORDERS: Final = """
    SELECT count(*) FROM subscription_order o JOIN issue i USING (issue_id)
    WHERE o.state IN ('created', 'signed', 'checked', 'allocated', 'partially_allocated', 'not_allocated', 'settling',
            'refunding')
        OR o.release_due OR (o.state = 'awaiting_funds' AND (o.reserve_asked OR o.funds_until_at <= $1))
        OR (o.state = 'accepted' AND coalesce(i.ended_early_at, i.placement_end_at) <= $1)
"""
_ISSUES: Final = """
    SELECT count(*) FROM issue WHERE state IN ('placement_closed', 'held', 'failed', 'settling', 'refunding')
        OR (state = 'published' AND placement_start_at <= $1)
        OR (state IN ('placement_open', 'placement_suspended') AND coalesce(ended_early_at, placement_end_at) <= $1)
"""
_ACTIONS: Final = """
    SELECT count(*) FROM corporate_action WHERE pay_at <= $1 AND state NOT IN ('paid', 'closed', 'cancelled')
"""
_LETTERS: Final = "SELECT count(*) FROM dead_letter"
_CALLS_BACK: Final = (
    "SELECT count(*) FROM webhook, account"
    " WHERE ended_at IS NULL AND due_at < $1::timestamptz + make_interval(secs => clock_skew_s + 10)"
)
"""What the bank has still to say and says soon; its clock may be days off."""
_HEAD: Final = "SELECT position FROM outbox_head"
_UNNUMBERED: Final = "SELECT count(*) FROM outbox WHERE position IS NULL"
_BEHIND: Final = "SELECT producer, position FROM bus_cursor WHERE producer = ANY($1)"


async def until_quiet(world: World) -> None:
    """Return when nothing moves, seen twice in a row. Raises: Broken, with what never ended."""
    ends_at, quiet, looks = time.monotonic() + PATIENCE_S, 0, 0
    while quiet < 2:
        moving = await anext(_moving(world), None)
        quiet = 0 if moving else quiet + 1
        looks += 1
        if moving and world.kind is BankKind.FILES and looks % STATEMENT_AFTER == 0:
            await ask_for_statement(world)  # nothing else tells of an order whose answer got lost
        if moving and time.monotonic() > ends_at:
            left = "; ".join([one async for one in _moving(world)])
            raise Broken("never_ended", f"{left}; the house said: {world.house.said()[-_SAID_CHARS:]}")
        if (asked_at := await world.value("settlement", _AT_WORK)) is not None:
            world.clock.go_to(asked_at + ASK_AGAIN_AFTER)  # what the bank works on is left alone for so long
        await asyncio.sleep(LOOK_EVERY_S)


async def waiting_for_person(world: World) -> int:
    """What waits: withdrawals that await approval or an open difference stops, the difference, money of unknown
    owners, and instructions in a review."""
    stopped = await world.value("settlement", "SELECT count(*) FROM withdrawal WHERE state = ANY($1)", _STOPPED)
    unknown = await world.value("settlement", "SELECT count(*) FROM incoming_payment WHERE state = 'unidentified'")
    breaks = await world.value("settlement", _BREAKS)
    reviews = await world.value("settlement", _REVIEWS)
    return int(stopped) + int(unknown) + int(breaks) + int(reviews)


async def _moving(world: World) -> AsyncIterator[str]:
    now = world.clock.now()
    async for one in _credits(world):
        yield one
    if calls := await world.value("sandbox_bank", _CALLS_BACK, now):
        yield f"{calls} calls back"
    if unbooked := await world.value("settlement", _UNBOOKED):
        yield f"{unbooked} credits not booked"
    # A difference stops withdrawals; who waits for a share that the bank does not have yet is not paid either.
    stopped = await world.value("settlement", _BREAKS) or (world.kind is BankKind.SHARES and await mistold(world))
    for row in await world.fetch("settlement", _WITHDRAWALS):
        if not (stopped and row["state"] == "checked"):
            yield f"{row['n']} withdrawals {row['state']}"
    if jobs := await world.value("settlement", _JOBS):
        yield f"{jobs} parts of allocations or payouts"
    for row in await world.fetch("settlement", _DVP, now):
        yield f"{row['n']} DvP instructions {row['state']} ({row['reason']})"
    for query, what in ((_ORDERS, "orders"), (_ISSUES, "issues"), (_ACTIONS, "corporate actions")):
        if count := await world.value("tokenization", query, now):
            yield f"{count} {what}"
    async for one in shares_untold(world):
        yield one
    async for one in _undelivered(world):
        yield one


async def _credits(world: World) -> AsyncIterator[str]:
    """What the bank has told and the house not read."""
    if world.kind is BankKind.FILES:
        async for one in files_moving(world):
            yield one
        return
    told = await world.value("sandbox_bank", "SELECT last_notice FROM account")
    if await world.value("settlement", "SELECT cursor FROM bank_feed") < told:
        yield "credits not read"


async def _undelivered(world: World) -> AsyncIterator[str]:
    heads: dict[str, int] = {}
    for service in TALKING:
        if await world.value(service, _LETTERS):
            raise Broken("event_parked", f"{service} could not use an event")
        if unnumbered := await world.value(service, _UNNUMBERED):
            yield f"{unnumbered} events of {service} without a place"
        heads[service] = await world.value(service, _HEAD)
    for service in TALKING:
        for row in await world.fetch(service, _BEHIND, list(heads)):
            if row["position"] < heads[row["producer"]]:
                yield f"events of {row['producer']} for {service}"
