"""Whose certificate it is, at its binding to a participant."""

import pytest

from kapital.platform.acts.owners import require_owner
from kapital.platform.acts.problems import PowerOfAttorneyRequired, SignatureOwnerDiffers
from kapital.platform.signatures.certificates import Certificate, certificate
from tests.platform.signatures.world import INN, SNILS, World

FIRM, OGRN = "9801000008", "1209800000001"


@pytest.fixture(scope="module")
def world() -> World:
    return World("ecdsa_p256")


def of(world: World, **numbers: str) -> Certificate:
    return certificate(world.person(numbers=numbers).certificate())


def test_an_owner_is_known_by_any_of_its_numbers_if_none_differs(world: World) -> None:
    person = of(world, inn=INN, snils=SNILS)
    head = of(world, inn=INN, inn_legal_entity=FIRM, ogrn=OGRN)

    require_owner(person, {"inn": INN})
    require_owner(head, {"inn_legal_entity": FIRM})
    for read, numbers in [(person, {"inn": INN, "snils": "11223344596"}), (person, {"ogrnip": OGRN})]:
        with pytest.raises(SignatureOwnerDiffers):
            require_owner(read, numbers)
    with pytest.raises(PowerOfAttorneyRequired):
        require_owner(person, {"inn_legal_entity": FIRM})


@pytest.mark.parametrize("numbers", [{"inn": INN}, {"inn": INN, "ogrnip": "304980100000011"}])
def test_a_firms_certificate_does_not_sign_for_its_head_in_person(world: World, numbers: dict[str, str]) -> None:
    """It carries the head's number too, but its owner is the firm (63-FZ art. 17.1)."""
    with pytest.raises(SignatureOwnerDiffers):
        require_owner(of(world, inn=INN, inn_legal_entity=FIRM, ogrn=OGRN), numbers)
