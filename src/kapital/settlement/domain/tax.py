"""Tax on what is paid to a holder (НДФЛ у налогового агента): base, rates, rounding – for each payment by itself.

Law: Tax Code art. 226.2 (1): on income other than from sale or redemption the tax is counted separately for each
taxpayer and payment; art. 214.11 (base). A legal entity pays for itself (art. 282.2). Everything is integer kopecks.
"""

from datetime import date
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from kapital.kernel.ids import derive_uuid7
from kapital.kernel.money import Rounding, divide_rounded
from kapital.kernel.problems import ensure
from kapital.settlement.domain.tax_parameters import (
    NON_RESIDENT_SCALE,
    RESIDENT_SCALE,
    TAX_UNIT_KOPECKS,
    Band,
    Scale,
)

TAX_WALLET: Final = derive_uuid7(UUID("0193a000-0000-7000-8000-000000000000"), "operator/tax-payable")
"""The operator's wallet on which withheld tax lies until it is paid to the budget; the same in every installation."""

LEGAL_ENTITY: Final = "legal_entity"


class Residency(StrEnum):
    """Whether a person is a tax resident of Russia (Tax Code art. 207: 183 days in twelve months)."""

    RESIDENT = "resident"
    NON_RESIDENT = "non_resident"


class TaxAgent(StrEnum):
    """Who withholds: the operator, into its tax wallet, or the issuer, which keeps what it withholds."""

    OPERATOR = "operator"
    ISSUER = "issuer"


class TaxRule(Struct, frozen=True, kw_only=True):
    """From a day to a day (both included) tax is withheld at payout; of one issue, or of all that have no own rule.

    `unknown_residency` is how a person is taxed of whom nothing was confirmed. Law: Tax Code art. 226.2 [M?].
    """

    effective_from: date
    effective_to: date | None
    basis: str
    agent: TaxAgent | None
    unknown_residency: Residency
    issue_id: UUID | None = None


class Withheld(Struct, frozen=True):
    """What is withheld from one line of a payment, by whom."""

    kopecks: int = 0
    agent: TaxAgent | None = None


class Taxpayer(Struct, frozen=True, kw_only=True):
    """Who is paid, as far as the tax is concerned. `residency` None: nothing was confirmed.

    `kind` None: the registry told nothing; then it is taxed as a person.
    """

    taxpayer_id: UUID
    kind: str | None
    residency: Residency | None
    year_base_kopecks: int = 0


class Income(Struct, frozen=True, kw_only=True):
    """What one payment gives one holder. `cost_kopecks`: what the units that are paid back had cost."""

    paid_on: date
    gross_kopecks: int
    cost_kopecks: int = 0


class RatePart(Struct, frozen=True, kw_only=True):
    """The part of the base that one rate is on, and its tax."""

    percent: int
    base_kopecks: int
    tax_kopecks: int


class Assessment(Struct, frozen=True, kw_only=True):
    """The tax on one payment, with all that it follows from.

    Shape: `parts` are in the order of the scale and add up to `base_kopecks` and `tax_kopecks`; none when nothing is
    taxed here. `rule_version` names the scale by the day since which it is in force.
    """

    base_kopecks: int
    tax_kopecks: int
    parts: tuple[RatePart, ...]
    residency: Residency | None
    residency_known: bool
    rule_version: str


class TaxRules(Protocol):
    """How the tax on a payment is counted: the law of one country, with its terms."""

    def assess(self, income: Income, taxpayer: Taxpayer, *, unknown: Residency) -> Assessment:
        """The tax on one payment. Raises: ParameterNotInForce."""
        ...


class RussianIncomeTax:
    """Tax Code of the Russian Federation, chapter 23 (`TaxRules`)."""

    def assess(self, income: Income, taxpayer: Taxpayer, *, unknown: Residency) -> Assessment:
        """The tax on one payment of the year; a loss is no base and lowers no other.

        Raises: ParameterNotInForce.
        """
        ensure(income.gross_kopecks >= 0 and income.cost_kopecks >= 0, "income and cost are not negative")
        residency = taxpayer.residency or unknown
        scale = RESIDENT_SCALE if residency is Residency.RESIDENT else NON_RESIDENT_SCALE
        row, unit = scale.row_at(income.paid_on), TAX_UNIT_KOPECKS.at(income.paid_on)
        version = f"ru-ndfl/{row.effective_from.isoformat()}"
        if taxpayer.kind == LEGAL_ENTITY:
            return Assessment(
                base_kopecks=0,
                tax_kopecks=0,
                parts=(),
                residency=None,
                residency_known=False,
                rule_version=version,
            )
        base = max(income.gross_kopecks - income.cost_kopecks, 0)
        parts = rate_parts(row.value, taxpayer.year_base_kopecks, base, unit)
        # Rounded up to a whole rouble, the tax may be more than there is: nobody owes by being paid.
        parts = _within(parts, income.gross_kopecks)
        return Assessment(
            base_kopecks=base,
            tax_kopecks=sum(part.tax_kopecks for part in parts),
            parts=parts,
            residency=residency,
            residency_known=taxpayer.residency is not None,
            rule_version=version,
        )


def rate_parts(scale: Scale, year_base: int, base: int, unit: int) -> tuple[RatePart, ...]:
    """Lay a base upon the scale above what the year has already brought; the tax of all parts is rounded once."""
    laid: list[tuple[Band, int]] = []
    below, left = year_base, base
    for band in scale:
        room = left if band.up_to_kopecks is None else max(band.up_to_kopecks - below, 0)
        here = min(left, room)
        if here:
            laid.append((band, here))
            below, left = below + here, left - here
    total = _rounded(sum(band.percent * here for band, here in laid), unit)
    parts: list[RatePart] = []
    for band, here in laid[:-1]:
        tax = min(_rounded(band.percent * here, unit), total)
        parts.append(RatePart(percent=band.percent, base_kopecks=here, tax_kopecks=tax))
        total -= tax
    parts += [RatePart(percent=b.percent, base_kopecks=here, tax_kopecks=total) for b, here in laid[-1:]]
    return tuple(parts)


def _rounded(percents: int, unit: int) -> int:
    return divide_rounded(percents, 100 * unit, Rounding.HALF_UP) * unit


def _within(parts: tuple[RatePart, ...], most: int) -> tuple[RatePart, ...]:
    kept = []
    for part in parts:
        tax = min(part.tax_kopecks, most)
        kept.append(RatePart(percent=part.percent, base_kopecks=part.base_kopecks, tax_kopecks=tax))
        most -= tax
    return tuple(kept)


def rule_on(rules: tuple[TaxRule, ...], issue_id: UUID, on: date) -> TaxRule | None:
    """The rule in force for an issue on a day: its own, else the one of all; None: nothing is withheld."""
    in_force = [
        rule for rule in rules if rule.effective_from <= on and (rule.effective_to is None or on <= rule.effective_to)
    ]
    own = [rule for rule in in_force if rule.issue_id == issue_id]
    of_all = [rule for rule in in_force if rule.issue_id is None]
    found = (own or of_all)[:1]
    return found[0] if found and found[0].agent is not None else None


class PlannedPayout(Struct, frozen=True, kw_only=True):
    """What one part of an action gives one wallet, decided before the ledger is asked: gross, tax, and why.

    `agent` None: nothing is withheld here. `assessment` None: no rule was in force.
    """

    wallet_id: UUID
    taxpayer_id: UUID
    gross_kopecks: int
    cost_kopecks: int
    extinguished_units: int
    agent: TaxAgent | None
    assessment: Assessment | None

    @property
    def tax_kopecks(self) -> int:
        """What is withheld."""
        return 0 if self.assessment is None else self.assessment.tax_kopecks
