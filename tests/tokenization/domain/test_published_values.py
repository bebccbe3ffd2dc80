"""Values as published: one value a day, and the fallback of the decision where there is none (scenario 32)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.calendar import russian_calendar
from kapital.tokenization.domain.published_values import (
    FallbackFindsNothing,
    FixingValuesDiffer,
    PublishedValue,
    merged,
    substitute,
)

SILENT = date(2027, 1, 12)
KEY = "cbr_key_rate"


def published(text: str, on: date = SILENT) -> PublishedValue:
    return PublishedValue(series=KEY, observed_on=on, text=text)


def rates(*days: date) -> dict[tuple[str, date], Decimal]:
    return {(KEY, on): Decimal(on.day) for on in days}


class TestMerged:
    def test_the_same_value_again_changes_nothing(self):
        once = merged({}, [published("14.0")])

        assert merged(once, [published("14.00"), published("14")]) == once == {(KEY, SILENT): Decimal(14)}

    def test_another_value_for_the_same_day_is_refused_and_changes_nothing(self):
        known = {(KEY, SILENT): Decimal(14)}

        with pytest.raises(FixingValuesDiffer) as caught:
            merged(known, [published("13", SILENT + timedelta(1)), published("14.01")])

        assert caught.value.facts == {"series": KEY, "observed_on": "2027-01-12", "first": "14", "second": "14.01"}
        assert known == {(KEY, SILENT): Decimal(14)}

    @given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3)), max_size=8))
    def test_the_order_in_which_values_arrive_does_not_matter(self, rows):
        arrived = [published(str(value), SILENT + timedelta(day)) for day, value in rows]
        if len({day for day, _ in rows}) < len(set(rows)):
            with pytest.raises(FixingValuesDiffer):
                merged({}, arrived)
        else:
            assert merged({}, arrived) == merged({}, reversed(arrived))


class TestSubstitute:
    @pytest.mark.parametrize(
        ("fallback", "taken"), [("previous_published", date(2027, 1, 11)), ("next_published", date(2027, 1, 13))]
    )
    def test_is_the_published_value_next_to_the_day(self, example, calendar, fallback, taken):
        observation = example("floating-key-rate", {"/payoff/observation/fallback": fallback}).payoff.observation

        found = substitute(observation, SILENT, rates(date(2027, 1, 11), date(2027, 1, 13)), calendar=calendar)

        assert (found.observed_on, found.taken_from_on, found.value) == (SILENT, taken, Decimal(taken.day))
        assert "12.01.2027 не опубликовано" in found.reason
        assert f"{taken:%d.%m.%Y}" in found.reason

    def test_is_the_value_of_the_same_day_of_the_source_that_the_decision_names(self, example, calendar):
        by_ruonia = {
            "/payoff/observation/fallback": "substitute_source",
            "/payoff/observation/substitute_series": "ruonia",
        }
        observation = example("floating-key-rate", by_ruonia).payoff.observation
        known = rates(date(2027, 1, 11)) | {("ruonia", SILENT): Decimal("14.31")}

        found = substitute(observation, SILENT, known, calendar=calendar)

        assert (found.taken_series, found.taken_from_on, found.value) == ("ruonia", SILENT, Decimal("14.31"))
        assert "ряда ruonia: за 12.01.2027" in found.reason

    def test_is_never_a_value_of_a_day_off(self, example, calendar):
        """1 to 10 January are days off: a value that somebody published then is not the source's."""
        observation = example("floating-key-rate").payoff.observation
        known = rates(date(2026, 12, 30), date(2027, 1, 5))

        found = substitute(observation, date(2027, 1, 11), known, calendar=calendar)

        assert found.taken_from_on == date(2026, 12, 30)

    @pytest.mark.parametrize(
        ("fallback", "known"),
        [
            ("previous_published", [date(2027, 1, 13)]),
            ("next_published", [date(2027, 1, 11)]),
            ("previous_published", [date(2026, 12, 11)]),  # above a month ago
            ("substitute_source", [date(2027, 1, 11), date(2027, 1, 13)]),
        ],
    )
    def test_that_is_not_there_is_a_refusal_and_no_guess(self, example, calendar, fallback, known):
        observation = example("floating-key-rate", {"/payoff/observation/fallback": fallback}).payoff.observation

        with pytest.raises(FallbackFindsNothing) as caught:
            substitute(observation, SILENT, rates(*known), calendar=calendar)

        assert caught.value.facts == {"series": KEY, "observed_on": "2027-01-12", "fallback": fallback}

    @given(st.sets(st.integers(-40, 40), max_size=12), st.sampled_from(["previous_published", "next_published"]))
    def test_is_a_known_value_of_the_nearest_business_day_on_its_side(self, example, offsets, fallback):
        calendar = russian_calendar()
        observation = example("floating-key-rate", {"/payoff/observation/fallback": fallback}).payoff.observation
        sign = -1 if fallback == "previous_published" else 1
        days = [SILENT + timedelta(offset) for offset in offsets]
        right = [on for on in days if 0 < sign * (on - SILENT).days <= 31 and calendar.is_business_day(on)]
        if not right:
            with pytest.raises(FallbackFindsNothing):
                substitute(observation, SILENT, rates(*days), calendar=calendar)
        else:
            found = substitute(observation, SILENT, rates(*days), calendar=calendar)
            assert found.taken_from_on == min(right, key=lambda on: abs(on - SILENT))
