"""Use case: one person proposes what becomes of money; another has to approve exactly that."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.access import Resource
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.settlement.contract_forms import shown_decision
from kapital.settlement.domain.budget_payment import BudgetPayment
from kapital.settlement.domain.money_decision import MoneyDecision, MoneyDecisionKind, MoneyDecisionState
from kapital.settlement.domain.money_decision_problems import MoneyDecisionMalformed, MoneyMustAwaitDecision
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.states import IncomingState, WithdrawalState
from kapital.settlement.domain.withdrawal import Withdrawal
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.approve_withdrawal import awaiting, is_approval


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeMoneyDecision:
    """What is proposed; see `MoneyDecision`."""

    command_id: CommandId
    actor: Actor
    kind: MoneyDecisionKind
    payment_id: UUID | None
    withdrawal_id: UUID | None
    wallet_id: UUID | None
    payout_account: PayoutAccount | None
    basis: str
    document_sha256: str | None
    budget: BudgetPayment | None = None


async def propose_money_decision(cmd: ProposeMoneyDecision, parts: Parts) -> contract.MoneyDecision:
    """Keep a proposal; no money moves. Scenarios 10, 16.

    Whether so much tax was withheld says the register when it is locked, after the second person.

    Raises: IdempotencyKeyReused, NotPermitted, MoneyDecisionMalformed, PayoutAccountMalformed,
    PayoutAccountKeyMustMatch, MoneyMustAwaitDecision, MakerAndCheckerMustDiffer.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.MoneyDecision)
        tx.access.require(cmd.actor, "propose_money_decision", Resource("MoneyDecision"))
        decision = MoneyDecision(
            decision_id=new_uuid7(),
            kind=cmd.kind,
            payment_id=cmd.payment_id,
            withdrawal_id=cmd.withdrawal_id,
            wallet_id=cmd.wallet_id,
            payout_account=cmd.payout_account,
            basis=cmd.basis,
            document_sha256=cmd.document_sha256,
            state=MoneyDecisionState.PROPOSED,
            proposed_by=cmd.actor.id,
            proposed_at=tx.now,
            budget=cmd.budget,
        )
        decision.require_whole()
        if is_approval(decision.kind):
            await awaiting(parts, tx, decision, cmd.actor)
        elif decision.budget is None:
            await require_awaited(parts, tx, decision)
        if not await parts.decisions.add(tx.conn, decision):
            raise MoneyMustAwaitDecision(facts={"state": "decision_is_open"})
        told = shown_decision(decision)
        await tx.audit.append(
            "settlement.money_decision_proposed",
            decision.decision_id,
            cmd.actor,
            basis={"document_sha256": decision.document_sha256},
            after={"kind": decision.kind.value, "content_sha256": decision.content_sha256},
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(told))
    return told


async def require_awaited(parts: Parts, tx: Transaction, decision: MoneyDecision) -> Withdrawal | tuple[str, int]:
    """The subject, if something is to be decided about it: the withdrawal, or the bank's id and kopecks."""
    if decision.withdrawal_id is not None:
        wanted = await parts.withdrawals.list_sendable(tx.conn, [decision.withdrawal_id], WithdrawalState.RE_CREDITED)
        if not wanted or not isinstance(wanted[0].payout_account, PayoutAccount):
            raise MoneyMustAwaitDecision(facts={"state": "not_re_credited"})
        return wanted[0]
    found = await parts.decisions.payment(tx.conn, decision.payment_id) if decision.payment_id else None
    if found is None or found[0] is not IncomingState.UNIDENTIFIED:
        raise MoneyMustAwaitDecision(facts={"state": found[0].value if found else "unknown"})
    if decision.wallet_id is not None and not await parts.beneficiaries.owners(tx.conn, [decision.wallet_id]):
        raise MoneyDecisionMalformed(facts={"kind": decision.kind.value, "field": "wallet_id"})
    return found[1], found[2]
