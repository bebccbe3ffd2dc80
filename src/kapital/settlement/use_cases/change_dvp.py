"""Use cases: hold, release, give a priority to, cancel and link DvP instructions that wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.states import WrongState
from kapital.platform.access import Resource
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.settlement.domain.dvp import (
    BATCH_MAX,
    DvpInstruction,
    LinkKind,
    Rail,
    ending,
)
from kapital.settlement.domain.dvp_problems import DvpBatchMalformed, DvpInstructionNotFound
from kapital.settlement.domain.states import DVP, DvpState
from kapital.settlement.dvp_forms import shown_instruction
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.dvp_told import ended
from kapital.settlement.use_cases.instruct_dvp import linked

CANCELLED: Final = "cancelled"
_WAITS: Final = frozenset({DvpState.NEW, DvpState.PRECHECKED})


class DvpChange(StrEnum):
    """What one person may do with an instruction that waits."""

    HOLD = "hold"
    RELEASE = "release"
    SET_PRIORITY = "set_priority"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDvp:
    """Shape: one change to 1 to 1,000 instructions, made to all or none. `priority` with `set_priority` only."""

    command_id: CommandId
    actor: Actor
    change: DvpChange
    instruction_ids: tuple[UUID, ...]
    priority: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DvpLinkAsked:
    """`instruction_id` settles after, before or with `other_id`."""

    instruction_id: UUID
    kind: LinkKind
    other_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDvp:
    """Shape: 1 to 1,000 links, kept all or none."""

    command_id: CommandId
    actor: Actor
    links: tuple[DvpLinkAsked, ...]


async def change_dvp(cmd: ChangeDvp, parts: Parts) -> contract.DvpInstructionList:
    """Change all of these or none; an instruction that is being settled, or has ended, cannot be changed.

    Cancelled, what a part of is entered keeps that part, and the rest lapses.
    Raises: IdempotencyKeyReused, NotPermitted, DvpBatchMalformed, DvpInstructionNotFound, WrongState.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.DvpInstructionList)
        if (cmd.priority is None) is (cmd.change is DvpChange.SET_PRIORITY):
            raise DvpBatchMalformed(facts={"reason": "priority_goes_with_set_priority"})
        found = await _locked(tx, parts, cmd.actor, "change_dvp_instructions", cmd.instruction_ids)
        await _change(tx, parts, cmd, found)
        told = await _told(tx, parts, found)
        for one in found:
            await tx.audit.append(
                f"settlement.dvp_{cmd.change.value}",
                one.instruction_id,
                cmd.actor,
                before={"state": one.state.value, "is_held": one.is_held, "priority": one.priority},
            )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(told))
    return told


async def _change(tx: Transaction, parts: Parts, cmd: ChangeDvp, found: Sequence[DvpInstruction]) -> None:
    ids = [one.instruction_id for one in found]
    if cmd.change is DvpChange.CANCEL:
        await parts.dvp.move(tx.conn, [ending(one, CANCELLED, CANCELLED) for one in found], tx.now)
        await tx.outbox.add(*ended([(one, CANCELLED) for one in found if one.rail is not Rail.ESCROW]))
        return
    for one in found:
        if one.state not in _WAITS:
            facts = {"state": one.state.value, "on": cmd.change.value, "allowed": ", ".join(DVP.allowed(one.state))}
            raise WrongState(f"only what waits can be changed, and {one.instruction_id} is {one.state.value}", facts)
    if cmd.priority is not None:
        await parts.dvp.set_priority(tx.conn, ids, cmd.priority, tx.now)
    else:
        await parts.dvp.set_held(tx.conn, ids, is_held=cmd.change is DvpChange.HOLD, now=tx.now)


async def link_dvp(cmd: LinkDvp, parts: Parts) -> contract.DvpInstructionList:
    """Keep the links; those kept already stay. Of a circle of AFTER none settles, and all end at their cut-off.

    Raises: IdempotencyKeyReused, NotPermitted, DvpBatchMalformed, DvpInstructionNotFound, WrongState,
    DvpLinkRefused.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.DvpInstructionList)
        if any(link.instruction_id == link.other_id for link in cmd.links):
            raise DvpBatchMalformed(facts={"reason": "link_to_itself"})
        named = tuple(dict.fromkeys(one for link in cmd.links for one in (link.instruction_id, link.other_id)))
        found = await _locked(tx, parts, cmd.actor, "link_dvp_instructions", named, limit=2 * BATCH_MAX)
        by_id = {one.instruction_id: one for one in found}
        by_reference = {one.reference: one for one in found}
        links = []
        for link in cmd.links:
            one, other = by_id[link.instruction_id], by_id[link.other_id]
            # Whoever is to settle with or after another must still wait; what is waited for may be on its way.
            waits = {LinkKind.AFTER: (one,), LinkKind.BEFORE: (other,), LinkKind.WITH: (one, other)}[link.kind]
            for waiting in waits:
                if waiting.state not in _WAITS:
                    raise WrongState(
                        f"only what waits can be linked, and {waiting.instruction_id} is {waiting.state.value}",
                        {"state": waiting.state.value, "on": "link", "allowed": ""},
                    )
            links.append(linked(link.kind, one, other.reference, by_reference))
        await parts.dvp.add_links(tx.conn, links, tx.now)
        told = await _told(tx, parts, found)
        for link in cmd.links:
            await tx.audit.append(
                "settlement.dvp_linked",
                link.instruction_id,
                cmd.actor,
                after={"kind": link.kind.value, "other_id": str(link.other_id)},
            )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(told))
    return told


async def _locked(
    tx: Transaction, parts: Parts, actor: Actor, action: str, ids: tuple[UUID, ...], *, limit: int = BATCH_MAX
) -> list[DvpInstruction]:
    """These instructions, locked, each asked about. Who may not is told so before anything else."""
    if not 1 <= len(ids) <= limit or len(set(ids)) != len(ids):
        raise DvpBatchMalformed(facts={"reason": "count_out_of_range", "count": len(ids), "limit": limit})
    found = await parts.dvp.lock(tx.conn, ids)
    if not found:
        tx.access.require(actor, action, Resource("DvpInstruction"))
    for one in found:
        tx.access.require(actor, action, Resource("DvpInstruction", one.instruction_id, one.row_version))
    if missing := set(ids) - {one.instruction_id for one in found}:
        raise DvpInstructionNotFound(facts={"instruction_id": str(min(missing)), "missing": len(missing)})
    return found


async def _told(tx: Transaction, parts: Parts, found: Sequence[DvpInstruction]) -> contract.DvpInstructionList:
    now = await parts.dvp.lock(tx.conn, [one.instruction_id for one in found])
    return contract.DvpInstructionList(instructions=[shown_instruction(one) for one in now])
