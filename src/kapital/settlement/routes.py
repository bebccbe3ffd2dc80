"""HTTP of settlement, bound to contracts/openapi/settlement.yaml; translates and calls, decides nothing."""

from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import settlement as contract
from kapital.contracts.base import given, unset_if_none
from kapital.contracts.common import PreparedAct
from kapital.platform.acts.http import prepared, signed_act
from kapital.platform.http import NO_IDEMPOTENCY_KEY, HttpRequest, actor_of, command_context
from kapital.settlement.contract_forms import account_of, shown_reconciliation
from kapital.settlement.domain.tax import Residency
from kapital.settlement.domain.withdrawal import WithdrawalItem
from kapital.settlement.ports import Parts
from kapital.settlement.queries.access import PAGE_MAX
from kapital.settlement.queries.get_beneficiary import get_beneficiary
from kapital.settlement.queries.list_incoming_payments import list_incoming_payments
from kapital.settlement.queries.list_payouts import list_payouts
from kapital.settlement.queries.list_reconciliations import list_reconciliations
from kapital.settlement.queries.list_tax_residencies import list_tax_residencies
from kapital.settlement.queries.list_withdrawals import get_withdrawal, list_withdrawals
from kapital.settlement.use_cases.decide_tax_residency import DecideTaxResidency, decide_tax_residency
from kapital.settlement.use_cases.reconcile import reconcile
from kapital.settlement.use_cases.record_tax_residency import RecordTaxResidency, record_tax_residency
from kapital.settlement.use_cases.request_withdrawals import (
    PrepareWithdrawalsAct,
    RequestWithdrawals,
    WithdrawalAnswer,
    prepare_withdrawals_act,
    request_withdrawals,
)

Limit = Annotated[int, Parameter(ge=1, le=PAGE_MAX)]


@get("/v1/settlement/beneficiaries/{wallet_id:uuid}")
async def get_beneficiary_route(request: HttpRequest, settlement: Parts, wallet_id: UUID) -> contract.Beneficiary:
    """The top-up code of a wallet and its money by position."""
    async with settlement.uow.database.connect() as conn:
        return await get_beneficiary(conn, settlement.ledger, actor_of(request), wallet_id)


@post("/v1/settlement/withdrawals", status_code=200)
async def request_withdrawals_route(
    request: HttpRequest, settlement: Parts, data: contract.WithdrawalsRequest
) -> contract.WithdrawalsAnswer:
    """Lock money and answer per item."""
    actor, command_id = command_context(request)
    cmd = RequestWithdrawals(
        command_id=command_id,
        actor=actor,
        items=_items(data.withdrawals),
        signed_act=signed_act(given(data.act)),
    )
    answers = await request_withdrawals(cmd, settlement)
    return contract.WithdrawalsAnswer(withdrawals=[_answer(answer) for answer in answers])


@post("/v1/settlement/acts", status_code=200, opt=NO_IDEMPOTENCY_KEY)
async def prepare_withdrawals_act_route(
    request: HttpRequest, settlement: Parts, data: contract.PrepareWithdrawalsActRequest
) -> PreparedAct:
    """The act of withdrawals."""
    cmd = PrepareWithdrawalsAct(
        actor=actor_of(request), idempotency_key=data.idempotency_key, items=_items(data.withdrawals)
    )
    return PreparedAct(**prepared(prepare_withdrawals_act(cmd, settlement)))


def _items(asked: list[contract.WithdrawalItem]) -> tuple[WithdrawalItem, ...]:
    return tuple(
        WithdrawalItem(
            wallet_id=item.wallet_id,
            amount_kopecks=item.amount_kopecks,
            payout_account=account_of(item.payout_account),
        )
        for item in asked
    )


@get("/v1/settlement/withdrawals")
async def list_withdrawals_route(
    request: HttpRequest,
    settlement: Parts,
    in_state: Annotated[contract.WithdrawalState | None, Parameter(query="state")] = None,
    before: UUID | None = None,
    limit: Limit = 100,
) -> contract.WithdrawalPage:
    """A page of withdrawals."""
    async with settlement.uow.database.connect() as conn:
        return await list_withdrawals(conn, actor_of(request), state=in_state, before=before, limit=limit)


@get("/v1/settlement/withdrawals/{withdrawal_id:uuid}")
async def get_withdrawal_route(request: HttpRequest, settlement: Parts, withdrawal_id: UUID) -> contract.Withdrawal:
    """One withdrawal."""
    async with settlement.uow.database.connect() as conn:
        return await get_withdrawal(conn, actor_of(request), withdrawal_id)


@get("/v1/settlement/incoming-payments")
async def list_incoming_payments_route(
    request: HttpRequest,
    settlement: Parts,
    in_state: Annotated[contract.IncomingPaymentState | None, Parameter(query="state")] = None,
    before: UUID | None = None,
    limit: Limit = 100,
) -> contract.IncomingPaymentPage:
    """A page of incoming payments."""
    async with settlement.uow.database.connect() as conn:
        return await list_incoming_payments(conn, actor_of(request), state=in_state, before=before, limit=limit)


@post("/v1/settlement/reconciliations", status_code=200, opt=NO_IDEMPOTENCY_KEY)
async def reconcile_route(request: HttpRequest, settlement: Parts) -> contract.Reconciliation:
    """Compare the bank with the register now."""
    found = await reconcile(actor_of(request), settlement)
    return shown_reconciliation(found)


@get("/v1/settlement/reconciliations")
async def list_reconciliations_route(
    request: HttpRequest, settlement: Parts, before: UUID | None = None, limit: Limit = 100
) -> contract.ReconciliationPage:
    """A page of comparisons."""
    async with settlement.uow.database.connect() as conn:
        return await list_reconciliations(conn, actor_of(request), before=before, limit=limit)


@get("/v1/settlement/beneficiaries/{wallet_id:uuid}/payouts")
async def list_payouts_route(
    request: HttpRequest,
    settlement: Parts,
    wallet_id: UUID,
    before_entry: Annotated[int | None, Parameter(ge=0, le=2**53 - 1)] = None,
    limit: Limit = 100,
) -> contract.PayoutPage:
    """A page of a wallet's payouts."""
    async with settlement.uow.database.connect() as conn:
        return await list_payouts(conn, actor_of(request), wallet_id, before_entry=before_entry, limit=limit)


@post("/v1/settlement/tax-residencies")
async def record_tax_residency_route(
    request: HttpRequest, settlement: Parts, data: contract.TaxResidencyRequest
) -> contract.TaxResidency:
    """Record a residency for another person to confirm."""
    actor, command_id = command_context(request)
    cmd = RecordTaxResidency(
        command_id=command_id,
        actor=actor,
        participant_id=data.participant_id,
        residency=Residency(data.residency.value),
        valid_from=data.valid_from,
        basis=data.basis,
        document_sha256=given(data.document_sha256),
    )
    return await record_tax_residency(cmd, settlement)


@get("/v1/settlement/tax-residencies")
async def list_tax_residencies_route(
    request: HttpRequest,
    settlement: Parts,
    in_state: Annotated[contract.TaxResidencyState | None, Parameter(query="state")] = None,
    before: UUID | None = None,
    limit: Limit = 100,
) -> contract.TaxResidencyPage:
    """A page of records of residency."""
    async with settlement.uow.database.connect() as conn:
        return await list_tax_residencies(
            conn, settlement, actor_of(request), state=in_state, before=before, limit=limit
        )


@post("/v1/settlement/tax-residencies/{residency_id:uuid}/decision", status_code=200)
async def decide_tax_residency_route(
    request: HttpRequest, settlement: Parts, residency_id: UUID, data: contract.TaxResidencyDecision
) -> contract.TaxResidency:
    """Confirm or reject a residency."""
    actor, command_id = command_context(request)
    cmd = DecideTaxResidency(
        command_id=command_id,
        actor=actor,
        residency_id=residency_id,
        content_sha256=data.content_sha256,
        confirm=data.verdict is contract.TaxResidencyVerdict.confirm,
    )
    return await decide_tax_residency(cmd, settlement)


def _answer(answer: WithdrawalAnswer) -> contract.WithdrawalAnswer:
    return contract.WithdrawalAnswer(
        outcome=contract.WithdrawalOutcome(answer.outcome),
        withdrawal_id=unset_if_none(answer.withdrawal_id),
        code=unset_if_none(answer.code),
        detail=unset_if_none(answer.detail),
    )


HANDLERS = (
    get_beneficiary_route,
    prepare_withdrawals_act_route,
    request_withdrawals_route,
    list_withdrawals_route,
    get_withdrawal_route,
    list_incoming_payments_route,
    reconcile_route,
    list_reconciliations_route,
    list_payouts_route,
    record_tax_residency_route,
    list_tax_residencies_route,
    decide_tax_residency_route,
)
