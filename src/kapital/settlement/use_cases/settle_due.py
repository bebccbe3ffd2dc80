"""Tick: the settlement queue of the nominal rail – what is due settles, the rest waits, what is overdue ends."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Final
from uuid import UUID

from kapital.kernel.calendar import moscow_day
from kapital.ledger.api import AccountKey, AssetKind, Committed, Position, Refused, SetFreeze
from kapital.platform.failpoints import failpoint
from kapital.platform.logging import get_logger
from kapital.settlement.domain.dvp import LinkKind, Rail, ending
from kapital.settlement.domain.dvp_links import read_links
from kapital.settlement.domain.dvp_queue import Account, Plan, Queued, accounts_of, plan_queue
from kapital.settlement.ports import Parts
from kapital.settlement.ports.dvp_queue import Due, DueKey, Entered, Settling, Started
from kapital.settlement.use_cases.barred_purchases import why_barred
from kapital.settlement.use_cases.decide_dvp_batch import CUT_OFF_PASSED
from kapital.settlement.use_cases.dvp_entries import PER_CALL, dvp_entry, settling_id
from kapital.settlement.use_cases.dvp_told import ended, settled
from kapital.settlement.use_cases.entries import MONEY
from kapital.settlement.use_cases.escrow_entries import ID_TAKEN
from kapital.settlement.use_cases.settle_payouts import BALANCE_INSUFFICIENT

WINDOW: Final = 20_000
"""Instructions that are looked at together: sets are found among these, in the order of the queue."""

PASSES_MAX: Final = 20
"""What settles may let others settle (AFTER): so often a window is looked at in one run; the next one goes on."""

UNDER_MEASURE: Final = "owner_under_measure"

_log = get_logger(__name__)


@dataclass(slots=True)
class DvpRun:
    """What one run did. `is_unfinished`: it stopped at its bound; the next one has work at once."""

    settled: int = 0
    ended: int = 0
    is_unfinished: bool = False
    refused: dict[UUID, str] = field(default_factory=dict)


async def settle_due(parts: Parts) -> DvpRun:
    """Enter what is due, as far as it can settle; end what waits beyond its cut-off.

    What cannot settle stays in the queue with the code of the reason and is recycled: the next run tries it again,
    until its cut-off. Then it is rolled back, or, where a part of it is entered, the rest lapses.
    Promise: what the ledger is asked is kept before it is asked, under ids derived from what is settled. A process
    that dies at any line leaves it to the next run, which asks the same and finds what was entered. One process works
    on the queue at a time. No instruction is ever entered by one leg, in another sum or twice.
    Law: 259-FZ art. 4; 115-FZ art. 7(1)(6): nothing moves from or to whose property is frozen.
    """
    run = DvpRun()
    async with parts.queue.turn() as is_mine:
        if not is_mine:
            return run
        await _resume(parts, run)
        await _end_overdue(parts, run)
        after: DueKey | None = None
        while True:
            last = await _settle_window(parts, run, after)
            if last is None:
                return run
            after = last


async def _resume(parts: Parts, run: DvpRun) -> None:
    """Ask the ledger once more what a process that stopped had asked it, and keep the answers."""
    async with parts.uow.begin() as tx:
        under_way = await parts.queue.under_way(tx.conn)
    await _enter(parts, run, [tuple(part) for _, part in groupby(under_way, attrgetter("settling_id"))])


async def _end_overdue(parts: Parts, run: DvpRun) -> None:
    while True:
        async with parts.uow.begin() as tx:
            found = await parts.queue.overdue(tx.conn, tx.now, PER_CALL)
            moves = {one.instruction_id: ending(one, CUT_OFF_PASSED, CUT_OFF_PASSED) for one in found}
            made = await parts.dvp.move(tx.conn, list(moves.values()), tx.now)
            # Of the escrow rail the end is told when all of it is undone.
            told = [one for one in found if one.instruction_id in made and one.rail is not Rail.ESCROW]
            await tx.outbox.add(*ended([(one, CUT_OFF_PASSED) for one in told]))
            run.ended += len(made)
        if len(found) < PER_CALL:
            return


async def _settle_window(parts: Parts, run: DvpRun, after: DueKey | None) -> DueKey | None:
    """Settle what can of one window of the queue; the place of its last instruction, None at the end of the queue."""
    for count in range(PASSES_MAX):
        window, last, groups, blocked = await _due(parts, run, after)
        if not window:
            return None
        before = run.settled, len(run.refused)
        plan = await _plan(parts, window, groups, blocked)
        await _settle_plan(parts, run, window, plan)
        if (run.settled, len(run.refused)) == before:
            await _note(parts, window, plan.reasons)
            return last
        run.is_unfinished |= count == PASSES_MAX - 1
    return last


async def _due(
    parts: Parts, run: DvpRun, after: DueKey | None
) -> tuple[dict[UUID, Due], DueKey | None, dict[UUID, UUID], dict[UUID, str]]:
    """A window of what is due: the instructions in order, the place of the last, WITH sets, and who is blocked."""
    async with parts.uow.begin() as tx:
        today = moscow_day(tx.now)
        window = await parts.queue.due(tx.conn, today, tx.now, after, WINDOW)
        last = window[-1].key if len(window) == WINDOW else None
        links = await parts.queue.links(tx.conn, [one.queued.instruction_id for one in window])
        linked = {link.instruction_id for link in links if link.kind is LinkKind.WITH}
        if linked and last is not None:
            ids = [one.queued.instruction_id for one in window]
            partners = await parts.queue.due_partners(tx.conn, ids, today, tx.now)
            links += await parts.queue.links(tx.conn, [one.queued.instruction_id for one in partners])
            window = sorted([*window, *partners], key=attrgetter("key"))
        wallets = {wallet for one in window for wallet in (one.queued.seller, one.queued.buyer)}
        held = await parts.measures.wallets_held(tx.conn, wallets)
        barred = await why_barred(tx.conn, parts, {(one.queued.asset, one.queued.buyer) for one in window})
    due = {one.queued.instruction_id: one for one in window}
    groups, blocked = read_links(links, due)
    for one in window:
        if one.queued.seller in held or one.queued.buyer in held:
            blocked[one.queued.instruction_id] = UNDER_MEASURE
        elif (problem := barred.get((one.queued.asset, one.queued.buyer))) is not None:
            blocked[one.queued.instruction_id] = problem.code
    return due, last, groups, {**blocked, **run.refused}


async def _plan(
    parts: Parts, window: Mapping[UUID, Due], groups: Mapping[UUID, UUID], blocked: Mapping[UUID, str]
) -> Plan:
    queue = [one.queued for one in window.values()]
    wallets = {wallet for one in queue for wallet in (one.seller, one.buyer)}
    freezes: dict[UUID, list[SetFreeze]] = {}
    for found in await parts.ledger.freezes(sorted(wallets)):
        freezes.setdefault(found.freeze.wallet, []).append(found.freeze)
    frozen = {one.instruction_id: code for one in queue if freezes and (code := _frozen(one, freezes))}
    accounts = list(accounts_of(queue))
    have = await parts.ledger.balances([_key(account) for account in accounts])
    return await asyncio.to_thread(
        plan_queue,
        queue,
        balances=dict(zip(accounts, have, strict=True)),
        groups=groups,
        blocked={**frozen, **blocked},
    )


async def _settle_plan(parts: Parts, run: DvpRun, window: Mapping[UUID, Due], plan: Plan) -> None:
    """Mark all of it, then enter it in its order; what is marked and not entered the next run finds."""
    asked: list[list[Started]] = []
    for settlement in plan.settlements:
        name = settling_id([window[part.instruction_id].queued for part in settlement.parts])
        asked.append([
            Started(name, part.instruction_id, part.units, part.kopecks, window[part.instruction_id].row_version)
            for part in settlement.parts
        ])  # fmt: skip
    async with parts.uow.begin() as tx:
        agreed = await parts.queue.start(tx.conn, [part for settlement in asked for part in settlement])
    started = [
        [
            Settling(
                part.settling_id,
                part.instruction_id,
                (queued := window[part.instruction_id].queued).seller,
                queued.buyer,
                queued.asset,
                part.units,
                part.kopecks,
                agreed[part.instruction_id],
            )
            for part in settlement
        ]
        for settlement in asked
        if settlement[0].instruction_id in agreed
    ]
    if started:
        failpoint("settlement.dvp.started")
    await _enter(parts, run, started)


async def _enter(parts: Parts, run: DvpRun, settlements: Sequence[Sequence[Settling]]) -> None:
    """Ask the ledger for all of these in order, and keep each answer, those before while it works on the next."""
    keeping: asyncio.Task[None] | None = None
    try:
        for start in range(0, len(settlements), PER_CALL):
            asked = settlements[start : start + PER_CALL]
            answers = await parts.ledger.post([dvp_entry(settlement) for settlement in asked])
            failpoint("settlement.dvp.entered")
            if keeping is not None:
                await keeping
            keeping = asyncio.create_task(_keep(parts, run, asked, answers))
    finally:
        if keeping is not None:
            await keeping


async def _keep(
    parts: Parts,
    run: DvpRun,
    asked: Sequence[Sequence[Settling]],
    answers: Sequence[Committed | Refused],
) -> None:
    entered: list[Entered] = []
    refused: dict[UUID, str] = {}
    for settlement, answer in zip(asked, answers, strict=True):
        if isinstance(answer, Committed):
            entered += [
                Entered(one.settling_id, one.instruction_id, one.units, one.kopecks, answer.seq, answer.recorded_at)
                for one in settlement
            ]
        elif answer.code == ID_TAKEN:
            # Something is entered under this id: put back, it could be entered a second time under another one.
            _log.error("settlement.dvp_entry_contradicted", code=answer.code, subject_id=str(answer.id))
        else:
            refused[answer.id] = answer.code
            # Too little because somebody was quicker is planned anew; any other refusal is not asked for again now.
            if answer.code != BALANCE_INSUFFICIENT:
                run.refused.update((one.instruction_id, answer.code) for one in settlement)
    async with parts.uow.begin() as tx:
        kept = await parts.queue.enter(tx.conn, entered, tx.now)
        await parts.queue.put_back(tx.conn, refused)
        await tx.outbox.add(*settled(kept, {one.instruction_id: one for one in entered}))
    failpoint("settlement.dvp.settled")
    run.settled += len(kept)


async def _note(parts: Parts, window: Mapping[UUID, Due], reasons: Mapping[UUID, str]) -> None:
    changed = {one: code for one, code in reasons.items() if window[one].reason != code}
    if changed:
        async with parts.uow.begin() as tx:
            await parts.queue.note_reasons(tx.conn, changed)


def _frozen(one: Queued, freezes: Mapping[UUID, Sequence[SetFreeze]]) -> str | None:
    """The ledger's own code, were it asked. What a freeze lets out by allowance is for the holder's own needs."""
    for wallet, gives, takes in ((one.seller, one.asset, MONEY), (one.buyer, MONEY, one.asset)):
        for freeze in freezes.get(wallet, ()):
            if freeze.debits_stopped and _covers(freeze, gives):
                return "wallet_debits_frozen"
            if freeze.credits_stopped and _covers(freeze, takes):
                return "wallet_credits_frozen"
    return None


def _covers(freeze: SetFreeze, asset: UUID) -> bool:
    kind = AssetKind.MONEY if asset == MONEY else AssetKind.UNITS
    return freeze.asset in (None, asset) and freeze.kind in (None, kind)


def _key(account: Account) -> AccountKey:
    asset, wallet = account
    return AccountKey(asset=asset or MONEY, position=Position.AVAILABLE, wallet=wallet)
