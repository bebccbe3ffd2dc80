"""Three-way comparison, row by row: statements against our books, our books against the register's entries."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from kapital.ledger.api import Position, StoredEntry
from kapital.settlement.domain.breaks import Told, findings_of
from kapital.settlement.domain.tax import TAX_WALLET
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.entries import MONEY
from kapital.settlement.use_cases.read_entries import EntryAccount, EntryGlance, ReadEntry, glance_at, read_entry
from kapital.settlement.use_cases.show_waiting import show_waiting

PAGE: Final = 5_000
PAGES_MAX: Final = 200
"""Entries that one comparison walks are a million at most; the next one goes on."""
STANDING_MAX: Final = 1_000
LAG: Final = timedelta(minutes=1)
"""An entry is committed before the row that tells of it: younger ones are left to the next comparison."""


_DELIVERY: Final = "order/"
"""How the basis of a first delivery begins (`entries.delivery`)."""
_DVP: Final = ("dvp/", "dvp_together/")
"""How the basis of instructions begins (`dvp_entries.dvp_entry`, `escrow_entries.units_record`)."""
_PAYOUT: Final = ("corporate_action/", "tax_correction/")
"""How the basis of a payout (`entries.payouts`) and of a tax collected after it (`collect_tax`) begins."""
_READ_WHOLE: Final = (*_DVP, *_PAYOUT)
"""How the basis of an entry begins that is read whole whatever positions it changes."""
_TELLING: Final = frozenset({Position.BANK, Position.ISSUED})
"""Positions that money at the bank and a first delivery pass through."""


async def look_at_statements(parts: Parts, *, at_rest: bool) -> None:
    """Compare the statements taken in with our books, and show how many breaks are open. The edge is held."""
    async with parts.uow.begin() as tx:
        await parts.breaks.look_at_statements(tx.conn, tx.now, at_rest=at_rest)
        await show_waiting(parts, tx.conn)


async def walk_ledger(parts: Parts, repaired_at: datetime) -> None:
    """Compare each new entry of the register with what our tables tell of it, and those that differed once more.

    Money at the bank: an incoming payment or a paid withdrawal of the same sum. A first delivery: the lot with the
    same units and money. Instructions of two participants: the parts that the entry settled, together. A payout: the
    row with the same money, tax and extinguished units; a tax collected later: its correction.
    What a crash left is repaired before, at `repaired_at`; entries that may have been left since are not looked at.
    The edge is taken for each page apart, and not while entries are read: after ten minutes of orders there are
    millions, and those that wait at the edge are told of a busy database after ten seconds.
    Promise: each entry is compared once; a crash repeats a page, which opens nothing twice. No break is opened while
    another sends.
    """
    async with parts.uow.begin() as tx:
        standing = await parts.breaks.standing_entries(tx.conn, STANDING_MAX)
    for seq in standing:
        page = await _look_at(parts, seq, seq + 1)
        await _compare(parts, seq, page._replace(stop=seq + 1))
    for _ in range(PAGES_MAX):
        async with parts.uow.begin() as tx:
            start = await parts.breaks.walked(tx.conn)
        ripe = await _look_at(parts, start, start + PAGE, until=repaired_at - LAG)
        if ripe.stop > start:
            await _compare(parts, start, ripe, walk_on=True)
        if ripe.stop < start + PAGE:
            return


class _Page(NamedTuple):
    """Entries up to `stop` were looked at; `told`: by number, what they do that our tables tell of as well."""

    stop: int
    told: dict[int, Told]


async def _look_at(parts: Parts, start: int, stop: int, *, until: datetime | None = None) -> _Page:
    """What the entries do, up to the first that is younger than `until`; decoded beside the event loop."""
    return await asyncio.to_thread(_looked_at, start, await parts.ledger.entries(start, stop), until)


def _looked_at(start: int, stored: Sequence[StoredEntry], until: datetime | None) -> _Page:
    stop, told = start, dict[int, Told]()
    for entry in stored:
        glance = glance_at(entry.body)
        if until is not None and glance.recorded_at > until:
            break
        stop = entry.seq + 1
        if _may_tell(glance):
            one = _told(read_entry(entry.body))
            if one.bank_kopecks or one.units or one.is_payout:
                told[entry.seq] = one
    return _Page(stop, told)


def _may_tell(glance: EntryGlance) -> bool:
    """Whether it may move money at the bank, deliver, settle instructions or pay out.

    The reserve of an order, as most entries are, does none of these.
    """
    return glance.basis.reference.startswith(_READ_WHOLE) or any(
        one.account.position in _TELLING for one in glance.postings
    )


async def _compare(parts: Parts, start: int, page: _Page, *, walk_on: bool = False) -> None:
    references = [one.reference for one in page.told.values() if one.bank_kopecks]
    async with parts.edge.hold(), parts.uow.begin() as tx:
        if walk_on:
            if await parts.breaks.walked(tx.conn) != start:
                return  # another process went on meanwhile
            await parts.breaks.walk_on(tx.conn, page.stop)
        found = findings_of(page.told, await parts.breaks.books(tx.conn, start, page.stop, references))
        await parts.breaks.note_books(tx.conn, range(start, page.stop), found, tx.now)


def _told(entry: ReadEntry) -> Told:
    """What an entry does to the money at the bank, and what it delivers for how much."""
    money = [(one.account, int(one.amount)) for one in entry.postings if one.account.asset == MONEY]
    units = [(one.account, int(one.amount)) for one in entry.postings if one.account.asset != MONEY]
    bank = -sum(amount for account, amount in money if account.position is Position.BANK)
    issued = -sum(amount for account, amount in units if account.position is Position.ISSUED)
    reference = entry.basis.reference
    if issued and reference.startswith(_DELIVERY):
        buyers = {account.wallet for account, amount in units if amount > 0}
        paid = _credited(money, apart=buyers)
        return Told(reference=reference, bank_kopecks=bank, units=issued, deal_kopecks=paid)
    if reference.startswith(_DVP):
        return Told(reference=reference, bank_kopecks=bank, units=_credited(units), deal_kopecks=_credited(money))
    if reference.startswith(_PAYOUT):
        return _paid(reference, bank, money, units)
    return Told(reference=reference, bank_kopecks=bank)


def _paid(
    reference: str, bank: int, money: Sequence[tuple[EntryAccount, int]], units: Sequence[tuple[EntryAccount, int]]
) -> Told:
    """What a payout gives its holder and the wallet of tax; what the payer keeps of money set aside is neither."""
    payers = {account.wallet for account, amount in money if amount < 0}
    extinguished = sum(amount for account, amount in units if account.position is Position.EXTINGUISHED)
    net = _credited(money, apart={*payers, TAX_WALLET})
    tax = sum(amount for account, amount in money if account.wallet == TAX_WALLET)
    return Told(
        reference=reference,
        bank_kopecks=bank,
        is_payout=bool(extinguished or net or tax),
        units=extinguished,
        deal_kopecks=net,
        tax_kopecks=tax,
    )


def _credited(changes: Sequence[tuple[EntryAccount, int]], *, apart: Collection[UUID] = ()) -> int:
    return sum(amount for account, amount in changes if amount > 0 and account.wallet not in apart)
