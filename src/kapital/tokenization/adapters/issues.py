"""Issues, versions of their decisions, reviews, signatures."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.adapters.versioned_table import VersionedTable, as_plain, plain
from kapital.tokenization.domain.decision import Decision, DecisionSignature, Review
from kapital.tokenization.domain.issue import Issue

ISSUE_TABLE: Final = VersionedTable(
    Issue,
    "issue",
    "issue_id",
    {
        "issue_id": "uuid",
        "issuer_participant_id": "uuid",
        "issuer_wallet_id": "uuid",
        "code": "text",
        "title": "text",
        "state": "text",
        "version": "bigint",
        "decision_version": "integer",
        "decision_sha256": "text",
        "drafted_by": "text",
        "quantity_min": "bigint",
        "quantity_max": "bigint",
        "min_order_units": "bigint",
        "max_order_units": "bigint",
        "lot": "bigint",
        "price_kopecks": "bigint",
        "placement_start_at": "timestamptz",
        "placement_end_at": "timestamptz",
        "when_full": "text",
        "orders_revocable": "boolean",
        "qualified_only": "boolean",
        "investor_kinds": "text[]",
        "retail_limited": "boolean",
        "quote_min_kopecks": "bigint",
        "quote_max_kopecks": "bigint",
        "fill_every_s": "integer",
        "fill_at": "timestamptz",
        "allocation_parts": "integer",
        "transfer_lock": "boolean",
        "accepted_orders": "bigint",
        "accepted_units": "bigint",
        "accepted_kopecks": "bigint",
        "allocated_units": "bigint",
        "paid_kopecks": "bigint",
        "published_at": "timestamptz",
        "closed_at": "timestamptz",
        "window_at": "timestamptz",
        "locked_at": "timestamptz",
        "stopped_by_operator": "boolean",
        "closes_when_full": "boolean",
        "issuer_may_end": "boolean",
        "ended_early_at": "timestamptz",
    },
)

_TO_OPEN: Final = "WHERE state = 'published' AND placement_start_at <= :now ORDER BY placement_start_at LIMIT :limit"
# A held act whose orders have all ended (withdrawn, or rejected by two) keeps nobody waiting.
_HELD: Final = """
    SELECT FROM order_review r
    JOIN subscription_order o
        ON o.issue_id = r.issue_id AND o.actor_id = r.actor_id AND o.command_id = r.command_id
    WHERE r.issue_id = issue.issue_id AND r.state IN ('held', 'proposed') AND o.state = 'accepted'
"""
_TO_CLOSE: Final = f"""
    WHERE state IN ('placement_open', 'placement_suspended') AND coalesce(ended_early_at, placement_end_at) <= :now
      AND NOT EXISTS ({_HELD})
    ORDER BY coalesce(ended_early_at, placement_end_at) LIMIT :limit
"""
_TO_FILL: Final = f"""
    WHERE state IN ('placement_open', 'placement_suspended') AND NOT stopped_by_operator AND fill_every_s IS NOT NULL
      AND fill_at <= :now AND coalesce(ended_early_at, placement_end_at) > :now
      AND EXISTS (SELECT FROM subscription_order o WHERE o.issue_id = issue.issue_id AND o.state = 'accepted')
      AND NOT EXISTS ({_HELD})
    ORDER BY fill_at LIMIT :limit
"""
# In a technical default only the lock is set: the state goes on when it is cured, or the redemption is paid.
_TO_REDEEM: Final = """
    WHERE window_at <= :now AND (state = 'circulating'
        OR state = 'technical_default' AND transfer_lock AND locked_at IS NULL)
    ORDER BY window_at LIMIT :limit
"""

_PAGE: Final = """
    WHERE (CAST(:state AS text) IS NULL OR state = :state)
      AND (CAST(:after AS uuid) IS NULL OR issue_id > :after)
      AND (:all_issues OR published_at IS NOT NULL OR issuer_participant_id = :reader)
    ORDER BY issue_id LIMIT :limit
"""

_ADD_DECISION: Final = text(
    """
    INSERT INTO decision_version
        (issue_id, decision_version, sha256, terms, faults, drafted_by, drafted_at, pdf_sha256)
    VALUES (:issue_id, :decision_version, :sha256, :terms, CAST(:faults AS jsonb), :drafted_by, :drafted_at,
            :pdf_sha256)
    """
)
_DECISION: Final = text(
    """
    SELECT issue_id, decision_version, d.sha256, d.terms, d.faults, d.drafted_by, d.drafted_at, d.pdf_sha256
    FROM decision_version d JOIN issue USING (issue_id, decision_version)
    WHERE issue_id = ANY(CAST(:ids AS uuid[]))
    """
)
_ADD_REVIEW: Final = text(
    """
    INSERT INTO review
        (issue_id, decision_version, role, reviewer_id, verdict, decision_sha256, note, reviewed_at, checklist)
    VALUES (:issue_id, :decision_version, :role, :reviewer_id, :verdict, :decision_sha256, :note, :reviewed_at,
            CAST(:checklist AS jsonb))
    """
)
_REVIEWS: Final = text(
    """
    SELECT issue_id, decision_version, role, reviewer_id, verdict, decision_sha256, note, reviewed_at, checklist
    FROM review WHERE issue_id = :issue_id ORDER BY reviewed_at, role
    """
)
_ADD_SIGNATURE: Final = text(
    """
    INSERT INTO decision_signature (issue_id, decision_version, party, signature_kind, key_name, algorithm,
                                    signature, public_key, signed_by, signed_at, act_file_sha256)
    VALUES (:issue_id, :decision_version, :party, :signature_kind, :key_name, :algorithm,
            :signature, :public_key, :signed_by, :signed_at, :act_file_sha256)
    """
)
_SIGNATURES: Final = text(
    """
    SELECT s.* FROM decision_signature s JOIN issue USING (issue_id, decision_version)
    WHERE issue_id = :issue_id ORDER BY party
    """
)


class IssueTables:
    """Adapter of the port `Issues` on PostgreSQL."""

    async def add(self, conn: AsyncConnection, issue: Issue) -> bool:
        """Insert a new issue; False if its code (or id) is taken."""
        return bool(await ISSUE_TABLE.insert(conn, [issue]))

    async def save(self, conn: AsyncConnection, issues: Sequence[Issue]) -> None:
        """Write the next version of each. Raises: StaleVersion."""
        await ISSUE_TABLE.update(conn, issues)

    async def code_is_taken(self, conn: AsyncConnection, code: str, but_by: UUID) -> bool:
        """Whether another issue has the code."""
        query = text("SELECT EXISTS (SELECT FROM issue WHERE code = :code AND issue_id <> :issue_id)")
        return bool((await conn.execute(query, {"code": code, "issue_id": but_by})).scalar_one())

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Issue]:
        """Those issues that exist, by id."""
        rows = await ISSUE_TABLE.select(conn, "WHERE issue_id = ANY(CAST(:ids AS uuid[]))", {"ids": list(ids)})
        return {issue.issue_id: issue for issue in rows}

    async def lock(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Issue]:
        """As `read`, rows locked in order of id until the transaction ends. Locked before any order of theirs."""
        tail = "WHERE issue_id = ANY(CAST(:ids AS uuid[])) ORDER BY issue_id FOR NO KEY UPDATE"
        rows = await ISSUE_TABLE.select(conn, tail, {"ids": sorted(ids)})
        return {issue.issue_id: issue for issue in rows}

    async def page(
        self,
        conn: AsyncConnection,
        *,
        state: str | None,
        after: UUID | None,
        limit: int,
        reader_participant_id: UUID | None,
        all_issues: bool,
    ) -> list[Issue]:
        """Issues by id above `after`: all, or those that are published or the reader's own."""
        values = {
            "state": state,
            "after": after,
            "limit": limit,
            "reader": reader_participant_id,
            "all_issues": all_issues,
        }
        return await ISSUE_TABLE.select(conn, _PAGE, values)

    async def due_to_open(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Issue]:
        """Published issues whose placement has begun."""
        return await ISSUE_TABLE.select(conn, _TO_OPEN, {"now": now, "limit": limit})

    async def due_to_close(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Issue]:
        """Issues whose placement is over, and that no order held for a review keeps open."""
        return await ISSUE_TABLE.select(conn, _TO_CLOSE, {"now": now, "limit": limit})

    async def due_to_fill(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Issue]:
        """Issues in a continuous placement whose orders are to be filled, and that no held order keeps."""
        return await ISSUE_TABLE.select(conn, _TO_FILL, {"now": now, "limit": limit})

    async def due_to_redeem(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Issue]:
        """Issues whose redemption window has begun: circulating, or in technical default and not under its lock."""
        return await ISSUE_TABLE.select(conn, _TO_REDEEM, {"now": now, "limit": limit})

    async def add_decision(self, conn: AsyncConnection, decision: Decision) -> None:
        """Keep a version of a decision for ever."""
        faults = msgspec.json.encode(decision.faults).decode()
        await conn.execute(_ADD_DECISION, msgspec.structs.asdict(decision) | {"faults": faults})

    async def decisions(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Decision]:
        """The present version of each issue's decision."""
        if not (wanted := list(ids)):
            return {}
        rows = (await conn.execute(_DECISION, {"ids": wanted})).mappings()
        found = [msgspec.convert(as_plain(row, ["faults"]), Decision) for row in rows]
        return {decision.issue_id: decision for decision in found}

    async def add_review(self, conn: AsyncConnection, review: Review) -> None:
        """Note a review."""
        checklist = msgspec.json.encode(review.checklist).decode()
        await conn.execute(_ADD_REVIEW, msgspec.structs.asdict(review) | {"checklist": checklist})

    async def reviews(self, conn: AsyncConnection, issue_id: UUID) -> list[Review]:
        """Every review of every version, oldest first."""
        rows = (await conn.execute(_REVIEWS, {"issue_id": issue_id})).mappings()
        return [msgspec.convert(as_plain(row, ["checklist"]), Review) for row in rows]

    async def add_signatures(self, conn: AsyncConnection, signatures: Sequence[DecisionSignature]) -> None:
        """Keep the signatures of a version."""
        rows: list[dict[str, Any]] = [msgspec.structs.asdict(signature) for signature in signatures]
        await conn.execute(_ADD_SIGNATURE, rows)

    async def signatures(self, conn: AsyncConnection, issue_id: UUID) -> list[DecisionSignature]:
        """The signatures of the present version: issuer, operator."""
        rows = (await conn.execute(_SIGNATURES, {"issue_id": issue_id})).mappings()
        return [DecisionSignature(**{name: plain(value) for name, value in as_plain(row).items()}) for row in rows]
