"""Tick: collect what a correction made due, from what the holder has available."""

from kapital.kernel.ids import derive_uuid7
from kapital.ledger.api import Basis, BasisKind, Committed, Posting, Transaction
from kapital.settlement.domain.tax import TAX_WALLET
from kapital.settlement.domain.tax_residency import CorrectionState
from kapital.settlement.ports import Collection, Parts
from kapital.settlement.use_cases.entries import ACTOR, money

BATCH = 500
BALANCE_INSUFFICIENT = "balance_insufficient"


async def collect_tax(parts: Parts) -> int:
    """Move the tax that is due besides to the tax wallet, as far as there is money; returns how many were ended.

    Law: Tax Code art. 226 (4), (5): what cannot be withheld is told to the tax authority – it stands in the export.
    Promise: how much is asked for is kept before the ledger is asked, and the entry's id is derived from the
    correction: a repeat after a crash meets its own entry. A refused collection leaves no trace and is tried anew;
    one that a freeze refuses is not.
    """
    async with parts.uow.begin() as turn:
        # One process at a time: the answer of the ledger is then noted before anybody asks again.
        await parts.tax.records.turn(turn.conn)
        return await _collect(parts)


async def _collect(parts: Parts) -> int:
    records = parts.tax.records
    asked: list[tuple[Collection, int]] = []
    async with parts.uow.begin() as tx:
        await records.share(tx.conn)
        waiting = await records.open_collections(tx.conn, BATCH)
        if not waiting:
            return 0
        # Only read, and only to ask for no more than there is: the ledger remains the wall.
        available = await parts.ledger.balances([money(one.wallet_id) for one in waiting])
        for one, kopecks in zip(waiting, available, strict=True):
            if one.collecting_kopecks is not None:
                asked.append((one, one.collecting_kopecks))
                continue
            most = min(one.due_kopecks, max(kopecks, 0))
            to = CorrectionState.COLLECTING if most else CorrectionState.NOT_COLLECTED
            await records.move(tx.conn, one.correction_id, CorrectionState.TO_COLLECT, to, kopecks=most)
            if most:
                asked.append((one, most))
    answers = await parts.ledger.post([_entry(one, kopecks) for one, kopecks in asked]) if asked else []
    async with parts.uow.begin() as tx:
        for (one, kopecks), answer in zip(asked, answers, strict=True):
            if isinstance(answer, Committed):
                state, seq, moved = CorrectionState.COLLECTED, answer.seq, kopecks
            elif answer.code == BALANCE_INSUFFICIENT:
                state, seq, moved = CorrectionState.TO_COLLECT, None, 0
            else:
                state, seq, moved = CorrectionState.NOT_COLLECTED, None, 0
            await records.move(tx.conn, one.correction_id, CorrectionState.COLLECTING, state, kopecks=moved, seq=seq)
    return len(waiting)


def _entry(one: Collection, kopecks: int) -> Transaction:
    return Transaction(
        id=derive_uuid7(one.correction_id, "collect"),
        actor=ACTOR,
        basis=Basis(kind=BasisKind.STATUTE, reference=f"tax_correction/{one.correction_id}"),
        postings=(Posting(money(one.wallet_id), -kopecks), Posting(money(TAX_WALLET), kopecks)),
    )
