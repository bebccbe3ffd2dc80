"""Use case: one person proposes to let a break be, with the reason; another has to approve exactly that."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import fingerprint
from kapital.settlement.contract_forms import shown_break
from kapital.settlement.domain.break_problems import BreakMustBeOpen, BreakNotFound
from kapital.settlement.domain.breaks import BREAK, BreakState
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.two_persons import permit


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeBreakResolution:
    """`reason`: 1 to 500 characters, without personal data; `document_sha256`: the paper that says so."""

    command_id: CommandId
    actor: Actor
    break_id: UUID
    reason: str
    document_sha256: str | None = None


async def propose_break_resolution(cmd: ProposeBreakResolution, parts: Parts) -> contract.Break:
    """Propose; the break goes on stopping withdrawals until another person approves.

    Law: Civil Code art. 860.1–860.6 (whose the money is does not change by it).
    Raises: IdempotencyKeyReused, NotPermitted, BreakNotFound, BreakMustBeOpen.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.Break)
        found = await parts.breaks.lock(tx.conn, cmd.break_id)
        await permit(tx, parts, cmd.actor, "propose_break_resolution", "Break", cmd.break_id)
        if found is None:
            raise BreakNotFound(facts={"break_id": str(cmd.break_id)})
        if found.state is not BreakState.OPEN:
            raise BreakMustBeOpen(facts={"state": found.state.value})
        proposed = msgspec.structs.replace(
            found,
            state=BREAK.step(found.state, "resolution_proposed").target,
            proposed_by=cmd.actor.id,
            proposed_at=tx.now,
            reason=cmd.reason,
            document_sha256=cmd.document_sha256,
        )
        await parts.breaks.save(tx.conn, proposed)
        told = shown_break(proposed, tx.now)
        await tx.audit.append(
            "settlement.break_resolution_proposed",
            found.break_id,
            cmd.actor,
            basis={"resolution_sha256": proposed.resolution_sha256, "document_sha256": cmd.document_sha256},
            before={"state": found.state.value},
            after={"state": proposed.state.value, "difference_kopecks": found.difference_kopecks},
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(told))
    return told
