"""Use case: end a key for ever."""

from dataclasses import dataclass
from uuid import UUID

from kapital.custody.domain.key import Key
from kapital.custody.ports import Keys
from kapital.custody.use_cases.change_key import change_key
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeKey:
    """Only a suspended or compromised key is revoked, so that nobody ends a working key by one act."""

    command_id: CommandId
    actor: Actor
    key_id: UUID
    version: int
    reason: str


async def revoke_key(cmd: RevokeKey, *, uow: UnitOfWork, keys: Keys) -> Key:
    """Revoke a key and erase its private part; its public key and its log stay.

    Raises: IdempotencyKeyReused, KeyNotFound, NotPermitted, WrongState, StaleVersion, ReasonMalformed.
    """

    def decide(key: Key) -> Key:
        revoked = key.stepped("revoked")
        key.require_version(cmd.version)
        return revoked

    return await change_key(cmd, "revoke_key", "key_revoked", decide, uow=uow, keys=keys)
