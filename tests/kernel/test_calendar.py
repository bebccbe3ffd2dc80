"""The business calendar: stated totals, laws of counting, and refusals past its years."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.calendar import (
    BusinessCalendar,
    CalendarFileMalformed,
    CalendarYearNotCovered,
    Convention,
    moscow_day,
    russian_calendar,
)
from kapital.kernel.problems import InvariantBroken

TOTALS = Path(__file__).parents[1] / "data" / "calendar" / "working_days.csv"
CALENDAR = russian_calendar()
FIRST, LAST = date(2024, 1, 1), date(2027, 12, 31)
DAYS = st.dates(FIRST, LAST)
INNER_DAYS = st.dates(date(2024, 2, 1), date(2027, 11, 30))
ONE_DAY = timedelta(days=1)
HEADER = "date,kind,holiday,moved_from\n"


class TestRussianCalendar:
    @pytest.mark.parametrize("row", list(csv.DictReader(TOTALS.read_text(encoding="utf-8").splitlines())))
    def test_has_the_stated_number_of_working_days(self, row):
        year = int(row["year"])
        days = [date(year, 1, 1) + timedelta(days=number) for number in range(366)]

        assert sum(CALENDAR.is_business_day(day) for day in days if day.year == year) == int(row["working_days"])

    @pytest.mark.parametrize("day", ["2024-04-27", "2024-11-02", "2024-12-28", "2025-11-01", "2027-02-20"])
    def test_knows_the_saturdays_that_are_worked(self, day):
        assert date.fromisoformat(day).weekday() == 5
        assert CALENDAR.is_business_day(date.fromisoformat(day))

    @pytest.mark.parametrize(
        "day",
        ["2024-01-08", "2024-12-31", "2025-05-02", "2026-01-09", "2026-03-09", "2027-11-05", "2026-06-13"],
    )
    def test_knows_the_days_off(self, day):
        assert not CALENDAR.is_business_day(date.fromisoformat(day))

    def test_works_on_all_other_saturdays_nobody(self):
        saturdays = {date(2024, 1, 6) + timedelta(weeks=week) for week in range(208)}

        assert len([day for day in saturdays if CALENDAR.is_business_day(day)]) == 5

    def test_is_read_once(self):
        assert russian_calendar() is CALENDAR


class TestCounting:
    @given(INNER_DAYS)
    def test_the_next_business_day_is_the_first_after(self, on):
        following = CALENDAR.next_business_day(on)

        assert following > on
        assert CALENDAR.is_business_day(following)
        between = [on + ONE_DAY * number for number in range(1, (following - on).days)]
        assert not any(CALENDAR.is_business_day(day) for day in between)

    def test_an_act_received_on_friday_is_due_on_monday(self):
        assert CALENDAR.next_business_day(date(2026, 10, 16)) == date(2026, 10, 19)
        assert CALENDAR.next_business_day(date(2024, 11, 1)) == date(2024, 11, 2)

    @given(DAYS, st.integers(0, 30), st.integers(0, 30), st.sampled_from([1, -1]))
    def test_days_added_in_two_parts_are_days_added_at_once(self, on, first, second, sign):
        def at_once():
            return CALENDAR.add_business_days(on, sign * (first + second))

        def in_parts():
            return CALENDAR.add_business_days(CALENDAR.add_business_days(on, sign * first), sign * second)

        try:
            expected = at_once()
        except CalendarYearNotCovered:
            with pytest.raises(CalendarYearNotCovered):
                in_parts()
        else:
            assert in_parts() == expected

    @given(INNER_DAYS, st.integers(1, 15))
    def test_there_and_back_is_the_same_business_day(self, on, days):
        there = CALENDAR.add_business_days(on, days)

        back = CALENDAR.add_business_days(there, -days)

        assert back == CALENDAR.adjust(on, Convention.PRECEDING)

    @given(DAYS)
    def test_no_days_added_is_the_day_itself(self, on):
        assert CALENDAR.add_business_days(on, 0) == on

    @given(DAYS, DAYS)
    def test_a_count_is_the_number_of_business_days_from_and_before(self, start_on, stop_on):
        span = [start_on + ONE_DAY * number for number in range((stop_on - start_on).days)]

        assert CALENDAR.count_business_days(start_on, stop_on) == sum(map(CALENDAR.is_business_day, span))


class TestAdjust:
    @given(DAYS)
    def test_none_leaves_every_day(self, on):
        assert CALENDAR.adjust(on, Convention.NONE) == on

    @given(DAYS, st.sampled_from(Convention))
    def test_leaves_business_days(self, on, convention):
        if CALENDAR.is_business_day(on):
            assert CALENDAR.adjust(on, convention) == on

    @given(INNER_DAYS)
    def test_goes_to_the_nearest_business_day_of_its_side(self, on):
        off = not CALENDAR.is_business_day(on)
        following = CALENDAR.add_business_days(on, 1) if off else on
        preceding = CALENDAR.add_business_days(on, -1) if off else on

        assert CALENDAR.adjust(on, Convention.FOLLOWING) == following
        assert CALENDAR.adjust(on, Convention.PRECEDING) == preceding
        modified = following if following.month == on.month else preceding
        assert CALENDAR.adjust(on, Convention.MODIFIED_FOLLOWING) == modified

    def test_modified_following_turns_back_at_the_end_of_a_month(self):
        assert CALENDAR.adjust(date(2026, 5, 30), Convention.MODIFIED_FOLLOWING) == date(2026, 5, 29)
        assert CALENDAR.adjust(date(2026, 5, 9), Convention.MODIFIED_FOLLOWING) == date(2026, 5, 12)

    def test_modified_following_needs_no_year_after_the_last(self):
        assert CALENDAR.adjust(LAST, Convention.MODIFIED_FOLLOWING) == date(2027, 12, 30)


class TestYearNotCovered:
    @pytest.mark.parametrize(
        ("ask", "year"),
        [
            (lambda: CALENDAR.is_business_day(date(2023, 12, 31)), 2023),
            (lambda: CALENDAR.is_business_day(date(2028, 1, 1)), 2028),
            (lambda: CALENDAR.next_business_day(date(2027, 12, 30)), 2028),
            (lambda: CALENDAR.add_business_days(date(2024, 1, 9), -1), 2023),
            (lambda: CALENDAR.add_business_days(date(2024, 1, 9), -(10**9)), 2023),
            (lambda: CALENDAR.add_business_days(date(2028, 1, 1), 0), 2028),
            (lambda: CALENDAR.adjust(LAST, Convention.FOLLOWING), 2028),
            (lambda: CALENDAR.adjust(FIRST, Convention.PRECEDING), 2023),
            (lambda: CALENDAR.count_business_days(date(2023, 12, 31), LAST), 2023),
            (lambda: CALENDAR.count_business_days(FIRST, date(2028, 1, 1)), 2028),
        ],
    )
    def test_is_a_refusal_and_not_a_guess(self, ask, year):
        with pytest.raises(CalendarYearNotCovered) as refusal:
            ask()

        assert refusal.value.facts == {"year": year, "first": 2024, "last": 2027}

    def test_of_a_holiday_that_opens_the_first_year_with_modified_following_goes_forward(self):
        assert CALENDAR.adjust(FIRST, Convention.MODIFIED_FOLLOWING) == date(2024, 1, 9)


class TestProvisionalYears:
    LONG = CALENDAR.with_provisional_years(3)

    def test_know_weekends_and_the_holidays_of_the_code_and_say_that_they_are_provisional(self):
        year = [date(2028, 1, 1) + ONE_DAY * number for number in range(366)]
        off = [day for day in year if day.weekday() < 5 and not self.LONG.is_business_day(day)]

        assert [(day.month, day.day) for day in off] == [
            *((1, day) for day in (3, 4, 5, 6, 7)),  # 1, 2 and 8 January are a weekend
            (2, 23),
            (3, 8),
            (5, 1),
            (5, 9),
            (6, 12),
        ]
        assert [self.LONG.is_provisional(year) for year in (2027, 2028)] == [False, True]
        assert self.LONG.next_business_day(LAST) == date(2028, 1, 10)

    @given(INNER_DAYS, st.integers(-15, 15))
    def test_change_nothing_in_the_known_ones(self, day, number):
        assert self.LONG.add_business_days(day, number) == CALENDAR.add_business_days(day, number)

    def test_end(self):
        with pytest.raises(CalendarYearNotCovered) as refusal:
            self.LONG.is_business_day(date(2031, 1, 1))
        assert refusal.value.facts == {"year": 2031, "first": 2024, "last": 2030}

    def test_give_way_to_a_loaded_year(self):
        own = BusinessCalendar.from_csv("own", HEADER + "2028-01-01,non_working,,\n2028-05-02,non_working,,\n")
        longer = CALENDAR.with_years_of(own).with_provisional_years(2)

        assert [longer.is_business_day(date(2028, *day)) for day in ((5, 2), (5, 9))] == [False, True]
        assert [longer.is_provisional(year) for year in (2028, 2029)] == [False, True]
        assert longer.is_business_day(date(2027, 2, 20))  # the years of before stand
        assert len({CALENDAR.sha256, self.LONG.sha256, longer.sha256}) == 3
        assert CALENDAR.with_provisional_years(3).sha256 == self.LONG.sha256

    def test_are_not_skipped_by_a_file_of_a_later_year(self):
        with pytest.raises(CalendarFileMalformed):
            CALENDAR.with_years_of(BusinessCalendar.from_csv("own", HEADER + "2029-01-01,non_working,,\n"))


class TestFromCsv:
    def test_reads_an_operators_own_file(self):
        calendar = BusinessCalendar.from_csv("own", HEADER + "2030-01-01,non_working,,\n2030-01-05,working_short,,\n")

        assert (calendar.first_year, calendar.last_year) == (2030, 2030)
        assert not calendar.is_business_day(date(2030, 1, 1))
        assert calendar.is_business_day(date(2030, 1, 5))  # a Saturday

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("", 1),
            ("date,kind\n", 1),
            (HEADER, 0),
            (HEADER + "2030-01-01,non_working,\n", 2),
            (HEADER + "2030-02-30,non_working,,\n", 2),
            (HEADER + "2030-01-01,holiday,,\n", 2),
            (HEADER + "2030-01-01,non_working,,\n2030-01-01,non_working,,\n", 3),
            (HEADER + "2030-01-02,non_working,,\n2030-01-01,non_working,,\n", 3),
            (HEADER + "2030-01-01,non_working,,\n2030-01-04,working_weekend,,\n", 3),
            (HEADER + "2030-01-02,non_working,,\n", 0),
            (HEADER + "2030-01-01,working_short,,\n", 0),
            (HEADER + "2030-01-01,non_working,,\n2032-01-01,non_working,,\n", 0),
            (HEADER + "2030-01-01,non_working,,\n" + " " * 1_000_000, 0),
        ],
    )
    def test_refuses_a_faulty_file_and_names_the_line(self, text, line):
        with pytest.raises(CalendarFileMalformed) as refusal:
            BusinessCalendar.from_csv("own", text)

        assert refusal.value.facts == {"line": line}

    def test_a_calendar_of_nothing_is_our_fault(self):
        with pytest.raises(InvariantBroken):
            BusinessCalendar("nothing", {})


class TestMoscowDay:
    def test_begins_at_nine_in_the_evening_utc(self):
        assert moscow_day(datetime(2026, 3, 1, 20, 59, 59, tzinfo=UTC)) == date(2026, 3, 1)
        assert moscow_day(datetime(2026, 3, 1, 21, 0, tzinfo=UTC)) == date(2026, 3, 2)

    def test_of_a_naive_instant_is_our_fault(self):
        with pytest.raises(InvariantBroken):
            moscow_day(datetime(2026, 3, 1))  # noqa: DTZ001 – the fault under test
