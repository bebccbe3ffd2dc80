"""Use case: another person decides on exactly what was proposed of an instruction that waits for a person."""

from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

import msgspec

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.domain.dvp_review import DvpReview, ReviewOutcome, ReviewState
from kapital.settlement.domain.escrow import move_of
from kapital.settlement.domain.escrow_problems import (
    DvpReviewMustBeCurrent,
    DvpReviewMustBeOpen,
    DvpReviewMustMatch,
    DvpReviewNotFound,
)
from kapital.settlement.dvp_review_forms import shown_review
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.two_persons import Seen, TwoPersons, decide_by_two


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideDvpReview:
    """The decision on exactly what was proposed (`content_sha256`)."""

    command_id: CommandId
    actor: Actor
    review_id: UUID
    content_sha256: str
    approve: bool


def _seen(review: DvpReview) -> Seen:
    return Seen(review.state, review.state is ReviewState.PROPOSED, review.proposed_by, review.content_sha256)


_RULE: Final = TwoPersons(
    action="decide_dvp_review",
    kind="DvpReview",
    told=contract.DvpReview,
    seen=_seen,
    not_found=lambda _: DvpReviewNotFound(),
    not_open=DvpReviewMustBeOpen,
    not_same=DvpReviewMustMatch,
)


async def decide_dvp_review(cmd: DecideDvpReview, parts: Parts) -> contract.DvpReview:
    """Approve: the instruction makes the step of the DvP table that the outcome names, and the schedule goes on.

    Rejected, it waits on, and another proposal may be made. domain.md 3.5 rule 6.
    Raises: IdempotencyKeyReused, NotPermitted, DvpReviewNotFound, DvpReviewMustBeOpen, MakerAndCheckerMustDiffer,
    DvpReviewMustMatch, DvpReviewMustBeCurrent.
    """
    return await decide_by_two(
        _RULE,
        cmd,
        parts,
        about=cmd.review_id,
        content_sha256=cmd.content_sha256,
        lock=parts.escrow.reviews.lock,
        effect=partial(_decide, cmd, parts),
    )


async def _decide(cmd: DecideDvpReview, parts: Parts, tx: Transaction, review: DvpReview) -> contract.DvpReview:
    state = ReviewState.APPROVED if cmd.approve else ReviewState.REJECTED
    decided = msgspec.structs.replace(review, state=state, decided_by=cmd.actor.id, decided_at=tx.now)
    if cmd.approve:
        await _go_on(decided, tx, parts)
    await parts.escrow.reviews.decide(tx.conn, decided)
    await tx.audit.append(
        "settlement.dvp_review_decided",
        review.review_id,
        cmd.actor,
        basis={"content_sha256": review.content_sha256, "statement_sha256": review.statement_sha256},
        before={"state": review.state.value},
        after={
            "state": state.value,
            "instruction_id": str(review.instruction_id),
            "outcome": review.outcome.value,
        },
    )
    return shown_review(decided)


async def _go_on(review: DvpReview, tx: Transaction, parts: Parts) -> None:
    one = await parts.escrow.records.lock(tx.conn, review.instruction_id)
    if one is None or one.row_version != review.row_version:
        raise DvpReviewMustBeCurrent(facts={"row_version": one.row_version if one else 0})
    undone = review.outcome is ReviewOutcome.RESERVE_ABSENT
    move = move_of(one, review.outcome.value, end_code="reserve_absent_by_review" if undone else None)
    await parts.escrow.records.move(tx.conn, [move], tx.now)
