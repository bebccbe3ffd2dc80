"""Use case: ask for the return of a suspended key, or grant it."""

from dataclasses import dataclass
from uuid import UUID

from kapital.custody.domain.key import Key
from kapital.custody.ports import Keys
from kapital.custody.use_cases.change_key import change_key
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeKey:
    """`version`: the key as the person saw it; the grantor names the version that the request made."""

    command_id: CommandId
    actor: Actor
    key_id: UUID
    version: int
    reason: str


async def resume_key(cmd: ResumeKey, *, uow: UnitOfWork, keys: Keys) -> Key:
    """Record the request of one person; on the call of another, activate the key (domain.md 3.2).

    Raises: IdempotencyKeyReused, KeyNotFound, NotPermitted, WrongState, StaleVersion, PersonMustAct,
    ResumeNeedsAnotherPerson, ReasonMalformed.
    """

    def decide(key: Key) -> Key:
        return key.resumed_by(cmd.actor, cmd.version)

    return await change_key(cmd, "resume_key", "key_resume", decide, uow=uow, keys=keys)
