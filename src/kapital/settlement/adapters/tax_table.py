"""Tables tax_residency and tax_correction."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.tax import Residency, TaxAgent
from kapital.settlement.domain.tax_residency import (
    CorrectionState,
    PaidIncome,
    ResidencyState,
    TaxCorrection,
    TaxResidency,
)
from kapital.settlement.ports import Collection

_ADD: Final = text(
    """
    INSERT INTO tax_residency (residency_id, participant_id, residency, valid_from, basis, document_sha256, state,
        recorded_by, recorded_at)
    VALUES (:residency_id, :participant_id, :residency, :valid_from, :basis, :document_sha256, :state, :recorded_by,
        :recorded_at)
    """
)
_READ: Final = """
    SELECT residency_id, participant_id, residency, valid_from, basis, document_sha256, state, recorded_by,
        recorded_at, decided_by, decided_at
    FROM tax_residency WHERE residency_id = ANY(CAST(:ids AS uuid[]))
"""
_OF_IDS: Final = text(_READ)
_LOCK: Final = text(_READ + "FOR UPDATE")
_DECIDE: Final = text(
    """
    UPDATE tax_residency SET state = :state, decided_by = :by, decided_at = :at WHERE residency_id = :id
    """
)
_KIND: Final = text("SELECT kind FROM taxpayer WHERE participant_id = :id")
# Who counts a payment or begins a collection shares it; who changes a residency has it alone: what was counted under
# the old one is then either in sight or not begun.
_SHARE: Final = text("SELECT pg_advisory_xact_lock_shared(226002)")
_TURN: Final = text("SELECT pg_advisory_xact_lock(226003)")
_ALONE: Final = text("SELECT pg_advisory_xact_lock(226002)")
_YEAR: Final = text(
    """
    SELECT p.action_id, p.part, p.wallet_id, p.taxpayer_id, p.paid_on, p.gross_kopecks, p.cost_kopecks, p.agent,
        coalesce(c.tax_after_kopecks, p.tax_kopecks) AS tax_kopecks,
        p.tax_kopecks * (p.agent = 'operator')::int + coalesce(w.collected, 0) AS withheld_kopecks
    FROM payout p
    LEFT JOIN LATERAL (
        SELECT tax_after_kopecks FROM tax_correction
        WHERE action_id = p.action_id AND part = p.part AND wallet_id = p.wallet_id
        ORDER BY number DESC LIMIT 1
    ) AS c ON true
    LEFT JOIN LATERAL (
        SELECT sum(collected_kopecks) AS collected FROM tax_correction
        WHERE action_id = p.action_id AND part = p.part AND wallet_id = p.wallet_id
    ) AS w ON true
    WHERE p.taxpayer_id = :id AND p.tax_year = :year AND p.state = 'paid' AND p.rule_version IS NOT NULL
    ORDER BY p.entry_seq
    """
)
_PLANNED_NOW: Final = text(
    "SELECT EXISTS (SELECT FROM payout WHERE taxpayer_id = :id AND tax_year = :year AND state = 'planned')"
    " OR EXISTS (SELECT FROM tax_correction WHERE taxpayer_id = :id AND state = 'collecting')"
)
_SUPERSEDE: Final = text(
    "UPDATE tax_correction SET state = 'recorded'"
    " WHERE taxpayer_id = :id AND tax_year = :year AND state = 'to_collect'"
)
_CORRECT: Final = text(
    """
    INSERT INTO tax_correction (correction_id, action_id, part, wallet_id, taxpayer_id, tax_year, residency_id, agent,
        tax_before_kopecks, tax_after_kopecks, withheld_before_kopecks, rate_parts, residency, rule_version, state,
        corrected_on)
    SELECT r.correction_id, r.action_id, r.part, r.wallet_id, r.taxpayer_id, r.tax_year, r.residency_id, r.agent,
        r.tax_before, r.tax_after, r.withheld, r.rate_parts, r.residency, r.rule_version, r.state, :on
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(correction_id uuid, action_id uuid, part integer,
        wallet_id uuid, taxpayer_id uuid, tax_year integer, residency_id uuid, agent text, tax_before bigint,
        tax_after bigint, withheld bigint, rate_parts jsonb, residency text, rule_version text, state text)
    """
)
_OPEN: Final = text(
    """
    SELECT correction_id, wallet_id, state, tax_after_kopecks - withheld_before_kopecks AS due_kopecks,
        collected_kopecks
    FROM tax_correction WHERE state IN ('to_collect', 'collecting') ORDER BY number LIMIT :limit
    """
)
_COLLECT: Final = text(
    """
    UPDATE tax_correction SET state = :state, collected_kopecks = :kopecks, entry_seq = :seq
    WHERE correction_id = :id AND state = :was
    """
)


class TaxTables:
    """Implements `ports.TaxRecords`."""

    async def add(self, conn: AsyncConnection, residency: TaxResidency) -> None:
        """Keep a new record."""
        await conn.execute(
            _ADD,
            msgspec.structs.asdict(residency)
            | {"residency": residency.residency.value, "state": residency.state.value},
        )

    async def lock(self, conn: AsyncConnection, residency_id: UUID) -> TaxResidency | None:
        """A record, locked."""
        row = (await conn.execute(_LOCK, {"ids": [residency_id]})).one_or_none()
        return None if row is None else _residency(row)

    async def read(self, conn: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, TaxResidency]:
        """Those records that exist, by id."""
        return {_id(row.residency_id): _residency(row) for row in await conn.execute(_OF_IDS, {"ids": list(ids)})}

    async def decide(
        self, conn: AsyncConnection, residency_id: UUID, state: ResidencyState, by: str, at: datetime
    ) -> None:
        """Note the decision of the second person."""
        await conn.execute(_DECIDE, {"id": residency_id, "state": state.value, "by": by, "at": at})

    async def kind_of(self, conn: AsyncConnection, participant_id: UUID) -> str | None:
        """What kind of person a participant is, as far as the registry told."""
        found = (await conn.execute(_KIND, {"id": participant_id})).scalar_one_or_none()
        return None if found is None else str(found)

    async def share(self, conn: AsyncConnection) -> None:
        """Let no residency change until the commit."""
        await conn.execute(_SHARE)

    async def turn(self, conn: AsyncConnection) -> None:
        """Let nobody else collect until the commit."""
        await conn.execute(_TURN)

    async def alone(self, conn: AsyncConnection) -> None:
        """Let nobody count a tax or change a residency until the commit."""
        await conn.execute(_ALONE)

    async def is_being_paid(self, conn: AsyncConnection, participant_id: UUID, year: int) -> bool:
        """Whether a payment or a collection of this person is under way just now."""
        return bool((await conn.execute(_PLANNED_NOW, {"id": participant_id, "year": year})).scalar_one())

    async def year_of(self, conn: AsyncConnection, participant_id: UUID, year: int) -> list[PaidIncome]:
        """The taxed payments of a person in a year, in order, with the tax that stands now."""
        rows = (await conn.execute(_YEAR, {"id": participant_id, "year": year})).mappings()
        return [
            PaidIncome(
                **{
                    **row,
                    "action_id": _id(row["action_id"]),
                    "wallet_id": _id(row["wallet_id"]),
                    "taxpayer_id": _id(row["taxpayer_id"]),
                    "agent": TaxAgent(row["agent"]),
                    "withheld_kopecks": int(row["withheld_kopecks"]),
                }
            )
            for row in rows
        ]

    async def correct(
        self, conn: AsyncConnection, participant_id: UUID, year: int, found: Sequence[TaxCorrection], on: date
    ) -> None:
        """Keep corrections; earlier ones that nobody has begun to collect are collected no more."""
        await conn.execute(_SUPERSEDE, {"id": participant_id, "year": year})
        if found:
            rows = [_row(one, year) for one in found]
            await conn.execute(_CORRECT, {"rows": msgspec.json.encode(rows).decode(), "on": on})

    async def open_collections(self, conn: AsyncConnection, limit: int) -> list[Collection]:
        """Corrections that wait for money, or whose collection is not known to have ended."""
        rows = await conn.execute(_OPEN, {"limit": limit})
        return [
            Collection(
                correction_id=_id(row.correction_id),
                wallet_id=_id(row.wallet_id),
                due_kopecks=row.due_kopecks,
                collecting_kopecks=row.collected_kopecks if row.state == "collecting" else None,
            )
            for row in rows
        ]

    async def move(
        self,
        conn: AsyncConnection,
        correction_id: UUID,
        was: CorrectionState,
        state: CorrectionState,
        *,
        kopecks: int = 0,
        seq: int | None = None,
    ) -> None:
        """Change where a collection stands, if it still stands where it was."""
        values = {"id": correction_id, "was": was.value, "state": state.value, "kopecks": kopecks, "seq": seq}
        await conn.execute(_COLLECT, values)


def _row(one: TaxCorrection, year: int) -> Mapping[str, Any]:
    paid = one.paid
    return {
        "correction_id": one.correction_id,
        "action_id": paid.action_id,
        "part": paid.part,
        "wallet_id": paid.wallet_id,
        "taxpayer_id": paid.taxpayer_id,
        "tax_year": year,
        "residency_id": one.residency_id,
        "agent": paid.agent.value,
        "tax_before": paid.tax_kopecks,
        "tax_after": one.tax_after_kopecks,
        "withheld": paid.withheld_kopecks,
        "rate_parts": one.parts,
        "residency": one.residency.value,
        "rule_version": one.rule_version,
        "state": one.state.value,
    }


def _residency(row: Any) -> TaxResidency:
    return TaxResidency(
        residency_id=_id(row.residency_id),
        participant_id=_id(row.participant_id),
        residency=Residency(row.residency),
        valid_from=row.valid_from,
        basis=row.basis,
        document_sha256=row.document_sha256,
        state=ResidencyState(row.state),
        recorded_by=row.recorded_by,
        recorded_at=row.recorded_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )


def _id(value: Any) -> UUID:
    return UUID(int=value.int)
