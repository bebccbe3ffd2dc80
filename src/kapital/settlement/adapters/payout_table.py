"""Tables payout, unit_lot, taxpayer: what each holder is paid, with its tax, and what that is counted from."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.instructions import AllocationDecided, AllocationLine, PayoutsInstructed
from kapital.settlement.domain.tax import (
    TAX_WALLET,
    Assessment,
    PlannedPayout,
    RatePart,
    Residency,
    TaxAgent,
    Taxpayer,
)
from kapital.settlement.domain.tax_cost import Lot, Used
from kapital.settlement.ports.payouts import PaidLine

_NOTE_KINDS: Final = text(
    """
    INSERT INTO taxpayer (participant_id, kind)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]))
    ON CONFLICT (participant_id) DO UPDATE SET kind = excluded.kind
    """
)
_ADD_LOTS: Final = text(
    """
    INSERT INTO unit_lot (issue_id, wallet_id, order_id, entry_seq, units, cost_kopecks)
    SELECT :issue, l.* FROM unnest(CAST(:wallets AS uuid[]), CAST(:orders AS uuid[]), CAST(:entries AS bigint[]),
        CAST(:units AS bigint[]), CAST(:costs AS bigint[])) AS l
    ON CONFLICT DO NOTHING
    """
)
_TAXPAYERS: Final = text(
    """
    SELECT w.wallet_id, coalesce(b.participant_id, w.wallet_id) AS taxpayer_id, t.kind, r.residency,
        coalesce(y.base, 0) AS base
    FROM unnest(CAST(:wallets AS uuid[])) AS w(wallet_id)
    LEFT JOIN beneficiary b ON b.wallet_id = w.wallet_id
    LEFT JOIN taxpayer t ON t.participant_id = b.participant_id
    LEFT JOIN LATERAL (
        SELECT residency FROM tax_residency
        WHERE participant_id = b.participant_id AND state = 'confirmed' AND valid_from <= :on
        ORDER BY valid_from DESC, decided_at DESC LIMIT 1
    ) AS r ON true
    LEFT JOIN LATERAL (
        SELECT sum(base_kopecks) AS base FROM payout
        WHERE taxpayer_id = coalesce(b.participant_id, w.wallet_id) AND tax_year = :year
    ) AS y ON true
    """
)
_LOTS: Final = text(
    """
    SELECT wallet_id, units, cost_kopecks FROM unit_lot
    WHERE issue_id = :issue AND wallet_id = ANY(CAST(:wallets AS uuid[])) ORDER BY wallet_id, entry_seq, order_id
    """
)
_USED: Final = text(
    """
    SELECT wallet_id, sum(extinguished_units) AS units, sum(cost_kopecks) AS cost FROM payout
    WHERE wallet_id = ANY(CAST(:wallets AS uuid[])) AND issue_id = :issue GROUP BY wallet_id
    """
)
_PLANNED: Final = text(
    """
    SELECT wallet_id, taxpayer_id, gross_kopecks, cost_kopecks, extinguished_units, agent, base_kopecks, tax_kopecks,
        CAST(rate_parts AS text) AS rate_parts, residency, residency_known, rule_version
    FROM payout WHERE action_id = :action AND part = :part
    """
)
_ADD: Final = text(
    """
    INSERT INTO payout (action_id, part, wallet_id, issue_id, kind, taxpayer_id, state, paid_on, tax_year,
        gross_kopecks, cost_kopecks, extinguished_units, agent, base_kopecks, tax_kopecks, rate_parts, residency,
        residency_known, rule_version)
    SELECT :action, :part, p.wallet_id, :issue, :kind, p.taxpayer_id, 'planned', :on, :year, p.gross, p.cost, p.units,
        p.agent, p.base, p.tax, CAST(p.rates AS jsonb), p.residency, p.known, p.version
    FROM unnest(CAST(:wallets AS uuid[]), CAST(:taxpayers AS uuid[]), CAST(:gross AS bigint[]),
        CAST(:costs AS bigint[]), CAST(:units AS bigint[]), CAST(:agents AS text[]), CAST(:bases AS bigint[]),
        CAST(:taxes AS bigint[]),
        CAST(:rates AS text[]), CAST(:residencies AS text[]), CAST(:known AS boolean[]), CAST(:versions AS text[]))
        AS p(wallet_id, taxpayer_id, gross, cost, units, agent, base, tax, rates, residency, known, version)
    """
)
_PAID: Final = text(
    """
    UPDATE payout SET state = 'paid', entry_seq = e.seq
    FROM unnest(CAST(:wallets AS uuid[]), CAST(:entries AS bigint[])) AS e(wallet_id, seq)
    WHERE payout.action_id = :action AND payout.part = :part AND payout.wallet_id = e.wallet_id AND state = 'planned'
    """
)
_ADD_LINES: Final = text(
    """
    INSERT INTO payout_line (entry_seq, action_id, part, wallet_id, net_kopecks, tax_kopecks, extinguished_units)
    SELECT l.seq, :action, :part, l.wallet_id, l.net, l.tax, l.units
    FROM unnest(CAST(:entries AS bigint[]), CAST(:wallets AS uuid[]), CAST(:nets AS bigint[]),
        CAST(:taxes AS bigint[]), CAST(:units AS bigint[])) AS l(seq, wallet_id, net, tax, units)
    ON CONFLICT DO NOTHING
    """
)
_DROP: Final = text("DELETE FROM payout WHERE action_id = :action AND part = :part AND state = 'planned'")
_TAX_PAYABLE: Final = text(
    """
    SELECT p.withheld, p.planned, c.collected, c.collecting, w.gone, w.going
    FROM (
        SELECT coalesce(sum(tax_kopecks) FILTER (WHERE state = 'paid'), 0) AS withheld,
            coalesce(sum(tax_kopecks) FILTER (WHERE state = 'planned'), 0) AS planned
        FROM payout WHERE agent = 'operator' AND tax_kopecks > 0
    ) AS p, (
        SELECT coalesce(sum(collected_kopecks) FILTER (WHERE state = 'collected'), 0) AS collected,
            coalesce(sum(collected_kopecks) FILTER (WHERE state = 'collecting'), 0) AS collecting
        FROM tax_correction
    ) AS c, (
        SELECT coalesce(sum(amount_kopecks) FILTER (WHERE state IN ('checked', 'sent', 'unknown', 'confirmed')), 0)
                AS gone,
            coalesce(sum(amount_kopecks) FILTER (WHERE state IN ('requested', 'rejected')), 0) AS going
        FROM withdrawal WHERE wallet_id = :tax_wallet
    ) AS w
    """
)


class PayoutTables:
    """Implements `ports.Payouts`."""

    async def note_kinds(self, conn: AsyncConnection, kinds: Mapping[UUID, str]) -> None:
        """Keep what kind of person each participant is."""
        await conn.execute(_NOTE_KINDS, {"ids": list(kinds), "kinds": list(kinds.values())})

    async def add_lots(
        self, conn: AsyncConnection, decided: AllocationDecided, delivered: Sequence[tuple[AllocationLine, int]]
    ) -> None:
        """Keep what delivered units had cost, with the entry of the delivery; a repeat changes nothing."""
        if not delivered:
            return
        values = {
            "issue": decided.asset_id,
            "wallets": [line.wallet_id for line, _ in delivered],
            "orders": [line.order_id for line, _ in delivered],
            "entries": [seq for _, seq in delivered],
            "units": [line.units for line, _ in delivered],
            "costs": [line.pay_kopecks for line, _ in delivered],
        }
        await conn.execute(_ADD_LOTS, values)

    async def taxpayers(self, conn: AsyncConnection, wallets: Iterable[UUID], on: date) -> dict[UUID, Taxpayer]:
        """Whose each wallet is, with the residency of that day and the base of its year so far."""
        rows = await conn.execute(_TAXPAYERS, {"wallets": list(wallets), "on": on, "year": on.year})
        return {
            _id(row.wallet_id): Taxpayer(
                taxpayer_id=_id(row.taxpayer_id),
                kind=row.kind,
                residency=None if row.residency is None else Residency(row.residency),
                year_base_kopecks=int(row.base),
            )
            for row in rows
        }

    async def costs(
        self, conn: AsyncConnection, issue_id: UUID, wallets: Iterable[UUID]
    ) -> tuple[dict[UUID, list[Lot]], dict[UUID, Used]]:
        """The lots of each wallet in order of acquisition, and what earlier payments have taken of them."""
        values = {"issue": issue_id, "wallets": list(wallets)}
        lots: dict[UUID, list[Lot]] = defaultdict(list)
        for row in await conn.execute(_LOTS, values):
            lots[_id(row.wallet_id)].append(Lot(row.units, row.cost_kopecks))
        used = {_id(row.wallet_id): Used(int(row.units), int(row.cost)) for row in await conn.execute(_USED, values)}
        return lots, used

    async def planned(self, conn: AsyncConnection, action_id: UUID, part: int) -> list[PlannedPayout]:
        """What is decided of a part, in any order."""
        return [_planned(row) for row in await conn.execute(_PLANNED, {"action": action_id, "part": part})]

    async def plan(
        self, conn: AsyncConnection, instructed: PayoutsInstructed, planned: Sequence[PlannedPayout], on: date
    ) -> None:
        """Keep what is decided of a part."""
        made = [one.assessment for one in planned]
        values: dict[str, Any] = {
            "action": instructed.action_id,
            "part": instructed.part,
            "issue": instructed.issue_id,
            "kind": instructed.kind,
            "on": on,
            "year": on.year,
            "wallets": [one.wallet_id for one in planned],
            "taxpayers": [one.taxpayer_id for one in planned],
            "gross": [one.gross_kopecks for one in planned],
            "costs": [one.cost_kopecks for one in planned],
            "units": [one.extinguished_units for one in planned],
            "agents": [one.agent and one.agent.value for one in planned],
            "bases": [0 if one is None else one.base_kopecks for one in made],
            "taxes": [one.tax_kopecks for one in planned],
            "rates": [None if one is None else msgspec.json.encode(one.parts).decode() for one in made],
            "residencies": [one and one.residency and one.residency.value for one in made],
            "known": [None if one is None else one.residency_known for one in made],
            "versions": [None if one is None else one.rule_version for one in made],
        }
        await conn.execute(_ADD, values)

    async def note_paid(self, conn: AsyncConnection, action_id: UUID, part: int, lines: Sequence[PaidLine]) -> None:
        """Note the entries with which each wallet of a part was paid, in their order."""
        last = {line.wallet_id: line.entry_seq for line in lines}
        values = {"action": action_id, "part": part, "wallets": list(last), "entries": list(last.values())}
        await conn.execute(_PAID, values)
        if beside := [line for line in lines if line.entry_seq != last[line.wallet_id]]:
            columns = {
                "entries": [line.entry_seq for line in beside],
                "wallets": [line.wallet_id for line in beside],
                "nets": [line.net_kopecks for line in beside],
                "taxes": [line.tax_kopecks for line in beside],
                "units": [line.extinguished_units for line in beside],
            }
            await conn.execute(_ADD_LINES, {"action": action_id, "part": part, **columns})

    async def drop(self, conn: AsyncConnection, action_id: UUID, part: int) -> None:
        """Forget what was decided of a part that the ledger has refused."""
        await conn.execute(_DROP, {"action": action_id, "part": part})

    async def tax_payable(self, conn: AsyncConnection) -> tuple[int, int]:
        """The least and the most that the tax wallet may hold free: withheld and not paid, give or take what may be
        entered just now."""
        row = (await conn.execute(_TAX_PAYABLE, {"tax_wallet": TAX_WALLET})).one()
        held = int(row.withheld) + int(row.collected) - int(row.gone)
        return held - int(row.going), held + int(row.planned) + int(row.collecting)


def _planned(row: Any) -> PlannedPayout:
    assessment = None
    if row.rule_version is not None:
        assessment = Assessment(
            base_kopecks=row.base_kopecks,
            tax_kopecks=row.tax_kopecks,
            parts=msgspec.json.decode(row.rate_parts, type=tuple[RatePart, ...]),
            residency=None if row.residency is None else Residency(row.residency),
            residency_known=row.residency_known,
            rule_version=row.rule_version,
        )
    return PlannedPayout(
        wallet_id=_id(row.wallet_id),
        taxpayer_id=_id(row.taxpayer_id),
        gross_kopecks=row.gross_kopecks,
        cost_kopecks=row.cost_kopecks,
        extinguished_units=row.extinguished_units,
        agent=None if row.agent is None else TaxAgent(row.agent),
        assessment=assessment,
    )


def _id(value: Any) -> UUID:
    return UUID(int=value.int)
