"""Use case: make a key and activate it."""

import asyncio
from dataclasses import dataclass

import msgspec

from kapital.custody.domain.events import KEY_STATE_CHANGED, key_state_changed
from kapital.custody.domain.key import Key
from kapital.custody.domain.problems import KeyNameTaken, KeyProfileDiffers
from kapital.custody.domain.profiles import KeyProfile, require_key_name
from kapital.custody.domain.states import KeyState
from kapital.custody.ports import KeyProvider, Keys
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import ensure
from kapital.platform.events import Event
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateKey:
    """Make a key of this name; names are never reused."""

    command_id: CommandId
    actor: Actor
    name: str
    profile: KeyProfile


async def generate_key(cmd: GenerateKey, *, uow: UnitOfWork, keys: Keys, provider: KeyProvider) -> Key:
    """Make a key, lock its private part and activate it.

    The software provider has no ceremony: the key passes GENERATED and is ACTIVE in one transaction.
    Raises: IdempotencyKeyReused, NotPermitted, KeyNameMalformed, KeyNameTaken.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=Key)
        tx.access.require(cmd.actor, "generate_key")
        key = await _make(tx, require_key_name(cmd.name), cmd.profile, cmd.actor, keys, provider)
        if key is None:
            raise KeyNameTaken(facts={"name": cmd.name})
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(key))
        return key


async def ensure_key(
    name: str, profile: KeyProfile, *, actor: Actor, uow: UnitOfWork, keys: Keys, provider: KeyProvider
) -> Key:
    """Return the key of this name, made first if there is none; for the system's own keys.

    Promise: concurrent first calls make one key.
    Raises: KeyNameMalformed, KeyProfileDiffers.
    """
    async with uow.database.connect() as conn:
        key = await keys.find(conn, require_key_name(name))
    if key is None:
        async with uow.begin() as tx:
            key = await _make(tx, name, profile, actor, keys, provider) or await keys.find(tx.conn, name)
    ensure(key is not None, "a name that is taken has a key")
    if key is None or key.profile is not profile:
        raise KeyProfileDiffers(facts={"name": name, "profile": key.profile.value if key else ""})
    return key


async def _make(
    tx: Transaction, name: str, profile: KeyProfile, actor: Actor, keys: Keys, provider: KeyProvider
) -> Key | None:
    made = await asyncio.to_thread(provider.make, name, profile)
    generated = Key(
        key_id=new_uuid7(),
        name=name,
        profile=profile,
        public_key=made.public_key,
        state=KeyState.GENERATED,
        version=1,
        created_at=tx.now,
    )
    active = generated.stepped("activated")
    if not await keys.insert(tx, active, made.sealed):
        return None
    facts = {"name": name, "profile": profile.value, "public_key_hex": made.public_key.hex()}
    await tx.audit.append("custody.key_generated", active.key_id, actor, after=facts | {"state": "generated"})
    await tx.audit.append("custody.key_activated", active.key_id, actor, after=facts | {"state": "active"})
    await tx.outbox.add(
        Event(
            type=KEY_STATE_CHANGED,
            aggregate_id=str(active.key_id),
            aggregate_version=active.version,
            data=key_state_changed(active, tx.now),
        )
    )
    return active
