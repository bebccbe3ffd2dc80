"""HTTP of messages of the bank, bound to contracts/openapi/settlement.yaml; translates and calls only."""

from typing import Annotated, Final
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import settlement as contract
from kapital.contracts.base import given
from kapital.platform.http import HttpRequest, actor_of, command_context
from kapital.settlement.domain.message_decision import MessageDecisionKind
from kapital.settlement.ports import MessageParts, Parts
from kapital.settlement.queries.access import PAGE_MAX
from kapital.settlement.queries.list_bank_messages import get_bank_message, list_bank_messages
from kapital.settlement.use_cases.decide_bank_message import DecideBankMessage, decide_bank_message
from kapital.settlement.use_cases.propose_bank_message_decision import (
    ProposeBankMessageDecision,
    propose_bank_message_decision,
)

_PATH: Final = "/v1/settlement/bank-messages"


@get(_PATH)
async def list_bank_messages_route(
    request: HttpRequest,
    settlement: Parts,
    in_state: Annotated[contract.BankMessageState | None, Parameter(query="state")] = None,
    reason: contract.BankMessageReason | None = None,
    before: UUID | None = None,
    limit: Annotated[int, Parameter(ge=1, le=PAGE_MAX)] = 100,
) -> contract.BankMessagePage:
    """A page of messages."""
    async with settlement.uow.database.connect() as conn:
        return await list_bank_messages(
            conn, actor_of(request), state=in_state, reason=reason, before=before, limit=limit
        )


@get(f"{_PATH}/{{message_id:uuid}}")
async def get_bank_message_route(
    request: HttpRequest, settlement: Parts, bank_messages: MessageParts, message_id: UUID
) -> contract.BankMessageView:
    """One message."""
    async with settlement.uow.database.connect() as conn:
        return await get_bank_message(conn, settlement, bank_messages, actor_of(request), message_id)


@post(f"{_PATH}/{{message_id:uuid}}/decision")
async def propose_bank_message_decision_route(
    request: HttpRequest,
    settlement: Parts,
    bank_messages: MessageParts,
    message_id: UUID,
    data: contract.BankMessageDecisionRequest,
) -> contract.BankMessageDecision:
    """Propose what becomes of a parked message."""
    actor, command_id = command_context(request)
    cmd = ProposeBankMessageDecision(
        command_id=command_id,
        actor=actor,
        message_id=message_id,
        kind=MessageDecisionKind(data.kind.value),
        reason=data.reason,
        document_sha256=given(data.document_sha256),
    )
    return await propose_bank_message_decision(cmd, settlement, bank_messages)


@post(f"{_PATH}/{{message_id:uuid}}/decision/verdict", status_code=200)
async def decide_bank_message_route(
    request: HttpRequest,
    settlement: Parts,
    bank_messages: MessageParts,
    message_id: UUID,
    data: contract.BankMessageVerdict,
) -> contract.BankMessageDecision:
    """Approve or reject exactly that."""
    actor, command_id = command_context(request)
    cmd = DecideBankMessage(
        command_id=command_id,
        actor=actor,
        message_id=message_id,
        content_sha256=data.content_sha256,
        approve=data.verdict is contract.BankMessageVerdictKind.approve,
    )
    return await decide_bank_message(cmd, settlement, bank_messages)


MESSAGE_HANDLERS: Final = (
    list_bank_messages_route,
    get_bank_message_route,
    propose_bank_message_decision_route,
    decide_bank_message_route,
)
