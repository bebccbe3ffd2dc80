"""Signing: logged before released, refused unless active, one round trip for many."""

import asyncio
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import event

from kapital.custody.api import MACHINE_ACTOR, Custody, Signer
from kapital.custody.domain.problems import (
    KeyMustBeActive,
    KeyNameMalformed,
    KeyNotFound,
    KeyProfileDiffers,
    MessageNotAllowedForProfile,
    PurposeMalformed,
)
from kapital.custody.domain.profiles import KeyProfile
from kapital.kernel.canonical import canonical_bytes
from kapital.platform.problems import DatabaseUnavailable
from kapital.verify.signed_note import Algorithm, NoteVerifier
from tests.waiting import until

from .conftest import GUARD, World
from .test_life_of_a_key import suspend
from .test_messages import ACT, CHECKPOINT


def verify(signer: Signer, signature: bytes, message: bytes) -> None:
    Ed25519PublicKey.from_public_bytes(signer.public_key).verify(signature, message)


async def test_keeps_its_public_face(world: World):
    custody: Custody = world.custody
    info = await custody.ensure_key("operator", KeyProfile.OPERATOR)
    signer: Signer = await custody.signer("operator")

    assert (info.name, info.profile, info.algorithm) == ("operator", KeyProfile.OPERATOR, "ed25519")
    assert await custody.key("operator") == info
    assert (signer.key_name, signer.algorithm, signer.public_key) == ("operator", "ed25519", info.public_key)


async def test_a_checkpoint_becomes_a_note_that_others_verify(world: World):
    name = "kapital.example/ledger"
    await world.custody.ensure_key(name, KeyProfile.ANCHOR)
    signer = await world.custody.signer(name)

    signature = await signer.sign(CHECKPOINT)

    NoteVerifier(name, Algorithm.ED25519, signer.public_key).verify(CHECKPOINT.decode(), signature)


async def test_every_signature_is_logged(world: World):
    await world.custody.ensure_key("operator", KeyProfile.OPERATOR)
    signer = await world.custody.signer("operator", purpose="countersign_decision", actor=GUARD.id)

    verify(signer, await signer.sign(ACT), ACT)

    logged = await world.rows("SELECT * FROM signature_log JOIN key USING (key_id)")
    assert [
        (row["name"], row["message_sha256"], row["message_bytes"], row["purpose"], row["actor"]) for row in logged
    ] == [("operator", sha256(ACT).digest(), len(ACT), "countersign_decision", GUARD.id)]


async def test_the_log_is_never_changed(world: World):
    await world.custody.ensure_key("operator", KeyProfile.OPERATOR)
    await (await world.custody.signer("operator")).sign(ACT)

    for statement in ("UPDATE signature_log SET actor = ''", "DELETE FROM signature_log"):
        with pytest.raises(Exception, match="append-only"):
            await world.rows(statement)


async def test_no_signature_is_released_that_could_not_be_logged(world: World):
    await world.custody.ensure_key("operator", KeyProfile.OPERATOR)
    signer = await world.custody.signer("operator")
    refusals = []

    @event.listens_for(world.database.engine.sync_engine, "before_cursor_execute")
    def fail(conn, cursor, statement, *_):
        if "signature_log" in statement:
            refusals.append(statement)
            raise ConnectionError

    with pytest.raises(DatabaseUnavailable):
        await signer.sign(ACT)

    assert len(refusals) == 1


async def test_many_at_once_share_the_writes_and_each_gets_its_own(world: World):
    await world.custody.ensure_key("operator", KeyProfile.OPERATOR)
    await world.custody.ensure_key("issuer/1", KeyProfile.ISSUER)
    signers = [await world.custody.signer(name) for name in ("operator", "issuer/1")]
    messages = [canonical_bytes({"n": n}) for n in range(300)]
    writes = []

    @event.listens_for(world.database.engine.sync_engine, "before_cursor_execute")
    def note(conn, cursor, statement, *_):
        writes.append(statement)

    signatures = await asyncio.gather(*(signers[n % 2].sign(m) for n, m in enumerate(messages)))

    for n, (message, signature) in enumerate(zip(messages, signatures, strict=True)):
        verify(signers[n % 2], signature, message)
    hashes = [bytes(row[0]) for row in await world.rows("SELECT message_sha256 FROM signature_log ORDER BY number")]
    assert sorted(hashes) == sorted(sha256(m).digest() for m in messages)
    assert len(writes) <= 3


async def test_a_suspended_key_refuses_at_once_in_every_process_while_others_sign(world: World):
    await world.custody.ensure_key("operator", KeyProfile.OPERATOR)
    await world.custody.ensure_key("issuer/1", KeyProfile.ISSUER)
    signer = await world.custody.signer("operator")
    other = await world.custody.signer("issuer/1")
    await signer.sign(ACT)

    # Another process suspends: this one still holds the opened key in memory.
    await suspend(world.restart(), "operator")
    results = await asyncio.gather(signer.sign(ACT), other.sign(ACT), return_exceptions=True)

    assert isinstance(results[0], KeyMustBeActive)
    assert results[0].code == "key_must_be_active"
    verify(other, results[1], ACT)
    with pytest.raises(KeyMustBeActive):
        await world.restart().custody.signer("operator")
    assert len(await world.rows("SELECT FROM signature_log")) == 2


async def test_suspension_against_a_storm_of_signatures_leaves_none_after_its_commit(world: World):
    await world.custody.ensure_key("operator", KeyProfile.OPERATOR)
    signer = await world.custody.signer("operator")
    suspended = False

    async def storm() -> list[bool]:
        late = []
        while True:
            began_after = suspended
            try:
                await signer.sign(ACT)
            except KeyMustBeActive:
                return late
            late.append(began_after)

    storms = [asyncio.create_task(storm()) for _ in range(8)]

    async def busy() -> bool:
        [row] = await world.rows("SELECT coalesce(max(number), 0) > 20 AS busy FROM signature_log")
        return bool(row["busy"])

    await until(busy, what="a storm of signatures")
    await suspend(world.restart(), "operator")
    suspended = True

    late = [any(lines) for lines in await asyncio.gather(*storms)]
    assert not any(late)
    state = await world.rows(
        "SELECT (SELECT max(number) FROM signature_log) > 8 AS busy, "
        "(SELECT max(signed_at) FROM signature_log) <= (SELECT changed_at FROM key) + interval '10 s' AS held"
    )
    assert state[0]["busy"]


async def test_refuses_a_message_of_another_profile_and_logs_nothing(world: World):
    await world.custody.ensure_key("kapital.example/ledger", KeyProfile.ANCHOR)
    await world.custody.ensure_key("operator", KeyProfile.OPERATOR)

    for name, message in (("kapital.example/ledger", ACT), ("operator", CHECKPOINT)):
        signer = await world.custody.signer(name)
        with pytest.raises(MessageNotAllowedForProfile):
            await signer.sign(message)
    assert not await world.rows("SELECT FROM signature_log")


async def test_an_unknown_key_refuses(world: World):
    for ask in (world.custody.signer, world.custody.key):
        with pytest.raises(KeyNotFound):
            await ask("nobody")


async def test_a_long_message_is_signed_without_holding_the_loop(world: World):
    await world.custody.ensure_key("operator", KeyProfile.OPERATOR)
    signer = await world.custody.signer("operator")
    message = canonical_bytes({"text": "б" * 120_000})

    verify(signer, await signer.sign(message), message)


async def test_concurrent_first_calls_make_one_key(world: World):
    made = await asyncio.gather(*(world.custody.ensure_key("operator", KeyProfile.OPERATOR) for _ in range(10)))

    assert len({info.public_key for info in made}) == 1
    assert len(await world.rows("SELECT FROM key")) == 1
    assert len(await world.rows("SELECT FROM outbox")) == 1
    audit = await world.rows("SELECT action, actor_id FROM audit_event ORDER BY id")
    assert [tuple(row) for row in audit] == [
        ("custody.key_generated", MACHINE_ACTOR),
        ("custody.key_activated", MACHINE_ACTOR),
    ]


async def test_a_name_belongs_to_one_profile(world: World):
    await world.custody.ensure_key("operator", KeyProfile.OPERATOR)

    with pytest.raises(KeyProfileDiffers):
        await world.custody.ensure_key("operator", KeyProfile.ISSUER)


@pytest.mark.parametrize("name", ["", "Operator", "two words", "a+b", "a\n", "/a", "a" * 129])
async def test_a_name_that_could_break_a_note_is_refused(world: World, name):
    with pytest.raises(KeyNameMalformed):
        await world.custody.ensure_key(name, KeyProfile.OPERATOR)


@pytest.mark.parametrize("purpose", ["", "Two words", "a" * 65, "a\n"])
async def test_a_purpose_that_is_not_a_word_is_refused(world: World, purpose):
    await world.custody.ensure_key("operator", KeyProfile.OPERATOR)

    with pytest.raises(PurposeMalformed):
        await world.custody.signer("operator", purpose=purpose)
