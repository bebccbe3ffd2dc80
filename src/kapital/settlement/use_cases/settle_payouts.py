"""A corporate action is paid: the payer's money to the holders, and extinguished units with it."""

import asyncio
from collections.abc import Sequence
from typing import Final

from kapital.ledger.api import Committed, Refused
from kapital.platform.events import CloudEvent, Event
from kapital.platform.failpoints import failpoint
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.domain.instructions import PayoutsInstructed, check_payouts, content_sha256
from kapital.settlement.domain.states import NOMINAL_ENTERED, NOMINAL_REFUSED, DvpState, walk
from kapital.settlement.domain.tax import TaxAgent, Withheld
from kapital.settlement.ports import PaidLine, Parts, SettlementJob
from kapital.settlement.use_cases.entries import payer_money, payouts
from kapital.settlement.use_cases.plan_payouts import Withholding, plan_payouts
from kapital.settlement.use_cases.settled_jobs import is_frozen, require_committed, require_same, root_refusal

KIND = "payouts"
BALANCE_INSUFFICIENT = "balance_insufficient"
PARTS_AT_ONCE: Final = 4


Told = tuple[PayoutsInstructed, CloudEvent | None]
"""Parts of corporate actions as they were told, each with the event that told it."""


async def settle_payouts(parts: Parts, tx: Transaction, told: Sequence[Told]) -> None:
    """Enter parts of corporate actions, each whole or not at all, and tell which.

    Without enough money of the payer (where none was set aside), or while the payer's wallet is frozen, nothing of
    the part is paid and `payouts_refused` says how much is needed and there; the same instruction may come again.
    Units are extinguished in the entry that pays for them (domain.md 3.6).
    Promise: as `settle_allocation`, for each part by itself. Raises: InvariantBroken; SettlementLineRefused for a
    refusal that is not about the payer's money – then nothing of that part was done.
    """
    for start in range(0, len(told), PARTS_AT_ONCE):
        await _settle(parts, tx, told[start : start + PARTS_AT_ONCE])


async def _settle(parts: Parts, tx: Transaction, told: Sequence[Told]) -> None:
    digests, jobs = [], []
    for instructed, _ in told:
        check_payouts(instructed)
        digests.append(content_sha256(instructed))
        jobs.append(await parts.jobs.find(tx.conn, KIND, instructed.action_id, instructed.part))
    fresh = []
    for one, digest, job in zip(told, digests, jobs, strict=True):
        if job and job.state is DvpState.SETTLED:
            require_same(job, digest)
        else:
            fresh.append((*one, digest, job.attempts if job else 0))
    # What is withheld from a part is decided and kept before anything of it is entered, part after part: a person may
    # stand in several. While the ledger enters one part the next is decided. All are waited for, whatever one raises.
    asked: list[asyncio.Task[_Outcome]] = []
    kept: list[Withholding] = []
    try:
        for instructed, *_ in fresh:
            kept.append(await plan_payouts(parts, instructed))
            failpoint("settlement.payouts.withheld")
            asked.append(asyncio.create_task(_post(parts, instructed, kept[-1])))
    finally:
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
    for (instructed, cause, digest, attempts), withheld, outcome in zip(fresh, kept, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            raise outcome
        answers, missing = outcome
        if missing is None:
            committed = require_committed(answers)
            state, event = walk(NOMINAL_ENTERED), _settled(instructed, committed)
            lines = _paid(instructed, withheld, committed)
            await parts.payouts.note_paid(tx.conn, instructed.action_id, instructed.part, lines)
        else:
            state, event = walk(NOMINAL_REFUSED), missing
            await parts.payouts.drop(tx.conn, instructed.action_id, instructed.part)
        job = SettlementJob(
            kind=KIND,
            subject_id=instructed.action_id,
            part=instructed.part,
            content_sha256=digest,
            state=state,
            lines=len(instructed.lines),
            attempts=attempts + 1,
        )
        if await parts.jobs.save(tx.conn, job, tx.now):
            await tx.outbox.add(event, cause=cause)


def _paid(instructed: PayoutsInstructed, withholding: Withholding, committed: Sequence[Committed]) -> list[PaidLine]:
    """What each line paid, by its entry."""
    lines = []
    for line, entry in zip(instructed.lines, committed, strict=True):
        withheld = withholding.get((line.wallet_id, line.position), Withheld())
        net = line.amount_kopecks - withheld.kopecks
        tax = withheld.kopecks if withheld.agent is TaxAgent.OPERATOR else 0
        lines.append(PaidLine(entry.seq, line.wallet_id, net, tax, line.extinguish_units))
    return lines


_Outcome = tuple[Sequence[Committed | Refused], Event | None]


async def _post(parts: Parts, instructed: PayoutsInstructed, withheld: Withholding) -> _Outcome:
    """Post all lines as one linked set; the event of refusal when the payer's money is too little or frozen."""
    entries = payouts(instructed, withheld)
    if not entries:
        return [], None
    answers = await parts.ledger.post(entries)
    failpoint("settlement.payouts.entered")
    if all(isinstance(answer, Committed) for answer in answers):
        return answers, None
    root = root_refusal(answers)[1]
    payer_frozen = is_frozen(root, instructed.payer_wallet_id)
    if not payer_frozen and (instructed.is_set_aside or root.code != BALANCE_INSUFFICIENT):
        return answers, None  # money that was set aside for this very part is there: another matter is at fault
    # Whose balance? If it is the payer's, the refusal is told; a holder who lacks units is another matter.
    needed = sum(line.amount_kopecks for line in instructed.lines)
    (available,) = await parts.ledger.balances([payer_money(instructed)])
    if payer_frozen or available < needed:
        return answers, _refused(instructed, needed, available, root.code)
    # The payer may have been credited between the refusal and the look: one more try tells the two apart.
    return await parts.ledger.post(entries), None


def _settled(instructed: PayoutsInstructed, committed: list[Committed]) -> Event:
    return Event(
        type="kapital.settlement.payouts_settled.v1",
        aggregate_id=str(instructed.issue_id),
        data={
            "action_id": str(instructed.action_id),
            "issue_id": str(instructed.issue_id),
            "part": instructed.part,
            "parts": instructed.parts,
            "lines": [
                {
                    "wallet_id": str(line.wallet_id),
                    "entry_seq": entry.seq,
                    "amount_kopecks": line.amount_kopecks,
                }
                for line, entry in zip(instructed.lines, committed, strict=True)
            ],
        },
    )


def _refused(instructed: PayoutsInstructed, needed: int, available: int, code: str) -> Event:
    return Event(
        type="kapital.settlement.payouts_refused.v1",
        aggregate_id=str(instructed.issue_id),
        data={
            "action_id": str(instructed.action_id),
            "issue_id": str(instructed.issue_id),
            "part": instructed.part,
            "needed_kopecks": needed,
            "available_kopecks": available,
            "code": code,
        },
    )
