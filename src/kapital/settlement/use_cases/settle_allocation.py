"""The outcome of a placement becomes records: units against money, and what was reserved too much goes back."""

from kapital.ledger.api import Committed
from kapital.platform.events import CloudEvent, Event
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.domain.instructions import AllocationDecided, check_allocation, content_sha256
from kapital.settlement.domain.states import NOMINAL_ENTERED, walk
from kapital.settlement.ports import Parts, SettlementJob
from kapital.settlement.use_cases.entries import delivery, refund
from kapital.settlement.use_cases.settled_jobs import require_committed, require_same

KIND = "allocation"


async def settle_allocation(
    parts: Parts, tx: Transaction, decided: AllocationDecided, cause: CloudEvent | None = None
) -> None:
    """Enter one part of an allocation, all lines in one call of the ledger, and tell the entry numbers.

    Promise: ids are derived from the orders, so a repeat after a crash meets its own entries; a repeat of a part
    already settled does and tells nothing. Once the ledger has a line there is no way back (domain.md 3.5 rule 1).
    Law: 259-FZ art. 2 (the act of issuance is the record of crediting to the first acquirer).
    Raises: InvariantBroken (lines that do not add up, or another content under the same name) before anything is
    done; SettlementLineRefused after the other lines were entered.
    """
    check_allocation(decided)
    digest = content_sha256(decided)
    if job := await parts.jobs.find(tx.conn, KIND, decided.issue_id, decided.part):
        require_same(job, digest)
        return
    entries = [delivery(decided, line) if line.units else refund(line) for line in decided.lines]
    committed = require_committed(await parts.ledger.post(entries) if entries else [])
    job = SettlementJob(
        kind=KIND,
        subject_id=decided.issue_id,
        part=decided.part,
        content_sha256=digest,
        state=walk(NOMINAL_ENTERED),
        lines=len(decided.lines),
        attempts=1,
    )
    if await parts.jobs.save(tx.conn, job, tx.now):
        await tx.outbox.add(_settled(decided, committed), cause=cause)


def _settled(decided: AllocationDecided, committed: list[Committed]) -> Event:
    return Event(
        type="kapital.settlement.allocation_settled.v1",
        aggregate_id=str(decided.issue_id),
        data={
            "issue_id": str(decided.issue_id),
            "outcome": decided.outcome,
            "part": decided.part,
            "parts": decided.parts,
            "lines": [
                {
                    "order_id": str(line.order_id),
                    "entry_seq": entry.seq,
                    "units": line.units,
                    "pay_kopecks": line.pay_kopecks,
                    "refund_kopecks": line.refund_kopecks,
                }
                for line, entry in zip(decided.lines, committed, strict=True)
            ],
        },
    )
