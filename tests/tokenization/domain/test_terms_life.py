"""What the validator passes can be lived to the end: rendered, scheduled, calculated, paid."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapital.kernel.calendar import russian_calendar
from kapital.kernel.canonical import sha256_hex
from kapital.tokenization.domain.evaluator import per_unit
from kapital.tokenization.domain.human_text import render
from kapital.tokenization.domain.payoff import Holding, lines
from kapital.tokenization.domain.schedule import ActionKind, actions, required_fixings
from kapital.tokenization.domain.terms import Event, IssuanceTerms, TermsMalformed, decision_bytes, load_terms
from kapital.tokenization.domain.validator import find_faults

NAMES = sorted(path.stem for path in (Path(__file__).parents[3] / "examples" / "issues").glob("*.yaml"))
# Values near every bound and far beyond, of each type a field may have.
VALUES: list[Any] = [
    None,
    True,
    False,
    *(0, 1, 2, 7, 30, 100, 10**6, 10**12, 10**15),
    *("0", "0.5", "-0.5", "1", "-1", "-3", "999999999999.999999999999", "0.000000000001"),
    *("0001-01-01", "2023-12-31", "2026-12-14", "2027-03-14", "2027-06-15", "2027-12-31", "2028-01-01", "9999-12-31"),
    *("2026-12-07T10:00:00+03:00", "2027-06-15T00:00:00+14:00"),
    *(
        "00:00",
        "23:59",
        "none",
        "preceding",
        "thirty_360",
        "per_unit",
        "up",
        "issuer",
        "https://a.example/",
        "failed",
    ),
    [],
    ["2027-03-14", "2027-02-01"],
    ["2027-02-14"],
]


def leaves(value: Any, pointer: str = "") -> list[str]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, f"{pointer}/{key}")]
    if isinstance(value, list):
        return [pointer, *(leaf for i, item in enumerate(value) for leaf in leaves(item, f"{pointer}/{i}"))]
    return [pointer]


@st.composite
def perturbed(draw: st.DrawFn, plain: Any, changed: Any) -> Any:
    value = plain(draw(st.sampled_from(NAMES)))
    for _ in range(draw(st.integers(1, 3))):
        value = changed(value, {draw(st.sampled_from(leaves(value))): draw(st.sampled_from(VALUES))})
    return value


@settings(max_examples=600)
@given(st.data())
def test_terms_of_any_kind_are_judged_and_those_passed_can_be_lived(plain, changed, data):
    try:
        terms = load_terms(json.dumps(data.draw(perturbed(plain, changed))).encode())
    except TermsMalformed:
        return

    faults = find_faults(terms, calendar=russian_calendar(), today=date(2026, 11, 24))

    render(terms, decision_sha256=sha256_hex(decision_bytes(terms)))
    if not faults:
        live(terms)


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_lived_to_its_redemption(example, name):
    live(example(name))


def live(terms: IssuanceTerms) -> None:
    """Pay every action to one holder of the whole issue; the last one ends the issue."""
    calendar = russian_calendar()
    schedule = actions(terms, calendar=calendar)
    outcome = terms.payoff.fallback_outcome if isinstance(terms.payoff, Event) else None
    holder = Holding(wallet_id=UUID(int=1), position="available", units=terms.quantity_max)
    for action in schedule:
        needs = required_fixings(terms, action, calendar=calendar)
        fixings = {(need.series, need.observed_on): Decimal("14.25") for need in needs}
        unit = per_unit(terms, action, fixings, outcome, calendar=calendar)
        extinguished = sum(line.extinguish_units for line in lines(terms, unit, [holder]))
        assert extinguished == (terms.quantity_max if action.kind is ActionKind.REDEMPTION else 0)
        assert action.record_at >= terms.placement_end_at
    assert schedule[-1].kind is ActionKind.REDEMPTION
