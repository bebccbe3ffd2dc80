"""The Bank of Russia's answers about rates: the real ones are read whole, bad ones are refused whole."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from kapital.kernel.calendar import moscow_day, russian_calendar
from kapital.kernel.problems import Problem
from kapital.tokenization.adapters.bank_of_russia_rates import ROWS_MAX, read_rates
from kapital.tokenization.domain.published_values import FixingValuesDiffer
from kapital.tokenization.domain.rates_answer import (
    BYTES_MAX,
    RatesAnswer,
    RatesAnswerTooLarge,
    RatesAnswerUnreadable,
)

DATA = Path(__file__).parents[1] / "data" / "rates"
KEY_RATE = (DATA / "cbr_KeyRateXML_2026-06-01_2026-10-06.xml").read_bytes()
RUONIA = (DATA / "cbr_RuoniaXML_2026-09-21_2026-10-05.xml").read_bytes()
ROW = "<KR><DT>2026-10-06T00:00:00+03:00</DT><Rate>14.00</Rate></KR>"


def read(content: bytes | str) -> RatesAnswer:
    return read_rates(content.encode() if isinstance(content, str) else content, calendar=russian_calendar())


def key_rate(*rows: str) -> str:
    return f"<KeyRate>{''.join(rows)}</KeyRate>"


def test_the_key_rate_of_each_business_day_in_three_periods():
    answer = read(KEY_RATE)
    changes = [
        (before.text, after.text, after.observed_on)
        for before, after in zip(answer.values, answer.values[1:], strict=False)
        if before.text != after.text
    ]

    assert len(answer.values) == 91
    assert {value.series for value in answer.values} == {"cbr_key_rate"}
    assert changes == [("14.50", "14.25", date(2026, 6, 22)), ("14.25", "14.00", date(2026, 7, 27))]
    assert answer.deviations == []


def test_ruonia_of_a_day_is_published_on_the_next_business_day():
    answer, calendar = read(RUONIA), russian_calendar()

    assert len(answer.values) == 11
    assert answer.values[0].value == Decimal("14.09")
    assert answer.values[0].published_at is not None
    assert answer.values[0].published_at.astimezone(UTC) == datetime(2026, 9, 22, 11, 23, 26, 493000, tzinfo=UTC)
    for value in answer.values:
        assert value.published_at is not None
        assert moscow_day(value.published_at) == calendar.next_business_day(value.observed_on)


class TestTolerates:
    def test_an_answer_without_an_envelope_and_in_any_order(self):
        rows = [ROW, ROW.replace("10-06", "10-02"), ROW.replace("10-06", "10-05")]

        assert [value.observed_on.day for value in read(key_rate(*rows)).values] == [2, 5, 6]

    def test_a_decimal_comma_an_unknown_field_a_repeated_day_and_a_day_off_and_tells_each(self):
        answer = read(
            key_rate(
                ROW.replace("14.00", "14,00"),
                ROW.replace("</KR>", "<Note>x</Note></KR>"),
                ROW.replace("10-06", "10-03"),
            )
        )

        assert [value.text for value in answer.values] == ["14.00", "14.00"]
        assert sorted(answer.deviations) == [
            ("2026-10-03", "not_a_business_day"),
            ("2026-10-06", "day_repeated"),
            ("row 1", "decimal_comma"),
            ("row 2", "unknown_field"),
        ]

    def test_days_of_years_that_no_calendar_covers(self):
        assert read(key_rate(ROW.replace("2026", "2013"))).values[0].observed_on == date(2013, 10, 6)

    def test_an_instant_of_another_zone_is_the_day_of_moscow(self):
        assert read(key_rate(ROW.replace("2026-10-06T00:00:00+03:00", "2026-10-05T22:00:00Z"))).values[
            0
        ].observed_on == date(2026, 10, 6)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


class TestRefuses:
    @pytest.mark.parametrize(
        "content",
        [
            "",
            "not xml",
            "<KeyRate/>",
            "<html><body>Service unavailable</body></html>",
            key_rate(ROW)[:-12],
            BOMB + key_rate(ROW.replace("14.00", "&b;")),
            '<!DOCTYPE KeyRate SYSTEM "file:///etc/passwd">' + key_rate(ROW),
            key_rate(ROW.replace("14.00", "")),
            key_rate(ROW.replace("14.00", "1e9")),
            key_rate(ROW.replace("14.00", "NaN")),
            key_rate(ROW.replace("14.00", "٣")),
            key_rate(ROW.replace("<Rate>14.00</Rate>", "")),
            key_rate(ROW.replace("2026-10-06T", "2026-13-06T")),
            key_rate(ROW.replace("<DT>2026-10-06T00:00:00+03:00</DT>", "")),
            key_rate(ROW.replace("2026-10-06T00:00:00+03:00", "0001-01-01T00:00:00+03:00")),
            key_rate(ROW.replace("2026-10-06T00:00:00+03:00", "9999-12-31T23:00:00-12:00")),
            "<KeyRate>" + "<a>" * 100 + ROW,
            '<?xml version="1.0" encoding="klingon"?>' + key_rate(ROW),
        ],
    )
    def test_what_is_not_an_answer(self, content: str):
        with pytest.raises(RatesAnswerUnreadable) as caught:
            read(content)

        assert caught.value.facts["reason"]

    def test_one_day_with_two_values(self):
        with pytest.raises(FixingValuesDiffer) as caught:
            read(key_rate(ROW, ROW.replace("14.00", "14.25")))

        assert caught.value.facts["observed_on"] == "2026-10-06"

    @pytest.mark.parametrize("content", [b" " * (BYTES_MAX + 1), key_rate(*[ROW] * (ROWS_MAX + 1)).encode()])
    def test_what_is_too_large(self, content: bytes):
        with pytest.raises(RatesAnswerTooLarge):
            read(content)

    def test_every_torn_answer(self):
        """Each prefix that ends inside the document is refused: nothing is read by half."""
        for end in range(0, len(RUONIA) - 1, 37):
            with pytest.raises(Problem):
                read(RUONIA[:end])

    def test_a_bomb_at_its_first_sign(self):
        levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))

        with pytest.raises(RatesAnswerUnreadable):
            read(f'<!DOCTYPE x [<!ENTITY e0 "x">{levels}]>{key_rate(ROW.replace("14.00", "&e11;"))}')
