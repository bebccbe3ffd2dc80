"""Read model: steps of issues that two persons make."""

from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.base import unset_if_none
from kapital.contracts.tokenization import (
    IssueProposalKind,
    IssueProposalPage,
    IssueProposalState,
    IssueProposalView,
    OrderRejectionReason,
)
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.tokenization.domain.issue_proposal import IssueProposal
from kapital.tokenization.ports import Parts


async def list_issue_proposals(
    conn: AsyncConnection, parts: Parts, actor: Actor, *, issue_id: UUID | None, after: UUID | None, limit: int
) -> IssueProposalPage:
    """Proposals by id above `after`. A client names the issue, which is published: only of such are there proposals.

    Those about single orders are shown to staff alone: they tell of one investor, and of what the operator suspects.
    Raises: NotPermitted.
    """
    resource = access.Resource("IssueProposal", open_to_clients=True if issue_id is not None else None)
    access.require(actor, "list_issue_proposals", resource)
    of_orders = access.allows(actor, "list_issue_proposals", access.Resource("IssueProposal"))
    rows = await parts.proposals.page(conn, issue_id=issue_id, after=after, limit=limit + 1, of_orders=of_orders)
    items = [proposal_view(row) for row in rows[:limit]]
    return IssueProposalPage(items=items, next_after=items[-1].proposal_id if len(rows) > limit else msgspec.UNSET)


def proposal_view(one: IssueProposal) -> IssueProposalView:
    """A proposal without the names of who made and decided it: those are the audit's."""
    return IssueProposalView(
        proposal_id=one.proposal_id,
        issue_id=one.issue_id,
        kind=IssueProposalKind(one.kind.value),
        state=IssueProposalState(one.state.value),
        version=one.version,
        reason=one.reason,
        proposal_sha256=one.proposal_sha256,
        document_sha256=unset_if_none(one.document_sha256),
        action_id=unset_if_none(one.action_id),
        new_issue_id=unset_if_none(one.new_issue_id),
        units_per_unit=unset_if_none(one.units_per_unit),
        calculation_sha256=unset_if_none(one.calculation_sha256),
        order_id=unset_if_none(one.order_id),
        reason_code=msgspec.UNSET if one.reason_code is None else OrderRejectionReason(one.reason_code.value),
        proposed_at=one.proposed_at,
        consent_at=unset_if_none(one.consent_at),
        decided_at=unset_if_none(one.decided_at),
    )
