"""The outcome of a placement becomes records: units against money, and what was reserved too much goes back."""

from collections.abc import Sequence
from typing import Final

import msgspec

from kapital.ledger.api import Committed, Refused
from kapital.platform.events import CloudEvent, Event
from kapital.platform.failpoints import failpoint
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.domain.instructions import (
    AllocationDecided,
    AllocationLine,
    check_allocation,
    content_sha256,
)
from kapital.settlement.domain.states import NOMINAL_ENTERED, NOMINAL_WAITING, DvpState, walk
from kapital.settlement.ports import Parts, SettlementJob
from kapital.settlement.use_cases.entries import delivery, refund, turned_back
from kapital.settlement.use_cases.settled_jobs import is_frozen, require_committed, require_same

KIND = "allocation"
_OTHER_CONTENT: Final = "id_reused_with_other_content"


async def settle_allocation(
    parts: Parts, tx: Transaction, decided: AllocationDecided, cause: CloudEvent | None = None
) -> None:
    """Enter one part of an allocation, all lines in one call of the ledger, and tell the entry numbers.

    To a buyer whose wallet was frozen after the allocation nothing is delivered: the reserve goes back in that
    wallet, where the freeze holds it, the line is told without units, and the others' lines go on. While the
    issuer's wallet is frozen the part waits, its money reserved, and `settle_waiting` goes on with it.
    Promise: ids are derived from the orders, so a repeat after a crash meets its own entries; a repeat of a part
    already settled does and tells nothing. Once the ledger has a line there is no way back (domain.md 3.5 rule 1):
    what was turned back stays so when the freeze ends, and what was delivered before it stays delivered.
    Law: 259-FZ art. 2 (the act of issuance is the record of crediting to the first acquirer); 115-FZ art. 7(1)(6).
    Raises: InvariantBroken (lines that do not add up, or another content under the same name) before anything is
    done; SettlementLineRefused after the other lines were entered.
    """
    check_allocation(decided)
    digest = content_sha256(decided)
    earlier = await parts.jobs.find(tx.conn, KIND, decided.issue_id, decided.part)
    if earlier:
        require_same(earlier, digest)
        if earlier.state is DvpState.SETTLED:
            return
    # Before there is a unit to be bought; its decision may have been published before settlement listened to that.
    await parts.issuers.note_paid(tx.conn, {decided.asset_id: decided.issuer_wallet_id}, tx.now)
    entries = [delivery(decided, line) if line.units else refund(line) for line in decided.lines]
    answers = await parts.ledger.post(entries) if entries else []
    failpoint("settlement.allocation.entered")
    lines, answers = await _turn_back(parts, decided.lines, answers)
    waits = _waits_for_issuer(decided, answers)
    committed = [] if waits else require_committed(answers)
    job = SettlementJob(
        kind=KIND,
        subject_id=decided.issue_id,
        part=decided.part,
        content_sha256=digest,
        state=walk(NOMINAL_WAITING if waits else NOMINAL_ENTERED),
        lines=len(decided.lines),
        attempts=earlier.attempts + 1 if earlier else 1,
        waiting=decided if waits else None,
    )
    if await parts.jobs.save(tx.conn, job, tx.now) and not waits:
        delivered = [(line, entry.seq) for line, entry in zip(lines, committed, strict=True) if line.units]
        await parts.payouts.add_lots(tx.conn, decided, delivered)
        await tx.outbox.add(_settled(decided, lines, committed), cause=cause)


async def _turn_back(
    parts: Parts, lines: Sequence[AllocationLine], answers: Sequence[Committed | Refused]
) -> tuple[list[AllocationLine], list[Committed | Refused]]:
    """Give back the reserves of frozen buyers; the lines as they are settled, and the answers about them."""
    settled, told = list(lines), list(answers)
    barred = [n for n, answer in enumerate(answers) if _is_barred(lines[n], answer)]
    backs = await parts.ledger.post([turned_back(lines[n]) for n in barred]) if barred else []
    for n, back in zip(barred, backs, strict=True):
        told[n] = back
        settled[n] = msgspec.structs.replace(
            lines[n], units=0, pay_kopecks=0, refund_kopecks=lines[n].reserved_kopecks
        )
    return settled, told


def _is_barred(line: AllocationLine, answer: Committed | Refused) -> bool:
    # Another content under the id of the delivery is the reserve that an earlier try has given back, or a fault that
    # the ledger names once more when the reserve is asked for.
    given_back = isinstance(answer, Refused) and answer.code == _OTHER_CONTENT
    return line.units > 0 and (given_back or is_frozen(answer, line.wallet_id))


def _waits_for_issuer(decided: AllocationDecided, answers: Sequence[Committed | Refused]) -> bool:
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    return bool(refused) and all(is_frozen(answer, decided.issuer_wallet_id) for answer in refused)


def _settled(decided: AllocationDecided, lines: Sequence[AllocationLine], committed: Sequence[Committed]) -> Event:
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
                for line, entry in zip(lines, committed, strict=True)
            ],
        },
    )
