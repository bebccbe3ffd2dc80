"""Checks of acts before settlement, and the reviews of those that it holds."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.adapters.versioned_table import VersionedTable, plain
from kapital.tokenization.domain.order_review import ActToReview, OrderReview

REVIEW_TABLE: Final = VersionedTable(
    OrderReview,
    "order_review",
    "review_id",
    {
        "review_id": "uuid",
        "issue_id": "uuid",
        "actor_id": "text",
        "command_id": "text",
        "participant_id": "uuid",
        "state": "text",
        "version": "bigint",
        "signature_holds": "boolean",
        "reasons": "text",
        "revoked_at": "timestamptz",
        "signed_at": "timestamptz",
        "file_sha256": "text",
        "checked_at": "timestamptz",
        "verdict": "text",
        "reason": "text",
        "proposed_by": "text",
        "proposed_at": "timestamptz",
        "decided_by": "text",
        "decided_at": "timestamptz",
    },
)

_ACTS: Final = """
    FROM subscription_order o
    JOIN signed_act a ON a.actor_id = o.actor_id AND a.command_id = o.command_id
    LEFT JOIN order_review r
        ON r.issue_id = o.issue_id AND r.actor_id = o.actor_id AND r.command_id = o.command_id
    WHERE o.issue_id = ANY(CAST(:ids AS uuid[])) AND o.state = 'accepted'
"""
_TO_CHECK: Final = text(
    f"""
    SELECT DISTINCT o.issue_id, a.actor_id, a.command_id, a.participant_id, a.file_sha256 {_ACTS}
      AND (r.review_id IS NULL OR (r.state = 'waiting' AND r.checked_at <= :before))
    ORDER BY o.issue_id, a.actor_id, a.command_id LIMIT :limit
    """
)
_OPEN: Final = text(
    f"""
    SELECT DISTINCT o.issue_id {_ACTS} AND (r.review_id IS NULL OR r.state IN ('waiting', 'held', 'proposed'))
    """
)
_BARRED: Final = text(
    """
    SELECT issue_id, actor_id, command_id FROM order_review
    WHERE issue_id = ANY(CAST(:ids AS uuid[])) AND state = 'not_allocated'
    """
)
_OF_ACTS: Final = """
    WHERE (issue_id, actor_id, command_id) IN (
        SELECT * FROM unnest(CAST(:issues AS uuid[]), CAST(:actors AS text[]), CAST(:commands AS text[]))
    ) ORDER BY review_id FOR NO KEY UPDATE
"""
_PAGE: Final = """
    WHERE (CAST(:state AS text) IS NULL OR state = :state)
      AND (CAST(:after AS uuid) IS NULL OR review_id > :after)
    ORDER BY review_id LIMIT :limit
"""
_ORDERS: Final = text(
    """
    SELECT r.review_id, o.order_id FROM order_review r
    JOIN subscription_order o
        ON o.issue_id = r.issue_id AND o.actor_id = r.actor_id AND o.command_id = r.command_id
    WHERE r.review_id = ANY(CAST(:ids AS uuid[])) AND o.accepted_at IS NOT NULL
        AND o.state NOT IN ('withdrawn', 'rejected')
    ORDER BY o.item
    """
)
_COUNT_OPEN: Final = text(
    """
    SELECT count(*) FROM order_review JOIN issue USING (issue_id)
    WHERE order_review.state IN ('waiting', 'held', 'proposed')
      AND issue.state IN ('placement_open', 'placement_suspended')
    """
)


class OrderReviewTables:
    """Adapter of the port `OrderReviews` on PostgreSQL."""

    async def to_check(
        self, conn: AsyncConnection, issue_ids: Iterable[UUID], *, before: datetime, limit: int
    ) -> list[ActToReview]:
        """Acts behind accepted orders not checked yet, or last in vain before an instant."""
        rows = await conn.execute(_TO_CHECK, {"ids": list(issue_ids), "before": before, "limit": limit})
        return [ActToReview(**{name: plain(value) for name, value in row.items()}) for row in rows.mappings()]

    async def lock_of_acts(self, conn: AsyncConnection, acts: Sequence[ActToReview]) -> list[OrderReview]:
        """The reviews that these acts have already, locked."""
        values = {
            "issues": [act.issue_id for act in acts],
            "actors": [act.actor_id for act in acts],
            "commands": [act.command_id for act in acts],
        }
        return await REVIEW_TABLE.select(conn, _OF_ACTS, values)

    async def add(self, conn: AsyncConnection, reviews: Sequence[OrderReview]) -> set[UUID]:
        """Keep reviews; the ids of those whose act had none."""
        return await REVIEW_TABLE.insert(conn, reviews)

    async def lock(self, conn: AsyncConnection, review_id: UUID) -> OrderReview | None:
        """One review, locked."""
        rows = await REVIEW_TABLE.select(conn, "WHERE review_id = :id FOR NO KEY UPDATE", {"id": review_id})
        return rows[0] if rows else None

    async def save(self, conn: AsyncConnection, reviews: Sequence[OrderReview]) -> None:
        """Write the next version of each. Raises: StaleVersion."""
        await REVIEW_TABLE.update(conn, reviews)

    async def issues_open(self, conn: AsyncConnection, issue_ids: Iterable[UUID]) -> set[UUID]:
        """Which of the issues have accepted orders whose act is not checked, or held."""
        return {plain(issue_id) for issue_id in (await conn.execute(_OPEN, {"ids": list(issue_ids)})).scalars()}

    async def barred(self, conn: AsyncConnection, issue_ids: Iterable[UUID]) -> set[tuple[UUID, str, str]]:
        """Issue, actor and command of the acts whose orders get nothing."""
        rows = await conn.execute(_BARRED, {"ids": list(issue_ids)})
        return {(plain(row.issue_id), row.actor_id, row.command_id) for row in rows}

    async def page(
        self, conn: AsyncConnection, *, state: str | None, after: UUID | None, limit: int
    ) -> list[OrderReview]:
        """Reviews by id above `after`, in one state if it is given."""
        return await REVIEW_TABLE.select(conn, _PAGE, {"state": state, "after": after, "limit": limit})

    async def orders_of(self, conn: AsyncConnection, review_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
        """The orders that each review is about, in the order of their command."""
        found: dict[UUID, list[UUID]] = {}
        for row in await conn.execute(_ORDERS, {"ids": list(review_ids)}):
            found.setdefault(plain(row.review_id), []).append(plain(row.order_id))
        return found

    async def count_open(self, conn: AsyncConnection) -> int:
        """How many acts keep placements from closing."""
        return int((await conn.execute(_COUNT_OPEN)).scalar_one())
