"""Use case: a holder puts units or accepts an offer to buy back; the units are locked before the answer."""

from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import Problem
from kapital.platform.access import Resource
from kapital.platform.acts.form import SignedAct, Wording
from kapital.platform.acts.policy import ActKind
from kapital.platform.acts.records import keep_acts
from kapital.platform.ids import new_uuid7
from kapital.platform.problems import IdempotencyKeyReused
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain.act_texts import TEXT_VERSION
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.early import BY_HOLDERS
from kapital.tokenization.domain.early_actions import early_of
from kapital.tokenization.domain.early_texts import instruction_command, instruction_text
from kapital.tokenization.domain.investor import why_orders_stay
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.problems import (
    IssuerMustNotAcquire,
    LedgerRefused,
    ParticipantMustBeActive,
    WalletMustBeOpen,
)
from kapital.tokenization.domain.problems_early import (
    ActionNotFound,
    InstructionWindowMustBeOpen,
    IssueMustCirculate,
    UnitsMustBeAvailable,
    UnitsMustNotBeLocked,
)
from kapital.tokenization.domain.redemption_instruction import Instruction, InstructionState
from kapital.tokenization.domain.states import ActionState, IssueState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.acts import authorise_command
from kapital.tokenization.use_cases.instruction_records import decide_instructions

_REFUSALS: dict[str, type[Problem]] = {
    problem.code: problem
    for problem in (InstructionWindowMustBeOpen, ParticipantMustBeActive, UnitsMustBeAvailable, UnitsMustNotBeLocked)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructRedemption:
    """`action_id` is a put or an offer to buy back; `units` are the holder's own."""

    command_id: CommandId
    actor: Actor
    action_id: UUID
    units: int
    signed_act: SignedAct | None = None


async def wording_of_instruction(conn: AsyncConnection, parts: Parts, action_id: UUID, units: int) -> Wording:
    """What the holder signs. What it says of action and issue never changes."""
    found = (await parts.actions.read(conn, [action_id])).get(action_id)
    action = found if found is not None and found.kind in BY_HOLDERS else None
    issues = await parts.issues.read(conn, [action.issue_id] if action else [])
    return Wording(
        kind=ActKind.INSTRUCT_REDEMPTION,
        command=instruction_command(action_id, units),
        text=instruction_text(action_id, units, action, issues.get(action.issue_id) if action else None),
        text_version=TEXT_VERSION,
    )


async def instruct_redemption(cmd: InstructRedemption, *, parts: Parts) -> Instruction:
    """Keep the instruction, lock its units in the register, answer when they are locked.

    Law: 259-FZ art. 4 (a record on the holder's instruction); domain.md 3.6, scenario 38: what is put is not sold.
    Promise: a repeat after a crash at any line goes on with the same instruction and the same entry.
    Raises: NotPermitted, IdempotencyKeyReused, refusals of acts, ActionNotFound, IssueMustCirculate,
    InstructionWindowMustBeOpen, ParticipantMustBeActive, WalletMustBeOpen, IssuerMustNotAcquire; after the register
    refused, and nothing is locked: UnitsMustBeAvailable, UnitsMustNotBeLocked, ParticipantMustBeActive,
    InstructionWindowMustBeOpen, LedgerRefused.
    """
    mark = fingerprint(cmd)
    async with parts.database.connect() as conn:
        wording = await wording_of_instruction(conn, parts, cmd.action_id, cmd.units)
    act = await authorise_command(parts, cmd.actor, cmd.command_id, mark, wording, cmd.signed_act)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=Instruction)
        instruction = await parts.instructions.of_command(tx.conn, cmd.actor.id, cmd.command_id)
        if instruction is None:
            instruction = await _keep_asked(tx, parts, cmd, mark, act.file_sha256 if act else None)
            await keep_acts(tx.conn, [act] if act else [])
        elif instruction.fingerprint != mark:
            raise IdempotencyKeyReused
    decided = (await decide_instructions([instruction.instruction_id], parts=parts))[instruction.instruction_id]
    if decided.state is InstructionState.REFUSED:
        raise _refusal(decided)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=Instruction)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(decided))
    return decided


async def _keep_asked(
    tx: Transaction, parts: Parts, cmd: InstructRedemption, mark: str, act_file_sha256: str | None
) -> Instruction:
    owner = cmd.actor.participant_id
    tx.access.require(cmd.actor, "instruct_redemption", Resource("RedemptionInstruction", owner=owner))
    action, issue = await lock_action(tx, parts, cmd.action_id)
    wallet_id = await _require_open(tx, parts, owner, action, issue)
    instruction = Instruction(
        instruction_id=new_uuid7(),
        action_id=action.action_id,
        issue_id=action.issue_id,
        participant_id=UUID(str(owner)),
        wallet_id=wallet_id,
        units=cmd.units,
        state=InstructionState.ASKED,
        version=1,
        actor_id=cmd.actor.id,
        command_id=cmd.command_id,
        fingerprint=mark,
        created_at=tx.now,
        act_file_sha256=act_file_sha256,
    )
    if not await parts.instructions.add(tx.conn, instruction):
        raise IdempotencyKeyReused
    await tx.audit.append(
        "tokenization.instruction_asked",
        instruction.instruction_id,
        cmd.actor,
        basis={"rule_book_version": parts.rule_book_version, "act_file_sha256": act_file_sha256},
        after={"state": instruction.state.value, "version": 1, "units": instruction.units},
    )
    return instruction


async def lock_action(tx: Transaction, parts: Parts, action_id: UUID) -> tuple[CorporateAction, Issue]:
    """An action that takes instructions, and its issue, both locked. Raises: ActionNotFound."""
    found = await parts.actions.read(tx.conn, [action_id])
    if (known := found.get(action_id)) is None or known.kind not in BY_HOLDERS:
        raise ActionNotFound
    issue = (await parts.issues.lock(tx.conn, [known.issue_id]))[known.issue_id]
    return (await parts.actions.lock(tx.conn, [action_id]))[action_id], issue


async def _require_open(
    tx: Transaction, parts: Parts, owner: UUID | None, action: CorporateAction, issue: Issue
) -> UUID:
    """The holder's wallet, if an instruction may be given now."""
    if issue.state not in (IssueState.CIRCULATING, IssueState.TECHNICAL_DEFAULT):
        raise IssueMustCirculate(facts={"state": issue.state.value})
    # The clock is read with the locks held.
    require_window(action, parts)
    investor = (await parts.investors.read(tx.conn, [owner] if owner else [])).get(owner) if owner else None
    if (problem := why_orders_stay(investor)) is not None:
        raise problem
    if investor is None or investor.wallet_id is None:
        raise WalletMustBeOpen
    if investor.participant_id == issue.issuer_participant_id:
        raise IssuerMustNotAcquire
    return investor.wallet_id


def require_window(action: CorporateAction, parts: Parts) -> None:
    """Return while instructions to the action are taken and withdrawn. Raises: InstructionWindowMustBeOpen."""
    early, now = early_of(action), parts.clock.now()
    if early.open_at is None or early.close_at is None:
        raise ActionNotFound
    # The list waits for the close, so that before it the action is where it was planned.
    if action.state is not ActionState.SCHEDULED or not early.open_at <= now < early.close_at:
        facts = {"open_at": early.open_at.isoformat(), "close_at": early.close_at.isoformat()}
        raise InstructionWindowMustBeOpen(facts=facts)


def _refusal(decided: Instruction) -> Problem:
    code, facts = decided.refusal_code or "", dict(decided.refusal_facts or {})
    if (known := _REFUSALS.get(code)) is not None:
        return known(facts=facts)
    return LedgerRefused(facts={"ledger_code": code, **facts})
