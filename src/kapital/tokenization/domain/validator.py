"""Whether terms agree with the law and with themselves: every fault at once, each with its legal basis.

The text of a rule stands in `fault_catalogue`; here is only when it is broken. Rules are written so that one
mistake gives one fault: a check that has no meaning after another fault is left out.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from msgspec import Struct, UnsetType

from kapital.kernel.calendar import BusinessCalendar, CalendarYearNotCovered, moscow_day
from kapital.kernel.parameters import CREDIT_DFA_QUALIFIED_ONLY
from kapital.tokenization.domain.evaluator import LATEST, find_evaluator, is_known_code
from kapital.tokenization.domain.fault_catalogue import CATALOGUE
from kapital.tokenization.domain.option_faults import early_findings, option_day_findings
from kapital.tokenization.domain.party_faults import KnownParties, party_findings
from kapital.tokenization.domain.payoff_faults import SITE, VOLUME_KOPECKS_MAX, Finding, ascend, payoff_findings
from kapital.tokenization.domain.schedule import (
    ActionKind,
    ScheduledAction,
    action_of,
    nominal_days,
    required_fixings,
)
from kapital.tokenization.domain.terms import (
    AllocationRule,
    AtEnd,
    AutoConvert,
    DebtClauses,
    Event,
    Floating,
    IssuanceTerms,
    PaymentMeans,
    RightKind,
    WhenFull,
    decimal,
)

DEBT_LAW_FROM: Final = date(2025, 12, 15)
"""Day of 466-FZ; the day it came into force is doubtful memory ([M?]) and a lawyer confirms it."""

# Stems, since the law gives the meaning and not the wording; whether the wording is good, a person judges.
_DEBT_STATEMENTS: Final = (
    ("is_debt_text", "debt_statement_missing", r"(?=.*долгов\w{1,4} (цфа|цифров))"),
    (
        "obligations_unchangeable_text",
        "debt_unchangeable_missing",
        r"(?=.*(недопустим|не допуска|не мо[гж]))(?=.*измен)(?=.*обязательств)",
    ),
    (
        "extinguished_if_issuer_holds_text",
        "debt_extinguish_missing",
        r"(?=.*запис)(?=.*погаша)(?=.*обладател)(?=.*(эмитент|выпустивш))",
    ),
    (
        "uniform_terms_text",
        "debt_uniform_missing",
        r"(?=.*независимо от (времени|даты|момента))(?=.*(един|одинаков))(?=.*неизменн)",
    ),
    ("performance_text", "debt_performance_missing", r"(?=.*исполн)(?=.*(ден[её]г|деньг|денеж|рубл))"),
    (
        "payment_determination_text",
        "debt_payment_determination_missing",
        r"(?=.*(рав[ен]|определ|рассчит|вычисл|составля|сумм|размер))",
    ),
)


class Fault(Struct, frozen=True, kw_only=True):
    """One fault of the terms. Shape: `pointer` is an RFC 6901 JSON Pointer into the terms.

    `confidence` marks the legal basis: F read in a source, M from memory, M? doubtful memory, P practice.
    """

    code: str
    pointer: str
    message_ru: str
    message_en: str
    legal_basis: str
    confidence: str


_NOT_KNOWN: Final = KnownParties()


def find_faults(
    terms: IssuanceTerms, *, calendar: BusinessCalendar, today: date, known: KnownParties = _NOT_KNOWN
) -> list[Fault]:
    """Every fault of the terms, in the order of the decision's items; empty means they may be published.

    `today` is the Moscow day of the check; `known` are the numbers that those of the terms are compared with.
    Not: whether texts are true, wise or complete.
    """
    findings = [
        *party_findings(terms, known),
        *_rights(terms),
        *_quantity(terms),
        *_placement(terms, today),
        *_mode(terms),
        *_means(terms),
        *_circle(terms, today),
        *_debt(terms, today),
        *payoff_findings(terms),
        *early_findings(terms),
        *_arrears(terms),
    ]
    return [_fault(*finding) for finding in (*findings, *_calendar_days(terms, calendar))]


def _fault(code: str, pointer: str, facts: dict[str, str | int]) -> Fault:
    rule = CATALOGUE[code]
    return Fault(
        code=code,
        pointer=pointer,
        message_ru=rule.ru.format(**facts),
        message_en=rule.en.format(**facts),
        legal_basis=rule.basis,
        confidence=rule.confidence,
    )


def _rights(terms: IssuanceTerms) -> Iterator[Finding]:
    if terms.right_kind is not RightKind.MONEY_CLAIM:
        yield "debt_right_kind" if terms.is_debt else "right_kind_not_supported", "/right_kind", {}
    if terms.is_hybrid:
        yield "hybrid_not_supported", "/is_hybrid", {}


def _quantity(terms: IssuanceTerms) -> Iterator[Finding]:
    low, high = terms.quantity_min, terms.quantity_max
    order_low, order_high = terms.min_order_units, terms.max_order_units
    zeros = [
        ("quantity_max_zero", "/quantity_max", high),
        ("quantity_min_zero", "/quantity_min", low),
        ("lot_zero", "/lot", terms.lot),
        ("order_min_zero", "/min_order_units", order_low),
        ("price_below_kopeck", "/price_kopecks", terms.price_kopecks),
    ]
    found = [(code, pointer) for code, pointer, value in zeros if value == 0]
    yield from ((code, pointer, {}) for code, pointer in found)
    if high and low > high:
        yield "quantity_min_above_max", "/quantity_min", {"quantity_min": low, "quantity_max": high}
    if order_low > order_high:
        yield "order_min_above_max", "/min_order_units", {"min_order": order_low, "max_order": order_high}
    if high and order_high > high:
        yield "order_max_above_quantity", "/max_order_units", {"max_order": order_high, "quantity_max": high}
    if not isinstance(terms.amount_min_kopecks, UnsetType):
        if terms.quote is not None:
            yield "amount_min_needs_fixed_price", "/amount_min_kopecks", {}
        elif high and low <= high < terms.least_units:
            yield "amount_min_above_volume", "/amount_min_kopecks", {"volume": high * terms.price_kopecks}
    if high * terms.price_max_kopecks > VOLUME_KOPECKS_MAX:
        yield "volume_out_of_range", "/quantity_max", {}
    if terms.lot:
        yield from _lots(terms)


def _lots(terms: IssuanceTerms) -> Iterator[Finding]:
    facts: dict[str, str | int] = {"lot": terms.lot}
    for name in ("quantity_min", "quantity_max"):
        if getattr(terms, name) % terms.lot:
            yield "quantity_not_in_lots", f"/{name}", facts
    for name in ("min_order_units", "max_order_units"):
        if getattr(terms, name) % terms.lot:
            yield "order_bound_not_in_lots", f"/{name}", facts


def _placement(terms: IssuanceTerms, today: date) -> Iterator[Finding]:
    start_on, end_on = moscow_day(terms.placement_start_at), moscow_day(terms.placement_end_at)
    if terms.placement_end_at <= terms.placement_start_at:
        yield "placement_ends_before_start", "/placement_end_at", {}
    if start_on < today:
        yield "placement_starts_in_past", "/placement_start_at", {"start_on": start_on.isoformat()}
    if terms.redemption.on <= end_on:
        yield "redemption_before_placement_end", "/redemption/on", {}


def _mode(terms: IssuanceTerms) -> Iterator[Finding]:
    pointer = "/placement_mode/quote"
    if (quote := terms.quote) is not None:
        low, high = quote.price_min_kopecks, quote.price_max_kopecks
        if low == 0:
            yield "price_below_kopeck", f"{pointer}/price_min_kopecks", {}
        if low > high:
            yield "quote_corridor_empty", f"{pointer}/price_min_kopecks", {"low": low, "high": high}
        if decimal(quote.multiplier) <= 0:
            yield "quote_multiplier_not_positive", f"{pointer}/multiplier", {}
        if not SITE.fullmatch(quote.source_url):
            yield "quote_source_not_url", f"{pointer}/source_url", {}
        if terms.is_debt:
            yield "debt_price_by_quote", pointer, {}
    if terms.continuous is not None and terms.allocation is not AllocationRule.TIME_PRIORITY:
        yield "continuous_needs_time_priority", "/placement_mode/continuous", {}
    if (early := terms.early_close) is not None:
        if not (early.when_full or early.by_issuer):
            yield "early_close_of_nothing", "/placement_mode/early_close", {}
        if early.when_full and terms.when_full is not WhenFull.SUSPEND:
            yield "full_close_needs_suspend", "/placement_mode/early_close/when_full", {}


def _means(terms: IssuanceTerms) -> Iterator[Finding]:
    if not terms.payment_means:
        yield "payment_means_missing", "/payment_means", {}
    if PaymentMeans.DIGITAL_RIGHTS in terms.payment_means:
        yield "debt_money_only" if terms.is_debt else "payment_means_not_supported", "/payment_means", {}
    clause = terms.smart_contract_clause
    has_code = clause.code_sha256 is not None and clause.code_version is not None
    if clause.used and clause.text is None:
        yield "smart_contract_text_missing", "/smart_contract_clause/text", {}
    if clause.used and not has_code:
        yield "smart_contract_code_missing", "/smart_contract_clause", {}
    if not clause.used and (clause.code_sha256 or clause.code_version):
        yield "smart_contract_contradiction", "/smart_contract_clause/used", {}
    elif not clause.used:
        yield "smart_contract_not_used", "/smart_contract_clause/used", {"latest": LATEST.code_sha256}
    elif clause.code_sha256 is not None and not is_known_code(clause.code_sha256):
        yield "smart_contract_code_unknown", "/smart_contract_clause/code_sha256", {"latest": LATEST.code_sha256}
    elif find_evaluator(terms) is None:
        yield "smart_contract_code_too_old", "/smart_contract_clause/code_sha256", {"latest": LATEST.code_sha256}
    for index, security in enumerate(terms.collateral):
        if security.kind == "mortgage":
            yield "mortgage_not_registrable", f"/collateral/{index}/kind", {}


def _circle(terms: IssuanceTerms, today: date) -> Iterator[Finding]:
    circle = terms.eligibility
    foreign = circle.foreign_entities is True
    if not (circle.natural_persons or circle.sole_proprietors or circle.legal_entities or foreign):
        yield "nobody_eligible", "/eligibility", {}
    if circle.qualified_only and terms.transfer_policy.kind == "free":
        yield "transfer_contradicts_eligibility", "/transfer_policy/kind", {}
    if circle.qualified_only and not isinstance(circle.without_limit_text, UnsetType):
        yield "without_limit_contradiction", "/eligibility/without_limit_text", {}
    is_credit = terms.is_credit is True and CREDIT_DFA_QUALIFIED_ONLY.find_row_at(today) is not None
    if is_credit and not circle.qualified_only:
        yield "credit_needs_qualified", "/eligibility/qualified_only", {}


def _debt(terms: IssuanceTerms, today: date) -> Iterator[Finding]:
    if not terms.is_debt:
        if terms.debt is not None:
            yield "debt_clauses_without_debt", "/debt", {}
        return
    if today < DEBT_LAW_FROM:
        yield "debt_law_not_in_force", "/is_debt", {}
    if isinstance(terms.payoff, AtEnd | AutoConvert):
        yield "debt_payoff_kind", "/payoff/kind", {}
    if terms.debt is None:
        yield "debt_clauses_missing", "/debt", {}
    else:
        yield from _debt_clauses(terms.debt)


def _debt_clauses(debt: DebtClauses) -> Iterator[Finding]:
    for name, code, stems in _DEBT_STATEMENTS:
        # One line and `match`: each stem is looked for once from the start, so a long text costs no more.
        text = " ".join(getattr(debt, name).lower().split())
        if not re.match(stems, text):
            yield code, f"/debt/{name}", {}
    if not debt.full_payment_before_issue:
        yield "debt_full_payment_required", "/debt/full_payment_before_issue", {}


def _calendar_days(terms: IssuanceTerms, calendar: BusinessCalendar) -> list[Finding]:
    # Last, since it needs the schedule: what needs a year without a calendar is left out, and the rest is found.
    years: set[str | int] = set()
    schedule = [
        action
        for number, day in enumerate(nominal_days(terms), start=1)
        if (action := _action_if_covered(terms, number, *day, calendar, years)) is not None
    ]
    found = [
        *_while_covered(_payment_days(terms, schedule, calendar), years),
        *_while_covered(_event_days(terms, schedule, calendar), years),
        *_fixing_days(terms, schedule, calendar, years),
        *_while_covered(option_day_findings(terms, calendar), years),
    ]
    return [
        *found,
        *(("calendar_year_not_covered", "/redemption/on", {"year": year}) for year in sorted(years, key=str)),
    ]


def _arrears(terms: IssuanceTerms) -> Iterator[Finding]:
    late = terms.default.late_interest
    if isinstance(late, UnsetType):
        return
    if decimal(late.rate) <= 0:
        yield "rate_not_positive", "/default/late_interest/rate", {}
    elif decimal(late.rate) > 1:
        yield "rate_looks_like_percent", "/default/late_interest/rate", {"rate": late.rate}
    if terms.default.grace_business_days == 0:
        yield "late_interest_without_grace", "/default/late_interest", {}


def _while_covered(findings: Iterator[Finding], years: set[str | int]) -> Iterator[Finding]:
    """The findings up to the first that asks for a year without a calendar, which is noted."""
    try:
        yield from findings
    except CalendarYearNotCovered as problem:
        years.add(problem.facts["year"])


def _action_if_covered(
    terms: IssuanceTerms, number: int, on: date, kind: ActionKind, calendar: BusinessCalendar, years: set[str | int]
) -> ScheduledAction | None:
    try:
        return action_of(terms, number, on, kind, calendar)
    except CalendarYearNotCovered as problem:
        years.add(problem.facts["year"])
        return None


def _payment_days(
    terms: IssuanceTerms, schedule: Sequence[ScheduledAction], calendar: BusinessCalendar
) -> Iterator[Finding]:
    placed = terms.redemption.on > moscow_day(terms.placement_end_at)
    if placed and schedule and schedule[0].record_at < terms.placement_end_at:
        yield "record_before_placement_end", "/payments/record_business_days_before", {}
    for action in schedule:
        if action.kind is ActionKind.REDEMPTION:
            # Asked for its refusal only: the days of grace are planned when the issue begins to circulate.
            calendar.add_business_days(action.pay_by_on, terms.default.grace_business_days)


def _event_days(
    terms: IssuanceTerms, schedule: Sequence[ScheduledAction], calendar: BusinessCalendar
) -> Iterator[Finding]:
    payoff = terms.payoff
    if not isinstance(payoff, Event) or not schedule or schedule[-1].kind is not ActionKind.REDEMPTION:
        return
    last_on = schedule[-1].pay_by_on
    if payoff.determined_by_on >= last_on:
        yield "event_after_redemption", "/payoff/determined_by_on", {}
    elif payoff.dispute_business_days:
        ends_on = calendar.add_business_days(payoff.determined_by_on, payoff.dispute_business_days)
        if ends_on >= last_on:
            facts: dict[str, str | int] = {"ends_on": ends_on.isoformat(), "last_on": last_on.isoformat()}
            yield "dispute_after_redemption", "/payoff/dispute_business_days", facts


def _fixing_days(
    terms: IssuanceTerms, schedule: Sequence[ScheduledAction], calendar: BusinessCalendar, years: set[str | int]
) -> Iterator[Finding]:
    payoff = terms.payoff
    # Days out of order are a fault of their own, and would make overlapping periods without a bound.
    if isinstance(payoff, Floating) and not ascend(payoff.coupon_dates):
        return
    for action in schedule:
        yield from _while_covered(_fixing_days_of(terms, action, calendar), years)


def _fixing_days_of(terms: IssuanceTerms, action: ScheduledAction, calendar: BusinessCalendar) -> Iterator[Finding]:
    for need in required_fixings(terms, action, calendar=calendar):
        on = need.observed_on.isoformat()
        if not calendar.is_business_day(need.observed_on):
            yield "fixing_on_non_business_day", "/payoff", {"on": on}
        if moscow_day(need.available_at) > action.pay_on:
            yield "fixing_after_payment", "/payoff", {"on": on, "pay_on": action.pay_on.isoformat()}
