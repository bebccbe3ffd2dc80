"""Control digits of the taxpayer number: what passes, what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.registry.domain.identifiers import require_valid_inn
from kapital.registry.domain.problems import InnInvalid
from tests.registry.people import entity_inn, person_inn


@pytest.mark.parametrize("inn", ["7707083893", "7736050003", "7702070139"])
def test_numbers_of_known_banks_and_companies_are_valid(inn: str) -> None:
    require_valid_inn(inn, legal_entity=True)


def test_the_tax_services_own_example_of_a_person_is_valid() -> None:
    require_valid_inn("500100732259", legal_entity=False)


@pytest.mark.parametrize(
    ("inn", "digits"),
    [
        ("7707083894", 10),  # control digit off by one
        ("500100732258", 12),  # second control digit
        ("500100732269", 12),  # first control digit
        ("7707083893", 12),  # an entity's number for a person
        ("500100732259", 10),
        ("0000000000", 10),  # control digits right, no such tax office
        ("000000000000", 12),
        ("770708389", 10),
        ("", 10),
        (" 707083893", 10),
        ("7707083893\n", 10),
        ("٧٧٠٧٠٨٣٨٩٣", 10),  # digits, but not ASCII ones
    ],
)
def test_other_numbers_are_refused_without_repeating_them(inn: str, digits: int) -> None:
    with pytest.raises(InnInvalid) as refused:
        require_valid_inn(inn, legal_entity=digits == 10)

    assert refused.value.facts == {"digits_expected": digits}
    assert not inn.strip() or inn not in str(refused.value)


@given(number=st.integers(0, 10**7 - 1), wrong=st.integers(1, 9))
def test_a_wrong_control_digit_of_an_entity_never_passes(number: int, wrong: int) -> None:
    right = entity_inn(number)
    require_valid_inn(right, legal_entity=True)

    spoiled = right[:9] + str((int(right[9]) + wrong) % 10)

    with pytest.raises(InnInvalid):
        require_valid_inn(spoiled, legal_entity=True)


@given(number=st.integers(0, 10**8 - 1), place=st.sampled_from([10, 11]), wrong=st.integers(1, 9))
def test_a_wrong_control_digit_of_a_person_never_passes(number: int, place: int, wrong: int) -> None:
    right = person_inn(number)
    require_valid_inn(right, legal_entity=False)

    spoiled = right[:place] + str((int(right[place]) + wrong) % 10) + right[place + 1 :]

    with pytest.raises(InnInvalid):
        require_valid_inn(spoiled, legal_entity=False)
