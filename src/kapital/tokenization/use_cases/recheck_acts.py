"""Before a placement is allocated, the certificates behind its accepted orders are looked at again.

Law: domain.md 4, scenario 21, second mode; the dated setting `recheck_at_settlement` says on which days.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from kapital.kernel.calendar import moscow_day
from kapital.platform.acts.checking import CheckedAct
from kapital.platform.acts.policy import ActKind
from kapital.platform.acts.problems import SignatureCertificateSuspended
from kapital.platform.ids import new_uuid7
from kapital.platform.signatures.outcome import Outcome
from kapital.platform.telemetry import ORDER_REVIEWS_OPEN
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.order_review import ActToReview, OrderReview, ReviewState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.order_acts import ACTS_AT_ONCE, ASKED_AGAIN_AFTER, signers_of
from kapital.tokenization.use_cases.steps import SCHEDULER

REVOKED_LATER: Final = "certificate_revoked_later"


def to_recheck(issues: Iterable[Issue], parts: Parts) -> list[UUID]:
    """The issues whose acts are looked at again: by the day on which the placement ends, whenever this runs."""
    policy = parts.acts.policy
    return [i.issue_id for i in issues if policy.rechecks_at_settlement(moscow_day(i.ends_at))]


async def recheck_acts(issues: Sequence[Issue], *, parts: Parts) -> None:
    """Check each act behind accepted orders of these issues once more, and hold those whose certificate fell since.

    Promise: each act of an issue is decided once; what no authority answers is asked again half a minute later, and
    the issue is not allocated before. Safe in several processes at once.
    """
    ids = to_recheck(issues, parts)
    while ids:
        async with parts.database.connect() as conn:
            before = parts.clock.now() - ASKED_AGAIN_AFTER
            acts = await parts.reviews.to_check(conn, ids, before=before, limit=ACTS_AT_ONCE)
            signers = await signers_of(conn, parts, {act.participant_id for act in acts})
        if not acts:
            return
        checks = await asyncio.gather(
            *(
                parts.acts.check_again(act.file_sha256, ActKind.PLACE_ORDERS, signers[act.participant_id])
                for act in acts
            )
        )
        await _keep(parts, list(zip(acts, checks, strict=True)))


async def tell_open_reviews(*, parts: Parts) -> None:
    """Show how many acts keep placements from closing."""
    async with parts.database.connect() as conn:
        ORDER_REVIEWS_OPEN.set(await parts.reviews.count_open(conn))


async def _keep(parts: Parts, checked: Sequence[tuple[ActToReview, CheckedAct]]) -> None:
    async with parts.uow.begin() as tx:
        known = await parts.reviews.lock_of_acts(tx.conn, [act for act, _ in checked])
        by_act = {(one.issue_id, one.actor_id, one.command_id): one for one in known}
        new: list[OrderReview] = []
        again: list[OrderReview] = []
        for act, check in checked:
            earlier = by_act.get((act.issue_id, act.actor_id, act.command_id))
            if earlier is None:
                new.append(_judged(_first(act, check), check))
            elif earlier.state is ReviewState.WAITING:
                again.append(_judged(earlier, check))
        added = await parts.reviews.add(tx.conn, new)
        await parts.reviews.save(tx.conn, again)
        for review in [one for one in new if one.review_id in added] + again:
            if review.state is ReviewState.HELD:
                await tx.audit.append(
                    "tokenization.order_review_held",
                    review.review_id,
                    SCHEDULER,
                    basis={
                        "rule_book_version": parts.rule_book_version,
                        "reasons": review.reasons,
                        "file_sha256": review.file_sha256,
                    },
                    after={"state": review.state.value, "version": review.version},
                )


def _first(act: ActToReview, check: CheckedAct) -> OrderReview:
    return OrderReview(
        review_id=new_uuid7(),
        issue_id=act.issue_id,
        actor_id=act.actor_id,
        command_id=act.command_id,
        participant_id=act.participant_id,
        state=ReviewState.WAITING,
        version=0,
        **_facts(check),
    )


def _judged(review: OrderReview, check: CheckedAct) -> OrderReview:
    facts = _facts(check)
    if check.problem is None and check.outcome is Outcome.INDETERMINATE:
        on = None
    elif check.problem is not None or check.revoked_later_at is not None:
        on = "held"
    else:
        on = "passed"
    if on is not None:
        return review.moved(on, **facts)[0]
    return msgspec.structs.replace(review, version=review.version + 1, **facts)


def _facts(check: CheckedAct) -> dict[str, Any]:
    # A certificate suspended today says nothing against what it signed before; people decide whether to go on.
    holds = check.problem is None or isinstance(check.problem, SignatureCertificateSuspended)
    told = [check.problem.code] if check.problem else []
    told += [REVOKED_LATER] if check.revoked_later_at else []
    return {
        "signature_holds": holds and check.outcome is not Outcome.INDETERMINATE,
        "reasons": ",".join(dict.fromkeys([*told, *check.reasons])),
        "revoked_at": check.revoked_later_at,
        "signed_at": check.signed_at,
        "file_sha256": check.file_sha256,
        "checked_at": check.checked_at,
    }
