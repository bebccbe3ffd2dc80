"""The kinds of payoff (виды выплат) in machine form: what a unit pays, and by which outside values.

A payoff is data: numbers, days, sources. No formula or program of an issuer is run.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from kapital.tokenization.domain.terms_fields import (
    ClockText,
    DayCount,
    DecimalText,
    Kopecks,
    Line,
    Slug,
    Text,
)


class Observation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Source of an outside value (источник наблюдения), when it is known, and what if it is not.

    `fixing_at` is the Moscow time at which the value is published, `publication_lag_business_days` after the
    observed day. The fallback is computed by the operator's system for one issue and confirmed by two persons;
    no calculation replaces a missing fixing in silence. `substitute_series` is the series whose value of the same
    day stands in by the fallback `substitute_source`; absent in decisions written before it was asked for.
    """

    series: Slug
    source_name: Line
    source_url: Line
    fixing_at: ClockText
    publication_lag_business_days: Annotated[int, Meta(ge=0, le=10)]
    fallback: Literal["previous_published", "next_published", "substitute_source"]
    fallback_text: Text
    substitute_series: Slug | UnsetType = UNSET


class FixedRate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="fixed_rate", tag_field="kind"):
    """Coupons at one annual rate on the nominal; the nominal at redemption. Rates are fractions of one."""

    rate: DecimalText
    day_count: DayCount
    accrual_start_on: date
    coupon_dates: Annotated[tuple[date, ...], Meta(min_length=1, max_length=600)]


class Discount(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="discount", tag_field="kind"):
    """No coupons: acquired below and redeemed at `redemption_kopecks` a unit."""

    redemption_kopecks: Kopecks


class AmortisationPart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the nominal of every unit repaid on a day."""

    on: date
    principal_kopecks: Kopecks


class Amortising(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="amortising", tag_field="kind"):
    """The nominal is repaid in parts; interest is on the rest of it. The last part is the redemption."""

    rate: DecimalText
    day_count: DayCount
    accrual_start_on: date
    parts: Annotated[tuple[AmortisationPart, ...], Meta(min_length=1, max_length=600)]


class StepCoupon(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A coupon day and the annual rate of the period that ends on it."""

    on: date
    rate: DecimalText


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="step", tag_field="kind"):
    """Coupons at a rate of their own each; the nominal at redemption."""

    day_count: DayCount
    accrual_start_on: date
    coupons: Annotated[tuple[StepCoupon, ...], Meta(min_length=1, max_length=600)]


class Floating(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="floating", tag_field="kind"):
    """Daily accrual of an observed annual rate plus a spread; the nominal at redemption.

    Units: the series is in percent a year as published ("14.25"); `spread`, `floor`, `cap` are fractions
    of one.
    Each calendar day takes the value of the last business day on or before it, moved back by the lag;
    floor and cap bound the rate of each day.
    """

    observation: Observation
    spread: DecimalText
    floor: DecimalText | None = None
    cap: DecimalText | None = None
    lag_business_days: Annotated[int, Meta(ge=0, le=30)]
    day_count: DayCount
    accrual_start_on: date
    coupon_dates: Annotated[tuple[date, ...], Meta(min_length=1, max_length=600)]


class Indexed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="indexed", tag_field="kind"):
    """At redemption nominal × (1 + r), r = participation × (final / initial − 1) within [floor, cap].

    `initial_value` fixes the initial value in the decision; without it the value of `initial_on` is observed.
    """

    observation: Observation
    initial_on: date
    initial_value: DecimalText | None = None
    final_on: date
    participation: DecimalText
    floor: DecimalText
    cap: DecimalText | None = None


class EventOutcome(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One enumerated outcome of the event and what a unit pays then."""

    code: Slug
    description: Text
    amount_kopecks: Kopecks


class Event(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="event", tag_field="kind"):
    """Redemption amount by the outcome of an event, confirmed from a named source.

    An outcome that two persons gave may be contested for `dispute_business_days`, and is paid by after them only;
    absent, no term is kept.
    """

    description: Text
    source_name: Line
    source_url: Line
    determined_by_on: date
    confirmation_text: Text
    fallback_outcome: Slug
    outcomes: Annotated[tuple[EventOutcome, ...], Meta(min_length=2, max_length=50)]
    dispute_business_days: Annotated[int, Meta(ge=1, le=30)] | UnsetType = UNSET


class BasketRule(StrEnum):
    """Which change of the basket counts: of the weighted sum, of the worst or of the best component."""

    WEIGHTED = "weighted"
    WORST_OF = "worst_of"
    BEST_OF = "best_of"


class BasketComponent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One component: its source, its weight (for `weighted` only), its initial value when the decision fixes it."""

    observation: Observation
    weight: DecimalText | None = None
    initial_value: DecimalText | None = None


class Basket(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="basket", tag_field="kind"):
    """At redemption nominal × (1 + r), r = participation × (change of the basket) within [floor, cap].

    The change of a component is final / initial − 1; that of the basket the sum of weight × change, or the
    least, or the greatest of the changes. Weights sum to one exactly.
    """

    components: Annotated[tuple[BasketComponent, ...], Meta(min_length=2, max_length=20)]
    rule: BasketRule
    initial_on: date
    final_on: date
    participation: DecimalText
    floor: DecimalText
    cap: DecimalText | None = None


class AutoConvert(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="auto_convert", tag_field="kind"
):
    """A barrier note: coupons at one rate; at redemption the nominal, or less once a barrier was crossed.

    If on any of `barrier_days` the value is below `barrier` × initial value, the claim converts by itself: a
    unit is redeemed at nominal × final / initial, not below `floor` and not above one. Barrier and floor are
    fractions of one. `delivery` of securities is part of the language so that it can be refused by name.
    """

    observation: Observation
    initial_on: date
    initial_value: DecimalText | None = None
    barrier: DecimalText
    barrier_days: Annotated[tuple[date, ...], Meta(min_length=1, max_length=400)]
    final_on: date
    floor: DecimalText
    delivery: Literal["money", "securities"]
    rate: DecimalText
    day_count: DayCount
    accrual_start_on: date
    coupon_dates: Annotated[tuple[date, ...], Meta(min_length=1, max_length=600)]


Payoff = FixedRate | Discount | Amortising | Step | Floating | Indexed | Event | Basket | AutoConvert
"""Everything a decision may pay by; early redemption is laid over it (`early_redemption.options`)."""

Accruing = FixedRate | Step | Amortising | Floating | AutoConvert
"""The payoffs with interest periods."""

AtEnd = Discount | Indexed | Event | Basket
"""The payoffs with one payment."""
