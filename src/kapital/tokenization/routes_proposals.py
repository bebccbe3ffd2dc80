"""HTTP of steps that two persons make, and of the exchange. Bound to contracts/openapi/tokenization.yaml.

Translates and calls, decides nothing.
"""

from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import tokenization as contract
from kapital.contracts.base import given, unset_if_none
from kapital.platform.acts.http import signed_act
from kapital.platform.http import HttpRequest, actor_of, command_context
from kapital.tokenization.domain.issue_proposal import OrderRejectionReason, ProposalKind
from kapital.tokenization.queries.access import PAGE_MAX
from kapital.tokenization.queries.list_proposals import list_issue_proposals, proposal_view
from kapital.tokenization.use_cases.bound import TokenizationUseCases
from kapital.tokenization.use_cases.exchange_units import ConsentToExchange
from kapital.tokenization.use_cases.issue_proposals import (
    ConsentToCancellation,
    DecideIssueStep,
    ProposeIssueStep,
)

Limit = Annotated[int, Parameter(ge=1, le=PAGE_MAX)]


@post("/v1/tokenization/issues/{issue_id:uuid}/proposals", status_code=201)
async def propose_issue_step_route(
    request: HttpRequest, tokenization: TokenizationUseCases, issue_id: UUID, data: contract.ProposeIssueStepBody
) -> contract.IssueProposalView:
    """Propose."""
    actor, command_id = command_context(request)
    rejection = given(data.reason_code)
    proposal = await tokenization.propose_issue_step(
        ProposeIssueStep(
            command_id=command_id,
            actor=actor,
            issue_id=issue_id,
            kind=ProposalKind(data.kind.value),
            reason=data.reason,
            document_sha256=given(data.document_sha256),
            action_id=given(data.action_id),
            new_issue_id=given(data.new_issue_id),
            units_per_unit=given(data.units_per_unit),
            calculation_sha256=given(data.calculation_sha256),
            order_id=given(data.order_id),
            reason_code=None if rejection is None else OrderRejectionReason(rejection.value),
        )
    )
    return proposal_view(proposal)


@post("/v1/tokenization/proposals/{proposal_id:uuid}/consent", status_code=200)
async def consent_to_cancellation_route(
    request: HttpRequest, tokenization: TokenizationUseCases, proposal_id: UUID, data: contract.ConsentBody
) -> contract.IssueProposalView:
    """Consent."""
    actor, command_id = command_context(request)
    proposal = await tokenization.consent_to_cancellation(
        ConsentToCancellation(
            command_id=command_id,
            actor=actor,
            proposal_id=proposal_id,
            proposal_sha256=data.proposal_sha256,
            signed_act=signed_act(given(data.act)),
        )
    )
    return proposal_view(proposal)


@post("/v1/tokenization/proposals/{proposal_id:uuid}/decision", status_code=200)
async def decide_issue_step_route(
    request: HttpRequest, tokenization: TokenizationUseCases, proposal_id: UUID, data: contract.DecideIssueStepBody
) -> contract.IssueProposalView:
    """Approve or reject."""
    actor, command_id = command_context(request)
    proposal = await tokenization.decide_issue_step(
        DecideIssueStep(
            command_id=command_id,
            actor=actor,
            proposal_id=proposal_id,
            proposal_sha256=data.proposal_sha256,
            approve=data.answer is contract.IssueStepAnswer.approve,
        )
    )
    return proposal_view(proposal)


@post("/v1/tokenization/proposals/{proposal_id:uuid}/exchanges", status_code=201)
async def consent_to_exchange_route(
    request: HttpRequest, tokenization: TokenizationUseCases, proposal_id: UUID, data: contract.ConsentBody
) -> contract.ExchangeView:
    """Exchange."""
    actor, command_id = command_context(request)
    consent = await tokenization.consent_to_exchange(
        ConsentToExchange(
            command_id=command_id,
            actor=actor,
            proposal_id=proposal_id,
            proposal_sha256=data.proposal_sha256,
            signed_act=signed_act(given(data.act)),
        )
    )
    return contract.ExchangeView(
        consent_id=consent.consent_id,
        proposal_id=consent.proposal_id,
        units=consent.units + consent.locked_units,
        created_at=consent.created_at,
        entry_seq=unset_if_none(consent.entry_seq),
    )


@get("/v1/tokenization/proposals")
async def list_issue_proposals_route(
    request: HttpRequest,
    tokenization: TokenizationUseCases,
    issue_id: UUID | None = None,
    after: UUID | None = None,
    limit: Limit = 100,
) -> contract.IssueProposalPage:
    """A page of proposals."""
    async with tokenization.parts.database.connect() as conn:
        return await list_issue_proposals(
            conn, tokenization.parts, actor_of(request), issue_id=issue_id, after=after, limit=limit
        )


HANDLERS = (
    propose_issue_step_route,
    consent_to_cancellation_route,
    decide_issue_step_route,
    consent_to_exchange_route,
    list_issue_proposals_route,
)
