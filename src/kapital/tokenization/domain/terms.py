"""The terms of a decision on issuance (решение о выпуске) in machine form: their types and their bytes.

Law: 259-FZ art. 3 (content of the decision; item numbers are [M]); 466-FZ of 15.12.2025 (debt ЦФА).
An unknown field is a fault everywhere, not noise.
JSON Schema of the same shape: `contracts/terms/issuance_terms.schema.json`.
"""

from datetime import UTC, date
from enum import StrEnum
from inspect import cleandoc
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from kapital.kernel.calendar import Convention
from kapital.kernel.canonical import canonical_bytes
from kapital.kernel.problems import FieldFault
from kapital.tokenization.domain.early_options import EarlyOptions
from kapital.tokenization.domain.fault_catalogue import MANDATORY
from kapital.tokenization.domain.payoff_kinds import (
    Accruing as Accruing,
)
from kapital.tokenization.domain.payoff_kinds import (
    AmortisationPart as AmortisationPart,
)
from kapital.tokenization.domain.payoff_kinds import (
    Amortising as Amortising,
)
from kapital.tokenization.domain.payoff_kinds import (
    AtEnd as AtEnd,
)
from kapital.tokenization.domain.payoff_kinds import (
    AutoConvert as AutoConvert,
)
from kapital.tokenization.domain.payoff_kinds import (
    Basket as Basket,
)
from kapital.tokenization.domain.payoff_kinds import (
    BasketComponent as BasketComponent,
)
from kapital.tokenization.domain.payoff_kinds import (
    BasketRule as BasketRule,
)
from kapital.tokenization.domain.payoff_kinds import (
    Discount as Discount,
)
from kapital.tokenization.domain.payoff_kinds import (
    Event as Event,
)
from kapital.tokenization.domain.payoff_kinds import (
    EventOutcome as EventOutcome,
)
from kapital.tokenization.domain.payoff_kinds import (
    FixedRate as FixedRate,
)
from kapital.tokenization.domain.payoff_kinds import (
    Floating as Floating,
)
from kapital.tokenization.domain.payoff_kinds import (
    Indexed as Indexed,
)
from kapital.tokenization.domain.payoff_kinds import (
    Observation as Observation,
)
from kapital.tokenization.domain.payoff_kinds import (
    Payoff as Payoff,
)
from kapital.tokenization.domain.payoff_kinds import (
    Step as Step,
)
from kapital.tokenization.domain.payoff_kinds import (
    StepCoupon as StepCoupon,
)
from kapital.tokenization.domain.placement_mode import (
    ContinuousIssue as ContinuousIssue,
)
from kapital.tokenization.domain.placement_mode import (
    EarlyClose as EarlyClose,
)
from kapital.tokenization.domain.placement_mode import (
    PlacementMode as PlacementMode,
)
from kapital.tokenization.domain.placement_mode import (
    QuotedPrice as QuotedPrice,
)
from kapital.tokenization.domain.terms_fields import (
    ClockText as ClockText,
)
from kapital.tokenization.domain.terms_fields import (
    Code as Code,
)
from kapital.tokenization.domain.terms_fields import (
    DayCount as DayCount,
)
from kapital.tokenization.domain.terms_fields import (
    Days as Days,
)
from kapital.tokenization.domain.terms_fields import (
    DecimalText as DecimalText,
)
from kapital.tokenization.domain.terms_fields import (
    Digits as Digits,
)
from kapital.tokenization.domain.terms_fields import (
    Instant as Instant,
)
from kapital.tokenization.domain.terms_fields import (
    Kopecks as Kopecks,
)
from kapital.tokenization.domain.terms_fields import (
    Line as Line,
)
from kapital.tokenization.domain.terms_fields import (
    Sha256Text as Sha256Text,
)
from kapital.tokenization.domain.terms_fields import (
    Slug as Slug,
)
from kapital.tokenization.domain.terms_fields import (
    Text as Text,
)
from kapital.tokenization.domain.terms_fields import (
    Units as Units,
)
from kapital.tokenization.domain.terms_fields import (
    decimal as decimal,
)
from kapital.tokenization.domain.terms_text import TermsMalformed, check_shape, plain_value

FORMAT: Final = "kapital.issuance_terms.v1"
YEARS: Final = (2000, 2199)
"""Years an instant of the terms may lie in."""


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
    """Who may acquire (ограничения круга приобретателей).

    `without_limit_text`: by which sign of 5635-U the units are open to every person without the yearly limit or the
    test; left out when they are not, so decisions written before there was any keep their hash. `foreign_entities`:
    foreign organisations; left out, they are not admitted.
    """

    qualified_only: bool
    natural_persons: bool
    sole_proprietors: bool
    legal_entities: bool
    text: Text
    without_limit_text: Text | UnsetType = UNSET
    foreign_entities: bool | UnsetType = UNSET


class TransferPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether and to whom holders may dispose of units (порядок обращения)."""

    kind: Literal["free", "eligible_only", "issuer_consent", "forbidden"]
    text: Text


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
    """Early redemption (досрочное погашение): whose right it is, with what notice, on which days and terms.

    Absent options are left out of the bytes, so decisions written before there were any keep their hash.
    """

    right_of: Literal["nobody", "issuer", "holder", "both"]
    notice_business_days: Days
    text: Text
    options: EarlyOptions | UnsetType = UNSET


class Underfunded(StrEnum):
    """What is paid when the money is too little for a whole payment and its last day to pay is over."""

    NOTHING = "nothing"
    PRO_RATA = "pro_rata"


class LateInterest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Interest (проценты за просрочку) on what is paid in the days of grace, by the rounding of all payments.

    It runs from the last day to pay to the day on which the issuer has the whole; `rate` is of a year: "0.2".
    """

    rate: DecimalText
    day_count: DayCount


class Default(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Default (дефолт): technical default lasts `grace_business_days`, then it is a default.

    Of the payments of the schedule, not of early ends: with `underfunded` "pro_rata" what the issuer has when the
    last day to pay is over goes to all holders in proportion, and the rest stays due; `late_interest` is added to
    what is paid after that day. Left out: nothing and none, so decisions written before there were any keep their
    hash.
    """

    grace_business_days: Days
    text: Text
    underfunded: Underfunded | UnsetType = UNSET
    late_interest: LateInterest | UnsetType = UNSET


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
    Units: kopecks of one unit – `price_kopecks` is also its nominal; units whole; instants aware (UTC once loaded);
    days of the Moscow calendar. `amount_min_kopecks`: the price of all orders below which the issue fails, beside
    `quantity_min`; `is_credit`: what a unit pays depends on how others perform their loans. Both are left out of the
    bytes where a decision does not say them, so those written before there were any keep their hash.
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
    placement_mode: PlacementMode | UnsetType = UNSET
    amount_min_kopecks: Annotated[int, Meta(ge=1, le=10**15)] | UnsetType = UNSET
    is_credit: bool | UnsetType = UNSET

    @property
    def options(self) -> EarlyOptions:
        """The ways to end early; empty lists when the decision knows none."""
        given = self.early_redemption.options
        return _NO_OPTIONS if isinstance(given, UnsetType) else given

    @property
    def quote(self) -> QuotedPrice | None:
        """How the price follows a quote; None when it is fixed."""
        mode = self.placement_mode
        given = UNSET if isinstance(mode, UnsetType) else mode.quote
        return None if isinstance(given, UnsetType) else given

    @property
    def continuous(self) -> ContinuousIssue | None:
        """How units are issued during the placement; None when they are at its close only."""
        mode = self.placement_mode
        given = UNSET if isinstance(mode, UnsetType) else mode.continuous
        return None if isinstance(given, UnsetType) else given

    @property
    def early_close(self) -> EarlyClose | None:
        """How the placement may end before its time; None when it does not."""
        mode = self.placement_mode
        given = UNSET if isinstance(mode, UnsetType) else mode.early_close
        return None if isinstance(given, UnsetType) else given

    @property
    def least_units(self) -> int:
        """Units of orders from which the issue is held: the least quantity, or the whole lots of the least amount."""
        amount = self.amount_min_kopecks
        if isinstance(amount, UnsetType) or self.price_kopecks == 0 or self.lot == 0:
            return self.quantity_min
        lots = -(-amount // (self.price_kopecks * self.lot))
        return max(self.quantity_min, lots * self.lot)

    @property
    def price_max_kopecks(self) -> int:
        """The greatest acquisition price of a unit."""
        return self.quote.price_max_kopecks if self.quote else self.price_kopecks

    @property
    def has_options(self) -> bool:
        """Whether any way to end early is described in machine form."""
        return not isinstance(self.early_redemption.options, UnsetType)


_NO_OPTIONS: Final = EarlyOptions(calls=(), puts=(), offers=())


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
