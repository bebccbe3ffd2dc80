"""HTTP of reviews of DvP instructions, bound to contracts/openapi/settlement.yaml; translates and calls."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import Parameter

from kapital.contracts import settlement as contract
from kapital.contracts.base import given
from kapital.platform.http import HttpRequest, actor_of, command_context
from kapital.settlement.contract_forms import account_of
from kapital.settlement.domain.dvp_review import ReviewOutcome
from kapital.settlement.ports import Parts
from kapital.settlement.queries.access import PAGE_MAX
from kapital.settlement.queries.list_dvp_reviews import get_dvp_review_statement, list_dvp_reviews
from kapital.settlement.use_cases.decide_dvp_review import DecideDvpReview, decide_dvp_review
from kapital.settlement.use_cases.propose_dvp_review import ProposeDvpReview, propose_dvp_review

Limit = Annotated[int, Parameter(ge=1, le=PAGE_MAX)]


@post("/v1/settlement/dvp-reviews")
async def propose_dvp_review_route(
    request: HttpRequest, settlement: Parts, data: contract.DvpReviewProposal
) -> contract.DvpReview:
    """Propose what the bank's statement shows."""
    actor, command_id = command_context(request)
    account = given(data.seller_account)
    cmd = ProposeDvpReview(
        command_id=command_id,
        actor=actor,
        instruction_id=data.instruction_id,
        outcome=ReviewOutcome(data.outcome.value),
        basis=data.basis,
        statement_sha256=given(data.statement_sha256),
        statement_base64=given(data.statement_base64),
        seller_account=account_of(account) if account else None,
    )
    return await propose_dvp_review(cmd, settlement)


@get("/v1/settlement/dvp-reviews")
async def list_dvp_reviews_route(
    request: HttpRequest,
    settlement: Parts,
    in_state: Annotated[contract.DvpReviewState | None, Parameter(query="state")] = None,
    instruction_id: UUID | None = None,
    before: UUID | None = None,
    limit: Limit = 100,
) -> contract.DvpReviewPage:
    """A page of reviews."""
    async with settlement.uow.database.connect() as conn:
        return await list_dvp_reviews(
            conn,
            settlement,
            actor_of(request),
            state=in_state,
            instruction_id=instruction_id,
            before=before,
            limit=limit,
        )


@get("/v1/settlement/dvp-reviews/{review_id:uuid}/statement")
async def get_dvp_review_statement_route(request: HttpRequest, settlement: Parts, review_id: UUID) -> Response[bytes]:
    """The file that a review rests on."""
    async with settlement.uow.database.connect() as conn:
        content = await get_dvp_review_statement(conn, settlement, actor_of(request), review_id)
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type="application/octet-stream", headers=headers)


@post("/v1/settlement/dvp-reviews/{review_id:uuid}/decision", status_code=200)
async def decide_dvp_review_route(
    request: HttpRequest, settlement: Parts, review_id: UUID, data: contract.DvpReviewDecision
) -> contract.DvpReview:
    """Approve or reject a proposal by its hash."""
    actor, command_id = command_context(request)
    cmd = DecideDvpReview(
        command_id=command_id,
        actor=actor,
        review_id=review_id,
        content_sha256=data.content_sha256,
        approve=data.verdict is contract.DvpVerdict.approve,
    )
    return await decide_dvp_review(cmd, settlement)


HANDLERS = (
    propose_dvp_review_route,
    list_dvp_reviews_route,
    get_dvp_review_statement_route,
    decide_dvp_review_route,
)
