"""Use case: declare that a key is in other hands."""

from dataclasses import dataclass
from uuid import UUID

from kapital.custody.domain.key import Key
from kapital.custody.ports import Keys
from kapital.custody.use_cases.change_key import change_key
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportCompromise:
    """There is no way back from this."""

    command_id: CommandId
    actor: Actor
    key_id: UUID
    reason: str


async def report_compromise(cmd: ReportCompromise, *, uow: UnitOfWork, keys: Keys) -> Key:
    """Move an active or suspended key to COMPROMISED; it can then only be revoked.

    Raises: IdempotencyKeyReused, KeyNotFound, NotPermitted, WrongState, ReasonMalformed.
    """

    def decide(key: Key) -> Key:
        return key.stepped("compromise_found")

    return await change_key(cmd, "report_compromise", "key_compromise_found", decide, uow=uow, keys=keys)
