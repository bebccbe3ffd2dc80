"""What several operations answer with, in the form of the contract."""

from datetime import datetime

import msgspec

from kapital.contracts import settlement as contract
from kapital.contracts.base import unset_if_none
from kapital.kernel.calendar import russian_calendar
from kapital.kernel.problems import InvariantBroken
from kapital.settlement.domain.breaks import Break, age_business_days, ageing_of
from kapital.settlement.domain.budget_payment import BudgetPayment
from kapital.settlement.domain.money_decision import MoneyDecision
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.reconciliation import Reconciliation
from kapital.settlement.domain.sbp import SbpTopUp
from kapital.settlement.domain.tax_residency import TaxResidency


def account_of(account: contract.PayoutAccount) -> PayoutAccount:
    """An account as the request says it."""
    return PayoutAccount(bic=account.bic, account=account.account)


def budget_of(payment: contract.BudgetPayment | None) -> BudgetPayment | None:
    """A payment to the budget as the request says it."""
    return None if payment is None else BudgetPayment(**msgspec.structs.asdict(payment))


def shown_budget(payment: BudgetPayment | None) -> contract.BudgetPayment | None:
    """A payment to the budget as it is answered."""
    return None if payment is None else contract.BudgetPayment(**msgspec.structs.asdict(payment))


def shown_account(account: PayoutAccount | None) -> contract.PayoutAccount | None:
    """An account as it is answered."""
    return None if account is None else contract.PayoutAccount(bic=account.bic, account=account.account)


def shown(record: TaxResidency) -> contract.TaxResidency:
    """The record as it is answered."""
    return contract.TaxResidency(
        residency_id=record.residency_id,
        participant_id=record.participant_id,
        residency=contract.Residency(record.residency.value),
        valid_from=record.valid_from,
        basis=record.basis,
        document_sha256=unset_if_none(record.document_sha256),
        content_sha256=record.content_sha256,
        state=contract.TaxResidencyState(record.state.value),
        recorded_by=record.recorded_by,
        recorded_at=record.recorded_at,
        decided_by=unset_if_none(record.decided_by),
        decided_at=unset_if_none(record.decided_at),
    )


def shown_break(found: Break, until: datetime) -> contract.Break:
    """A break as it is answered, with its age at `until` or when it was closed."""
    age = age_business_days(found.opened_at, min(found.closed_at or until, until), russian_calendar())
    return contract.Break(
        break_id=found.break_id,
        kind=contract.BreakKind(found.kind.value),
        subject=found.subject,
        difference_kopecks=found.difference_kopecks,
        state=contract.BreakState(found.state.value),
        stands=found.stands,
        opened_at=found.opened_at,
        age_business_days=age,
        ageing=contract.BreakAgeing(ageing_of(age).value),
        message_id=unset_if_none(found.message_id),
        statement=unset_if_none(found.statement),
        line=unset_if_none(found.line),
        bank_id=unset_if_none(found.bank_id),
        payment_id=unset_if_none(found.payment_id),
        withdrawal_id=unset_if_none(found.withdrawal_id),
        entry_seq=unset_if_none(found.entry_seq),
        explained_by=unset_if_none(found.explained_by),
        closed_at=unset_if_none(found.closed_at),
        proposed_by=unset_if_none(found.proposed_by),
        proposed_at=unset_if_none(found.proposed_at),
        reason=unset_if_none(found.reason),
        document_sha256=unset_if_none(found.document_sha256),
        resolution_sha256=unset_if_none(found.resolution_sha256),
        decided_by=unset_if_none(found.decided_by),
    )


def shown_reconciliation(found: Reconciliation) -> contract.Reconciliation:
    """A comparison as it is answered."""
    return contract.Reconciliation(
        reconciliation_id=found.reconciliation_id,
        at=found.at,
        bank_kopecks=found.bank_kopecks,
        beneficiaries_kopecks=found.beneficiaries_kopecks,
        unidentified_kopecks=found.unidentified_kopecks,
        in_transit_kopecks=found.in_transit_kopecks,
        tax_payable_kopecks=found.tax_payable_kopecks,
        difference_kopecks=found.difference_kopecks,
        books_kopecks=unset_if_none(found.books_kopecks),
    )


def shown_top_up(top_up: SbpTopUp, now: datetime) -> contract.SbpTopUp:
    """A top-up whose code is known, as it is shown at this instant."""
    if top_up.qr_id is None or top_up.link is None:
        raise InvariantBroken("a top-up is shown once its code is kept")
    return contract.SbpTopUp(
        top_up_id=top_up.top_up_id,
        wallet_id=top_up.wallet_id,
        amount_kopecks=top_up.amount_kopecks,
        qr_id=top_up.qr_id,
        link=top_up.link,
        expires_at=top_up.expires_at,
        state=contract.SbpTopUpState(top_up.state_at(now).value),
        requested_at=top_up.requested_at,
    )


def shown_decision(decision: MoneyDecision) -> contract.MoneyDecision:
    """A decision about money as it is answered."""
    return contract.MoneyDecision(
        decision_id=decision.decision_id,
        kind=contract.MoneyDecisionKind(decision.kind.value),
        payment_id=unset_if_none(decision.payment_id),
        withdrawal_id=unset_if_none(decision.withdrawal_id),
        wallet_id=unset_if_none(decision.wallet_id),
        payout_account=unset_if_none(shown_account(decision.payout_account)),
        budget=unset_if_none(shown_budget(decision.budget)),
        basis=decision.basis,
        document_sha256=unset_if_none(decision.document_sha256),
        content_sha256=decision.content_sha256,
        state=contract.MoneyDecisionState(decision.state.value),
        reason=unset_if_none(decision.reason),
        new_withdrawal_id=unset_if_none(decision.new_withdrawal_id),
        proposed_by=decision.proposed_by,
        proposed_at=decision.proposed_at,
        decided_by=unset_if_none(decision.decided_by),
        decided_at=unset_if_none(decision.decided_at),
    )
