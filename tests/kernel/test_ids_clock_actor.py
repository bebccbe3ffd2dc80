"""Derived ids, instants, roles and actors."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.actor import Actor, machine_actor
from kapital.kernel.clock import require_utc
from kapital.kernel.ids import derive_uuid7, id_of, id_text
from kapital.kernel.problems import InvariantBroken
from kapital.kernel.roles import MACHINE_ROLES, Role

PURPOSES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@st.composite
def uuids7(draw):
    bits = draw(st.integers(0, 2**128 - 1))
    return UUID(int=bits & ~(0xF << 76) & ~(0b11 << 62) | 7 << 76 | 0b10 << 62)


class TestId:
    @given(st.uuids())
    def test_is_written_and_made_as_the_standard_library_does(self, one):
        assert id_text(one) == str(one)
        assert id_of(one.bytes) == one
        assert type(id_of(one.bytes)) is UUID

    @pytest.mark.parametrize("length", [0, 15, 17])
    def test_is_not_made_of_another_length(self, length):
        with pytest.raises(msgspec.ValidationError):
            id_of(bytes(length))


class TestDeriveUuid7:
    @given(st.uuids(), PURPOSES)
    def test_makes_a_proper_uuid7(self, source, purpose):
        derived = derive_uuid7(source, purpose)

        assert (derived.version, derived.variant) == (7, "specified in RFC 4122")

    @given(uuids7(), PURPOSES)
    def test_keeps_the_millisecond_of_a_uuid7(self, source, purpose):
        assert derive_uuid7(source, purpose).int >> 80 == source.int >> 80

    @given(st.uuids(version=4), PURPOSES)
    def test_has_time_unknown_when_the_source_has_none(self, source, purpose):
        assert derive_uuid7(source, purpose).int >> 80 == 0

    @given(st.lists(st.tuples(uuids7(), PURPOSES), unique=True, max_size=50))
    def test_differs_when_source_or_purpose_differs(self, arguments):
        assert len({derive_uuid7(source, purpose) for source, purpose in arguments}) == len(arguments)

    def test_is_the_same_in_every_release(self):
        source = UUID("0190a6f3-7c00-7abc-8def-0123456789ab")

        assert derive_uuid7(source, "reserve") == UUID("0190a6f3-7c00-766f-b374-a71680a750ce")
        assert derive_uuid7(source, "отзыв") == UUID("0190a6f3-7c00-722b-8081-8778dd4ccdce")

    def test_of_a_source_without_time_is_the_same_in_every_release(self):
        source = UUID("5f0c1e9a-3b52-4d0e-9c1b-0123456789ab")

        assert derive_uuid7(source, "reserve") == UUID("00000000-0000-7db8-9fc0-5174694641ef")

    def test_needs_a_purpose(self):
        with pytest.raises(InvariantBroken):
            derive_uuid7(uuid4(), "")


class TestRequireUtc:
    @pytest.mark.parametrize("zone", [UTC, ZoneInfo("UTC"), timezone(timedelta(0))])
    def test_returns_an_instant_in_utc(self, zone):
        at = datetime(2026, 1, 1, tzinfo=zone)

        assert require_utc(at) is at

    @pytest.mark.parametrize("zone", [None, ZoneInfo("Europe/Moscow"), timezone(timedelta(seconds=1))])
    def test_stops_on_any_other(self, zone):
        with pytest.raises(InvariantBroken):
            require_utc(datetime(2026, 1, 1, tzinfo=zone))


class TestActor:
    @pytest.mark.parametrize(
        "name",
        [
            "",
            "ivan@example.ru",
            "Иван",
            "machine:",
            "machine:Bank",
            "F3D1A4F3-3AF8-406A-ABD7-E1D44E225A86",
            "53354c40-7fea-484b-9ba6-d6e471b42cd0\n",
        ],
    )
    def test_is_known_by_a_pseudonym_only(self, name):
        with pytest.raises(InvariantBroken):
            Actor(name, None, frozenset())

    def test_cannot_be_given_more_roles_later(self):
        actor = Actor(str(uuid4()), None, frozenset())

        with pytest.raises(AttributeError):
            actor.roles = frozenset(Role)

    def test_goes_through_json_and_back(self):
        actor = Actor(str(uuid4()), uuid4(), frozenset({Role.INVESTOR, Role.ISSUER}))

        assert msgspec.json.decode(msgspec.json.encode(actor), type=Actor) == actor

    @pytest.mark.parametrize("role", sorted(MACHINE_ROLES))
    def test_of_a_machine_holds_that_role_alone(self, role):
        actor = machine_actor(role)

        assert (actor.id, actor.participant_id, actor.roles) == (f"machine:{role.value}", None, {role})

    @pytest.mark.parametrize("role", sorted(set(Role) - MACHINE_ROLES))
    def test_of_a_person_is_not_made_as_a_machine(self, role):
        with pytest.raises(InvariantBroken):
            machine_actor(role)
