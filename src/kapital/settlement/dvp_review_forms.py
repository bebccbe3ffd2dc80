"""Reviews of DvP instructions in the form of the contract."""

from kapital.contracts import settlement as contract
from kapital.contracts.base import unset_if_none
from kapital.settlement.contract_forms import shown_account
from kapital.settlement.domain.dvp_review import DvpReview


def shown_review(review: DvpReview) -> contract.DvpReview:
    """The review as it is answered."""
    return contract.DvpReview(
        review_id=review.review_id,
        instruction_id=review.instruction_id,
        row_version=review.row_version,
        outcome=contract.DvpReviewOutcome(review.outcome.value),
        basis=review.basis,
        statement_sha256=review.statement_sha256,
        statement_kind=contract.DvpStatementKind(review.statement_kind.value),
        seller_account=unset_if_none(shown_account(review.seller_account)),
        content_sha256=review.content_sha256,
        state=contract.DvpReviewState(review.state.value),
        proposed_by=review.proposed_by,
        proposed_at=review.proposed_at,
        decided_by=unset_if_none(review.decided_by),
        decided_at=unset_if_none(review.decided_at),
    )
