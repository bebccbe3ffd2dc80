"""The public face of custody for services of the same process."""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import UUID

from kapital.custody.adapters.keys import LogLine, SqlKeys
from kapital.custody.adapters.master_key import unlock
from kapital.custody.api import ALGORITHM_ED25519, MACHINE_ACTOR, KeyInfo
from kapital.custody.domain.key import Key
from kapital.custody.domain.messages import require_message_allowed
from kapital.custody.domain.problems import KeyMustBeActive, KeyNotFound, SigningOverloaded
from kapital.custody.domain.profiles import KeyProfile, require_purpose
from kapital.custody.domain.states import KeyState
from kapital.custody.ports import KeyProvider, MadeKey, OpenKey
from kapital.custody.use_cases.generate_key import ensure_key
from kapital.kernel.actor import Actor
from kapital.platform.batcher import Batcher
from kapital.platform.unit_of_work import UnitOfWork

LOG_BATCH_MAX: Final = 1_000
# Below this a thread costs more than the work; above it the event loop would wait noticeably.
_IN_LOOP_BYTES_MAX: Final = 16_384

_DEFAULT_PURPOSE: Final = {
    KeyProfile.ANCHOR: "checkpoint",
    KeyProfile.ISSUER: "act",
    KeyProfile.OPERATOR: "act",
}


class InProcessCustody:
    """Opens keys on first use, keeps them in memory, logs each batch of signatures before releasing it."""

    def __init__(self, uow: UnitOfWork, keys: SqlKeys, data_dir: Path, passphrase: str | None) -> None:
        self._uow, self._keys = uow, keys
        self._data_dir, self._passphrase = data_dir, passphrase
        self._provider: KeyProvider | None = None
        self._unlocking = asyncio.Lock()
        self._open: dict[UUID, OpenKey] = {}
        self._log: Batcher[LogLine, bool] = Batcher(
            self._log_batch, size_max=LOG_BATCH_MAX, overfull=SigningOverloaded
        )

    async def provider(self) -> KeyProvider:
        """The unlocked provider. Raises: as `adapters.master_key.unlock`, at every call until it succeeds."""
        async with self._unlocking:
            if self._provider is None:
                self._provider = await unlock(self._uow, self._data_dir, self._passphrase)
            return self._provider

    async def ensure_key(self, name: str, profile: KeyProfile, *, actor: str = MACHINE_ACTOR) -> KeyInfo:
        """As `Custody.ensure_key`."""
        maker = Actor(id=actor, participant_id=None, roles=frozenset())
        key = await ensure_key(
            name, profile, actor=maker, uow=self._uow, keys=self._keys, provider=await self.provider()
        )
        return _info(key)

    async def key(self, name: str) -> KeyInfo:
        """As `Custody.key`."""
        return _info(await self._require(name))

    async def signer(self, key_name: str, *, purpose: str | None = None, actor: str = MACHINE_ACTOR) -> "KeySigner":
        """As `Custody.signer`."""
        key = await self._require(key_name)
        if key.state is not KeyState.ACTIVE:
            raise _not_active(key.name, key.state.value)
        await self._opened(key)
        purpose = require_purpose(_DEFAULT_PURPOSE[key.profile] if purpose is None else purpose)
        return KeySigner(self, key, purpose, Actor(id=actor, participant_id=None, roles=frozenset()).id)

    async def close(self) -> None:
        """Wait for signatures under way."""
        await self._log.close()

    def forget(self, key_id: UUID) -> None:
        """Drop a private key from memory; called when the key is no longer active."""
        self._open.pop(key_id, None)

    async def sign(self, key: Key, message: bytes, purpose: str, actor: str) -> bytes:
        """Check, log, sign, in this order: a crash leaves a logged signature too many, never one too few."""
        large = len(message) > _IN_LOOP_BYTES_MAX
        if large:
            await asyncio.to_thread(require_message_allowed, key.profile, message)
        else:
            require_message_allowed(key.profile, message)
        private = await self._opened(key)
        line = LogLine(key.key_id, sha256(message).digest(), len(message), purpose, actor)
        if not await self._log.submit(line):
            self.forget(key.key_id)
            raise _not_active(key.name, "not active")
        return await asyncio.to_thread(private.sign, message) if large else private.sign(message)

    async def _log_batch(self, lines: Sequence[LogLine]) -> list[bool]:
        async with self._uow.begin() as tx:
            active = await self._keys.log(tx, lines)
        return [line.key_id in active for line in lines]

    async def _require(self, name: str) -> Key:
        async with self._uow.database.connect() as conn:
            key = await self._keys.find(conn, name)
        if key is None:
            raise KeyNotFound(facts={"name": name[:128]})
        return key

    async def _opened(self, key: Key) -> OpenKey:
        if (private := self._open.get(key.key_id)) is None:
            async with self._uow.database.connect() as conn:
                sealed = await self._keys.read_sealed(conn, key.key_id)
            if sealed is None:
                raise _not_active(key.name, KeyState.REVOKED.value)
            provider = await self.provider()
            private = provider.open(key.name, key.profile, MadeKey(key.public_key, sealed))
            self._open[key.key_id] = private
        return private


class KeySigner:
    """One key, one purpose, one actor."""

    algorithm: Final = ALGORITHM_ED25519

    def __init__(self, custody: InProcessCustody, key: Key, purpose: str, actor: str) -> None:
        self._custody, self._key, self._purpose, self._actor = custody, key, purpose, actor

    @property
    def key_name(self) -> str:
        """Name of the key."""
        return self._key.name

    @property
    def public_key(self) -> bytes:
        """The 32 raw bytes of the public key."""
        return self._key.public_key

    async def sign(self, message: bytes) -> bytes:
        """As `Signer.sign`."""
        return await self._custody.sign(self._key, message, self._purpose, self._actor)


def _not_active(name: str, state: str) -> KeyMustBeActive:
    return KeyMustBeActive(f"the key {name} is not active", {"name": name, "state": state})


def _info(key: Key) -> KeyInfo:
    return KeyInfo(
        name=key.name,
        profile=key.profile,
        algorithm=ALGORITHM_ED25519,
        public_key=key.public_key,
        state=key.state,
        created_at=key.created_at,
        version=key.version,
    )
