"""Read model: checks of certificates before settlement, and the orders that they hold."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.base import unset_if_none
from kapital.contracts.tokenization import OrderReviewPage, OrderReviewState, OrderReviewVerdict, OrderReviewView
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.tokenization.domain.order_review import OrderReview
from kapital.tokenization.ports import Parts


async def list_order_reviews(
    conn: AsyncConnection, parts: Parts, actor: Actor, *, state: str | None, after: UUID | None, limit: int
) -> OrderReviewPage:
    """Reviews by id above `after`, for staff. Raises: NotPermitted."""
    access.require(actor, "list_order_reviews")
    reviews = await parts.reviews.page(conn, state=state, after=after, limit=limit + 1)
    items = await order_review_views(conn, parts, reviews[:limit])
    return OrderReviewPage(items=items, next_after=items[-1].review_id if len(reviews) > limit else msgspec.UNSET)


async def order_review_views(
    conn: AsyncConnection, parts: Parts, reviews: Sequence[OrderReview]
) -> list[OrderReviewView]:
    """Reviews as the contract shows them, each with its orders."""
    orders = await parts.reviews.orders_of(conn, [review.review_id for review in reviews])
    return [
        OrderReviewView(
            review_id=one.review_id,
            issue_id=one.issue_id,
            participant_id=one.participant_id,
            order_ids=orders.get(one.review_id, []),
            state=OrderReviewState(one.state.value),
            version=one.version,
            signature_holds=one.signature_holds,
            reasons=one.reasons.split(",") if one.reasons else [],
            signed_at=one.signed_at,
            checked_at=one.checked_at,
            file_sha256=one.file_sha256,
            revoked_at=unset_if_none(one.revoked_at),
            verdict=OrderReviewVerdict(one.verdict.value) if one.verdict else msgspec.UNSET,
            reason=unset_if_none(one.reason),
            proposal_sha256=unset_if_none(one.proposal_sha256),
            proposed_by=unset_if_none(one.proposed_by),
            proposed_at=unset_if_none(one.proposed_at),
            decided_by=unset_if_none(one.decided_by),
            decided_at=unset_if_none(one.decided_at),
        )
        for one in reviews
    ]
