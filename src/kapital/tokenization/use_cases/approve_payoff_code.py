"""Use cases: a version of the payoff code is proposed for new issues by one person and approved by another."""

from dataclasses import dataclass

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain.evaluator import EVALUATORS, PayoffCodeUnknown, find_evaluator
from kapital.tokenization.domain.payoff_code import (
    PayoffCode,
    PayoffCodeMustBeApproved,
    PayoffCodeMustBeNew,
    PayoffCodeNotProposed,
    PayoffCodeState,
)
from kapital.tokenization.domain.terms import IssuanceTerms
from kapital.tokenization.ports import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposePayoffCode:
    """`document_sha256` is the report of the examination; `reason` names no person."""

    command_id: CommandId
    actor: Actor
    code_sha256: str
    reason: str
    document_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidePayoffCode:
    """`proposal_sha256` is the proposal that the second person saw."""

    command_id: CommandId
    actor: Actor
    code_sha256: str
    proposal_sha256: str
    approve: bool


async def propose_payoff_code(cmd: ProposePayoffCode, *, parts: Parts) -> PayoffCode:
    """Propose that a version which is in this build may compute new issues.

    Law: domain.md 4, scenario 65. Raises: NotPermitted, IdempotencyKeyReused, PayoffCodeUnknown, PayoffCodeMustBeNew.
    """
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=PayoffCode)
        tx.access.require(cmd.actor, "propose_payoff_code")
        here = next((one for one in EVALUATORS if one.code_sha256 == cmd.code_sha256), None)
        if here is None:
            raise PayoffCodeUnknown(facts={"code_sha256": cmd.code_sha256})
        code = PayoffCode(
            proposal_id=new_uuid7(),
            code_sha256=cmd.code_sha256,
            evaluator_version=here.version,
            state=PayoffCodeState.PROPOSED,
            version=1,
            reason=cmd.reason,
            document_sha256=cmd.document_sha256,
            proposed_by=cmd.actor.id,
            proposed_at=tx.now,
        )
        if not await parts.payoff_codes.add(tx.conn, code):
            kept = await parts.payoff_codes.find(tx.conn, cmd.code_sha256)
            state = "" if kept is None else kept.state.value
            raise PayoffCodeMustBeNew(facts={"code_sha256": cmd.code_sha256, "state": state})
        await _audit(tx, parts, cmd.actor, "proposed", code)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(code))
        return code


async def decide_payoff_code(cmd: DecidePayoffCode, *, parts: Parts) -> PayoffCode:
    """Approve or reject what another person proposed. After a rejection the version may be proposed again.

    Law: domain.md 4, scenario 65 (2E, in the audit).
    Raises: NotPermitted, IdempotencyKeyReused, PayoffCodeNotProposed, WrongState, MakerAndCheckerMustDiffer,
    ProposalMustMatch.
    """
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=PayoffCode)
        tx.access.require(cmd.actor, "decide_payoff_code")
        code = await parts.payoff_codes.lock(tx.conn, cmd.code_sha256)
        if code is None:
            raise PayoffCodeNotProposed(facts={"code_sha256": cmd.code_sha256})
        after, step = code.decided(approve=cmd.approve, seen=cmd.proposal_sha256, by=cmd.actor.id, at=tx.now)
        await parts.payoff_codes.save(tx.conn, after)
        await _audit(tx, parts, cmd.actor, step.on, after, before=code)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(after))
        return after


async def require_code_approved(tx: Transaction, parts: Parts, terms: IssuanceTerms) -> None:
    """Return if two persons approved the version that would compute these terms. Raises: PayoffCodeMustBeApproved.

    Not: for an issue that is published; its version was usable then and computes it for life.
    """
    evaluator = find_evaluator(terms)
    if evaluator is None:
        return  # a fault of the terms, which the validator tells
    code = await parts.payoff_codes.find(tx.conn, evaluator.code_sha256)
    if code is None or code.state is not PayoffCodeState.APPROVED:
        raise PayoffCodeMustBeApproved(
            facts={"code_sha256": evaluator.code_sha256, "evaluator_version": evaluator.version}
        )


async def _audit(
    tx: Transaction, parts: Parts, actor: Actor, on: str, code: PayoffCode, *, before: PayoffCode | None = None
) -> None:
    await tx.audit.append(
        f"tokenization.payoff_code_{on}",
        code.proposal_id,
        actor,
        basis={
            "rule_book_version": parts.rule_book_version,
            "code_sha256": code.code_sha256,
            "document_sha256": code.document_sha256,
            "proposal_sha256": code.proposal_sha256,
            "reason": code.reason,
        },
        before=None if before is None else {"state": before.state.value, "version": before.version},
        after={"state": code.state.value, "version": code.version},
    )
