"""HTTP of decisions about money, bound to contracts/openapi/settlement.yaml; translates and calls only."""

from typing import Annotated, Final
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import settlement as contract
from kapital.contracts.base import given
from kapital.platform.http import HttpRequest, actor_of, command_context
from kapital.settlement.contract_forms import account_of, budget_of
from kapital.settlement.domain.money_decision import MoneyDecisionKind
from kapital.settlement.ports import Parts
from kapital.settlement.queries.access import PAGE_MAX
from kapital.settlement.queries.list_money_decisions import list_money_decisions
from kapital.settlement.use_cases.decide_money import DecideMoney, decide_money
from kapital.settlement.use_cases.propose_money_decision import ProposeMoneyDecision, propose_money_decision

_PATH: Final = "/v1/settlement/money-decisions"


@post(_PATH)
async def propose_money_decision_route(
    request: HttpRequest, settlement: Parts, data: contract.MoneyDecisionRequest
) -> contract.MoneyDecision:
    """Propose what becomes of money."""
    actor, command_id = command_context(request)
    account = given(data.payout_account)
    cmd = ProposeMoneyDecision(
        command_id=command_id,
        actor=actor,
        kind=MoneyDecisionKind(data.kind.value),
        payment_id=given(data.payment_id),
        withdrawal_id=given(data.withdrawal_id),
        wallet_id=given(data.wallet_id),
        payout_account=account_of(account) if account else None,
        basis=data.basis,
        document_sha256=given(data.document_sha256),
        budget=budget_of(given(data.budget)),
    )
    return await propose_money_decision(cmd, settlement)


@post(f"{_PATH}/{{decision_id:uuid}}/decision", status_code=200)
async def decide_money_route(
    request: HttpRequest, settlement: Parts, decision_id: UUID, data: contract.MoneyVerdict
) -> contract.MoneyDecision:
    """Approve or reject exactly that."""
    actor, command_id = command_context(request)
    cmd = DecideMoney(
        command_id=command_id,
        actor=actor,
        decision_id=decision_id,
        content_sha256=data.content_sha256,
        approve=data.verdict is contract.MoneyVerdictKind.approve,
    )
    return await decide_money(cmd, settlement)


@get(_PATH)
async def list_money_decisions_route(
    request: HttpRequest,
    settlement: Parts,
    in_state: Annotated[contract.MoneyDecisionState | None, Parameter(query="state")] = None,
    before: UUID | None = None,
    limit: Annotated[int, Parameter(ge=1, le=PAGE_MAX)] = 100,
) -> contract.MoneyDecisionPage:
    """A page of decisions."""
    async with settlement.uow.database.connect() as conn:
        return await list_money_decisions(
            conn, settlement, actor_of(request), state=in_state, before=before, limit=limit
        )


DECISION_HANDLERS: Final = (propose_money_decision_route, decide_money_route, list_money_decisions_route)
