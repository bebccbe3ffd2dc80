"""Access tokens: shown once, kept as a hash, refused when their time or their subject's has ended."""

import re
from datetime import timedelta
from hashlib import sha256
from uuid import UUID, uuid4

import pytest

from kapital.contracts.registry import IssuedAccessToken
from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import Problem
from kapital.kernel.roles import Role
from kapital.platform.problems import IdempotencyKeyReused
from kapital.registry.adapters.token_verifier import REVOCATION_BOUND, DatabaseTokenVerifier
from kapital.registry.domain.access import (
    STAFF_ROLES,
    TokenSubjectKind,
    require_compatible,
    roles_open_to,
    token_text,
)
from kapital.registry.domain.participant import ParticipantRole
from kapital.registry.domain.problems import (
    AccessTokenAlreadyRevoked,
    AccessTokenNotFound,
    StaffAlreadyEnded,
    StaffAlreadyRegistered,
    StaffNotFound,
    StaffRolesIncompatible,
    TokenLifetimeOutOfRange,
    TokenRolesExceedSubject,
    TokenSubjectEnded,
    TokenSubjectNotFound,
)
from kapital.registry.use_cases.end_staff import EndStaff
from kapital.registry.use_cases.issue_access_token import IssueAccessToken
from kapital.registry.use_cases.register_staff import RegisterStaff
from kapital.registry.use_cases.revoke_access_token import RevokeAccessToken
from tests.registry.conftest import World, kyc_decided
from tests.registry.people import ADMIN, AUDITOR, ONBOARDER, as_participant, investor, issuer, staff
from tests.registry.race import race

DAY = timedelta(days=1)


async def issue(world: World, subject_id: UUID, *roles: Role, **changes: object) -> IssuedAccessToken:
    said: dict[str, object] = {
        "command_id": world.command_id(),
        "actor": ADMIN,
        "subject_kind": TokenSubjectKind.PARTICIPANT,
        "subject_id": subject_id,
        "roles": frozenset(roles or {Role.INVESTOR}),
        "expires_at": world.clock.now() + DAY,
    }
    return await world.do.issue_access_token(IssueAccessToken(**(said | changes)))  # type: ignore[arg-type]


async def revoke(world: World, token_id: UUID, actor: Actor = ADMIN) -> None:
    await world.do.revoke_access_token(
        RevokeAccessToken(command_id=world.command_id(), actor=actor, token_id=token_id)
    )


async def employ(world: World, *roles: Role, **changes: object) -> UUID:
    cmd = RegisterStaff(command_id=world.command_id(), actor=ADMIN, roles=frozenset(roles), **changes)  # type: ignore[arg-type]
    return (await world.do.register_staff(cmd)).staff_id


def test_the_text_of_a_token_is_fixed() -> None:
    assert token_text(bytes(range(32))) == "kpt_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


@pytest.mark.parametrize("alone", [Role.ADMIN, Role.AUDITOR, Role.REGULATOR])
def test_some_roles_admit_no_other(alone: Role) -> None:
    require_compatible(frozenset({alone}))
    for other in STAFF_ROLES - {alone}:
        with pytest.raises(StaffRolesIncompatible):
            require_compatible(frozenset({alone, other}))


def test_an_issuer_may_also_sign_and_an_investor_only_invests() -> None:
    assert roles_open_to(frozenset({ParticipantRole.ISSUER})) == {Role.ISSUER, Role.ISSUER_SIGNATORY}
    assert roles_open_to(frozenset({ParticipantRole.INVESTOR})) == {Role.INVESTOR}


async def test_a_token_opens_as_its_subject_with_its_roles(world: World) -> None:
    [issuer_id] = await world.registered(issuer(1))
    staff_id = await employ(world, Role.AML_OFFICER, Role.COMPLIANCE)

    of_issuer = await issue(world, issuer_id, Role.ISSUER_SIGNATORY)
    of_staff = await issue(world, staff_id, Role.AML_OFFICER, subject_kind=TokenSubjectKind.STAFF)

    assert re.fullmatch(r"kpt_[A-Za-z0-9_-]{43}", of_issuer.token or "")
    assert await world.verifier.verify(of_issuer.token or "") == Actor(
        id=str(issuer_id), participant_id=issuer_id, roles=frozenset({Role.ISSUER_SIGNATORY})
    )
    assert await world.verifier.verify(of_staff.token or "") == Actor(
        id=str(staff_id), participant_id=None, roles=frozenset({Role.AML_OFFICER})
    )


async def test_the_secret_is_kept_nowhere_and_shown_once(world: World) -> None:
    [participant_id] = await world.registered(investor(1))
    expires_at = world.clock.now() + DAY
    said = {"command_id": CommandId("once"), "expires_at": expires_at}
    first = await issue(world, participant_id, **said)

    second = await issue(world, participant_id, **said)

    assert first.token is not None
    assert second.token is None
    assert second.token_id == first.token_id
    kept = await world.all_texts_outside_participant()
    assert first.token[4:] not in kept
    assert sha256(first.token.encode()).hexdigest() in kept
    assert "registry.access_token_issued" in kept


async def test_the_same_key_for_another_subject_is_refused(world: World) -> None:
    one, other = await world.registered(investor(1), investor(2))
    await issue(world, one, command_id=CommandId("same"))

    with pytest.raises(IdempotencyKeyReused):
        await issue(world, other, command_id=CommandId("same"))


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"actor": AUDITOR}, NotPermitted),
        ({"lifetime": timedelta(seconds=59)}, TokenLifetimeOutOfRange),
        ({"lifetime": timedelta(days=366, seconds=60)}, TokenLifetimeOutOfRange),
        ({"subject_id": uuid4()}, TokenSubjectNotFound),
        ({"subject_kind": TokenSubjectKind.STAFF}, TokenSubjectNotFound),
        ({"roles": frozenset({Role.INVESTOR, Role.ISSUER})}, TokenRolesExceedSubject),
        ({"roles": frozenset({Role.ADMIN})}, TokenRolesExceedSubject),
    ],
)
async def test_a_token_that_must_not_be_is_refused(world: World, changes: dict, refused: type[Problem]) -> None:
    [participant_id] = await world.registered(investor(1))
    if "lifetime" in changes:
        changes = {"expires_at": world.clock.now() + changes["lifetime"]}

    with pytest.raises(refused):
        await issue(world, changes.pop("subject_id", participant_id), **changes)

    assert await world.rows("SELECT 1 FROM access_token") == []


async def test_an_expired_token_opens_nothing_even_if_just_used(world: World) -> None:
    [participant_id] = await world.registered(investor(1))
    issued = await issue(world, participant_id, expires_at=world.clock.now() + timedelta(minutes=2))
    world.clock.advance(timedelta(seconds=119))
    assert await world.verifier.verify(issued.token or "") is not None

    world.clock.set(issued.expires_at)

    assert await world.verifier.verify(issued.token or "") is None


async def test_a_revoked_token_opens_nothing_at_once_here_and_within_the_bound_elsewhere(world: World) -> None:
    [participant_id] = await world.registered(investor(1))
    issued = await issue(world, participant_id)
    token = issued.token or ""
    elsewhere = DatabaseTokenVerifier(world.database, world.clock)
    assert await world.verifier.verify(token) is not None
    assert await elsewhere.verify(token) is not None

    await revoke(world, issued.token_id)

    assert await world.verifier.verify(token) is None
    world.clock.advance(REVOCATION_BOUND)
    assert await elsewhere.verify(token) is None


async def test_a_token_of_a_rejected_participant_opens_nothing_and_none_is_issued(world: World) -> None:
    [participant_id] = await world.registered(investor(1))
    issued = await issue(world, participant_id)

    await world.hear(kyc_decided(participant_id, "rejected"))

    assert await world.verifier.verify(issued.token or "") is None
    with pytest.raises(TokenSubjectEnded):
        await issue(world, participant_id)


@pytest.mark.parametrize("token", ["", "kpt_", "kpt_" + "A" * 42, "kpt_" + "A" * 44, "A" * 47, "kpt_" + "é" * 43])
async def test_what_cannot_be_a_token_opens_nothing(world: World, token: str) -> None:
    assert await world.verifier.verify(token) is None


async def test_an_unknown_token_opens_nothing_and_is_not_remembered(world: World) -> None:
    assert await world.verifier.verify(token_text(b"\x01" * 32)) is None

    assert not world.verifier._known


async def test_who_may_revoke(world: World) -> None:
    own, other = await world.registered(investor(1), investor(2))
    first, second = await issue(world, own), await issue(world, own)

    with pytest.raises(AccessTokenNotFound):
        await revoke(world, first.token_id, as_participant(other))
    with pytest.raises(AccessTokenNotFound):
        await revoke(world, first.token_id, ONBOARDER)
    await revoke(world, first.token_id, as_participant(own))
    await revoke(world, second.token_id, staff(9, Role.SECURITY))

    with pytest.raises(AccessTokenAlreadyRevoked):
        await revoke(world, first.token_id)
    with pytest.raises(AccessTokenNotFound):
        await revoke(world, uuid4())


async def test_of_two_revocations_at_once_one_is_made(world: World) -> None:
    [participant_id] = await world.registered(investor(1))
    issued = await issue(world, participant_id)

    outcomes = await race(
        world.database,
        "SELECT 1 FROM access_token FOR UPDATE",
        revoke(world, issued.token_id),
        revoke(world, issued.token_id),
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AccessTokenAlreadyRevoked", "NoneType"]


async def test_staff_is_registered_once_and_by_an_administrator(world: World) -> None:
    staff_id = await employ(world, Role.LEGAL)

    with pytest.raises(StaffAlreadyRegistered):
        await employ(world, Role.RISK, staff_id=staff_id)
    with pytest.raises(StaffRolesIncompatible):
        await employ(world, Role.ADMIN, Role.SETTLEMENT)
    with pytest.raises(NotPermitted):
        await world.do.register_staff(
            RegisterStaff(command_id=world.command_id(), actor=ONBOARDER, roles=frozenset({Role.LEGAL}))
        )


async def end(world: World, staff_id: UUID, actor: Actor = ADMIN) -> None:
    await world.do.end_staff(
        EndStaff(command_id=world.command_id(), actor=actor, staff_id=staff_id, basis_reference="Приказ 12-к")
    )


async def test_who_left_has_no_token_and_gets_none(world: World) -> None:
    staff_id = await employ(world, Role.LEGAL)
    said = {"subject_kind": TokenSubjectKind.STAFF}
    tokens = [str((await issue(world, staff_id, Role.LEGAL, **said)).token) for _ in range(2)]
    verifier = DatabaseTokenVerifier(world.database, world.clock)
    assert [(await verifier.verify(token)).id for token in tokens] == [str(staff_id)] * 2

    with pytest.raises(NotPermitted):
        await end(world, staff_id, ONBOARDER)
    with pytest.raises(StaffNotFound):
        await end(world, uuid4())
    await end(world, staff_id)

    assert [await DatabaseTokenVerifier(world.database, world.clock).verify(token) for token in tokens] == [None] * 2
    with pytest.raises(TokenSubjectEnded):
        await issue(world, staff_id, Role.LEGAL, **said)
    with pytest.raises(StaffAlreadyEnded):
        await end(world, staff_id)


async def test_a_token_issued_while_its_member_leaves_does_not_outlive_the_end(world: World) -> None:
    staff_id = await employ(world, Role.LEGAL)

    await race(
        world.database,
        "SELECT 1 FROM staff FOR UPDATE",
        end(world, staff_id),
        issue(world, staff_id, Role.LEGAL, subject_kind=TokenSubjectKind.STAFF),
    )

    assert await world.rows("SELECT 1 FROM access_token WHERE revoked_at IS NULL") == []
