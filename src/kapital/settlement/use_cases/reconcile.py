"""Tick or command: compare the bank with the register, to the kopeck."""

from uuid import UUID

from kapital.kernel.actor import Actor
from kapital.kernel.problems import ensure
from kapital.ledger.api import MIRROR_POSITIONS, Position
from kapital.platform.ids import new_uuid7
from kapital.platform.logging import get_logger
from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET
from kapital.settlement.domain.problems import BankMoves
from kapital.settlement.domain.reconciliation import Reconciliation
from kapital.settlement.domain.states import WithdrawalState
from kapital.settlement.domain.tax import TAX_WALLET
from kapital.settlement.ports import Parts, PayoutState
from kapital.settlement.use_cases.book_incoming import book_to_the_end
from kapital.settlement.use_cases.entries import MONEY, money
from kapital.settlement.use_cases.run_withdrawals import enquire
from kapital.settlement.use_cases.withdrawal_steps import require_recorded

ROUNDS_MAX = 5
AT_BANK_MAX = 100_000

_log = get_logger(__name__)


async def reconcile(actor: Actor, parts: Parts) -> Reconciliation:
    """Book and enquire until nothing moves, then compare: beneficiaries + unidentified + in transit + tax = bank.

    A difference is a break: it stops withdrawals until a later comparison finds none. Nothing is corrected here.
    Law: Civil Code art. 860.1–860.6 (the money is the beneficiaries'); domain.md 3.5.
    Raises: NotPermitted, BankSilent, BankMoves – then nothing was compared and nothing is concluded.
    """
    async with parts.uow.begin() as tx:
        tx.access.require(actor, "reconcile")
    async with parts.edge.hold():
        bank_kopecks = await _balance_at_rest(parts)
        found = await _compare(parts, bank_kopecks)
        async with parts.uow.begin() as tx:
            before = await parts.reconciliations.open_break_kopecks(tx.conn)
            await parts.reconciliations.add(tx.conn, found)
            difference = found.difference_kopecks
            if difference != before:
                await tx.audit.append(
                    "settlement.reconciliation_break_changed",
                    found.reconciliation_id,
                    actor,
                    before={"difference_kopecks": before},
                    after={"difference_kopecks": difference},
                )
    if difference:
        subject = str(found.reconciliation_id)
        _log.error("settlement.reconciliation_break_found", code="reconciliation_break", subject_id=subject)
    return found


async def _balance_at_rest(parts: Parts) -> int:
    """The bank's balance at an instant for which all that it had done is in our books.

    The bank's list of credits only grows and the end of a payout never changes. So when both are the same before
    and after the balance was read, the balance stands for exactly that list and those ends.
    """
    for _ in range(ROUNDS_MAX):
        await book_to_the_end(parts)
        require_recorded(await enquire(parts))
        before = await _payouts(parts)
        balance_kopecks = await parts.bank.balance_kopecks()
        after = await _payouts(parts)
        settled = before == after and PayoutState.EXECUTED not in before.values()
        if settled and not await parts.bank.incoming(await _cursor(parts), 1):
            return balance_kopecks
    raise BankMoves(facts={"rounds": ROUNDS_MAX})


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
        at = tx.now
    return Reconciliation(
        reconciliation_id=new_uuid7(),
        at=at,
        bank_kopecks=bank_kopecks,
        beneficiaries_kopecks=total - in_transit - sum(operators),
        unidentified_kopecks=operators[0],
        in_transit_kopecks=in_transit,
        tax_payable_kopecks=operators[1],
    )
