"""The tax on a payment: hand-made examples of the law's scale, and what holds for any numbers. Scenario 66."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.parameters import ParameterNotInForce
from kapital.settlement.domain.tax import (
    Assessment,
    Income,
    RatePart,
    Residency,
    RussianIncomeTax,
    TaxAgent,
    Taxpayer,
    TaxRule,
    rate_parts,
    rule_on,
)
from kapital.settlement.domain.tax_cost import Lot, Used, cost_of_repayment, cost_of_units
from kapital.settlement.domain.tax_parameters import RESIDENT_SCALE

DAY = date(2027, 3, 15)
ONE = UUID(int=1)
LAW = RussianIncomeTax()
KOPECKS = st.integers(0, 10**12)


def assessed(
    gross: int,
    *,
    cost: int = 0,
    residency: Residency | None = Residency.RESIDENT,
    before: int = 0,
    kind: str | None = "natural_person",
    on: date = DAY,
    unknown: Residency = Residency.NON_RESIDENT,
) -> Assessment:
    return LAW.assess(
        Income(paid_on=on, gross_kopecks=gross, cost_kopecks=cost),
        Taxpayer(taxpayer_id=ONE, kind=kind, residency=residency, year_base_kopecks=before),
        unknown=unknown,
    )


def part(percent: int, base: int, tax: int) -> RatePart:
    return RatePart(percent=percent, base_kopecks=base, tax_kopecks=tax)


@pytest.mark.parametrize(
    ("gross", "before", "residency", "on", "parts"),
    [
        # 1,000.00 at 13 %: 130.00
        (1_000_00, 0, Residency.RESIDENT, DAY, [part(13, 1_000_00, 130_00)]),
        # 51.25 at 13 %: 6.66, rounded to 7 roubles; 50.00 gives 6.50, and half a rouble is a rouble
        (51_25, 0, Residency.RESIDENT, DAY, [part(13, 51_25, 7_00)]),
        (50_00, 0, Residency.RESIDENT, DAY, [part(13, 50_00, 7_00)]),
        (49_99, 0, Residency.RESIDENT, DAY, [part(13, 49_99, 6_00)]),
        # 2,399,000 so far: 1,000 at 13 % and 1,000 at 15 %
        (
            2_000_00,
            2_399_000_00,
            Residency.RESIDENT,
            DAY,
            [part(13, 1_000_00, 130_00), part(15, 1_000_00, 150_00)],
        ),
        (1_000_00, 2_400_000_00, Residency.RESIDENT, DAY, [part(15, 1_000_00, 150_00)]),
        # In 2024 the step lay at five millions.
        (1_000_00, 2_400_000_00, Residency.RESIDENT, date(2024, 12, 31), [part(13, 1_000_00, 130_00)]),
        (1_000_00, 5_000_000_00, Residency.NON_RESIDENT, DAY, [part(30, 1_000_00, 300_00)]),
    ],
)
def test_the_scale_by_hand(gross: int, before: int, residency: Residency, on: date, parts: list[RatePart]) -> None:
    found = assessed(gross, before=before, residency=residency, on=on)

    assert list(found.parts) == parts
    assert found.tax_kopecks == sum(one.tax_kopecks for one in parts)
    assert found.rule_version.startswith("ru-ndfl/20")


def test_one_of_whom_nothing_is_known_is_taxed_by_the_rule_and_it_is_said() -> None:
    found = assessed(1_000_00, residency=None, unknown=Residency.NON_RESIDENT)

    assert (found.tax_kopecks, found.residency_known) == (300_00, False)
    assert assessed(1_000_00, residency=None, kind=None, unknown=Residency.RESIDENT).tax_kopecks == 130_00


def test_a_firm_pays_for_itself() -> None:
    found = assessed(10**9, kind="legal_entity")

    assert (found.base_kopecks, found.tax_kopecks, found.parts) == (0, 0, ())


def test_only_what_is_above_the_cost_is_taxed_and_a_loss_is_no_base() -> None:
    assert assessed(1_050_00, cost=1_000_00).base_kopecks == 50_00
    assert assessed(900_00, cost=1_000_00).tax_kopecks == 0


def test_before_there_was_such_a_tax_nothing_is_guessed() -> None:
    with pytest.raises(ParameterNotInForce):
        assessed(1, on=date(2022, 12, 31))


@given(before=KOPECKS, base=KOPECKS)
def test_parts_add_up_and_the_tax_is_whole_roubles_of_the_exact_one(before: int, base: int) -> None:
    scale = RESIDENT_SCALE.at(DAY)

    parts = rate_parts(scale, before, base, 100)

    tax = sum(one.tax_kopecks for one in parts)
    exact = sum(one.percent * one.base_kopecks for one in parts)
    assert sum(one.base_kopecks for one in parts) == base
    assert all(one.tax_kopecks >= 0 and one.base_kopecks > 0 for one in parts)
    assert tax % 100 == 0
    assert abs(100 * tax - exact) <= 50 * 100


@given(gross=KOPECKS, cost=KOPECKS, before=KOPECKS, residency=st.sampled_from(Residency))
def test_nobody_owes_by_being_paid(gross: int, cost: int, before: int, residency: Residency) -> None:
    found = assessed(gross, cost=cost, before=before, residency=residency)

    assert 0 <= found.tax_kopecks <= gross
    assert found.tax_kopecks == sum(one.tax_kopecks for one in found.parts)


@given(payments=st.lists(st.integers(0, 10**9), max_size=30))
def test_a_year_in_many_payments_costs_what_it_costs_in_one_but_for_rounding(payments: list[int]) -> None:
    before = tax = 0
    for gross in payments:
        tax += assessed(gross, before=before).tax_kopecks
        before += gross

    assert abs(tax - assessed(sum(payments)).tax_kopecks) <= 50 * (len(payments) + 1)


# --- what units had cost ------------------------------------------------------------------------------------------

LOTS = st.lists(st.builds(Lot, st.integers(1, 1000), st.integers(0, 10**9)), min_size=1, max_size=6)


def test_first_in_first_out_by_hand() -> None:
    lots = [Lot(10, 1_000_00), Lot(10, 1_200_00)]

    assert cost_of_units(lots, Used(), 10) == 1_000_00
    assert cost_of_units(lots, Used(10, 1_000_00), 5) == 600_00
    assert cost_of_units(lots, Used(), 15) == 1_600_00
    assert cost_of_units(lots, Used(), 25) == 2_200_00, "units that nobody saw acquired have no cost"


def test_a_nominal_repaid_in_parts_takes_the_cost_with_it() -> None:
    lots = [Lot(10, 1_000_00)]

    assert cost_of_repayment(lots, Used(), 400_00) == 400_00
    assert cost_of_units(lots, Used(0, 400_00), 10) == 600_00
    assert cost_of_repayment(lots, Used(0, 900_00), 400_00) == 100_00


@given(lots=LOTS, cuts=st.lists(st.integers(1, 500), max_size=20))
def test_all_units_together_cost_what_was_paid_for_them(lots: list[Lot], cuts: list[int]) -> None:
    units, cost, left = 0, 0, sum(lot.units for lot in lots)
    for cut in [*cuts, left]:
        taken = min(cut, left - units)
        cost += cost_of_units(lots, Used(units, cost), taken)
        units += taken

    assert (units, cost) == (left, sum(lot.cost_kopecks for lot in lots))


# --- which rule ---------------------------------------------------------------------------------------------------


def rule(agent: TaxAgent | None, issue: UUID | None = None, to: date | None = None) -> TaxRule:
    return TaxRule(
        effective_from=date(2027, 1, 1),
        effective_to=to,
        basis="test",
        agent=agent,
        unknown_residency=Residency.RESIDENT,
        issue_id=issue,
    )


def test_an_issues_own_rule_goes_before_one_of_all_and_may_take_it_out() -> None:
    of_all, own, out = rule(TaxAgent.OPERATOR), rule(TaxAgent.ISSUER, ONE), rule(None, ONE)

    assert rule_on((of_all, own), ONE, DAY) is own
    assert rule_on((of_all, own), UUID(int=2), DAY) is of_all
    assert rule_on((of_all, out), ONE, DAY) is None
    assert rule_on((of_all,), ONE, date(2026, 12, 31)) is None
    assert rule_on((rule(TaxAgent.OPERATOR, to=date(2027, 2, 1)),), ONE, DAY) is None
    assert rule_on((), ONE, DAY) is None
