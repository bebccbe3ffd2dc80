"""Use case: another person decides on a list version that was held."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import identity as contract
from kapital.identity.contract_forms import list_version
from kapital.identity.domain.problems import ListVersionNotFound, ListVersionSuperseded
from kapital.identity.domain.states import ListVersionState
from kapital.identity.ports import ListStore
from kapital.identity.use_cases.load_list import put_in_force, supersede
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.access import Resource
from kapital.platform.unit_of_work import UnitOfWork, fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideListVersion:
    """Approve or reject a held version."""

    command_id: CommandId
    actor: Actor
    version_id: UUID
    approved: bool
    reason: str


async def decide_list_version(cmd: DecideListVersion, *, uow: UnitOfWork, lists: ListStore) -> contract.ListVersion:
    """Put a held version in force, or reject it and forget its entries.

    Law: rules of internal control (115-FZ art. 7 part 2); four eyes by the rule book.
    Raises: IdempotencyKeyReused, NotPermitted, ListVersionNotFound, WrongState, MakerAndCheckerMustDiffer,
    ListVersionSuperseded – in this order of precedence.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.ListVersion)
        # Asked before the lists are waited for: who is refused holds up nobody.
        version_of_row = await lists.row_version(tx.conn, cmd.version_id)
        asked = Resource("ListVersion", cmd.version_id, version_of_row)
        tx.access.require(cmd.actor, "decide_list_version", asked)
        await lists.lock_lists(tx.conn, changing=True)
        version = await lists.find(tx.conn, cmd.version_id)
        if version is None:
            raise ListVersionNotFound(facts={"version_id": str(cmd.version_id)})
        on = "approved" if cmd.approved else "rejected"
        version.decide(on, officer_id=cmd.actor.id, reason=cmd.reason, now=tx.now)
        present = (await lists.in_force(tx.conn)).get(version.source)
        if version.state is ListVersionState.IN_FORCE:
            if present is not None and present.number > version.number:
                raise ListVersionSuperseded(facts={"number": version.number, "in_force": present.number})
            await supersede(present, lists=lists, tx=tx)
            await put_in_force(version, lists=lists, tx=tx)
        else:
            await lists.drop_staged(tx.conn, version.version_id)
            await lists.save(tx.conn, version)
        await tx.audit.append(
            "identity.list_version_decided",
            version.version_id,
            cmd.actor,
            basis={"reason": cmd.reason},
            before={"state": "held"},
            after={"state": version.state},
        )
        answer = list_version(version)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer
