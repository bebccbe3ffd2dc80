"""Baskets, barrier notes and early redemption: tables worked out by hand, to the kopeck, and what always holds."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.calendar import russian_calendar
from kapital.kernel.problems import InvariantBroken
from kapital.tokenization.domain.evaluator import per_unit
from kapital.tokenization.domain.payoff import FixingMissing, FixingNotUsable, Holding, lines
from kapital.tokenization.domain.payoff_v2 import bought_back, early_price, outstanding
from kapital.tokenization.domain.payoff_v2 import per_unit as version_2
from kapital.tokenization.domain.schedule import ActionKind, actions, required_fixings
from kapital.tokenization.domain.terms import IssuanceTerms

INITIAL, MIDDLE, FINAL = date(2026, 12, 14), date(2027, 3, 10), date(2027, 6, 10)
PRICES = st.decimals("0.01", "100000", places=2)


def redeemed(terms: IssuanceTerms, fixings: dict[tuple[str, date], Decimal], units: int = 1) -> int:
    """What one holder is paid at the redemption, in kopecks."""
    calendar = russian_calendar()
    unit = per_unit(terms, actions(terms, calendar=calendar)[-1], fixings, None, calendar=calendar)
    [line] = lines(terms, unit, [Holding(wallet_id=UUID(int=1), position="available", units=units)])
    assert line.extinguish_units == units
    return line.amount_kopecks


def metals(gold: str, silver: str, yuan: str) -> dict[tuple[str, date], Decimal]:
    finals = {"cbr_gold": gold, "cbr_silver": silver, "cbr_cny": yuan}
    starts = {(series, INITIAL): Decimal(100) for series in finals}
    return starts | {(series, FINAL): Decimal(value) for series, value in finals.items()}


def share(start: str, middle: str, final: str) -> dict[tuple[str, date], Decimal]:
    days = zip((INITIAL, MIDDLE, FINAL), (start, middle, final), strict=True)
    return {("moex_sber", on): Decimal(value) for on, value in days}


class TestBasket:
    # 10,000.00 × (1 + 0.9 × (0.5 × gold + 0.2 × silver + 0.3 × yuan)), between −10 % and +40 %.
    @pytest.mark.parametrize(
        ("final", "kopecks"),
        [
            (("110", "95", "103.7"), 1045990),  # 0.9 × (0.05 − 0.01 + 0.0111) = 0.04599
            (("100", "100", "100"), 1000000),
            (("80", "80", "80"), 900000),  # 0.9 × −0.2 = −0.18, held at −10 %
            (("150", "150", "150"), 1400000),  # 0.9 × 0.5 = 0.45, held at 40 %
            (("133.333333", "100", "100"), 1150000),  # 0.9 × 0.5 × 0.33333333 = 0.1499999985 → 11499999.985 / 10
        ],
    )
    def test_weighted(self, example, final, kopecks):
        assert redeemed(example("basket-metals"), metals(*final)) == kopecks

    @pytest.mark.parametrize(("rule", "kopecks"), [("worst_of", 955000), ("best_of", 1090000)])
    def test_worst_and_best(self, example, rule, kopecks):
        """Gold +10 %, silver −5 %, yuan +3.7 %: 0.9 × −0.05 = −0.045, 0.9 × 0.1 = 0.09."""
        changes = {"/payoff/rule": rule} | {f"/payoff/components/{n}/weight": None for n in range(3)}

        assert redeemed(example("basket-metals", changes), metals("110", "95", "103.7")) == kopecks

    def test_initial_values_may_stand_in_the_decision(self, example):
        changes = {f"/payoff/components/{n}/initial_value": "100" for n in range(3)}
        only_finals = {key: value for key, value in metals("110", "95", "103.7").items() if key[1] == FINAL}

        assert redeemed(example("basket-metals", changes), only_finals) == 1045990

    def test_each_value_it_needs_is_named_when_it_is_missing_and_no_other_is_needed(self, example, calendar):
        terms = example("basket-metals")
        needs = required_fixings(terms, actions(terms, calendar=calendar)[-1], calendar=calendar)
        fixings = {(need.series, need.observed_on): Decimal(7) for need in needs}

        assert len(needs) == 6
        assert redeemed(terms, fixings) == 1000000
        for absent in fixings:
            with pytest.raises(FixingMissing) as caught:
                redeemed(terms, {key: value for key, value in fixings.items() if key != absent})
            assert (caught.value.facts["series"], caught.value.facts["observed_on"]) == (absent[0], str(absent[1]))

    @given(st.tuples(PRICES, PRICES, PRICES))
    def test_stays_between_floor_and_cap(self, example, final):
        assert 900000 <= redeemed(example("basket-metals"), metals(*map(str, final))) <= 1400000

    @given(st.tuples(PRICES, PRICES, PRICES), PRICES, st.sampled_from(["weighted", "worst_of", "best_of"]))
    def test_a_higher_price_never_pays_less(self, example, final, more, rule):
        weights = {} if rule == "weighted" else {f"/payoff/components/{n}/weight": None for n in range(3)}
        terms = example("basket-metals", {"/payoff/rule": rule} | weights)
        gold, silver, yuan = final

        lower = redeemed(terms, metals(str(gold), str(silver), str(yuan)))

        assert redeemed(terms, metals(str(gold + more), str(silver), str(yuan))) >= lower

    @given(st.tuples(PRICES, PRICES, PRICES))
    def test_the_worst_never_pays_more_than_the_mix_and_the_mix_never_more_than_the_best(self, example, final):
        weights = {f"/payoff/components/{n}/weight": None for n in range(3)}
        paid = [
            redeemed(example("basket-metals", {"/payoff/rule": rule} | dropped), metals(*map(str, final)))
            for rule, dropped in (("worst_of", weights), ("weighted", {}), ("best_of", weights))
        ]

        assert paid == sorted(paid)


class TestBarrier:
    # 10,000.00; barrier 75 % of 280 = 210; floor 40 %.
    @pytest.mark.parametrize(
        ("path", "kopecks"),
        [
            (("280", "300", "320"), 1000000),
            (("280", "210", "210"), 1000000),  # at the barrier is not below it
            (("280", "209.99", "260"), 928571),  # 260 / 280 = 0.928571428…
            (("280", "209.99", "290"), 1000000),  # never above the nominal
            (("280", "280", "209.99"), 749964),  # 209.99 / 280 = 0.74996428…
            (("280", "100", "100"), 400000),  # 100 / 280 is held at the floor
        ],
    )
    def test_converts_by_itself_once_the_barrier_was_crossed(self, example, path, kopecks):
        assert redeemed(example("barrier-note"), share(*path)) == kopecks

    def test_pays_its_coupons_whatever_happened_to_the_share(self, example, calendar):
        """10,000.00 × 22 % × 91/365 = 548.493…, × 92/365 = 554.520…; three units."""
        terms = example("barrier-note")
        coupons = [action for action in actions(terms, calendar=calendar) if action.kind is ActionKind.COUPON]
        holding = [Holding(wallet_id=UUID(int=1), position="available", units=3)]
        units = [per_unit(terms, coupon, {}, None, calendar=calendar) for coupon in coupons]

        assert [lines(terms, unit, holding)[0].amount_kopecks for unit in units] == [164548, 166356]

    def test_a_missing_day_of_the_barrier_is_a_refusal_even_after_another_has_crossed_it(self, example):
        fixings = share("280", "100", "100")
        del fixings["moex_sber", FINAL]

        with pytest.raises(FixingMissing):
            redeemed(example("barrier-note"), fixings)

    @pytest.mark.parametrize("path", [("0", "1", "1"), ("280", "-1", "1"), ("280", "1", "NaN")])
    def test_a_value_that_cannot_be_a_price_is_refused(self, example, path):
        with pytest.raises(FixingNotUsable):
            redeemed(example("barrier-note"), share(*path))

    @given(st.tuples(PRICES, PRICES, PRICES))
    def test_stays_between_floor_and_nominal(self, example, path):
        assert 400000 <= redeemed(example("barrier-note"), share(*map(str, path))) <= 1000000

    @given(st.tuples(PRICES, PRICES, PRICES), PRICES, PRICES)
    def test_a_better_path_never_pays_less(self, example, path, more_on_the_way, more_at_the_end):
        start, middle, final = path
        terms = example("barrier-note")

        lower = redeemed(terms, share(*map(str, path)))
        better = share(str(start), str(middle + more_on_the_way), str(final + more_at_the_end))

        assert redeemed(terms, better) >= lower


class TestEarly:
    def test_the_price_is_of_the_nominal_that_is_not_repaid(self, example, early):
        amortising = example("amortising-receivable")
        [call], [put], [offer] = early().options.calls, early().options.puts, early().options.offers

        assert [early_price(early(), option).amount for option in (call, put, offer)] == [100500, 100000, 99000]
        assert [outstanding(amortising, date(2027, month, 14)) for month in (2, 3, 6, 12)] == [
            100000,
            75000,
            50000,
            0,
        ]
        assert early_price(amortising, put).amount == 50000  # after the part of the same day

    @pytest.mark.parametrize(("scope", "amount"), [("per_unit", 100333), ("per_holder", Fraction("100332.9"))])
    def test_is_rounded_as_the_decision_says(self, early, scope, amount):
        changes = {
            "/early_redemption/options/calls/0/price": "1.003329",
            "/payments/rounding_scope": scope,
        }
        [call] = early(changes).options.calls

        assert early_price(early(changes), call).amount == amount

    def test_an_offer_that_is_not_exhausted_buys_all(self):
        assert bought_back(500, {"b": 100, "a": 400, "c": 0}) == {"a": 400, "b": 100}

    def test_an_offer_that_is_exhausted_is_shared_by_the_largest_remainder(self):
        """10 units among 3 + 3 + 9: 2, 2 and 6 whole, all three remainders … 0: 10 × 3/15 = 2, 2, 6."""
        assert bought_back(10, {"a": 3, "b": 3, "c": 9}) == {"a": 2, "b": 2, "c": 6}
        assert bought_back(1, {"a": 5, "b": 5}) == {"a": 1}

    @given(st.integers(1, 10**6), st.dictionaries(st.text(max_size=3), st.integers(0, 10**6), max_size=8))
    def test_an_offer_never_buys_more_than_it_says_or_than_was_given(self, units_max, accepted):
        bought = bought_back(units_max, accepted)

        assert sum(bought.values()) == min(units_max, sum(accepted.values()))
        assert all(0 < units <= accepted[name] for name, units in bought.items())
        assert bought == bought_back(units_max, dict(reversed(accepted.items())))


def test_a_part_of_the_nominal_of_a_basket_is_our_own_fault(example, calendar):
    terms = example("basket-metals")
    [action] = actions(terms, calendar=calendar)
    foreign = type(action)(
        **{name: getattr(action, name) for name in action.__struct_fields__} | {"kind": ActionKind.AMORTISATION}
    )

    with pytest.raises(InvariantBroken):
        version_2(terms, foreign, {}, None, calendar=calendar)


@pytest.mark.parametrize(
    ("name", "fixings", "text"),
    [
        (
            "basket-metals",
            metals("110", "95", "103.7"),
            (
                "Погашение: 10\u00a0000,00\u00a0₽ × (1 + r), r = 0,9 × взвешенное изменение (cbr_gold: +10,0000 %; "
                "cbr_silver: −5,0000 %; cbr_cny: +3,7000 %), не ниже -0,1 и не выше 0,4 = "
                "10\u00a0459,90\u00a0₽ на единицу"
            ),
        ),
        (
            "barrier-note",
            share("280", "200", "210"),
            (
                "Погашение после конвертации (барьер пройден 10.03.2027): 10\u00a0000,00\u00a0₽ × 210 / 280, "
                "не ниже 0,4 и не выше 1 = 7\u00a0500,00\u00a0₽ на единицу"
            ),
        ),
    ],
)
def test_the_calculation_is_told(example, calendar, name, fixings, text):
    terms = example(name)

    unit = per_unit(terms, actions(terms, calendar=calendar)[-1], fixings, None, calendar=calendar)

    assert unit.explanation == text
