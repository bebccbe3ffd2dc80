"""Dated parameters: one value a day, with its basis, or a refusal."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.parameters import (
    RETAIL_LIMIT_KOPECKS,
    RETAIL_LIMIT_WINDOW,
    Confidence,
    DatedParameter,
    ParameterNotInForce,
    RetailLimitWindow,
)
from kapital.kernel.problems import InvariantBroken

BASIS, SURE = "act 1", Confidence.FOUND
DAY = date(2024, 1, 1)
NEXT = DAY + timedelta(days=1)
DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))


@given(st.lists(DAYS, min_size=2, max_size=8, unique=True).map(sorted), DAYS)
def test_on_every_day_the_value_is_that_of_the_term_the_day_lies_in(days, on):
    spans = list(zip(days[::2], days[1::2], strict=False))
    parameter = DatedParameter("p", [(start, stop, index, BASIS, SURE) for index, (start, stop) in enumerate(spans)])
    expected = [index for index, (start, stop) in enumerate(spans) if start <= on <= stop]

    if expected:
        assert [parameter.at(on)] == expected
        assert parameter.row_at(on) == parameter.find_row_at(on) == (*spans[expected[0]], expected[0], BASIS, SURE)
    else:
        assert parameter.find_row_at(on) is None
        with pytest.raises(ParameterNotInForce) as refusal:
            parameter.at(on)
        assert refusal.value.facts == {"parameter": "p", "on": on.isoformat()}


def test_an_open_term_lasts_until_further_notice():
    parameter = DatedParameter(
        "p",
        [
            (date(2024, 1, 1), date(2024, 12, 31), 1, BASIS, SURE),
            (date(2025, 1, 1), None, 2, BASIS, SURE),
        ],
    )

    assert [parameter.at(day) for day in (date(2024, 12, 31), date(2025, 1, 1), date.max)] == [1, 2, 2]
    with pytest.raises(ParameterNotInForce):
        parameter.at(date(2023, 12, 31))


def test_a_term_may_be_a_single_day():
    assert DatedParameter("p", [(DAY, DAY, 7, BASIS, SURE)]).at(DAY) == 7


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [(DAY, None, 1, " ", SURE)],
        [(NEXT, DAY, 1, BASIS, SURE)],
        [(DAY, None, 1, BASIS, SURE), (NEXT, None, 2, BASIS, SURE)],
        [(DAY, NEXT, 1, BASIS, SURE), (NEXT, None, 2, BASIS, SURE)],
        [(NEXT, NEXT, 1, BASIS, SURE), (DAY, DAY, 2, BASIS, SURE)],
    ],
)
def test_a_wrong_table_cannot_be_made(rows):
    with pytest.raises(InvariantBroken):
        DatedParameter("p", rows)


def test_the_retail_limit_is_600_000_roubles_a_calendar_year_since_2021():
    assert RETAIL_LIMIT_KOPECKS.at(date(2026, 6, 1)) == 600_000 * 100
    assert RETAIL_LIMIT_WINDOW.at(date(2026, 6, 1)) is RetailLimitWindow.CALENDAR_YEAR
    assert RETAIL_LIMIT_WINDOW.row_at(date(2026, 6, 1)).confidence is Confidence.DOUBTFUL
    for parameter in (RETAIL_LIMIT_KOPECKS, RETAIL_LIMIT_WINDOW):
        assert parameter.row_at(date(2021, 1, 1)).effective_to is None
        with pytest.raises(ParameterNotInForce):
            parameter.at(date(2020, 12, 31))
