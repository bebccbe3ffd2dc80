"""Reviews of DvP instructions, newest first, and the files they rest on."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.settlement.domain.dvp_review import ReviewState, StatementKind
from kapital.settlement.domain.escrow_problems import DvpReviewNotFound, DvpStatementNotHere
from kapital.settlement.dvp_review_forms import shown_review
from kapital.settlement.ports import Parts


async def list_dvp_reviews(
    conn: AsyncConnection,
    parts: Parts,
    actor: Actor,
    *,
    state: contract.DvpReviewState | None = None,
    instruction_id: UUID | None = None,
    before: UUID | None = None,
    limit: int = 100,
) -> contract.DvpReviewPage:
    """A page of reviews; staff only. Raises: NotPermitted."""
    access.require(actor, "list_dvp_reviews")
    wanted = None if state is None else ReviewState(state.value)
    found = await parts.escrow.reviews.list(
        conn, state=wanted, instruction_id=instruction_id, before=before, limit=limit
    )
    return contract.DvpReviewPage(reviews=[shown_review(one) for one in found])


async def get_dvp_review_statement(conn: AsyncConnection, parts: Parts, actor: Actor, review_id: UUID) -> bytes:
    """The bytes of the file. Raises: NotPermitted, DvpReviewNotFound, DvpStatementNotHere."""
    access.require(actor, "get_dvp_review_statement")
    review = await parts.escrow.reviews.get(conn, review_id)
    if review is None:
        raise DvpReviewNotFound
    if review.statement_kind is not StatementKind.FILE:
        raise DvpStatementNotHere(facts={"sha256": review.statement_sha256})
    return await parts.escrow.statements.get(review.statement_sha256)
