"""Use cases: two persons decide whether held orders go on or are not allocated."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.states import Step
from kapital.platform.access import of_row
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain.order_review import OrderReview, ReviewState, ReviewVerdict
from kapital.tokenization.domain.problems import OrderReviewNotFound
from kapital.tokenization.ports import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeOrderReview:
    """`reason` is kept for ever beside the order; it names no person."""

    command_id: CommandId
    actor: Actor
    review_id: UUID
    verdict: ReviewVerdict
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideOrderReview:
    """`proposal_sha256` is the proposal that the second person saw."""

    command_id: CommandId
    actor: Actor
    review_id: UUID
    proposal_sha256: str
    confirm: bool


async def propose_order_review(cmd: ProposeOrderReview, *, parts: Parts) -> OrderReview:
    """Move HELD to PROPOSED.

    Raises: NotPermitted, IdempotencyKeyReused, OrderReviewNotFound, WrongState, SignatureMustHold.
    """
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=OrderReview)
        review = await parts.reviews.lock(tx.conn, cmd.review_id)
        tx.access.require(cmd.actor, "propose_order_review", of_row("OrderReview", cmd.review_id, review))
        if review is None:
            raise OrderReviewNotFound
        after, step = review.proposed(cmd.verdict, cmd.reason, by=cmd.actor.id, at=tx.now)
        return await _keep(tx, parts, cmd, mark, review, after, step)


async def decide_order_review(cmd: DecideOrderReview, *, parts: Parts) -> OrderReview:
    """Move PROPOSED to GOES_ON or NOT_ALLOCATED, or back to HELD. The next tick of the schedule allocates.

    Law: domain.md 4, scenario 21 (the decision is recorded).
    Raises: NotPermitted, IdempotencyKeyReused, OrderReviewNotFound, WrongState, MakerAndCheckerMustDiffer,
    OrderReviewMustMatch.
    """
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=OrderReview)
        review = await parts.reviews.lock(tx.conn, cmd.review_id)
        tx.access.require(cmd.actor, "decide_order_review", of_row("OrderReview", cmd.review_id, review))
        if review is None:
            raise OrderReviewNotFound
        after, step = review.decided(confirm=cmd.confirm, seen=cmd.proposal_sha256, by=cmd.actor.id, at=tx.now)
        return await _keep(tx, parts, cmd, mark, review, after, step)


async def _keep(
    tx: Transaction,
    parts: Parts,
    cmd: ProposeOrderReview | DecideOrderReview,
    mark: str,
    before: OrderReview,
    after: OrderReview,
    step: Step[ReviewState],
) -> OrderReview:
    await parts.reviews.save(tx.conn, [after])
    await tx.audit.append(
        f"tokenization.order_review_{step.on}",
        after.review_id,
        cmd.actor,
        basis={
            "who": step.who.value,
            "rule_book_version": parts.rule_book_version,
            "verdict": after.verdict,
            "reason": after.reason,
            "proposal_sha256": after.proposal_sha256,
        },
        before={"state": step.source.value, "version": before.version},
        after={"state": step.target.value, "version": after.version},
    )
    await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(after))
    return after
