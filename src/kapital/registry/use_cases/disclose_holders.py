"""Use cases: a nominee holder is asked for whom it holds, names them part by part, or lets the term pass."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor, machine_actor
from kapital.kernel.ids import CommandId, wallet_id_of
from kapital.kernel.problems import ensure
from kapital.kernel.roles import Role
from kapital.ledger.api import MIRROR_POSITIONS, AccountKey, Ledger, Position
from kapital.platform.access import Resource
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint
from kapital.registry.contract_forms import holder_disclosure
from kapital.registry.domain.holder_disclosure import (
    OPEN_MAX,
    PART_LINES_MAX,
    PARTS_MAX,
    DisclosedHolder,
    HolderDisclosure,
    part_sha256,
    require_sound_lines,
    whole_sha256,
)
from kapital.registry.domain.holder_problems import (
    DisclosedIssueNotFound,
    DisclosurePartMissing,
    DisclosuresTooMany,
    HolderDisclosureNotFound,
    OnlyNomineeDiscloses,
)
from kapital.registry.domain.participant import ParticipantRole
from kapital.registry.domain.problems import ParticipantNotFound
from kapital.registry.domain.states import HOLDER_DISCLOSURE
from kapital.registry.ports import HolderDisclosureStore, ParticipantStore
from kapital.registry.use_cases.state_changes import record_of

BATCH_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureParts:
    """What the use cases work with."""

    uow: UnitOfWork
    participants: ParticipantStore
    disclosures: HolderDisclosureStore
    ledger: Ledger
    new_id: Callable[[], UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHolderDisclosure:
    """Ask a nominee for whom it held units of an issue at `as_of`; the answer is owed until `due_at`."""

    command_id: CommandId
    actor: Actor
    participant_id: UUID
    issue_id: UUID
    as_of: datetime
    due_at: datetime
    basis_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscloseHolders:
    """A part of the answer, 1 to 100, each of up to 1,000 lines. A part sent again takes the place of the former."""

    command_id: CommandId
    actor: Actor
    disclosure_id: UUID
    part: int
    is_last: bool
    holders: tuple[DisclosedHolder, ...]


async def request_holder_disclosure(
    cmd: RequestHolderDisclosure, *, parts: DisclosureParts
) -> contract.HolderDisclosure:
    """Keep the request with what the ledger says the nominee held at the instant.

    The ledger is asked while the transaction is open: it closes the instant for ever, so a repeat finds the same.
    Law: 259-FZ art. 8 [M] (the register of users; a nominee names those for whom it holds on request).
    Raises: IdempotencyKeyReused, NotPermitted, ParticipantNotFound, OnlyNomineeDiscloses, DisclosureTermOutOfRange,
    DisclosuresTooMany, DisclosedIssueNotFound.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.HolderDisclosure)
        nominee = (await parts.participants.lock(tx.conn, [cmd.participant_id])).get(cmd.participant_id)
        tx.access.require(cmd.actor, "request_holder_disclosure", record_of(cmd.participant_id, nominee))
        if nominee is None:
            raise ParticipantNotFound
        if ParticipantRole.NOMINEE not in nominee.roles:
            raise OnlyNomineeDiscloses
        asked = HolderDisclosure(
            disclosure_id=parts.new_id(),
            participant_id=cmd.participant_id,
            issue_id=cmd.issue_id,
            as_of=cmd.as_of,
            due_at=cmd.due_at,
            units_held=0,
            basis_reference=cmd.basis_reference,
            asked_by=cmd.actor.id,
            asked_at=tx.now,
        )
        asked.require_term()
        if await parts.disclosures.count_open(tx.conn, cmd.participant_id) >= OPEN_MAX:
            raise DisclosuresTooMany(facts={"limit": OPEN_MAX})
        if not await parts.ledger.has_asset(cmd.issue_id):
            raise DisclosedIssueNotFound
        asked = replace(asked, units_held=await _held(parts.ledger, asked))
        await parts.disclosures.add(tx.conn, asked)
        basis = {"reference": cmd.basis_reference}
        after = {"participant_id": asked.participant_id, "issue_id": asked.issue_id, "as_of": asked.as_of}
        await tx.audit.append(
            "registry.holder_disclosure_asked", asked.disclosure_id, cmd.actor, basis=basis, after=after
        )
        return await _answer(tx, cmd, mark, asked)


async def disclose_holders(cmd: DiscloseHolders, *, parts: DisclosureParts) -> contract.HolderDisclosure:
    """Keep a part of the answer; with the last one the answer is whole, if it adds up to what the register says.

    Names stay in one table of this database: not in replies, audit, events, the ledger.
    Raises: IdempotencyKeyReused, HolderDisclosureNotFound (also for another's), NotPermitted, WrongState,
    DisclosedHolderMustBeSound, DisclosurePartMissing, DisclosureMustAddUp. A refusal keeps nothing of the part.
    Not: that the nominee tells the truth; whom it names is not screened.
    """
    ensure(1 <= cmd.part <= PARTS_MAX and len(cmd.holders) <= PART_LINES_MAX, "the contract bounds a part")
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.HolderDisclosure)
        one = await parts.disclosures.lock(tx.conn, cmd.disclosure_id)
        version = await parts.disclosures.row_version(tx.conn, cmd.disclosure_id)
        owner = None if one is None else one.participant_id
        whose = Resource("HolderDisclosure", cmd.disclosure_id, version, owner=owner)
        tx.access.require(cmd.actor, "disclose_holders", whose, hidden=HolderDisclosureNotFound)
        if one is None:
            raise HolderDisclosureNotFound
        one.require_open()
        require_sound_lines(cmd.holders)
        sha256 = part_sha256(cmd.holders)
        await parts.disclosures.put_part(
            tx.conn, one.disclosure_id, cmd.part, cmd.holders, sha256=sha256, is_last=cmd.is_last
        )
        if cmd.is_last:
            one = await _whole(tx, parts, one, last=cmd.part)
            await parts.disclosures.save(tx.conn, [one])
        after = {"part": cmd.part, "lines": len(cmd.holders), "state": one.state}
        await tx.audit.append("registry.holders_disclosed", one.disclosure_id, cmd.actor, after=after)
        return await _answer(tx, cmd, mark, one)


async def note_overdue_disclosures(now: datetime, *, parts: DisclosureParts) -> int:
    """Move every request whose term has passed to OVERDUE; return how many. The answer is owed as before.

    Promise: batch by batch, each its own transaction; safe in several processes at once.
    """
    total, actor = 0, machine_actor(Role.SCHEDULER)
    while True:
        async with parts.uow.begin() as tx:
            due = await parts.disclosures.lock_due(tx.conn, now=now, limit=BATCH_MAX)
            overdue = [replace(one, state=HOLDER_DISCLOSURE.step(one.state, "term_over").target) for one in due]
            await parts.disclosures.save(tx.conn, overdue)
            for one in overdue:
                await tx.audit.append("registry.holder_disclosure_overdue", one.disclosure_id, actor)
        if not due:
            return total
        total += len(due)


async def _held(ledger: Ledger, asked: HolderDisclosure) -> int:
    """The units in the nominee's wallet at the instant, in whatever position."""
    wallet = wallet_id_of(asked.participant_id)
    keys = [AccountKey(asked.issue_id, position, wallet) for position in Position if position not in MIRROR_POSITIONS]
    return sum(await ledger.balances_at(keys, size=await ledger.size_at(asked.as_of)))


async def _whole(tx: Transaction, parts: DisclosureParts, one: HolderDisclosure, *, last: int) -> HolderDisclosure:
    totals = await parts.disclosures.totals(tx.conn, one.disclosure_id)
    missing = next((part for part in range(1, last + 1) if part not in totals.parts), None)
    if missing is not None:
        raise DisclosurePartMissing(facts={"part": missing})
    content = whole_sha256([totals.parts[part] for part in sorted(totals.parts)])
    return one.answered(units=totals.units, lines=totals.lines, content_sha256=content, now=tx.now)


async def _answer(
    tx: Transaction, cmd: RequestHolderDisclosure | DiscloseHolders, mark: str, one: HolderDisclosure
) -> contract.HolderDisclosure:
    answer = holder_disclosure(one)
    await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
    return answer
