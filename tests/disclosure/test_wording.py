"""Words of the pages: plural forms, sums that stay on one line, every name in both languages."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapital.disclosure.adapters import phrases, wording
from kapital.disclosure.domain.delivery import content_disposition, safe_media_type
from kapital.disclosure.domain.states import MISSED, NOT_PUBLIC, TROUBLED
from kapital.kernel.problems import InvariantBroken

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("number", "form"),
    [
        (0, "единиц"),
        (1, "единица"),
        (2, "единицы"),
        (4, "единицы"),
        (5, "единиц"),
        (11, "единиц"),
        (12, "единиц"),
        (14, "единиц"),
        (20, "единиц"),
        (21, "единица"),
        (22, "единицы"),
        (25, "единиц"),
        (100, "единиц"),
        (101, "единица"),
        (111, "единиц"),
        (112, "единиц"),
        (122, "единицы"),
        (1_000_001, "единица"),
        (1_000_011, "единиц"),
    ],
)
def test_russian_nouns_follow_their_number(number, form):
    assert wording.noun_form(number, "unit", "ru") == form


def test_english_nouns_follow_their_number():
    assert [wording.noun_form(n, "order", "en") for n in (0, 1, 2)] == ["orders", "order", "orders"]


@given(st.integers(0, 10**15))
@settings(deadline=None)
def test_a_counted_thing_stays_on_one_line(number):
    for lang in ("ru", "en"):
        text = wording.counted(number, "byte", lang)
        assert " " not in text
        assert "".join(filter(str.isdigit, text)) == str(number)


def test_a_moment_is_told_as_moscow_reads_it():
    at = datetime(2026, 12, 31, 22, 5, tzinfo=UTC)

    assert wording.moment(at, "ru") == f"1{NBSP}января{NBSP}2027, 01:05{NBSP}МСК"
    assert wording.moment(at, "en") == f"1{NBSP}January{NBSP}2027, 01:05{NBSP}MSK"


def test_every_public_state_has_a_name_of_its_own_in_both_languages():
    tokenization_states = {
        *("published", "placement_open", "placement_suspended", "placement_closed", "held", "failed"),
        *("settling", "circulating", "redeeming", "redeemed", "refunding", "refunded", "cancelled"),
        *("technical_default", "default", "restructured", "written_off_by_act"),
    }
    for lang in ("ru", "en"):
        names = {wording.state_name(state, lang) for state in tokenization_states}
        assert len(names) == len(tokenization_states)
        assert not names & tokenization_states
    assert tokenization_states > MISSED | TROUBLED
    assert not NOT_PUBLIC & tokenization_states


def test_a_state_without_a_name_is_shown_by_its_code():
    assert wording.state_name("quite_new", "ru") == "quite_new"


def test_a_phrase_that_does_not_exist_is_our_fault():
    with pytest.raises(InvariantBroken):
        phrases.phrases("ru")("nonsense")


@given(st.text(max_size=100), st.text(max_size=60))
@settings(deadline=None)
def test_no_name_or_media_type_leaves_its_header(name, media_type):
    for header in (content_disposition(name, media_type), safe_media_type(media_type)):
        assert header.isascii()
        assert header.isprintable()
    assert content_disposition(name, media_type).count('"') == 2


def test_what_stands_in_for_a_missing_value_names_both_values_in_both_languages():
    told = {
        lang: wording.timeline_text("substitute", "cbr_key_rate/2027-07-30/ruonia/2027-07-29/16.50", lang)
        for lang in ("ru", "en")
    }

    for text in told.values():
        assert [part in text for part in ("cbr_key_rate", "2027-07-30", "ruonia", "2027-07-29", "16.50")] == [
            True
        ] * 5
    assert told["ru"] != told["en"]
