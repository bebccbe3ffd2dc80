"""What all changes of a key's state share: replay, lock, permit, decide, save, tell."""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

import msgspec

from kapital.custody.domain.events import KEY_STATE_CHANGED, key_state_changed
from kapital.custody.domain.key import Key
from kapital.custody.domain.problems import KeyNotFound
from kapital.custody.domain.profiles import require_reason
from kapital.custody.ports import Keys
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.access import of_row
from kapital.platform.events import Event
from kapital.platform.unit_of_work import UnitOfWork, fingerprint


class ChangeOfKey(Protocol):
    """What each command of this kind carries."""

    @property
    def command_id(self) -> CommandId: ...  # noqa: D102 - its name says it
    @property
    def actor(self) -> Actor: ...  # noqa: D102 - its name says it
    @property
    def key_id(self) -> UUID: ...  # noqa: D102 - its name says it
    @property
    def reason(self) -> str: ...  # noqa: D102 - its name says it


async def change_key(
    cmd: ChangeOfKey, operation: str, action: str, decide: Callable[[Key], Key], *, uow: UnitOfWork, keys: Keys
) -> Key:
    """Ask the access policies about `operation`, apply `decide`, the pure rule, to the locked key and keep it.

    Promise: after the commit no signature of a key that is not active is released, in any process.
    Raises: IdempotencyKeyReused, NotPermitted, KeyNotFound, ReasonMalformed, and what `decide` raises.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=Key)
        before = await keys.lock(tx, cmd.key_id)
        if before is None:
            # Asked all the same: an attempt of who may not is kept, whatever the id.
            tx.access.require(cmd.actor, operation, of_row("Key", cmd.key_id, None), hidden=KeyNotFound)
            raise KeyNotFound(facts={"key_id": str(cmd.key_id)})
        own = cmd.actor.participant_id if before.is_of(cmd.actor.participant_id) else None
        tx.access.require(cmd.actor, operation, of_row("Key", before.key_id, before, owner=own))
        after = decide(before)
        await keys.save(tx, after)
        await tx.audit.append(
            f"custody.{action}",
            cmd.key_id,
            cmd.actor,
            basis={"reason": require_reason(cmd.reason)},
            before={"state": before.state.value, "version": before.version},
            after={"state": after.state.value, "version": after.version},
        )
        if after.state is not before.state:
            await tx.outbox.add(
                Event(
                    type=KEY_STATE_CHANGED,
                    aggregate_id=str(after.key_id),
                    aggregate_version=after.version,
                    data=key_state_changed(after, tx.now),
                )
            )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(after))
        return after
