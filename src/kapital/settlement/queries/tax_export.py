"""Data for the report of a tax agent (6-НДФЛ): the year so far, by rate and by period of transfer to the budget.

Law: Tax Code art. 230 (2) (report), 226 (6) (periods: to the 22nd of a month, and from the 23rd to its end) [M]. The
form itself, its codes and the persons' names are not made here: rows name persons by their pseudonyms.
"""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# What stands for each payment now: its own record, or the latest correction.
_STANDING: Final = """
    WITH standing AS (
        SELECT p.taxpayer_id, p.paid_on, p.gross_kopecks, p.cost_kopecks, p.base_kopecks, p.residency_known, p.agent,
            coalesce(c.tax_after_kopecks, p.tax_kopecks) AS tax_kopecks,
            coalesce(c.rate_parts, p.rate_parts) AS rate_parts,
            p.tax_kopecks + coalesce(w.collected, 0) AS withheld_kopecks
        FROM payout p
        LEFT JOIN LATERAL (
            SELECT tax_after_kopecks, rate_parts FROM tax_correction
            WHERE action_id = p.action_id AND part = p.part AND wallet_id = p.wallet_id ORDER BY number DESC LIMIT 1
        ) AS c ON true
        LEFT JOIN LATERAL (
            SELECT sum(collected_kopecks) FILTER (WHERE state = 'collected') AS collected FROM tax_correction
            WHERE action_id = p.action_id AND part = p.part AND wallet_id = p.wallet_id
        ) AS w ON true
        WHERE p.tax_year = :year AND p.paid_on <= :to AND p.state = 'paid' AND p.agent = :agent
            AND p.residency IS NOT NULL
    )
"""
_TOTALS: Final = text(
    _STANDING  # noqa: S608 - constants of this file; values are bound
    + """
    SELECT count(DISTINCT taxpayer_id) AS persons, coalesce(sum(gross_kopecks), 0) AS income,
        coalesce(sum(cost_kopecks), 0) AS cost, coalesce(sum(base_kopecks), 0) AS base,
        coalesce(sum(tax_kopecks), 0) AS tax, coalesce(sum(withheld_kopecks), 0) AS withheld,
        coalesce(sum(greatest(tax_kopecks - withheld_kopecks, 0)), 0) AS not_withheld,
        coalesce(sum(greatest(withheld_kopecks - tax_kopecks, 0)), 0) AS over_withheld,
        count(DISTINCT taxpayer_id) FILTER (WHERE NOT residency_known) AS unknown_residency
    FROM standing
    """
)
_BY_RATE: Final = text(
    _STANDING  # noqa: S608 - constants of this file; values are bound
    + """
    SELECT r.percent, count(DISTINCT taxpayer_id) AS persons, sum(r.base_kopecks) AS base, sum(r.tax_kopecks) AS tax
    FROM standing CROSS JOIN LATERAL jsonb_to_recordset(rate_parts)
        AS r(percent integer, base_kopecks bigint, tax_kopecks bigint)
    GROUP BY r.percent ORDER BY r.percent
    """
)
_BY_PERIOD: Final = text(
    """
    SELECT year, month, late, sum(kopecks) AS withheld FROM (
        SELECT extract(year FROM paid_on)::int AS year, extract(month FROM paid_on)::int AS month,
            extract(day FROM paid_on) > 22 AS late, tax_kopecks AS kopecks
        FROM payout
        WHERE tax_year = :year AND paid_on <= :to AND state = 'paid' AND agent = :agent AND tax_kopecks > 0
        UNION ALL
        SELECT extract(year FROM corrected_on)::int, extract(month FROM corrected_on)::int,
            extract(day FROM corrected_on) > 22, collected_kopecks
        FROM tax_correction
        WHERE tax_year = :year AND corrected_on <= :to AND state = 'collected' AND agent = :agent
    ) AS one
    GROUP BY year, month, late ORDER BY year, month, late
    """
)
_PERSONS: Final = text(
    _STANDING  # noqa: S608 - constants of this file; values are bound
    + """
    SELECT taxpayer_id, extract(month FROM paid_on)::int AS month, r.percent, sum(r.base_kopecks) AS base,
        sum(r.tax_kopecks) AS tax
    FROM standing CROSS JOIN LATERAL jsonb_to_recordset(rate_parts)
        AS r(percent integer, base_kopecks bigint, tax_kopecks bigint)
    GROUP BY taxpayer_id, month, r.percent ORDER BY taxpayer_id, month, r.percent
    """
)
_QUARTER_ENDS: Final = ((3, 31), (6, 30), (9, 30), (12, 31))


class RateRow(msgspec.Struct, frozen=True):
    """Persons, base and tax counted at one rate."""

    percent: int
    persons: int
    base_kopecks: int
    tax_kopecks: int


class PeriodRow(msgspec.Struct, frozen=True):
    """What was withheld from one day to another (both included)."""

    from_on: date
    to_on: date
    withheld_kopecks: int


class PersonRow(msgspec.Struct, frozen=True):
    """One person's base and tax of a month at one rate."""

    taxpayer_id: UUID
    month: int
    percent: int
    base_kopecks: int
    tax_kopecks: int


class TaxExport(msgspec.Struct, frozen=True, kw_only=True):
    """The year from its first day to the end of a quarter, for the payments of which `agent` is the agent.

    `not_withheld_kopecks` is what could not be collected and is told to the tax authority; `over_withheld_kopecks`
    what the authority gives back. `persons_of_unknown_residency`: taxed by the rule of the installation.
    """

    year: int
    quarter: int
    agent: str
    persons: int
    persons_of_unknown_residency: int
    income_kopecks: int
    cost_kopecks: int
    base_kopecks: int
    tax_kopecks: int
    withheld_kopecks: int
    not_withheld_kopecks: int
    over_withheld_kopecks: int
    rates: tuple[RateRow, ...]
    periods: tuple[PeriodRow, ...]


async def tax_export(conn: AsyncConnection, *, year: int, quarter: int, agent: str) -> TaxExport:
    """Add up the year so far. Rates add up to base and tax, periods to what was withheld."""
    values = _values(year, quarter, agent)
    total = (await conn.execute(_TOTALS, values)).one()
    rates = await conn.execute(_BY_RATE, values)
    periods = await conn.execute(_BY_PERIOD, values)
    return TaxExport(
        year=year,
        quarter=quarter,
        agent=agent,
        persons=total.persons,
        persons_of_unknown_residency=total.unknown_residency,
        income_kopecks=int(total.income),
        cost_kopecks=int(total.cost),
        base_kopecks=int(total.base),
        tax_kopecks=int(total.tax),
        withheld_kopecks=int(total.withheld),
        not_withheld_kopecks=int(total.not_withheld),
        over_withheld_kopecks=int(total.over_withheld),
        rates=tuple(RateRow(row.percent, row.persons, int(row.base), int(row.tax)) for row in rates),
        periods=tuple(_period(row) for row in periods),
    )


async def tax_persons(conn: AsyncConnection, *, year: int, quarter: int, agent: str) -> AsyncIterator[PersonRow]:
    """One row for each person, month and rate, as they are read."""
    rows = await conn.stream(_PERSONS, _values(year, quarter, agent))
    async for row in rows:
        yield PersonRow(UUID(str(row.taxpayer_id)), row.month, row.percent, int(row.base), int(row.tax))


def _values(year: int, quarter: int, agent: str) -> dict[str, Any]:
    return {"year": year, "to": date(year, *_QUARTER_ENDS[quarter - 1]), "agent": agent}


def _period(row: Any) -> PeriodRow:
    following = date(row.year + row.month // 12, row.month % 12 + 1, 1)
    last = date.fromordinal(following.toordinal() - 1)
    first, end = (
        (date(row.year, row.month, 23), last)
        if row.late
        else (
            date(row.year, row.month, 1),
            date(row.year, row.month, 22),
        )
    )
    return PeriodRow(first, end, int(row.withheld))
