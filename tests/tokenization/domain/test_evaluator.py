"""The code version that a decision names computes its payments for life (domain.md 4, scenario 65)."""

import json
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import kapital.tokenization.domain
from kapital.kernel.calendar import russian_calendar
from kapital.tokenization.domain.evaluator import (
    EVALUATORS,
    LATEST,
    PayoffCodeUnknown,
    find_evaluator,
    per_unit,
)
from kapital.tokenization.domain.payoff import Holding, lines
from kapital.tokenization.domain.schedule import actions, required_fixings
from kapital.tokenization.domain.terms import IssuanceTerms

HERE = Path(__file__).parent
CODE = Path(kapital.tokenization.domain.__file__).parent
GOLDEN = [(version, json.loads((HERE / f"golden_payments_v{version}.json").read_text())) for version in (1, 2)]
NO_CODE = {"used": False, "text": None, "code_sha256": None, "code_version": None}


def value(series: str, on: date) -> Decimal:
    """A made-up value that differs from day to day; the golden tables were made with it."""
    if series in {"cbr_key_rate", "ruonia"}:
        return Decimal(1400 + on.toordinal() * 7 % 90) / 100
    return Decimal(250000 + on.toordinal() * 37 % 90000) / 100


def payments(terms: IssuanceTerms) -> list[list[Any]]:
    calendar = russian_calendar()
    holdings = [
        Holding(wallet_id=UUID(int=i), position="available", units=units) for i, units in enumerate((1, 7, 13, 100))
    ]
    rows = []
    for action in actions(terms, calendar=calendar):
        needs = required_fixings(terms, action, calendar=calendar)
        fixings = {(need.series, need.observed_on): value(need.series, need.observed_on) for need in needs}
        unit = per_unit(terms, action, fixings, "launched", calendar=calendar)
        paid = lines(terms, unit, holdings)
        amounts, ended = [line.amount_kopecks for line in paid], [line.extinguish_units for line in paid]
        rows.append([action.kind.value, str(action.pay_on), str(unit.amount), amounts, ended, unit.explanation])
    return rows


@pytest.mark.parametrize("evaluator", EVALUATORS, ids=lambda one: one.file)
def test_the_file_of_a_version_is_the_one_whose_hash_decisions_name(evaluator):
    """A change of the file is a new version beside it, never this one edited."""
    assert sha256((CODE / evaluator.file).read_bytes()).hexdigest() == evaluator.code_sha256


@pytest.mark.parametrize(
    ("version", "name", "kept"),
    [(version, name, rows) for version, golden in GOLDEN for name, rows in golden.items()],
)
def test_the_payments_of_a_version_are_kept_to_the_byte(example, version, name, kept):
    """The tables are never edited: what a version leans on (schedule, day count) may not change it either."""
    told = json.dumps(payments(example(name)), ensure_ascii=False)

    assert told == json.dumps(kept, ensure_ascii=False)


@pytest.mark.parametrize("name", GOLDEN[0][1])
def test_a_later_version_pays_what_the_earlier_one_paid(example, name):
    terms = example(name, {"/smart_contract_clause/code_sha256": LATEST.code_sha256})

    assert find_evaluator(terms) is LATEST
    assert payments(terms) == GOLDEN[0][1][name]


def test_a_decision_without_a_smart_contract_is_computed_by_the_first_version_that_knows_it(example, early):
    clause = {"/smart_contract_clause": NO_CODE}

    assert find_evaluator(example("fixed-rate-window", clause)) is EVALUATORS[0]
    assert find_evaluator(example("basket-metals", clause)) is EVALUATORS[1]
    assert find_evaluator(early(clause)) is EVALUATORS[1]


@pytest.mark.parametrize(
    ("name", "code"), [("fixed-rate-window", "0" * 64), ("basket-metals", EVALUATORS[0].code_sha256)]
)
def test_a_version_that_is_not_here_or_knows_too_little_computes_nothing(example, calendar, name, code):
    terms = example(name, {"/smart_contract_clause/code_sha256": code})

    assert find_evaluator(terms) is None
    with pytest.raises(PayoffCodeUnknown) as caught:
        per_unit(terms, actions(terms, calendar=calendar)[-1], {}, None, calendar=calendar)
    assert caught.value.facts["code_sha256"] == code
