"""Synthetic people: the same for one seed, valid in form, and nobody's."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapital.kernel.problems import InvariantBroken
from kapital.sandbox.people import REGION, PersonKind, synthetic_people

ALL = tuple(PersonKind)
WEIGHTS = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)


def control(digits: str) -> int:
    """The control digit after `digits`; the weights of the longest rule end as those of the shorter ones do."""
    return sum(int(digit) * weight for digit, weight in zip(digits, WEIGHTS[-len(digits) :], strict=True)) % 11 % 10


def test_the_rule_agrees_with_a_published_number() -> None:
    assert control("770708389") == 3  # ИНН 7707083893, printed on the bank's own pages


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_people_are_valid_in_form_and_of_no_region(seed: int) -> None:
    people = synthetic_people(seed, 60, kinds=ALL)

    for person in people:
        person.payout_account.require_valid()
        assert person.inn.startswith(REGION)
        assert len(person.inn) == (10 if person.kind is PersonKind.LEGAL_ENTITY else 12)
        for end in (9,) if person.kind is PersonKind.LEGAL_ENTITY else (10, 11):
            assert int(person.inn[end]) == control(person.inn[:end])
        assert 0 < len(person.name) <= 160
    assert len({person.inn for person in people}) == 60
    assert [person.kind for person in people[:3]] == list(ALL)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), short=st.integers(0, 20), more=st.integers(0, 20))
def test_a_longer_list_begins_with_the_shorter_one(seed: int, short: int, more: int) -> None:
    assert synthetic_people(seed, short + more)[:short] == synthetic_people(seed, short)


def test_seeds_differ() -> None:
    assert synthetic_people(1, 5) != synthetic_people(2, 5)


@pytest.mark.parametrize("count", [-1, 1_000_001])
def test_the_number_of_people_is_bounded(count: int) -> None:
    with pytest.raises(InvariantBroken):
        synthetic_people(1, count)
