"""What tokenization knows of a participant: the registry's words mean here what they mean there."""

from uuid import UUID

import pytest

from kapital.registry.domain.participant import ENTITIES, ParticipantKind
from kapital.tokenization.domain.investor import Investor


@pytest.mark.parametrize("kind", ParticipantKind)
def test_what_the_registry_calls_an_organisation_signs_as_one_here(kind: ParticipantKind) -> None:
    investor = Investor(participant_id=UUID(int=1), kind=kind.value)

    assert investor.is_entity is (kind in ENTITIES)
