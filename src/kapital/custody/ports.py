"""What custody needs from outside: a place for keys, and a provider that makes and uses them."""

from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.custody.domain.key import Key
from kapital.custody.domain.profiles import KeyProfile
from kapital.platform.unit_of_work import Transaction


class Keys(Protocol):
    """The keys of this custody."""

    async def insert(self, tx: Transaction, key: Key, sealed: bytes) -> bool:
        """Write a new key; False when the name is taken."""
        ...

    async def lock(self, tx: Transaction, key_id: UUID) -> Key | None:
        """Read and lock a key until the transaction ends, if there is one."""
        ...

    async def save(self, tx: Transaction, key: Key) -> None:
        """Write the next version of a locked key; a revoked key loses its private part."""
        ...

    async def find(self, conn: AsyncConnection, name: str) -> Key | None:
        """The key of this name, or None."""
        ...


class MadeKey(NamedTuple):
    """A fresh key: raw public key, and the private key locked so that only this provider opens it."""

    public_key: bytes
    sealed: bytes


class OpenKey(Protocol):
    """A private key ready to sign."""

    def sign(self, message: bytes) -> bytes:
        """Return the raw signature; takes tens of microseconds for a short message."""
        ...


class KeyProvider(Protocol):
    """Makes and opens keys. Another provider (PKCS#11) keeps a handle in `sealed`."""

    def make(self, name: str, profile: KeyProfile) -> MadeKey:
        """Make a key that can only be opened under the same name and profile."""
        ...

    def open(self, name: str, profile: KeyProfile, key: MadeKey) -> OpenKey:
        """Open a key. Raises: KeyMaterialDamaged."""
        ...


class KeyRing(Protocol):
    """The opened keys of this process."""

    async def provider(self) -> KeyProvider:
        """The unlocked provider. Raises: PassphraseWrong and the other problems of unlocking."""
        ...

    def forget(self, key_id: UUID) -> None:
        """Drop a private key from memory."""
        ...
