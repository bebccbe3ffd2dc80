"""find_faults: each rule is broken by one change of a good decision, and only that rule answers."""

import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kapital.tokenization.domain.evaluator import EVALUATORS
from kapital.tokenization.domain.fault_catalogue import CATALOGUE
from kapital.tokenization.domain.issue import drawn_from
from kapital.tokenization.domain.party_faults import KnownParties
from kapital.tokenization.domain.terms import IssuanceTerms
from kapital.tokenization.domain.terms_text import plain_value
from kapital.tokenization.domain.validator import DEBT_LAW_FROM, find_faults

ISSUES = Path(__file__).parents[3] / "examples" / "issues"
TODAY = date(2026, 11, 24)
EXAMPLES = (
    "amortising-receivable",
    "barrier-note",
    "basket-metals",
    "debt-step-rate",
    "discount-one-month",
    "event-satellite",
    "fixed-rate-window",
    "floating-key-rate",
    "floating-ruonia",
    "index-linked",
    "put-call-buyback",
)
AMORT, BARRIER, BASKET, DEBT, DISCOUNT, EVENT, FIXED, FLOATING, RUONIA, INDEXED, _ = EXAMPLES

LATE = "/default/late_interest"
DISCOUNT_PAYOFF = {"kind": "discount", "redemption_kopecks": 110000}

COMPONENT = "/payoff/components/1"
LAG = "observation/publication_lag_business_days"
SUBSTITUTE = "/payoff/observation/substitute_series"
BY_SUBSTITUTE = {"/payoff/observation/fallback": "substitute_source"}

QUOTE = {
    "quoted": "Индекс МосБиржи",
    "source_name": "Московская биржа",
    "source_url": "https://moex.com/imoex",
    "multiplier": "0.4",
    "spread_kopecks": 0,
    "price_min_kopecks": 50_000,
    "price_max_kopecks": 150_000,
    "valid_for_s": 60,
    "text": "Цена – по индексу.",
}


def _mode(**changes: Any) -> dict[str, Any]:
    """A price by quote with one thing changed."""
    return {"/placement_mode": {"quote": QUOTE | changes}}


# Example, change, code of the one fault, its pointer. Rows stand in the order of the catalogue.
ONE_MISTAKE: list[tuple[str, dict[str, Any], str, str]] = [
    (AMORT, {"/issuer/inn": "9900000025"}, "issuer_inn_invalid", "/issuer/inn"),
    (AMORT, {"/issuer/inn": "990000000115"}, "issuer_inn_invalid", "/issuer/inn"),
    (DEBT, {"/issuer/inn": "990000000116"}, "issuer_inn_invalid", "/issuer/inn"),
    (AMORT, {"/issuer/ogrn": "1269900000029"}, "issuer_ogrn_invalid", "/issuer/ogrn"),
    (DEBT, {"/issuer/ogrn": "1269900000028"}, "issuer_ogrn_invalid", "/issuer/ogrn"),
    (AMORT, {"/issuer/site": "http://flowers.example"}, "issuer_site_invalid", "/issuer/site"),
    (AMORT, {"/operator/inn": "990000000115"}, "operator_inn_invalid", "/operator/inn"),
    (AMORT, {"/operator/ogrn": "326990000000009"}, "operator_ogrn_invalid", "/operator/ogrn"),
    (AMORT, {"/operator/site": "operator"}, "operator_site_invalid", "/operator/site"),
    (AMORT, {"/right_kind": "npjsc_equity"}, "right_kind_not_supported", "/right_kind"),
    (AMORT, {"/is_hybrid": True}, "hybrid_not_supported", "/is_hybrid"),
    (AMORT, {"/quantity_max": 0}, "quantity_max_zero", "/quantity_max"),
    (AMORT, {"/quantity_min": 0}, "quantity_min_zero", "/quantity_min"),
    (AMORT, {"/quantity_min": 1001}, "quantity_min_above_max", "/quantity_min"),
    (AMORT, {"/amount_min_kopecks": 10**15}, "amount_min_above_volume", "/amount_min_kopecks"),
    (FIXED, _mode() | {"/amount_min_kopecks": 1}, "amount_min_needs_fixed_price", "/amount_min_kopecks"),
    (FIXED, {"/is_credit": True}, "credit_needs_qualified", "/eligibility/qualified_only"),
    (AMORT, {"/lot": 0}, "lot_zero", "/lot"),
    (DISCOUNT, {"/quantity_min": 10050}, "quantity_not_in_lots", "/quantity_min"),
    (DISCOUNT, {"/quantity_max": 100050}, "quantity_not_in_lots", "/quantity_max"),
    (DISCOUNT, {"/min_order_units": 150}, "order_bound_not_in_lots", "/min_order_units"),
    (DISCOUNT, {"/max_order_units": 99950}, "order_bound_not_in_lots", "/max_order_units"),
    (AMORT, {"/min_order_units": 0}, "order_min_zero", "/min_order_units"),
    (AMORT, {"/min_order_units": 1001}, "order_min_above_max", "/min_order_units"),
    (AMORT, {"/max_order_units": 1001}, "order_max_above_quantity", "/max_order_units"),
    (FIXED, {"/price_kopecks": 0}, "price_below_kopeck", "/price_kopecks"),
    (AMORT, {"/price_kopecks": 0}, "price_below_kopeck", "/price_kopecks"),
    (FIXED, {"/quantity_max": 90_071_992_550}, "volume_out_of_range", "/quantity_max"),
    (FIXED, _mode(price_min_kopecks=0), "price_below_kopeck", "/placement_mode/quote/price_min_kopecks"),
    (FIXED, _mode(price_max_kopecks=1), "quote_corridor_empty", "/placement_mode/quote/price_min_kopecks"),
    (FIXED, _mode(price_max_kopecks=10**12), "volume_out_of_range", "/quantity_max"),
    (FIXED, _mode(multiplier="0"), "quote_multiplier_not_positive", "/placement_mode/quote/multiplier"),
    (FIXED, _mode(source_url="moex"), "quote_source_not_url", "/placement_mode/quote/source_url"),
    (DEBT, _mode(), "debt_price_by_quote", "/placement_mode/quote"),
    (
        DISCOUNT,
        {"/placement_mode": {"continuous": {"every_s": 0, "text": "-"}}, "/allocation": "pro_rata"},
        "continuous_needs_time_priority",
        "/placement_mode/continuous",
    ),
    (
        DISCOUNT,
        {"/placement_mode": {"early_close": {"when_full": False, "by_issuer": False, "text": "-"}}},
        "early_close_of_nothing",
        "/placement_mode/early_close",
    ),
    (
        DISCOUNT,
        {
            "/placement_mode": {"early_close": {"when_full": True, "by_issuer": True, "text": "-"}},
            "/when_full": "accept",
        },
        "full_close_needs_suspend",
        "/placement_mode/early_close/when_full",
    ),
    (
        AMORT,
        {"/placement_end_at": "2026-12-07T10:00:00+03:00"},
        "placement_ends_before_start",
        "/placement_end_at",
    ),
    (
        AMORT,
        {"/placement_start_at": "2026-11-23T23:59:59+03:00"},
        "placement_starts_in_past",
        "/placement_start_at",
    ),
    (DISCOUNT, {"/redemption/on": "2026-12-11"}, "redemption_before_placement_end", "/redemption/on"),
    (
        FLOATING,
        {"/payments/record_business_days_before": 30},
        "record_before_placement_end",
        "/payments/record_business_days_before",
    ),
    (AMORT, {"/payment_means": []}, "payment_means_missing", "/payment_means"),
    (AMORT, {"/payment_means": ["digital_rights"]}, "payment_means_not_supported", "/payment_means"),
    (AMORT, {"/smart_contract_clause/text": None}, "smart_contract_text_missing", "/smart_contract_clause/text"),
    (AMORT, {"/smart_contract_clause/code_sha256": None}, "smart_contract_code_missing", "/smart_contract_clause"),
    (AMORT, {"/smart_contract_clause/code_version": None}, "smart_contract_code_missing", "/smart_contract_clause"),
    (AMORT, {"/smart_contract_clause/used": False}, "smart_contract_contradiction", "/smart_contract_clause/used"),
    (
        AMORT,
        {"/smart_contract_clause": {"used": False, "code_version": "1"}},
        "smart_contract_contradiction",
        "/smart_contract_clause/used",
    ),
    (
        AMORT,
        {"/smart_contract_clause/code_sha256": "0" * 64},
        "smart_contract_code_unknown",
        "/smart_contract_clause/code_sha256",
    ),
    (
        BASKET,
        {"/smart_contract_clause/code_sha256": EVALUATORS[0].code_sha256},
        "smart_contract_code_too_old",
        "/smart_contract_clause/code_sha256",
    ),
    (AMORT, {"/collateral/0/kind": "mortgage"}, "mortgage_not_registrable", "/collateral/0/kind"),
    (
        AMORT,
        {f"/eligibility/{who}": False for who in ("natural_persons", "sole_proprietors", "legal_entities")},
        "nobody_eligible",
        "/eligibility",
    ),
    (EVENT, {"/transfer_policy/kind": "free"}, "transfer_contradicts_eligibility", "/transfer_policy/kind"),
    (
        EVENT,
        {"/eligibility/without_limit_text": "Облигации с рейтингом"},
        "without_limit_contradiction",
        "/eligibility/without_limit_text",
    ),
    (DEBT, {"/debt": None}, "debt_clauses_missing", "/debt"),
    (DEBT, {"/is_debt": False}, "debt_clauses_without_debt", "/debt"),
    (DEBT, {"/debt/is_debt_text": "Выпускаемые ЦФА."}, "debt_statement_missing", "/debt/is_debt_text"),
    (
        DEBT,
        {"/debt/obligations_unchangeable_text": "Изменение обязательств возможно."},
        "debt_unchangeable_missing",
        "/debt/obligations_unchangeable_text",
    ),
    (
        DEBT,
        {"/debt/extinguished_if_issuer_holds_text": "Записи погашаются при погашении."},
        "debt_extinguish_missing",
        "/debt/extinguished_if_issuer_holds_text",
    ),
    (
        DEBT,
        {"/debt/uniform_terms_text": "Условия могут зависеть от времени приобретения."},
        "debt_uniform_missing",
        "/debt/uniform_terms_text",
    ),
    (
        DEBT,
        {"/debt/full_payment_before_issue": False},
        "debt_full_payment_required",
        "/debt/full_payment_before_issue",
    ),
    (DEBT, {"/payment_means": ["rub_money", "digital_rights"]}, "debt_money_only", "/payment_means"),
    (DEBT, {"/right_kind": "security_rights"}, "debt_right_kind", "/right_kind"),
    (DEBT, {"/payoff": DISCOUNT_PAYOFF}, "debt_payoff_kind", "/payoff/kind"),
    (FIXED, {"/payoff/coupon_dates": ["2027-06-14", "2027-03-14"]}, "days_not_ascending", "/payoff/coupon_dates"),
    (FIXED, {"/payoff/coupon_dates": ["2027-06-14", "2027-06-14"]}, "days_not_ascending", "/payoff/coupon_dates"),
    (
        FLOATING,
        {"/payoff/coupon_dates": ["2027-02-14", "2027-01-14"]},
        "days_not_ascending",
        "/payoff/coupon_dates",
    ),
    (FIXED, {"/payoff/accrual_start_on": "2027-03-14"}, "coupon_before_accrual", "/payoff/coupon_dates/0"),
    (FIXED, {"/payoff/coupon_dates/1": "2027-06-15"}, "coupon_after_redemption", "/payoff/coupon_dates/1"),
    (DEBT, {"/payoff/coupons/2/on": "2027-12-15"}, "coupon_after_redemption", "/payoff/coupons/2"),
    (AMORT, {"/payoff/parts/3/on": "2027-12-13"}, "last_payment_before_redemption", "/payoff/parts/3"),
    (FIXED, {"/payoff/accrual_start_on": "2026-12-06"}, "accrual_before_placement", "/payoff/accrual_start_on"),
    (FIXED, {"/payoff/rate": "0"}, "rate_not_positive", "/payoff/rate"),
    (FIXED, {"/payoff/rate": "18"}, "rate_looks_like_percent", "/payoff/rate"),
    (AMORT, {"/payoff/rate": "1.0001"}, "rate_looks_like_percent", "/payoff/rate"),
    (DEBT, {"/payoff/coupons/1/rate": "18"}, "rate_looks_like_percent", "/payoff/coupons/1/rate"),
    (FLOATING, {"/payoff/spread": "2.5"}, "rate_looks_like_percent", "/payoff/spread"),
    (FLOATING, {"/payoff/cap": "30"}, "rate_looks_like_percent", "/payoff/cap"),
    (FLOATING, {"/payoff/floor": "-5"}, "rate_looks_like_percent", "/payoff/floor"),
    (
        DISCOUNT,
        {"/payoff/redemption_kopecks": 10**12},
        "payout_out_of_range",
        "/payoff/redemption_kopecks",
    ),
    (
        EVENT,
        {"/payoff/outcomes/0/amount_kopecks": 10**14},
        "payout_out_of_range",
        "/payoff/outcomes/0/amount_kopecks",
    ),
    (DEBT, {f"/payoff/coupons/{n}/rate": "0.0" for n in range(3)}, "rate_not_positive", "/payoff/coupons"),
    (DEBT, {"/payoff/coupons/1/rate": "-0.01"}, "rate_negative", "/payoff/coupons/1/rate"),
    (AMORT, {"/payoff/rate": "-0.01"}, "rate_negative", "/payoff/rate"),
    (DISCOUNT, {"/payoff/redemption_kopecks": 98540}, "redemption_not_above_price", "/payoff/redemption_kopecks"),
    (AMORT, {"/payoff/parts/1/principal_kopecks": 24999}, "parts_differ_from_nominal", "/payoff/parts"),
    (
        AMORT,
        {"/payoff/parts/0/principal_kopecks": 0, "/payoff/parts/1/principal_kopecks": 50000},
        "part_zero",
        "/payoff/parts/0/principal_kopecks",
    ),
    (FLOATING, {"/payoff/day_count": "thirty_360"}, "floating_day_count", "/payoff/day_count"),
    (FLOATING, {"/payoff/floor": "0.31"}, "floor_above_cap", "/payoff/floor"),
    (INDEXED, {"/payoff/cap": "-0.01"}, "floor_above_cap", "/payoff/floor"),
    (INDEXED, {"/payoff/floor": "-1.01"}, "floor_below_minus_one", "/payoff/floor"),
    (INDEXED, {"/payoff/participation": "0"}, "participation_not_positive", "/payoff/participation"),
    (INDEXED, {"/payoff/initial_value": "0.00"}, "initial_value_not_positive", "/payoff/initial_value"),
    (INDEXED, {"/payoff/initial_on": "2027-06-10"}, "initial_not_before_final", "/payoff/initial_on"),
    (INDEXED, {"/payoff/final_on": "2027-06-12"}, "fixing_on_non_business_day", "/payoff"),
    (INDEXED, {"/payoff/observation/publication_lag_business_days": 3}, "fixing_after_payment", "/payoff"),
    (INDEXED, {"/payoff/observation/source_url": "moex"}, "source_not_url", "/payoff/observation/source_url"),
    (FLOATING, {"/payoff/observation/source_url": "cbr"}, "source_not_url", "/payoff/observation/source_url"),
    (EVENT, {"/payoff/source_url": "https://nowhere"}, "source_not_url", "/payoff/source_url"),
    (EVENT, {"/payoff/outcomes/0/code": "failed"}, "outcome_repeated", "/payoff/outcomes/1/code"),
    (EVENT, {"/payoff/fallback_outcome": "exploded"}, "fallback_outcome_unknown", "/payoff/fallback_outcome"),
    (EVENT, {"/payoff/determined_by_on": "2027-06-15"}, "event_after_redemption", "/payoff/determined_by_on"),
    (
        AMORT,
        {"/early_redemption/right_of": "issuer", "/early_redemption/notice_business_days": 5},
        "early_redemption_not_supported",
        "/early_redemption/right_of",
    ),
    (
        AMORT,
        {"/early_redemption/notice_business_days": 5},
        "early_redemption_contradiction",
        "/early_redemption/notice_business_days",
    ),
    (FLOATING, {"/payoff/observation/series": "my_rate"}, "series_unknown", "/payoff/observation/series"),
    (INDEXED, {"/payoff/observation/series": "my_index"}, "series_unknown", "/payoff/observation/series"),
    (BASKET, {"/payoff/components/1/observation/series": "tin"}, "series_unknown", f"{COMPONENT}/observation/series"),
    (RUONIA, {"/payoff/observation/series": "cbr_usd"}, "series_of_another_kind", "/payoff/observation/series"),
    (
        BASKET,
        {"/payoff/components/1/observation/series": "ruonia", f"{COMPONENT}/{LAG}": 1},
        "series_of_another_kind",
        f"{COMPONENT}/observation/series",
    ),
    (
        FLOATING,
        {"/payoff/observation/source_url": "https://cbr.ru.example/rates"},
        "source_of_another_host",
        "/payoff/observation/source_url",
    ),
    (RUONIA, {f"/payoff/{LAG}": 0}, "published_later", f"/payoff/{LAG}"),
    (FLOATING, {"/payoff/observation/fallback": "substitute_source"}, "substitute_not_named", SUBSTITUTE),
    (FLOATING, {SUBSTITUTE: "ruonia"}, "substitute_not_asked", SUBSTITUTE),
    (FLOATING, {**BY_SUBSTITUTE, SUBSTITUTE: "cbr_key_rate"}, "substitute_is_itself", SUBSTITUTE),
    (FLOATING, {**BY_SUBSTITUTE, SUBSTITUTE: "my_rate"}, "series_unknown", SUBSTITUTE),
    (FLOATING, {**BY_SUBSTITUTE, SUBSTITUTE: "cbr_usd"}, "series_of_another_kind", SUBSTITUTE),
    (
        BASKET,
        {"/payoff/components/1/observation/series": "cbr_gold"},
        "component_repeated",
        f"{COMPONENT}/observation/series",
    ),
    (BASKET, {f"{COMPONENT}/weight": None}, "weight_not_positive", f"{COMPONENT}/weight"),
    (BASKET, {f"{COMPONENT}/weight": "0"}, "weight_not_positive", f"{COMPONENT}/weight"),
    (BASKET, {f"{COMPONENT}/weight": "0.21"}, "weights_not_one", "/payoff/components"),
    (
        BASKET,
        {"/payoff/rule": "worst_of", "/payoff/components/0/weight": None, "/payoff/components/2/weight": None},
        "weight_meaningless",
        f"{COMPONENT}/weight",
    ),
    (BASKET, {f"{COMPONENT}/initial_value": "0"}, "initial_value_not_positive", f"{COMPONENT}/initial_value"),
    (BASKET, {"/payoff/cap": "-0.2"}, "floor_above_cap", "/payoff/floor"),
    (BASKET, {"/payoff/floor": "-1.01"}, "floor_below_minus_one", "/payoff/floor"),
    (BASKET, {"/payoff/participation": "-1"}, "participation_not_positive", "/payoff/participation"),
    (BASKET, {"/payoff/initial_on": "2027-06-10"}, "initial_not_before_final", "/payoff/initial_on"),
    (BARRIER, {"/payoff/delivery": "securities"}, "delivery_not_supported", "/payoff/delivery"),
    (BARRIER, {"/payoff/rate": "0"}, "rate_not_positive", "/payoff/rate"),
    (BARRIER, {"/payoff/rate": "22"}, "rate_looks_like_percent", "/payoff/rate"),
    (BARRIER, {"/payoff/barrier": "75"}, "barrier_out_of_range", "/payoff/barrier"),
    (BARRIER, {"/payoff/barrier": "0"}, "barrier_out_of_range", "/payoff/barrier"),
    (BARRIER, {"/payoff/floor": "-0.1"}, "conversion_floor_out_of_range", "/payoff/floor"),
    (BARRIER, {"/payoff/floor": "1.1"}, "conversion_floor_out_of_range", "/payoff/floor"),
    (BARRIER, {"/payoff/initial_value": "0"}, "initial_value_not_positive", "/payoff/initial_value"),
    (BARRIER, {"/payoff/barrier_days/0": "2027-06-10"}, "barrier_days_not_ascending", "/payoff/barrier_days"),
    (BARRIER, {"/payoff/barrier_days/0": "2026-12-14"}, "barrier_days_out_of_span", "/payoff/barrier_days"),
    (BARRIER, {"/payoff/barrier_days/1": "2027-06-11"}, "barrier_days_out_of_span", "/payoff/barrier_days"),
    (BARRIER, {"/payoff/coupon_dates/1": "2027-06-16"}, "coupon_after_redemption", "/payoff/coupon_dates/1"),
    (EVENT, {"/payoff/dispute_business_days": 30}, "dispute_after_redemption", "/payoff/dispute_business_days"),
    (DEBT, {"/debt/performance_text": "-"}, "debt_performance_missing", "/debt/performance_text"),
    (
        DEBT,
        {"/debt/payment_determination_text": "-"},
        "debt_payment_determination_missing",
        "/debt/payment_determination_text",
    ),
    (
        FIXED,
        {"/smart_contract_clause": {"used": False, "text": None, "code_sha256": None, "code_version": None}},
        "smart_contract_not_used",
        "/smart_contract_clause/used",
    ),
    *(
        (FIXED, {LATE: {"rate": rate, "day_count": "act_365f"}}, code, f"{LATE}/rate")
        for rate, code in (("0", "rate_not_positive"), ("20", "rate_looks_like_percent"))
    ),
    (
        FIXED,
        {"/default/grace_business_days": 0, LATE: {"rate": "0.2", "day_count": "act_365f"}},
        "late_interest_without_grace",
        LATE,
    ),
    (DISCOUNT, {"/redemption/on": "2028-01-18"}, "calendar_year_not_covered", "/redemption/on"),
    (DEBT, {"/default/grace_business_days": 30}, "calendar_year_not_covered", "/redemption/on"),
]

_DEBT_CLAUSES = plain_value((ISSUES / f"{DEBT}.yaml").read_bytes())["debt"]
# The example with early redemption as debt: its offer below the nominal is a deal, and no fault.
AS_DEBT = {"/is_debt": True, "/debt": _DEBT_CLAUSES}
CALLS, PUTS, OFFERS = (f"/early_redemption/options/{kind}" for kind in ("calls", "puts", "offers"))
# Change of the example with a call, a put and an offer; code of the one fault; its pointer.
OPTION_MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    (
        {"/early_redemption/options": {"calls": [], "puts": [], "offers": []}},
        "options_empty",
        "/early_redemption/options",
    ),
    ({PUTS: []}, "option_right_contradiction", PUTS),
    ({CALLS: []}, "option_right_contradiction", CALLS),
    ({"/early_redemption/right_of": "holder"}, "option_right_contradiction", CALLS),
    ({"/early_redemption/right_of": "issuer"}, "option_right_contradiction", PUTS),
    ({CALLS: [{"on": "2027-09-14", "price": "1"}] * 2}, "option_days_not_ascending", CALLS),
    ({f"{CALLS}/0/on": "2027-12-14"}, "option_day_out_of_life", f"{CALLS}/0/on"),
    ({f"{PUTS}/0/on": "2026-12-11"}, "option_day_out_of_life", f"{PUTS}/0/on"),
    ({f"{PUTS}/0/on": "2027-06-15"}, "option_not_on_coupon_day", f"{PUTS}/0/on"),
    ({f"{PUTS}/0/price": "0"}, "option_price_not_positive", f"{PUTS}/0/price"),
    (
        {f"{CALLS}/0/on": "2027-12-08", "/payoff/coupon_dates/2": "2027-12-08"},
        "option_too_close_to_redemption",
        f"{CALLS}/0/on",
    ),
    (
        {"/early_redemption/notice_business_days": 60, OFFERS: [], f"{PUTS}/0/on": "2027-03-14"},
        "option_notice_out_of_life",
        f"{PUTS}/0/on",
    ),
    ({f"{CALLS}/0/price": "100.5"}, "option_price_looks_like_percent", f"{CALLS}/0/price"),
    ({**AS_DEBT, f"{PUTS}/0/price": "0.999"}, "debt_option_below_price", f"{PUTS}/0/price"),
    ({f"{OFFERS}/0/units_max": 0}, "offer_units_out_of_range", f"{OFFERS}/0/units_max"),
    ({f"{OFFERS}/0/units_max": 20001}, "offer_units_out_of_range", f"{OFFERS}/0/units_max"),
    ({f"{OFFERS}/0/accept_from_on": "2027-03-02"}, "offer_window_empty", f"{OFFERS}/0/accept_from_on"),
    ({f"{OFFERS}/0/accept_from_on": "2026-12-11"}, "offer_before_placement_end", f"{OFFERS}/0/accept_from_on"),
    ({f"{OFFERS}/0/accept_to_on": "2027-03-12"}, "offer_closes_late", f"{OFFERS}/0/accept_to_on"),
    (
        {"/smart_contract_clause/code_sha256": EVALUATORS[0].code_sha256},
        "smart_contract_code_too_old",
        "/smart_contract_clause/code_sha256",
    ),
]


@pytest.mark.parametrize(("changes", "code", "pointer"), OPTION_MISTAKES)
def test_one_mistake_about_early_redemption_gives_one_fault(early, calendar, changes, code, pointer):
    faults = find_faults(early(changes), calendar=calendar, today=TODAY)

    assert [(fault.code, fault.pointer) for fault in faults] == [(code, pointer)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_without_fault(example, calendar, name):
    assert find_faults(example(name), calendar=calendar, today=TODAY) == []


@pytest.mark.parametrize(("name", "changes", "code", "pointer"), ONE_MISTAKE)
def test_one_mistake_gives_one_fault(example, calendar, name, changes, code, pointer):
    faults = find_faults(example(name, changes), calendar=calendar, today=TODAY)

    assert [(fault.code, fault.pointer) for fault in faults] == [(code, pointer)]


def test_debt_is_unknown_to_the_law_before_its_day(example, calendar):
    terms: IssuanceTerms = example(DEBT)

    before = find_faults(terms, calendar=calendar, today=date(2025, 12, 14))

    assert [fault.code for fault in before] == ["debt_law_not_in_force"]
    assert find_faults(terms, calendar=calendar, today=DEBT_LAW_FROM) == []


def test_a_debt_paper_may_end_early_at_its_price_or_above(early, calendar):
    assert find_faults(early(AS_DEBT), calendar=calendar, today=TODAY) == []


def test_foreign_organisations_are_admitted_where_the_decision_says_so_and_alone_are_enough(example, calendar):
    nobody = {f"/eligibility/{name}": False for name in ("natural_persons", "sole_proprietors", "legal_entities")}

    terms: IssuanceTerms = example(FIXED, {**nobody, "/eligibility/foreign_entities": True})

    assert find_faults(terms, calendar=calendar, today=TODAY) == []
    assert drawn_from(terms)["investor_kinds"] == ["foreign_entity"]
    assert "foreign_entity" not in drawn_from(example(FIXED))["investor_kinds"]


def test_a_decision_names_who_submits_it_and_the_operator_of_this_installation(example, calendar):
    terms: IssuanceTerms = example(FIXED)

    def codes(**known: str) -> list[tuple[str, str]]:
        faults = find_faults(terms, calendar=calendar, today=TODAY, known=KnownParties(**known))
        return [(fault.code, fault.pointer) for fault in faults]

    assert codes(issuer_inn=terms.issuer.inn, operator_inn=terms.operator.inn) == []
    assert codes(issuer_inn="9900000017", operator_inn="9900000031") == [
        ("issuer_is_another", "/issuer/inn"),
        ("operator_is_another", "/operator/inn"),
    ]


def test_every_rule_of_the_catalogue_has_a_mistake_that_breaks_it():
    broken = {code for _, _, code, _ in ONE_MISTAKE} | {code for _, code, _ in OPTION_MISTAKES}

    by_what_is_known = {"debt_law_not_in_force", "issuer_is_another", "operator_is_another"}
    assert broken | by_what_is_known == set(CATALOGUE)


def test_every_fault_names_its_basis_and_says_it_in_two_languages(example, calendar):
    for name, changes, _, _ in ONE_MISTAKE:
        (fault,) = find_faults(example(name, changes), calendar=calendar, today=TODAY)

        assert fault.confidence in {"F", "M", "M?", "P"}
        assert fault.legal_basis
        assert "{" not in fault.message_ru + fault.message_en
        assert fault.message_ru != fault.message_en


def test_all_mistakes_are_told_at_once_in_the_order_of_the_decision(example, calendar):
    changes = {
        "/early_redemption/right_of": "holder",
        "/payoff/rate": "-0.5",
        "/issuer/inn": "0000000001",
        "/quantity_max": 0,
        "/payment_means": [],
    }

    faults = find_faults(example(FIXED, changes), calendar=calendar, today=TODAY)

    assert [fault.code for fault in faults] == [
        "issuer_inn_invalid",
        "quantity_max_zero",
        "payment_means_missing",
        "rate_not_positive",
        "early_redemption_not_supported",
    ]


def test_a_year_without_a_calendar_hides_no_other_fault_of_days(example, calendar):
    """The days of grace, or the redemption, run into 2028, for which no calendar is packaged."""

    def codes(name, changes):
        return [fault.code for fault in find_faults(example(name, changes), calendar=calendar, today=TODAY)]

    saturday = {"/payoff/final_on": "2027-06-12"}
    assert codes(INDEXED, saturday) == ["fixing_on_non_business_day"]
    assert codes(INDEXED, {**saturday, "/default/grace_business_days": 300}) == [
        "fixing_on_non_business_day",
        "calendar_year_not_covered",
    ]


def test_a_floating_payoff_needs_no_bounds(example, calendar):
    changes = {"/payoff/floor": None, "/payoff/cap": None}

    assert not find_faults(example(FLOATING, changes), calendar=calendar, today=TODAY)


# Published numbers of large companies, and of persons as used by validators of others; in the refused ones a digit is
# changed.
@pytest.mark.parametrize("who", ["natural_persons", "sole_proprietors", "legal_entities"])
def test_one_kind_of_acquirer_is_enough(example, calendar, who):
    circle = {"natural_persons": False, "sole_proprietors": False, "legal_entities": False} | {who: True}
    changes = {f"/eligibility/{name}": allowed for name, allowed in circle.items()}

    assert not find_faults(example(FIXED, changes), calendar=calendar, today=TODAY)


# On the bound itself a rule is kept; the mistakes above stand one step beyond it.
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        (INDEXED, {"/payoff/observation/publication_lag_business_days": 2}),  # known on the day of payment
        (INDEXED, {"/payoff/floor": "-1"}),
        (INDEXED, {"/payoff/floor": "0.25"}),
        (EVENT, {"/payoff/determined_by_on": "2027-06-14"}),
        (AMORT, {"/quantity_min": 1000}),
        (AMORT, {"/min_order_units": 1000}),
        (AMORT, {"/placement_end_at": "2026-12-07T10:00:01+03:00"}),
        (AMORT, {"/placement_start_at": "2026-11-24T00:00:00+03:00"}),
        (DISCOUNT, {"/redemption/on": "2026-12-14", "/redemption/transfer_lock": True}),
        (DISCOUNT, {"/payoff/redemption_kopecks": 98541}),
        (FIXED, {"/payoff/accrual_start_on": "2026-12-07"}),
        (FIXED, {"/payoff/accrual_start_on": "2027-03-13"}),
        (FIXED, {"/payoff/rate": "1"}),
        (FIXED, {"/quantity_max": 90_071_992_540}),  # × 1,000.00 is just under 2**53 kopecks
        (FLOATING, {"/placement_end_at": "2027-01-13T18:00:00+03:00"}),  # the very moment of the first list
        (AMORT, {"/payoff/rate": "0"}),
        (DEBT, {"/payoff/coupons/1/rate": "0"}),
    ],
)
def test_on_the_bound_there_is_no_fault(example, calendar, name, changes):
    assert find_faults(example(name, changes), calendar=calendar, today=TODAY) == []


def test_days_in_disorder_cannot_make_the_check_long(example, calendar):
    changes = {"/payoff/coupon_dates": ["2024-01-09", "2027-12-20"] * 300}
    started = time.process_time()

    faults = find_faults(example(FLOATING, changes), calendar=calendar, today=TODAY)

    assert "days_not_ascending" in {fault.code for fault in faults}
    assert time.process_time() - started < 30  # of the processor, which other work does not take; it needs 0.1
