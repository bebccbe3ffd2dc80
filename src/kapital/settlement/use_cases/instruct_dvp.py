"""Use case: a member of staff instructs delivery-versus-payment in a batch, for another person to approve."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.access import Resource
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.settlement.domain.dvp import (
    BatchState,
    DvpBatch,
    DvpInstruction,
    DvpItem,
    DvpLink,
    LinkKind,
    Rail,
    check_items,
    content_sha256_of,
    directed,
)
from kapital.settlement.domain.dvp_problems import DvpLinkRefused, DvpReferenceMustBeNew
from kapital.settlement.domain.escrow_problems import EscrowRailMustBeAgreed
from kapital.settlement.domain.states import DVP, DvpState
from kapital.settlement.dvp_forms import shown_batch
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.barred_purchases import why_barred


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructDvp:
    """Shape: 1 to 1,000 instructions, kept whole or not at all."""

    command_id: CommandId
    actor: Actor
    items: tuple[DvpItem, ...]


async def instruct_dvp(cmd: InstructDvp, parts: Parts) -> contract.DvpBatch:
    """Keep the batch and answer with the hash that the second person approves. Nothing moves yet.

    Raises: IdempotencyKeyReused, NotPermitted, DvpBatchMalformed, EscrowRailMustBeAgreed, IssuerMustBuyBackByOffer,
    TransferMustBeAllowed, DvpLinkRefused, DvpReferenceMustBeNew.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.DvpBatch)
        tx.access.require(cmd.actor, "instruct_dvp", Resource("DvpBatch"))
        check_items(cmd.items, tx.now)
        _require_escrow_agreed(cmd, parts)
        await _require_allowed(cmd, tx, parts)
        batch = DvpBatch(
            batch_id=new_uuid7(),
            content_sha256=content_sha256_of(cmd.items),
            state=BatchState.INSTRUCTED,
            instructions=len(cmd.items),
            instructed_by=cmd.actor.id,
            instructed_at=tx.now,
        )
        instructions = [_kept(item, place, batch) for place, item in enumerate(cmd.items)]
        links = await _links(cmd, instructions, tx, parts)
        if taken := await parts.dvp.add(tx.conn, batch, instructions, links):
            raise DvpReferenceMustBeNew(facts={"taken": taken})
        asked = zip(instructions, cmd.items, strict=True)
        accounts = {one.instruction_id: item.escrow for one, item in asked if item.escrow is not None}
        await parts.escrow.records.add(tx.conn, accounts, tx.now)
        told = shown_batch(batch)
        await tx.audit.append(
            "settlement.dvp_instructed",
            batch.batch_id,
            cmd.actor,
            basis={"content_sha256": batch.content_sha256},
            after={"state": batch.state.value, "instructions": batch.instructions},
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(told))
    return told


def _require_escrow_agreed(cmd: InstructDvp, parts: Parts) -> None:
    """Raises: EscrowRailMustBeAgreed."""
    if parts.escrow.bank is None:
        for place, item in enumerate(cmd.items):
            if item.rail is Rail.ESCROW:
                raise EscrowRailMustBeAgreed(facts={"item": place})


async def _require_allowed(cmd: InstructDvp, tx: Transaction, parts: Parts) -> None:
    """Raises: IssuerMustBuyBackByOffer, TransferMustBeAllowed."""
    barred = await why_barred(tx.conn, parts, {(item.asset_id, item.buyer_wallet_id) for item in cmd.items})
    for place, item in enumerate(cmd.items):
        if (problem := barred.get((item.asset_id, item.buyer_wallet_id))) is not None:
            raise problem(facts={"item": place})


def _kept(item: DvpItem, place: int, batch: DvpBatch) -> DvpInstruction:
    asked = {name: getattr(item, name) for name in DvpItem.__struct_fields__ if name not in {"links", "escrow"}}
    return DvpInstruction(
        **asked,
        instruction_id=new_uuid7(),
        batch_id=batch.batch_id,
        item=place,
        state=DvpState.NEW,
        changed_at=batch.instructed_at,
    )


async def _links(
    cmd: InstructDvp, instructions: list[DvpInstruction], tx: Transaction, parts: Parts
) -> list[DvpLink]:
    own = {one.reference: one for one in instructions}
    named = {link.reference for item in cmd.items for link in item.links}
    known = {one.reference: one for one in await parts.dvp.by_reference(tx.conn, named - own.keys())}
    return [
        linked(link.kind, own[item.reference], link.reference, own | known)
        for item in cmd.items
        for link in item.links
    ]


def linked(kind: LinkKind, one: DvpInstruction, reference: str, known: Mapping[str, DvpInstruction]) -> DvpLink:
    """The link as it is kept. Raises: DvpLinkRefused (reason: not_found, has_ended, rails_differ)."""
    other = known.get(reference)
    if other is None:
        reason = "not_found"
    elif one.state in DVP.terminal or (other.state in DVP.terminal and kind is not LinkKind.AFTER):
        reason = "has_ended"
    elif kind is LinkKind.WITH and not one.rail is other.rail is Rail.NOMINAL:
        reason = "with_is_of_the_nominal_rail"
    else:
        return directed(kind, one.instruction_id, other.instruction_id)
    raise DvpLinkRefused(facts={"reason": reason, "reference": reference})
