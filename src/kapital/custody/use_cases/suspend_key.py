"""Use case: stop a key at once."""

from dataclasses import dataclass
from uuid import UUID

from kapital.custody.domain.key import Key
from kapital.custody.ports import Keys
from kapital.custody.use_cases.change_key import change_key
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendKey:
    """No version: whoever fears for a key stops it as it is."""

    command_id: CommandId
    actor: Actor
    key_id: UUID
    reason: str


async def suspend_key(cmd: SuspendKey, *, uow: UnitOfWork, keys: Keys) -> Key:
    """Suspend an active key; SECURITY, CUSTODY_OFFICER or the issuer whose key it is does it alone.

    Raises: IdempotencyKeyReused, KeyNotFound, NotPermitted, WrongState, ReasonMalformed.
    """

    def decide(key: Key) -> Key:
        return key.stepped("suspended")

    return await change_key(cmd, "suspend_key", "key_suspended", decide, uow=uow, keys=keys)
