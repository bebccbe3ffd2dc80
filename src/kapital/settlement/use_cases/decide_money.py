"""Use case: another person decides on exactly what is proposed about money; the tick carries out what is left."""

from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import InvariantBroken
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.contract_forms import shown_decision
from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET
from kapital.settlement.domain.money_decision import (
    MONEY_DECISION,
    MoneyDecision,
    MoneyDecisionKind,
    MoneyDecisionState,
)
from kapital.settlement.domain.money_decision_problems import (
    MoneyDecisionMustBeOpen,
    MoneyDecisionMustMatch,
    MoneyDecisionNotFound,
)
from kapital.settlement.domain.payout_account import ReturnToPayer
from kapital.settlement.domain.states import WithdrawalState
from kapital.settlement.domain.tax import TAX_WALLET
from kapital.settlement.domain.withdrawal import Withdrawal
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.approve_withdrawal import carry_out, is_approval
from kapital.settlement.use_cases.finish_decisions import finish_decisions
from kapital.settlement.use_cases.propose_money_decision import require_awaited
from kapital.settlement.use_cases.refuse_banks import refuse_banks
from kapital.settlement.use_cases.two_persons import Seen, TwoPersons, decide_by_two
from kapital.settlement.use_cases.withdrawal_steps import changed


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideMoney:
    """The decision on exactly what was proposed (`content_sha256`)."""

    command_id: CommandId
    actor: Actor
    decision_id: UUID
    content_sha256: str
    approve: bool


def _seen(decision: MoneyDecision) -> Seen:
    is_open = decision.state is MoneyDecisionState.PROPOSED
    return Seen(decision.state, is_open, decision.proposed_by, decision.content_sha256)


_RULE: Final = TwoPersons(
    action="decide_money",
    kind="MoneyDecision",
    told=contract.MoneyDecision,
    seen=_seen,
    not_found=lambda _: MoneyDecisionNotFound(),
    not_open=MoneyDecisionMustBeOpen,
    not_same=MoneyDecisionMustMatch,
)


async def decide_money(cmd: DecideMoney, parts: Parts) -> contract.MoneyDecision:
    """Approve or reject. What is approved is carried out at once where no bank is asked, else by the tick.

    Whether a withdrawal that awaits approval is released or turned down is done in the transaction of the approval.

    Promise: money moves once however often it is tried; what neither register nor bank takes ends FAILED, and the
    money lies where it lay.
    Raises: IdempotencyKeyReused, NotPermitted, MoneyDecisionNotFound, MoneyDecisionMustBeOpen,
    MakerAndCheckerMustDiffer, MoneyDecisionMustMatch, MoneyMustAwaitDecision.
    """
    told = await decide_by_two(
        _RULE,
        cmd,
        parts,
        about=cmd.decision_id,
        content_sha256=cmd.content_sha256,
        lock=parts.decisions.lock,
        effect=partial(_decide, cmd, parts),
    )
    if told.state is contract.MoneyDecisionState.approved and told.new_withdrawal_id is UNSET:
        await finish_decisions(parts)
    return told


async def _decide(cmd: DecideMoney, parts: Parts, tx: Transaction, decision: MoneyDecision) -> contract.MoneyDecision:
    state = MONEY_DECISION.step(decision.state, "approve" if cmd.approve else "reject").target
    leaving = None
    if cmd.approve and is_approval(decision.kind):
        await carry_out(parts, tx, decision, cmd.actor)
        state = MONEY_DECISION.step(state, "money_moved").target
    elif cmd.approve:
        leaving = await _leaving(parts, tx, decision)
    decided = msgspec.structs.replace(
        decision,
        state=state,
        decided_by=cmd.actor.id,
        decided_at=tx.now,
        new_withdrawal_id=leaving.withdrawal_id if leaving else None,
    )
    if leaving is not None:
        await parts.withdrawals.add(tx.conn, [leaving], command_id=str(decision.decision_id), now=tx.now)
        await tx.outbox.add(changed(leaving, WithdrawalState.REQUESTED))
        await refuse_banks(parts, tx, [leaving])
    await parts.decisions.decide(tx.conn, decided)
    await tx.audit.append(
        "settlement.money_decided",
        decision.decision_id,
        cmd.actor,
        basis={"content_sha256": decision.content_sha256},
        before={"state": decision.state.value},
        after={"state": decided.state.value},
    )
    return shown_decision(decided)


async def _leaving(parts: Parts, tx: Transaction, decision: MoneyDecision) -> Withdrawal | None:
    """The withdrawal by which the money leaves; None where it stays in the register."""
    if decision.budget is not None:
        return Withdrawal(
            withdrawal_id=new_uuid7(),
            requested_by=decision.proposed_by,
            item=0,
            wallet_id=TAX_WALLET,
            amount_kopecks=decision.budget.amount_kopecks,
            payout_account=decision.budget,
            state=WithdrawalState.REQUESTED,
        )
    subject = await require_awaited(parts, tx, decision)
    if decision.kind is MoneyDecisionKind.OWNER_FOUND:
        return None
    if isinstance(subject, Withdrawal):
        if decision.payout_account is None:
            raise InvariantBroken("a payment to new details names them")
        return msgspec.structs.replace(
            subject,
            withdrawal_id=new_uuid7(),
            requested_by=decision.proposed_by,
            item=0,
            payout_account=decision.payout_account,
            state=WithdrawalState.REQUESTED,
            reason=None,
            entry_seq=None,
        )
    bank_id, kopecks = subject
    return Withdrawal(
        withdrawal_id=new_uuid7(),
        requested_by=decision.proposed_by,
        item=0,
        wallet_id=UNIDENTIFIED_WALLET,
        amount_kopecks=kopecks,
        payout_account=ReturnToPayer(bank_id=bank_id),
        state=WithdrawalState.REQUESTED,
    )
