"""Money: nothing is lost, nothing is rounded unasked, every bound is met by a refusal."""

from decimal import ROUND_UP, Context, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kapital.kernel.money import (
    INT64_MAX,
    AmountOutOfRange,
    Rounding,
    divide_rounded,
    format_rubles,
    price_amount_kopecks,
    require_int64,
    round_kopecks,
    split_pro_rata,
)
from kapital.kernel.problems import InvariantBroken

AMOUNTS = st.integers(-INT64_MAX, INT64_MAX)
ROUNDINGS = st.sampled_from(Rounding)
PRICES = st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=8)
OUT_OF_RANGE = [INT64_MAX + 1, -INT64_MAX - 1]


@pytest.mark.parametrize("amount", OUT_OF_RANGE)
def test_an_amount_outside_64_bits_is_refused(amount):
    assert require_int64(amount - amount // abs(amount)) == amount - amount // abs(amount)
    with pytest.raises(AmountOutOfRange):
        require_int64(amount)


class TestRublesAsText:
    @given(AMOUNTS)
    def test_shows_every_kopeck_of_an_amount(self, amount):
        for lang, group, mark, unit in (("ru", "\u00a0", ",", "\u00a0₽"), ("en", ",", ".", "\u00a0RUB")):
            text = format_rubles(amount, lang)

            assert text.endswith(unit)
            plain = text.removesuffix(unit).replace(group, "").replace(mark, ".").replace("\u2212", "-")
            assert Decimal(plain) * 100 == amount

    @pytest.mark.parametrize(
        ("amount", "ru", "en"),
        [
            (0, "0,00\u00a0₽", "0.00\u00a0RUB"),
            (-5, "\u22120,05\u00a0₽", "\u22120.05\u00a0RUB"),
            (123456789, "1\u00a0234\u00a0567,89\u00a0₽", "1,234,567.89\u00a0RUB"),
        ],
    )
    def test_is_grouped_as_the_language_wants(self, amount, ru, en):
        assert (format_rubles(amount, "ru"), format_rubles(amount, "en")) == (ru, en)

    def test_in_another_language_is_our_fault(self):
        with pytest.raises(InvariantBroken):
            format_rubles(1, "de")


class TestRounding:
    @given(PRICES, ROUNDINGS)
    def test_agrees_with_decimal_arithmetic_of_enough_digits(self, rubles, rounding):
        expected = rubles.quantize(Decimal("0.01"), rounding.value, Context(prec=60))

        assert round_kopecks(rubles, rounding) == expected * 100

    @given(PRICES, st.integers(0, 10**6), ROUNDINGS, st.integers(0, 6))
    def test_of_a_price_happens_once_at_the_end(self, price, units, rounding, scale):
        price = abs(price)
        with localcontext(prec=80):
            exact = price * units / 10**scale
            expected = int(exact.quantize(Decimal("0.01"), rounding.value) * 100)
        assume(expected <= INT64_MAX)

        assert price_amount_kopecks(price, units, rounding, scale=scale) == expected

    def test_does_not_depend_on_the_decimal_context_of_the_caller(self):
        price = Decimal("1234567890.12345678")
        expected = price_amount_kopecks(price, 7654321, Rounding.HALF_EVEN)

        with localcontext(prec=3, rounding=ROUND_UP):
            assert price_amount_kopecks(price, 7654321, Rounding.HALF_EVEN) == expected

    @given(st.integers(-(10**9), 10**9), st.integers(1, 10**4), ROUNDINGS)
    def test_stays_within_one_and_on_the_named_side(self, numerator, denominator, rounding):
        rounded, exact = divide_rounded(numerator, denominator, rounding), Fraction(numerator, denominator)

        match rounding:
            case Rounding.DOWN:
                assert abs(exact) - 1 < abs(rounded) <= abs(exact)
            case Rounding.UP:
                assert abs(exact) <= abs(rounded) < abs(exact) + 1
            case _:
                assert abs(rounded - exact) <= Fraction(1, 2)

    @pytest.mark.parametrize(
        ("rubles", "half_up", "half_even", "down", "up"),
        [
            ("0.005", 1, 0, 0, 1),
            ("0.015", 2, 2, 1, 2),
            ("-0.005", -1, 0, 0, -1),
            ("0.0049", 0, 0, 0, 1),
            ("1E+2", 10000, 10000, 10000, 10000),
        ],
    )
    def test_of_halves_goes_where_its_name_says(self, rubles, half_up, half_even, down, up):
        found = [round_kopecks(Decimal(rubles), rounding) for rounding in Rounding]

        assert found == [half_up, half_even, down, up]

    @pytest.mark.parametrize(
        "rubles", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+21", "1E-21", "1E+999999", "1E+17"]
    )
    def test_of_what_no_amount_can_be_made_of_is_refused(self, rubles):
        with pytest.raises(AmountOutOfRange):
            round_kopecks(Decimal(rubles), Rounding.HALF_UP)

    def test_takes_up_to_twenty_decimals(self):
        assert round_kopecks(Decimal("0.00999999999999999999"), Rounding.DOWN) == 0
        assert round_kopecks(Decimal("1E-20"), Rounding.UP) == 1

    @pytest.mark.parametrize(("price", "units"), [("-1", 1), ("1", -1), ("92233720368547758.08", 1), ("1", 2**62)])
    def test_of_a_sum_that_cannot_be_is_refused(self, price, units):
        with pytest.raises(AmountOutOfRange):
            price_amount_kopecks(Decimal(price), units, Rounding.HALF_UP)

    def test_of_floats_or_by_nothing_is_our_fault(self):
        for fault in (
            lambda: round_kopecks(1.5, Rounding.UP),  # type: ignore[arg-type]
            lambda: price_amount_kopecks(Decimal(1), 1, Rounding.UP, scale=-1),
            lambda: divide_rounded(1, 0, Rounding.UP),
        ):
            with pytest.raises(InvariantBroken):
                fault()


class TestSplitProRata:
    @given(st.integers(0, 10**15), st.lists(st.integers(0, 10**12), min_size=1, max_size=30))
    def test_gives_everything_away_and_each_its_proportion_up_or_down(self, total, weights):
        assume(sum(weights) > 0)

        shares = split_pro_rata(total, weights)

        assert sum(shares) == total
        for share, weight in zip(shares, weights, strict=True):
            exact = Fraction(total * weight, sum(weights))
            assert exact - 1 < share < exact + 1

    @given(st.lists(st.integers(0, 1000), min_size=1, max_size=30), st.data())
    def test_gives_nobody_more_than_asked_when_there_is_not_more(self, weights, data):
        assume(sum(weights) > 0)
        total = data.draw(st.integers(0, sum(weights)))

        assert all(share <= weight for share, weight in zip(split_pro_rata(total, weights), weights, strict=True))

    @given(st.integers(0, 10**6), st.lists(st.integers(0, 50), min_size=1, max_size=20))
    def test_gives_the_rest_to_the_largest_remainders_and_the_first_of_equals(self, total, weights):
        assume(sum(weights) > 0)
        shares = split_pro_rata(total, weights)

        remainders = [total * weight % sum(weights) for weight in weights]
        extras = [share - total * weight // sum(weights) for share, weight in zip(shares, weights, strict=True)]

        ranked = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))
        assert [extras[index] for index in ranked] == sorted(extras, reverse=True)

    @pytest.mark.parametrize(
        ("total", "weights", "shares"),
        [
            (100, [1, 2], [33, 67]),  # two heirs, one third and two thirds
            (1, [1, 1], [1, 0]),
            (5, [1, 1, 1], [2, 2, 1]),
            (0, [0, 0], [0, 0]),
            (0, [], []),
            (7, [0, 3], [0, 7]),
        ],
    )
    def test_of_known_cases(self, total, weights, shares):
        assert split_pro_rata(total, weights) == shares

    @pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (1, [2, -1]), (1, [0]), (1, [])])
    def test_of_nonsense_is_our_fault(self, total, weights):
        with pytest.raises(InvariantBroken):
            split_pro_rata(total, weights)
