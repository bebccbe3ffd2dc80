"""The terms of a decision on issuance (решение о выпуске) in machine form: their types and their bytes.

Law: 259-FZ art. 3 (content of the decision; item numbers are [M]); 466-FZ of 15.12.2025 (debt ЦФА).
An unknown field is a fault everywhere, not noise.
JSON Schema of the same shape: `contracts/terms/issuance_terms.schema.json`.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from inspect import cleandoc
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from kapital.kernel.calendar import Convention
from kapital.kernel.canonical import canonical_bytes
from kapital.kernel.problems import FieldFault
from kapital.tokenization.domain.fault_catalogue import MANDATORY
from kapital.tokenization.domain.terms_text import TermsMalformed, check_shape, plain_value

FORMAT: Final = "kapital.issuance_terms.v1"
YEARS: Final = (2000, 2199)
"""Years an instant of the terms may lie in."""

# `(?!\n)` because Python's `$` also matches before a final line feed; the pattern means the same in ECMA-262.
DecimalText = Annotated[str, Meta(pattern=r"^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,12})?$(?!\n)")]
"""An exact decimal in quotes, such as "0.165": never a float. `decimal(text)` reads it."""
ClockText = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)")]
"""A time of the day in Moscow, hh:mm."""
Code = Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9_-]{2,31}$(?!\n)")]
Slug = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{1,47}$(?!\n)")]
Sha256Text = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Digits = Annotated[str, Meta(pattern=r"^[0-9]{10,15}$(?!\n)")]
Line = Annotated[str, Meta(max_length=500, pattern=r"^(?=.*\S)[^\r\n\t]+$(?!\n)")]
"""One line of text that is not blank."""
Text = Annotated[str, Meta(max_length=20_000, pattern=r"\S")]
"""Paragraphs of text, not blank; empty lines part paragraphs."""
Instant = Annotated[datetime, Meta(tz=True)]
Units = Annotated[int, Meta(ge=0, le=10**12)]
Kopecks = Annotated[int, Meta(ge=0, le=10**15)]
Days = Annotated[int, Meta(ge=0, le=366)]


class RightKind(StrEnum):
    """What the ЦФА certifies (вид прав). Law: 259-FZ art. 1 part 2."""

    MONEY_CLAIM = "money_claim"
    SECURITY_RIGHTS = "security_rights"
    NPJSC_EQUITY = "npjsc_equity"
    SECURITY_DELIVERY_CLAIM = "security_delivery_claim"


class WhenFull(StrEnum):
    """What happens to new orders once live orders reach the quantity."""

    SUSPEND = "suspend"
    ACCEPT = "accept"


class AllocationRule(StrEnum):
    """How orders are satisfied (порядок удовлетворения заявок)."""

    TIME_PRIORITY = "time_priority"
    PRO_RATA = "pro_rata"


class PaymentMeans(StrEnum):
    """What the acquisition price is paid with."""

    RUB_MONEY = "rub_money"
    DIGITAL_RIGHTS = "digital_rights"


class DayCount(StrEnum):
    """How a period becomes a fraction of a year (база расчёта)."""

    ACT_365F = "act_365f"
    ACT_ACT_ISDA = "act_act_isda"
    THIRTY_360 = "thirty_360"


class RoundingRule(StrEnum):
    """How kopecks are rounded; DOWN is towards zero, UP away from it."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    DOWN = "down"
    UP = "up"


class RoundingScope(StrEnum):
    """What is rounded: the amount of one unit, or the total of one holder (a wallet's position)."""

    PER_UNIT = "per_unit"
    PER_HOLDER = "per_holder"


class IssuerKind(StrEnum):
    """Who may issue: a legal entity (юридическое лицо) or a sole proprietor (ИП)."""

    LEGAL_ENTITY = "legal_entity"
    SOLE_PROPRIETOR = "sole_proprietor"


class IssuerSnapshot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Issuer (лицо, выпускающее ЦФА) as of signing. `ogrn` holds ОГРН (13 digits) or ОГРНИП (15)."""

    kind: IssuerKind
    name: Line
    ogrn: Digits
    inn: Digits
    address: Line
    site: Line
    beneficial_owners: Text | None = None


class OperatorSnapshot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Operator of the information system (оператор информационной системы) as of signing."""

    name: Line
    ogrn: Digits
    inn: Digits
    address: Line
    site: Line


class SmartContractClause(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Performance without a separate expression of will (исполнение сделок смарт-контрактом)."""

    used: bool
    text: Text | None = None
    code_sha256: Sha256Text | None = None
    code_version: Line | None = None


class Collateral(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Security of the obligations (обеспечение)."""

    kind: Literal["pledge", "surety", "mortgage", "independent_guarantee"]
    provider: Line
    description: Text


class Eligibility(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may acquire (ограничения круга приобретателей)."""

    qualified_only: bool
    natural_persons: bool
    sole_proprietors: bool
    legal_entities: bool
    text: Text


class TransferPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether and to whom holders may dispose of units (порядок обращения)."""

    kind: Literal["free", "eligible_only", "issuer_consent", "forbidden"]
    text: Text


class Observation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Source of an outside value (источник наблюдения), when it is known, and what if it is not.

    `fixing_at` is the Moscow time at which the value is published, `publication_lag_business_days` after the
    observed day. The fallback is applied by people (two of them) who record the value for the observed day;
    no calculation replaces a missing fixing in silence.
    """

    series: Slug
    source_name: Line
    source_url: Line
    fixing_at: ClockText
    publication_lag_business_days: Annotated[int, Meta(ge=0, le=10)]
    fallback: Literal["previous_published", "next_published", "substitute_source"]
    fallback_text: Text


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
    """Redemption amount by the outcome of an event, confirmed from a named source."""

    description: Text
    source_name: Line
    source_url: Line
    determined_by_on: date
    confirmation_text: Text
    fallback_outcome: Slug
    outcomes: Annotated[tuple[EventOutcome, ...], Meta(min_length=2, max_length=50)]


Payoff = FixedRate | Discount | Amortising | Step | Floating | Indexed | Event


class PaymentRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all payments share. Law: 259-FZ art. 3; practice of published decisions.

    The list of holders of a coupon or a partial repayment is taken at `record_at` (Moscow)
    `record_business_days_before` business days before the day of payment; 0 means that day itself.
    """

    business_day_rule: Convention
    rounding: RoundingRule
    rounding_scope: RoundingScope
    record_business_days_before: Annotated[int, Meta(ge=0, le=30)]
    record_at: ClockText


class Redemption(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Redemption (погашение) in a window of business days that begins on `on`.

    With `transfer_lock` holders may not dispose of, pledge or encumber units from 00:00 Moscow of the first
    day of the window, and the list of holders is the one at that instant.
    """

    on: date
    window_days: Annotated[int, Meta(ge=1, le=30)]
    transfer_lock: bool
    text: Text


class EarlyRedemption(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Early redemption (досрочное погашение): whose right it is, with what notice."""

    right_of: Literal["nobody", "issuer", "holder", "both"]
    notice_business_days: Days
    text: Text


class Default(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Default (дефолт): technical default lasts `grace_business_days`, then it is a default."""

    grace_business_days: Days
    text: Text


class Dispute(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Law that applies and the forum of disputes (порядок разрешения споров)."""

    forum: Line
    text: Text


class DebtClauses(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a decision on debt ЦФА must say besides.

    Law: 466-FZ of 15.12.2025, items as told by kkmp.legal [F].
    """

    is_debt_text: Text
    obligations_unchangeable_text: Text
    extinguished_if_issuer_holds_text: Text
    uniform_terms_text: Text
    performance_text: Text
    payment_determination_text: Text
    full_payment_before_issue: bool


class IssuanceTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All terms of one decision on issuance (решение о выпуске), one unit having one nominal.

    Shape: `validator.find_faults` says whether the terms agree with the law and with themselves.
    Units: kopecks of one unit; units whole; instants aware (UTC once loaded); days of the Moscow calendar.
    """

    format: Literal["kapital.issuance_terms.v1"]
    code: Code
    title: Line
    right_kind: RightKind
    is_debt: bool
    is_hybrid: bool
    issuer: IssuerSnapshot
    operator: OperatorSnapshot
    legal_text: Text
    quantity_min: Units
    quantity_max: Units
    min_order_units: Units
    max_order_units: Units
    lot: Units
    price_kopecks: Kopecks
    placement_start_at: Instant
    placement_end_at: Instant
    when_full: WhenFull
    orders_revocable: bool
    allocation: AllocationRule
    failed_refund_business_days: Annotated[int, Meta(ge=0, le=30)]
    payment_means: Annotated[tuple[PaymentMeans, ...], Meta(max_length=2)]
    payment_text: Text
    smart_contract_clause: SmartContractClause
    collateral: Annotated[tuple[Collateral, ...], Meta(max_length=50)]
    liability_text: Text
    eligibility: Eligibility
    transfer_policy: TransferPolicy
    payoff: Payoff
    payments: PaymentRules
    redemption: Redemption
    early_redemption: EarlyRedemption
    default: Default
    dispute: Dispute
    information_text: Text
    debt: DebtClauses | None = None


def load_terms(data: bytes) -> IssuanceTerms:
    """Read terms from YAML 1.2 or JSON text in UTF-8 (JSON when the first character is a brace).

    Limits: 256 KiB, 16 levels, 6,000 values; no aliases, anchors, tags or second document; numbers with a
    fraction only as strings.
    Raises: TermsTooLarge, TermsUnreadable, TermsTooDeep, TermsAliasRefused, TermsDuplicateKey,
    TermsMalformed.
    """
    value = plain_value(data)
    if faults := check_shape(value, IssuanceTerms):
        raise _malformed(faults)
    terms = msgspec.convert(value, IssuanceTerms)
    if faults := [
        FieldFault(f"/{name}", f"the year is from {YEARS[0]} to {YEARS[1]}")
        for name in ("placement_start_at", "placement_end_at")
        if not YEARS[0] <= getattr(terms, name).year <= YEARS[1]
    ]:
        # At the ends of the calendar an instant has no form in another zone.
        raise _malformed(faults)
    return _in_utc(terms)


def decision_bytes(terms: IssuanceTerms) -> bytes:
    """The canonical form of the terms (RFC 8785) whose SHA-256 people approve and sign."""
    return canonical_bytes(_in_utc(terms))


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the terms; a test holds the file in `contracts/terms/` equal to it."""
    schema = msgspec.json.schema(IssuanceTerms)
    for definition in schema["$defs"].values():
        definition["description"] = cleandoc(definition["description"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://kapital.example/contracts/terms/issuance_terms.schema.json",
        "title": "Terms of a decision on issuance (решение о выпуске), " + FORMAT,
        **schema,
    }


def decimal(text: str) -> Decimal:
    """The exact value of a DecimalText."""
    return Decimal(text)


def _malformed(faults: list[FieldFault]) -> TermsMalformed:
    faults = [_with_basis(fault) for fault in faults]
    return TermsMalformed(f"{len(faults)} fields are not as required", {"faults": len(faults)}, errors=faults)


def _with_basis(fault: FieldFault) -> FieldFault:
    """Say by which law the field is part of a decision, where it is."""
    basis = MANDATORY.get(fault.pointer.removeprefix("/").partition("/")[0])
    return FieldFault(fault.pointer, f"{fault.message} ({basis})") if basis else fault


def _in_utc(terms: IssuanceTerms) -> IssuanceTerms:
    # One instant has one byte form, whatever offset the author wrote it in.
    return msgspec.structs.replace(
        terms,
        placement_start_at=terms.placement_start_at.astimezone(UTC),
        placement_end_at=terms.placement_end_at.astimezone(UTC),
    )
