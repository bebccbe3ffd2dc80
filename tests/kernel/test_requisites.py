"""Numbers that the state gives: their control digits, tried on published numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.problems import InvariantBroken
from kapital.kernel.requisites import inn_is_valid, ogrn_is_valid, with_inn_control


@pytest.mark.parametrize(
    ("number", "legal_entity", "valid"),
    [
        ("7707083893", True, True),
        ("7736207543", True, True),
        ("7728168971", True, True),
        ("7710140679", True, True),
        ("7707083894", True, False),
        ("7707083893", False, False),
        ("500100732259", False, True),
        ("773370857141", False, True),
        ("344809916052", False, True),
        ("526317984689", False, True),
        ("500100732258", False, False),
        ("500100732269", False, False),
        ("500100732259", True, False),
        ("0000000000", True, False),
        ("٧٧٠٧٠٨٣٨٩٣", True, False),
    ],
)
def test_inn_has_its_control_digits(number, legal_entity, valid):
    assert inn_is_valid(number, legal_entity=legal_entity) is valid


@pytest.mark.parametrize(
    ("number", "legal_entity", "valid"),
    [
        ("1027700132195", True, True),
        ("1027739609391", True, True),
        ("1027700132196", True, False),
        ("1027700132195", False, False),
        ("304500116000157", False, True),
        ("304500116000158", False, False),
        ("304500116000157", True, False),
        ("١٠٢٧٧٠٠١٣٢١٩٥", True, False),
    ],
)
def test_ogrn_has_its_control_digit(number, legal_entity, valid):
    assert ogrn_is_valid(number, legal_entity=legal_entity) is valid


@given(number=st.integers(10**7, 10**8 - 1))
def test_a_completed_body_is_valid_for_its_kind_only(number):
    entity, person = with_inn_control(f"9{number}"), with_inn_control(f"98{number}")

    assert inn_is_valid(entity, legal_entity=True)
    assert inn_is_valid(person, legal_entity=False)
    assert not inn_is_valid(entity, legal_entity=False)
    assert not inn_is_valid(person, legal_entity=True)


@pytest.mark.parametrize("body", ["", "12345678", "12345678901", "12345678a", "٧٧٠٧٠٨٣٨٩"])
def test_only_a_body_of_digits_is_completed(body):
    with pytest.raises(InvariantBroken):
        with_inn_control(body)
