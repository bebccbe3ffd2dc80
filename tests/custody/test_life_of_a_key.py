"""The life of a key: stopped by one person, returned by two, ended for ever (domain.md 3.2)."""

import json
from dataclasses import replace
from uuid import UUID, uuid4

import msgspec
import pytest

from kapital.contracts.custody import EVENT_TYPES
from kapital.custody.domain.key import Key
from kapital.custody.domain.problems import (
    KeyMustBeActive,
    KeyNameTaken,
    KeyNotFound,
    PersonMustAct,
    ReasonMalformed,
    ResumeNeedsAnotherPerson,
)
from kapital.custody.domain.profiles import KeyProfile, issuer_key_name
from kapital.custody.domain.states import KEY_LIFE, KeyState
from kapital.custody.queries.keys import list_keys
from kapital.custody.queries.signatures import list_signatures
from kapital.custody.use_cases.generate_key import GenerateKey
from kapital.custody.use_cases.report_compromise import ReportCompromise
from kapital.custody.use_cases.resume_key import ResumeKey
from kapital.custody.use_cases.revoke_key import RevokeKey
from kapital.custody.use_cases.suspend_key import SuspendKey
from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import StaleVersion
from kapital.kernel.roles import Role
from kapital.kernel.states import WrongState
from kapital.platform.context import bind_context
from kapital.platform.problems import IdempotencyKeyReused

from .conftest import GUARD, OFFICER, OTHER_OFFICER, World, person
from .test_messages import ACT

ISSUER = UUID(int=77)


def command() -> CommandId:
    return CommandId(str(uuid4()))


async def suspend(world: World, name: str, actor: Actor = GUARD) -> Key:
    key_id = await world.key_id(name)
    return await world.do.suspend_key(
        SuspendKey(command_id=command(), actor=actor, key_id=key_id, reason="a lost laptop")
    )


async def resume(world: World, name: str, actor: Actor, version: int) -> Key:
    key_id = await world.key_id(name)
    return await world.do.resume_key(
        ResumeKey(command_id=command(), actor=actor, key_id=key_id, version=version, reason="found again")
    )


@pytest.fixture
async def key(world: World) -> str:
    await world.custody.ensure_key("operator", KeyProfile.OPERATOR)
    return "operator"


class TestResume:
    async def test_two_different_persons_return_a_key(self, world: World, key):
        suspended = await suspend(world, key)

        requested = await resume(world, key, GUARD, suspended.version)
        with pytest.raises(KeyMustBeActive):
            await world.custody.signer(key)
        granted = await resume(world, key, OFFICER, requested.version)

        assert requested.state is KeyState.SUSPENDED
        assert granted.state is KeyState.ACTIVE
        assert await (await world.custody.signer(key)).sign(ACT)

    async def test_one_person_cannot_do_it_alone(self, world: World, key):
        suspended = await suspend(world, key)
        requested = await resume(world, key, OFFICER, suspended.version)

        with pytest.raises(ResumeNeedsAnotherPerson):
            await resume(world, key, OFFICER, requested.version)
        assert (await world.custody.key(key)).state is KeyState.SUSPENDED

    async def test_the_grant_must_name_the_request_it_saw(self, world: World, key):
        suspended = await suspend(world, key)
        await resume(world, key, OFFICER, suspended.version)

        with pytest.raises(StaleVersion):
            await resume(world, key, OTHER_OFFICER, suspended.version)

    async def test_a_request_does_not_outlive_its_suspension(self, world: World, key):
        suspended = await suspend(world, key)
        requested = await resume(world, key, OFFICER, suspended.version)
        await resume(world, key, GUARD, requested.version)

        again = await suspend(world, key)
        requested_again = await resume(world, key, GUARD, again.version)

        assert requested_again.state is KeyState.SUSPENDED

    async def test_a_machine_never_returns_a_key(self, world: World, key):
        machine = Actor(id="machine:scheduler", participant_id=None, roles=frozenset({Role.CUSTODY_OFFICER}))
        suspended = await suspend(world, key)

        with pytest.raises(PersonMustAct):
            await resume(world, key, machine, suspended.version)


class TestEnd:
    async def test_a_revoked_key_has_no_secret_left_and_never_returns(self, world: World, key):
        suspended = await suspend(world, key)
        key_id = suspended.key_id

        revoked = await world.do.revoke_key(
            RevokeKey(command_id=command(), actor=OFFICER, key_id=key_id, version=suspended.version, reason="end")
        )

        assert revoked.state is KeyState.REVOKED
        assert [row["sealed"] for row in await world.rows("SELECT sealed FROM key")] == [None]
        with pytest.raises(WrongState):
            await resume(world, key, OFFICER, revoked.version)
        with pytest.raises(KeyNameTaken):
            await world.do.generate_key(
                GenerateKey(command_id=command(), actor=OFFICER, name=key, profile=KeyProfile.OPERATOR)
            )

    async def test_a_compromised_key_can_only_be_revoked(self, world: World, key):
        key_id = await world.key_id(key)
        found = await world.do.report_compromise(
            ReportCompromise(command_id=command(), actor=GUARD, key_id=key_id, reason="seen elsewhere")
        )

        assert KEY_LIFE.allowed(found.state) == ("revoked",)
        with pytest.raises(KeyMustBeActive):
            await world.custody.signer(key)

    async def test_an_active_key_is_not_revoked_by_one_act(self, world: World, key):
        key_id = await world.key_id(key)

        with pytest.raises(WrongState):
            await world.do.revoke_key(
                RevokeKey(command_id=command(), actor=OFFICER, key_id=key_id, version=1, reason="end")
            )


class TestWho:
    async def test_the_issuer_stops_the_own_key_and_no_other(self, world: World):
        own, other = issuer_key_name(ISSUER), issuer_key_name(UUID(int=78))
        for name in (own, other):
            await world.custody.ensure_key(name, KeyProfile.ISSUER)
        issuer = Actor(id=str(ISSUER), participant_id=ISSUER, roles=frozenset({Role.ISSUER}))

        with pytest.raises(NotPermitted):
            await suspend(world, other, issuer)
        assert (await suspend(world, own, issuer)).state is KeyState.SUSPENDED

    @pytest.mark.parametrize("role", [Role.ADMIN, Role.AUDITOR, Role.LEGAL, Role.INVESTOR])
    async def test_nobody_else_touches_a_key(self, world: World, key, role):
        actor = person(9, role)

        with pytest.raises(NotPermitted):
            await suspend(world, key, actor)
        with pytest.raises(NotPermitted):
            await world.do.generate_key(
                GenerateKey(command_id=command(), actor=actor, name="other", profile=KeyProfile.ISSUER)
            )
        assert (await world.custody.key(key)).state is KeyState.ACTIVE


class TestTrace:
    async def test_a_repeated_command_has_its_effect_once(self, world: World, key):
        key_id = await world.key_id(key)
        cmd = SuspendKey(command_id=command(), actor=GUARD, key_id=key_id, reason="lost")

        first = await world.do.suspend_key(cmd)
        with bind_context() as context:
            second = await world.do.suspend_key(cmd)

        assert second == first
        assert context.noted.replayed
        assert len(await world.rows("SELECT FROM outbox")) == 2
        with pytest.raises(IdempotencyKeyReused):
            await world.do.suspend_key(replace(cmd, reason="another"))

    async def test_every_change_is_told_in_the_form_of_the_contract(self, world: World, key):
        suspended = await suspend(world, key)
        requested = await resume(world, key, GUARD, suspended.version)
        await resume(world, key, OFFICER, requested.version)

        rows = await world.rows("SELECT type, aggregate_version, data::text AS data FROM outbox ORDER BY id")
        told = [msgspec.json.decode(row["data"], type=EVENT_TYPES[row["type"]]) for row in rows]
        assert [event.state for event in told] == ["active", "suspended", "active"]
        assert [row["aggregate_version"] for row in rows] == [2, 3, 5]

    async def test_the_audit_trail_says_who_and_why(self, world: World, key):
        await suspend(world, key)

        rows = await world.rows("SELECT * FROM audit_event WHERE action = 'custody.key_suspended'")
        assert [row["actor_id"] for row in rows] == [GUARD.id]
        assert json.loads(rows[0]["basis"]) == {"reason": "a lost laptop"}
        assert json.loads(rows[0]["before"]) == {"state": "active", "version": 2}
        assert json.loads(rows[0]["after"]) == {"state": "suspended", "version": 3}

    @pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * 501])
    async def test_a_change_without_a_reason_is_refused_and_leaves_no_trace(self, world: World, key, reason):
        key_id = await world.key_id(key)

        with pytest.raises(ReasonMalformed):
            await world.do.suspend_key(SuspendKey(command_id=command(), actor=GUARD, key_id=key_id, reason=reason))
        assert (await world.custody.key(key)).state is KeyState.ACTIVE
        assert len(await world.rows("SELECT FROM audit_event")) == 2

    async def test_an_unknown_key_is_not_found(self, world: World):
        with pytest.raises(KeyNotFound):
            await world.do.suspend_key(
                SuspendKey(command_id=command(), actor=GUARD, key_id=UUID(int=1), reason="lost")
            )


async def test_reads_page_by_name_and_by_number(world: World):
    for name in ("b", "a", "c"):
        await world.custody.ensure_key(name, KeyProfile.OPERATOR)
    signer = await world.custody.signer("a")
    for _ in range(3):
        await signer.sign(ACT)

    async with world.database.connect() as conn:
        names = [key.name for key in await list_keys(conn, after="a", limit=5)]
        newest = await list_signatures(conn, await world.key_id("a"), limit=2)
        rest = await list_signatures(conn, await world.key_id("a"), before=newest[-1].number)

    assert names == ["b", "c"]
    assert [len(newest), len(rest)] == [2, 1]
    assert newest[0].number > newest[1].number > rest[0].number
