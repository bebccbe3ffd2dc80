"""Roles of staff have dates, change by two persons on an exact hash, and are known as of any instant."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from kapital.contracts.registry import StaffChange, StaffMember
from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.problems import Problem
from kapital.kernel.roles import Role
from kapital.kernel.states import WrongState
from kapital.registry.adapters.token_verifier import DatabaseTokenVerifier
from kapital.registry.domain.access import TokenSubjectKind
from kapital.registry.domain.problems import (
    ExtractInstantInFuture,
    StaffAlreadyEnded,
    StaffNotFound,
    StaffRolesIncompatible,
    TokenRolesExceedSubject,
    TokenSubjectEnded,
)
from kapital.registry.domain.staff_problems import (
    StaffChangeAlreadyProposed,
    StaffChangeHashMustMatch,
    StaffChangeNeedsAnotherPerson,
    StaffChangeNotFound,
    StaffTermOutOfRange,
)
from kapital.registry.use_cases.change_staff import DecideStaffChange, ProposeStaffChange
from tests.registry.conftest import World
from tests.registry.people import ADMIN, AUDITOR, ONBOARDER
from tests.registry.race import race
from tests.registry.test_access_tokens import employ, end, issue

DAY = timedelta(days=1)
SECURITY = Actor(id=str(uuid4()), participant_id=None, roles=frozenset({Role.SECURITY}))
OTHER_ADMIN = Actor(id=str(uuid4()), participant_id=None, roles=frozenset({Role.ADMIN}))


async def propose(
    world: World, staff_id: UUID, *roles: Role, actor: Actor = ADMIN, until: timedelta | None = None
) -> StaffChange:
    cmd = ProposeStaffChange(
        command_id=world.command_id(),
        actor=actor,
        staff_id=staff_id,
        roles=frozenset(roles),
        valid_until=None if until is None else world.clock.now() + until,
        basis_reference="Приказ 14-к",
    )
    return await world.do.propose_staff_change(cmd)


async def decide(
    world: World, change: StaffChange, actor: Actor = SECURITY, *, make: bool = True, seen: str | None = None
) -> StaffChange:
    cmd = DecideStaffChange(
        command_id=world.command_id(),
        actor=actor,
        change_id=change.change_id,
        make=make,
        change_sha256=seen or change.change_sha256,
    )
    return await world.do.decide_staff_change(cmd)


async def member(world: World, staff_id: UUID, **changes: object) -> StaffMember:
    page = await world.read.list_staff(actor=AUDITOR, **changes)  # type: ignore[arg-type]
    [found] = [one for one in page.staff if one.staff_id == staff_id]
    return found


async def token_of(world: World, staff_id: UUID, *roles: Role) -> str:
    return str((await issue(world, staff_id, *roles, subject_kind=TokenSubjectKind.STAFF)).token)


async def is_let_in(world: World, *tokens: str) -> list[bool]:
    verifier = DatabaseTokenVerifier(world.database, world.clock)
    return [await verifier.verify(token) is not None for token in tokens]


async def must_refuse(refused: type[Problem], attempt: object) -> None:
    with pytest.raises(refused):
        await attempt  # type: ignore[misc]


async def test_two_persons_change_what_a_member_holds_and_its_tokens_follow(world: World) -> None:
    staff_id = await employ(world, Role.ONBOARDING, Role.LEGAL)
    both, kept = (
        await token_of(world, staff_id, Role.ONBOARDING, Role.LEGAL),
        await token_of(world, staff_id, Role.LEGAL),
    )
    began = world.clock.now()
    world.clock.advance(DAY / 2)

    change = await propose(world, staff_id, Role.LEGAL, Role.RISK)
    waiting = await member(world, staff_id)
    assert (waiting.roles, waiting.proposed) == (["legal", "onboarding"], change)
    assert await is_let_in(world, both, kept) == [True, True]

    # Neither the maker, nor who gains by it, nor on a hash of something else; nobody without the role.
    itself = Actor(id=str(staff_id), participant_id=None, roles=frozenset({Role.SECURITY}))
    await must_refuse(StaffChangeNeedsAnotherPerson, decide(world, change, ADMIN))
    await must_refuse(StaffChangeNeedsAnotherPerson, decide(world, change, itself))
    await must_refuse(StaffChangeHashMustMatch, decide(world, change, seen="0" * 64))
    await must_refuse(NotPermitted, decide(world, change, ONBOARDER))
    await must_refuse(StaffChangeAlreadyProposed, propose(world, staff_id, Role.RISK, actor=OTHER_ADMIN))
    assert (await member(world, staff_id)).roles == ["legal", "onboarding"]

    made = await decide(world, change)
    assert (made.state, made.decided_by) == ("made", SECURITY.id)
    now = await member(world, staff_id)
    assert (now.roles, now.held_from, now.proposed) == (["legal", "risk"], made.decided_at, None)
    # A token with a lost role opens nothing; one without goes on, and the new role is open to a new one.
    assert await is_let_in(world, both, kept, await token_of(world, staff_id, Role.RISK)) == [False, True, True]
    await must_refuse(TokenRolesExceedSubject, token_of(world, staff_id, Role.ONBOARDING))
    await must_refuse(WrongState, decide(world, change, OTHER_ADMIN))

    # The past stays as it was, proposal and all.
    assert (await member(world, staff_id, at=began)).roles == ["legal", "onboarding"]
    assert (await member(world, staff_id, at=began)).proposed is None
    told = await world.rows("SELECT action, actor_id FROM audit_event WHERE action LIKE 'registry.staff_change%'")
    assert [(row["action"].rsplit("_", 1)[-1], row["actor_id"]) for row in told] == [
        ("proposed", ADMIN.id),
        ("made", SECURITY.id),
    ]


async def test_roles_end_with_their_term_and_a_new_term_revives_no_token(world: World) -> None:
    staff_id = await employ(world, Role.LEGAL, valid_until=world.clock.now() + DAY / 4)
    token = await token_of(world, staff_id, Role.LEGAL)
    lasting = DatabaseTokenVerifier(world.database, world.clock)
    assert await lasting.verify(token) is not None
    in_term = world.clock.now()

    world.clock.advance(DAY / 4)
    # Also for who has just been let in, and though the token itself would live for a day.
    assert await lasting.verify(token) is None
    await must_refuse(TokenSubjectEnded, token_of(world, staff_id, Role.LEGAL))
    assert (await member(world, staff_id)).roles == []
    assert (await member(world, staff_id, at=in_term)).roles == ["legal"]
    assert [await world.do.expire_staff_terms(world.clock.now()) for _ in range(2)] == [1, 0]
    [told] = await world.rows("SELECT subject, actor_id FROM audit_event WHERE action = 'registry.staff_term_over'")
    assert (told["subject"], told["actor_id"]) == (str(staff_id), "machine:scheduler")

    renewed = await decide(world, await propose(world, staff_id, Role.LEGAL, until=DAY))
    assert await is_let_in(world, token, await token_of(world, staff_id, Role.LEGAL)) == [False, True]
    assert (await member(world, staff_id)).valid_until == renewed.valid_until
    world.clock.advance(DAY)
    assert (await member(world, staff_id)).roles == []


async def test_what_cannot_be_is_refused_and_a_refusal_of_the_second_person_changes_nothing(world: World) -> None:
    staff_id = await employ(world, Role.LEGAL)
    await must_refuse(NotPermitted, propose(world, staff_id, Role.RISK, actor=SECURITY))
    await must_refuse(StaffNotFound, propose(world, uuid4(), Role.RISK))
    await must_refuse(StaffRolesIncompatible, propose(world, staff_id, Role.ADMIN, Role.RISK))
    await must_refuse(StaffTermOutOfRange, propose(world, staff_id, Role.RISK, until=timedelta()))
    await must_refuse(StaffTermOutOfRange, employ(world, Role.RISK, valid_until=world.clock.now()))
    short = await propose(world, staff_id, Role.RISK, until=DAY)
    await must_refuse(StaffChangeNotFound, decide(world, await _unknown(short)))

    world.clock.advance(DAY)
    # What was proposed has come to its end before anybody decided.
    await must_refuse(StaffTermOutOfRange, decide(world, short))
    assert (await decide(world, short, make=False)).state == "refused"
    assert (await member(world, staff_id)).roles == ["legal"]

    again = await propose(world, staff_id, Role.RISK)
    await end(world, staff_id)
    await must_refuse(StaffAlreadyEnded, decide(world, again))
    await must_refuse(StaffAlreadyEnded, propose(world, staff_id, Role.RISK))
    gone = await member(world, staff_id)
    assert (gone.roles, gone.ended_at is None) == ([], False)
    await must_refuse(NotPermitted, world.read.list_staff(actor=ONBOARDER))
    await must_refuse(ExtractInstantInFuture, world.read.list_staff(actor=AUDITOR, at=world.clock.now() + DAY))


async def test_the_list_comes_in_pages_without_loss(world: World) -> None:
    staff = {await employ(world, Role.LEGAL) for _ in range(5)}
    first = await world.read.list_staff(actor=ADMIN, limit=3)
    rest = await world.read.list_staff(actor=ADMIN, after=first.next_after, limit=3)
    assert (len(first.staff), len(rest.staff), rest.next_after) == (3, 2, None)
    assert {one.staff_id for one in (*first.staff, *rest.staff)} == staff
    assert {one.registered_by for one in first.staff} == {ADMIN.id}


async def test_a_token_issued_while_a_role_is_taken_away_does_not_carry_it(world: World) -> None:
    staff_id = await employ(world, Role.LEGAL, Role.RISK)
    change = await propose(world, staff_id, Role.RISK)

    await race(
        world.database,
        "SELECT 1 FROM staff FOR UPDATE",
        decide(world, change),
        issue(world, staff_id, Role.LEGAL, subject_kind=TokenSubjectKind.STAFF),
    )

    assert await world.rows("SELECT 1 FROM access_token WHERE revoked_at IS NULL AND 'legal' = ANY(roles)") == []


async def _unknown(change: StaffChange) -> StaffChange:
    from msgspec.structs import replace

    return replace(change, change_id=uuid4())
