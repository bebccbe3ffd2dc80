"""Quantities: whole smallest parts with an explicit scale."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.money import INT64_MAX, AmountOutOfRange
from kapital.kernel.problems import InvariantBroken
from kapital.kernel.quantity import Quantity, QuantityTextMalformed, ScalesMustMatch, parse_quantity

SCALES = st.integers(0, 18)


@given(st.integers(0, INT64_MAX), SCALES)
def test_written_and_read_is_the_same_quantity(units, scale):
    assert parse_quantity(str(Quantity(units, scale)), scale) == Quantity(units, scale)


@given(st.integers(1, INT64_MAX), SCALES)
def test_a_negative_quantity_is_written_with_a_sign_and_never_read(units, scale):
    text = str(Quantity(-units, scale))

    assert text == f"-{Quantity(units, scale)}"
    with pytest.raises(QuantityTextMalformed):
        parse_quantity(text, scale)


@given(st.integers(-INT64_MAX, INT64_MAX), st.integers(-INT64_MAX, INT64_MAX), SCALES)
def test_sums_are_exact_or_refused(left, right, scale):
    for made, exact in (
        (lambda: Quantity(left, scale) + Quantity(right, scale), left + right),
        (lambda: Quantity(left, scale) - Quantity(right, scale), left - right),
    ):
        if abs(exact) <= INT64_MAX:
            assert made() == Quantity(exact, scale)
        else:
            with pytest.raises(AmountOutOfRange):
                made()


def test_parts_of_different_size_are_never_mixed():
    for mix in (lambda: Quantity(1, 0) + Quantity(1, 2), lambda: Quantity(1, 0) - Quantity(1, 2)):
        with pytest.raises(ScalesMustMatch) as refusal:
            mix()
        assert refusal.value.facts == {"left": 0, "right": 2}


@pytest.mark.parametrize(
    ("text", "scale", "units"), [("12", 0, 12), ("12.5", 2, 1250), ("0.01", 2, 1), ("1.50", 2, 150)]
)
def test_a_quantity_is_read_in_its_scale(text, scale, units):
    assert parse_quantity(text, scale) == Quantity(units, scale)


@pytest.mark.parametrize(
    ("text", "scale"),
    [("1.5", 0), ("1.234", 2), ("", 0), ("1.", 2), (".5", 2), ("1,5", 2), ("1e2", 0), (" 1", 0), ("1\n", 0)],
)
def test_what_the_scale_cannot_hold_is_refused_and_not_rounded(text, scale):
    with pytest.raises(QuantityTextMalformed) as refusal:
        parse_quantity(text, scale)

    assert refusal.value.facts == {"scale": scale}


def test_a_quantity_is_of_scale_zero_unless_said_otherwise():
    assert Quantity(5).scale == 0
    assert str(Quantity(0)) == "0"


def test_a_quantity_never_changes():
    with pytest.raises(AttributeError):
        Quantity(5).units = 6


def test_beyond_64_bits_is_refused():
    with pytest.raises(AmountOutOfRange):
        parse_quantity(str(INT64_MAX + 1), 0)


@pytest.mark.parametrize(("units", "scale"), [(1.0, 0), (True, 0), (1, -1), (1, 19), (1, 1.0), (1, True)])
def test_is_made_of_integers_and_a_scale_that_fits(units, scale):
    with pytest.raises(InvariantBroken):
        Quantity(units, scale)
