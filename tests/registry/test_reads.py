"""Reads: a participant sees itself only, staff page by page, the past as it was. Scenario 63."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from kapital.kernel.actor import NotPermitted
from kapital.kernel.ids import wallet_id_of
from kapital.kernel.roles import Role
from kapital.registry.domain.problems import ExtractInstantInFuture, ParticipantNotFound
from kapital.registry.domain.states import ParticipantState
from kapital.registry.queries.participants import Sought
from kapital.registry.queries.register_extract import FINAL_AFTER
from kapital.registry.use_cases.restrict_participant import RestrictParticipant
from tests.registry.conftest import World, kyc_decided, kyc_expired
from tests.registry.people import AUDITOR, COMPLIANCE, ONBOARDER, SETTLEMENT, as_participant, investor, issuer, staff


async def test_a_participant_sees_itself_and_nobody_else(world: World) -> None:
    own, other = await world.active(investor(1), investor(2))
    me = as_participant(own)

    seen = await world.read.get_participant(own, actor=me)

    assert seen.name == "Инвестор 1"
    assert seen.wallet is not None
    assert seen.wallet.wallet_id == wallet_id_of(own)
    # Another one and one that is not there look alike.
    for hidden in (other, uuid4()):
        with pytest.raises(ParticipantNotFound) as refused:
            await world.read.get_participant(hidden, actor=me)
        assert refused.value.facts == {}
        assert str(refused.value) == "participant_not_found: No such participant"
    listed = await world.read.list_participants(actor=me)
    assert [p.participant_id for p in listed.participants] == [own]


async def test_filters_do_not_leak_others(world: World) -> None:
    own, other = await world.active(investor(1), investor(2))
    await world.hear(kyc_expired(other))

    page = await world.read.list_participants(
        actor=as_participant(own), sought=Sought(state=ParticipantState.RESTRICTED)
    )

    assert page.participants == []
    assert page.next_after is None


async def test_the_participant_is_not_told_of_an_officers_ground(world: World) -> None:
    [own] = await world.active(investor(1))
    await world.hear(kyc_expired(own))
    await world.do.restrict_participant(
        RestrictParticipant(command_id=world.command_id(), actor=COMPLIANCE, participant_id=own, basis_reference="1")
    )

    to_itself = await world.read.get_participant(own, actor=as_participant(own))
    to_staff = await world.read.get_participant(own, actor=ONBOARDER)

    assert to_itself.restrictions == ["kyc"]
    assert to_staff.restrictions == ["kyc", "officer"]


async def test_staff_without_need_sees_no_names(world: World) -> None:
    [own] = await world.registered(investor(1))

    with pytest.raises(NotPermitted):
        await world.read.get_participant(own, actor=SETTLEMENT)
    with pytest.raises(NotPermitted):
        await world.read.list_participants(actor=SETTLEMENT)


async def test_pages_hold_everybody_once_while_others_come(world: World) -> None:
    first = await world.registered(*(investor(number) for number in range(7)))
    seen: list[UUID] = []
    after = None
    while True:
        page = await world.read.list_participants(actor=AUDITOR, after=after, limit=3)
        seen += [p.participant_id for p in page.participants]
        if len(seen) == 3:
            late = await world.registered(investor(100))
        if page.next_after is None:
            break
        after = page.next_after

    assert seen == [*first, *late]


async def test_a_page_that_ends_exactly_has_no_next(world: World) -> None:
    await world.registered(investor(1), investor(2))

    page = await world.read.list_participants(actor=AUDITOR, limit=2)

    assert len(page.participants) == 2
    assert page.next_after is None


async def test_an_extract_shows_the_register_as_it_was(world: World) -> None:
    regulator = staff(8, Role.REGULATOR)
    before_all = world.clock.now()
    world.clock.advance(timedelta(hours=1))
    [early] = await world.active(issuer(1))
    at_noon = world.clock.now()
    world.clock.advance(timedelta(hours=1))
    await world.hear(kyc_expired(early))
    [late] = await world.registered(investor(2))
    world.clock.advance(FINAL_AFTER)

    then = await world.read.register_extract(actor=regulator, at=at_noon)
    now = await world.read.register_extract(actor=regulator)
    nothing = await world.read.register_extract(actor=regulator, at=before_all)

    assert [(line.participant_id, line.state, line.wallet_id) for line in then.lines] == [
        (early, "active", wallet_id_of(early))
    ]
    assert then.is_final
    assert {line.participant_id: line.state for line in now.lines} == {early: "restricted", late: "identifying"}
    assert not now.is_final
    assert nothing.lines == []


async def test_the_same_instant_gives_the_same_lines_for_ever(world: World) -> None:
    ids = await world.active(*(investor(number) for number in range(5)))
    at = world.clock.now()
    first = [await world.read.register_extract(actor=AUDITOR, at=at, limit=2)]
    world.clock.advance(timedelta(minutes=1))
    await world.hear(*(kyc_expired(participant_id) for participant_id in ids))
    await world.hear(*(kyc_decided(participant_id, "rejected") for participant_id in ids))
    while (after := first[-1].next_after) is not None:
        first.append(await world.read.register_extract(actor=AUDITOR, at=at, after=after, limit=2))

    assert [line.state for page in first for line in page.lines] == ["active"] * 5


async def test_an_extract_is_for_its_readers_and_for_the_past(world: World) -> None:
    with pytest.raises(NotPermitted):
        await world.read.register_extract(actor=ONBOARDER)
    with pytest.raises(ExtractInstantInFuture):
        await world.read.register_extract(actor=AUDITOR, at=world.clock.now() + timedelta(minutes=1))
