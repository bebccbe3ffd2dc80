"""Table dvp_review, and what a decided review changes in dvp_escrow."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.dvp_review import DvpReview, ReviewOutcome, ReviewState, StatementKind
from kapital.settlement.domain.payout_account import PayoutAccount

_ADD: Final = text(
    """
    INSERT INTO dvp_review (review_id, instruction_id, instruction_version, outcome, basis, statement_sha256,
        statement_kind, seller_bic, seller_account, content_sha256, state, proposed_by, proposed_at)
    VALUES (:review_id, :instruction_id, :instruction_version, :outcome, :basis, :statement_sha256, :statement_kind,
        :bic, :account, :content_sha256, :state, :proposed_by, :proposed_at)
    """
)
_LOCK: Final = text("SELECT * FROM dvp_review WHERE review_id = :id FOR UPDATE")
_GET: Final = text("SELECT * FROM dvp_review WHERE review_id = :id")
_OPEN: Final = text("SELECT review_id FROM dvp_review WHERE instruction_id = :id AND state = 'proposed'")
_DECIDE: Final = text(
    "UPDATE dvp_review SET state = :state, decided_by = :by, decided_at = :now WHERE review_id = :id"
)
_LIST: Final = text(
    """
    SELECT * FROM dvp_review
    WHERE (CAST(:state AS text) IS NULL OR state = :state)
        AND (CAST(:instruction AS uuid) IS NULL OR instruction_id = :instruction)
        AND (CAST(:before AS uuid) IS NULL OR review_id < :before)
    ORDER BY review_id DESC LIMIT :limit
    """
)
# Units that were unlocked stay so: the record of the next try takes them from where they are.
_RESERVE_FOUND: Final = text(
    """
    UPDATE dvp_escrow
    SET entry_try = entry_try + 1, lock_seq = NULL, is_lock_asked = false, is_unlocked = false
    WHERE instruction_id = :id AND is_unlocked
    """
)
_RESERVE_ABSENT: Final = text("UPDATE dvp_escrow SET is_free_by_statement = true WHERE instruction_id = :id")
# A key whose answer was a rejection would be answered so for ever.
_RELEASE_AGAIN: Final = text(
    """
    UPDATE dvp_escrow
    SET is_release_sent = false, seller_bic = coalesce(:bic, seller_bic),
        seller_account = coalesce(:account, seller_account),
        release_try = release_try + CASE WHEN bank_state = 'release_rejected' THEN 1 ELSE 0 END
    WHERE instruction_id = :id
    """
)


class DvpReviewTable:
    """Implements `ports.escrow.DvpReviews`."""

    async def add(self, conn: AsyncConnection, review: DvpReview) -> None:
        """Keep a proposal."""
        account = review.seller_account
        values = {
            "review_id": review.review_id,
            "instruction_id": review.instruction_id,
            "instruction_version": review.row_version,
            "outcome": review.outcome.value,
            "basis": review.basis,
            "statement_sha256": review.statement_sha256,
            "statement_kind": review.statement_kind.value,
            "bic": account and account.bic,
            "account": account and account.account,
            "content_sha256": review.content_sha256,
            "state": review.state.value,
            "proposed_by": review.proposed_by,
            "proposed_at": review.proposed_at,
        }
        await conn.execute(_ADD, values)

    async def lock(self, conn: AsyncConnection, review_id: UUID) -> DvpReview | None:
        """The review, locked until the commit."""
        row = (await conn.execute(_LOCK, {"id": review_id})).one_or_none()
        return None if row is None else review_of(row)

    async def get(self, conn: AsyncConnection, review_id: UUID) -> DvpReview | None:
        """The review."""
        row = (await conn.execute(_GET, {"id": review_id})).one_or_none()
        return None if row is None else review_of(row)

    async def open_for(self, conn: AsyncConnection, instruction_id: UUID) -> UUID | None:
        """The proposal for this instruction that waits for its decision."""
        found = (await conn.execute(_OPEN, {"id": instruction_id})).scalar_one_or_none()
        return None if found is None else UUID(bytes=found.bytes)

    async def list(
        self,
        conn: AsyncConnection,
        *,
        state: ReviewState | None,
        instruction_id: UUID | None,
        before: UUID | None,
        limit: int,
    ) -> list[DvpReview]:
        """Reviews before one, the newest first."""
        values = {"state": state and state.value, "instruction": instruction_id, "before": before, "limit": limit}
        return [review_of(row) for row in await conn.execute(_LIST, values)]

    async def decide(self, conn: AsyncConnection, review: DvpReview) -> None:
        """Keep the decision, and of an approved one what the escrow process goes on from."""
        values = {
            "id": review.review_id,
            "state": review.state.value,
            "by": review.decided_by,
            "now": review.decided_at,
        }
        await conn.execute(_DECIDE, values)
        if review.state is not ReviewState.APPROVED:
            return
        match review.outcome:
            case ReviewOutcome.RESERVE_FOUND:
                await conn.execute(_RESERVE_FOUND, {"id": review.instruction_id})
            case ReviewOutcome.RESERVE_ABSENT:
                await conn.execute(_RESERVE_ABSENT, {"id": review.instruction_id})
            case ReviewOutcome.RELEASE_AGAIN:
                account = review.seller_account
                parameters = {"bic": account and account.bic, "account": account and account.account}
                await conn.execute(_RELEASE_AGAIN, {"id": review.instruction_id, **parameters})
            case ReviewOutcome.RELEASE_FOUND:
                pass


def review_of(row: Any) -> DvpReview:
    """A row of dvp_review as the domain knows it."""
    return DvpReview(
        review_id=UUID(bytes=row.review_id.bytes),
        instruction_id=UUID(bytes=row.instruction_id.bytes),
        row_version=row.instruction_version,
        outcome=ReviewOutcome(row.outcome),
        basis=row.basis,
        statement_sha256=row.statement_sha256,
        statement_kind=StatementKind(row.statement_kind),
        seller_account=PayoutAccount(bic=row.seller_bic, account=row.seller_account) if row.seller_bic else None,
        state=ReviewState(row.state),
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )
