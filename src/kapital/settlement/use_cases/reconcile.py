"""Tick or command: compare the bank with the register, to the kopeck."""

from uuid import UUID

from kapital.kernel.actor import Actor
from kapital.kernel.problems import ensure
from kapital.ledger.api import MIRROR_POSITIONS, Position
from kapital.platform.failpoints import failpoint
from kapital.platform.ids import new_uuid7
from kapital.platform.logging import get_logger
from kapital.platform.telemetry import RECONCILED_AT
from kapital.settlement.domain.breaks import BALANCE, BOOKS, OpenBreaks
from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET
from kapital.settlement.domain.problems import BankMoves
from kapital.settlement.domain.reconciliation import Reconciliation
from kapital.settlement.domain.states import WithdrawalState
from kapital.settlement.domain.tax import TAX_WALLET
from kapital.settlement.ports import Parts, PayoutState
from kapital.settlement.use_cases.book_incoming import book_to_the_end
from kapital.settlement.use_cases.compare_shares import compare_shares, note_shares
from kapital.settlement.use_cases.entries import MONEY, money
from kapital.settlement.use_cases.find_breaks import look_at_statements, walk_ledger
from kapital.settlement.use_cases.run_withdrawals import enquire
from kapital.settlement.use_cases.show_waiting import show_waiting
from kapital.settlement.use_cases.withdrawal_steps import require_recorded

ROUNDS_MAX = 5
AT_BANK_MAX = 100_000

_log = get_logger(__name__)


async def reconcile(actor: Actor, parts: Parts) -> Reconciliation:
    """Book and enquire until nothing moves, then compare: beneficiaries + unidentified + in transit + tax = bank.

    Three ways: the bank's balance and its statements, the register's cash positions and its new entries, our own
    tables of payments, withdrawals and deliveries. Each difference is a break (`domain/breaks.py`): it stops
    withdrawals until it is explained or two persons have resolved it. Nothing is corrected here. At a bank that keeps
    shares, each beneficiary's share is compared as well. The register's new entries are walked before that, and
    the bank's edge is given back between their pages: others wait there.
    Law: Civil Code art. 860.1–860.6 (the money is the beneficiaries'); domain.md 3.5.
    Raises: NotPermitted, BankSilent – then nothing was compared; BankMoves – then only the register's entries were,
    with our tables.
    """
    async with parts.uow.begin() as tx:
        tx.access.require(actor, "reconcile")
        # Also while the bank is silent, and for messages that a console command has taken in.
        await show_waiting(parts, tx.conn)
        began_at = tx.now
    async with parts.edge.hold():
        # A crash may have left an entry whose row does not tell of it yet: that is no break.
        await _repair(parts)
    await walk_ledger(parts, began_at)
    async with parts.edge.hold():
        bank_kopecks = await _balance_at_rest(parts)
        await look_at_statements(parts, at_rest=True)
        found = await _compare(parts, bank_kopecks)
        shares = await compare_shares(parts)
        failpoint("settlement.reconciliation.compared")
        async with parts.uow.begin() as tx:
            before = await parts.breaks.open_breaks(tx.conn)
            await parts.reconciliations.add(tx.conn, found)
            if shares is not None:
                await note_shares(parts, tx, shares, found.reconciliation_id)
            of_books = (found.books_kopecks or 0) - found.ledger_kopecks
            for subject, difference in ((BOOKS, of_books), (BALANCE, found.difference_kopecks)):
                await parts.breaks.note_difference(
                    tx.conn, subject, difference, tx.now, reconciliation_id=found.reconciliation_id
                )
            after = await parts.breaks.open_breaks(tx.conn)
            if after != before:
                await tx.audit.append(
                    "settlement.reconciliation_break_changed",
                    found.reconciliation_id,
                    actor,
                    before=_told(before),
                    after=_told(after),
                )
            await show_waiting(parts, tx.conn)
    failpoint("settlement.reconciliation.kept")
    RECONCILED_AT.set(found.at.timestamp())
    if after.count:
        subject = str(found.reconciliation_id)
        _log.error("settlement.reconciliation_break_found", code="reconciliation_break", subject_id=subject)
    return found


def _told(breaks: OpenBreaks) -> dict[str, object]:
    kinds = {kind.value: count for kind, count in breaks.by_kind.items()}
    return {"difference_kopecks": breaks.difference_kopecks, "breaks": kinds}


async def _balance_at_rest(parts: Parts) -> int:
    """The bank's balance at an instant for which all that it had done is in our books.

    The bank's list of credits only grows and the end of a payout never changes. So when both are the same before
    and after the balance was read, the balance stands for exactly that list and those ends.
    """
    for _ in range(ROUNDS_MAX):
        await _repair(parts)
        before = await _payouts(parts)
        balance_kopecks = await parts.bank.balance_kopecks()
        after = await _payouts(parts)
        settled = before == after and PayoutState.EXECUTED not in before.values()
        if settled and not await parts.bank.incoming(await _cursor(parts), 1):
            return balance_kopecks
    raise BankMoves(facts={"rounds": ROUNDS_MAX})


async def _repair(parts: Parts) -> None:
    """Book and enquire what the bank has done, to the end. The edge is held."""
    await book_to_the_end(parts)
    require_recorded(await enquire(parts))


async def _payouts(parts: Parts) -> dict[UUID, PayoutState]:
    """What the bank says of every withdrawal that the register still shows in transit."""
    states = (WithdrawalState.SENT, WithdrawalState.UNKNOWN)
    async with parts.uow.begin() as tx:
        at_bank = await parts.withdrawals.list_in(tx.conn, states, AT_BANK_MAX)
    return {one.withdrawal_id: (await parts.bank.payout_status(one.reference)).state for one in at_bank}


async def _cursor(parts: Parts) -> int:
    async with parts.uow.begin() as tx:
        return await parts.incoming.lock_cursor(tx.conn)


async def _compare(parts: Parts, bank_kopecks: int) -> Reconciliation:
    """Sum the register. Only who holds the edge moves money between register and bank, so it may be read at leisure;
    movements between beneficiaries do not change the sums that are compared."""
    totals = await parts.ledger.totals(MONEY)
    ensure(sum(totals.values()) == 0, "money in the register does not sum to zero")
    held = sorted(totals.keys() - MIRROR_POSITIONS)
    total = sum(totals[position] for position in held)
    unidentified, tax_payable = [
        dict(zip(held, await parts.ledger.balances([money(wallet, position) for position in held]), strict=True))
        for wallet in (UNIDENTIFIED_WALLET, TAX_WALLET)
    ]
    in_transit = sum(
        balances.get(Position.LOCKED, 0) * sign
        for balances, sign in ((totals, 1), (unidentified, -1), (tax_payable, -1))
    )
    operators = sum(unidentified.values()), sum(tax_payable.values())
    async with parts.uow.begin() as tx:
        at, books_kopecks = tx.now, await parts.breaks.books_kopecks(tx.conn)
    return Reconciliation(
        reconciliation_id=new_uuid7(),
        at=at,
        bank_kopecks=bank_kopecks,
        beneficiaries_kopecks=total - in_transit - sum(operators),
        unidentified_kopecks=operators[0],
        in_transit_kopecks=in_transit,
        tax_payable_kopecks=operators[1],
        books_kopecks=books_kopecks,
    )
