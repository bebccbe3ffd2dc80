"""HTTP of settlement for the SBP, bound to contracts/openapi/settlement.yaml; translates and calls only."""

from typing import Annotated, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import Parameter

from kapital.contracts import settlement as contract
from kapital.contracts.base import given
from kapital.contracts.common import PreparedAct
from kapital.platform.acts.http import prepared, signed_act
from kapital.platform.http import NO_IDEMPOTENCY_KEY, PUBLIC, HttpRequest, actor_of, command_context
from kapital.settlement.domain.bank_notice import NOTICE_BYTES_MAX, SIGNATURE_LENGTH_MAX
from kapital.settlement.domain.payout_account import SbpPayee
from kapital.settlement.ports import Parts
from kapital.settlement.queries.access import PAGE_MAX
from kapital.settlement.queries.get_sbp_top_up import MEDIA_TYPES, get_sbp_top_up, get_sbp_top_up_image
from kapital.settlement.queries.list_sbp_withdrawals import get_sbp_withdrawal, list_sbp_withdrawals
from kapital.settlement.use_cases.request_sbp_top_up import RequestSbpTopUp, request_sbp_top_up
from kapital.settlement.use_cases.request_sbp_withdrawal import (
    PrepareSbpWithdrawalAct,
    RequestSbpWithdrawal,
    prepare_sbp_withdrawal_act,
    request_sbp_withdrawal,
)
from kapital.settlement.use_cases.take_in_bank_notice import take_in_bank_notice

_PATH: Final = "/v1/settlement/sbp-top-ups"


@post(_PATH)
async def request_sbp_top_up_route(
    request: HttpRequest, settlement: Parts, data: contract.SbpTopUpRequest
) -> contract.SbpTopUp:
    """A QR code for one payment."""
    actor, command_id = command_context(request)
    cmd = RequestSbpTopUp(
        command_id=command_id, actor=actor, wallet_id=data.wallet_id, amount_kopecks=data.amount_kopecks
    )
    return await request_sbp_top_up(cmd, settlement)


@get(f"{_PATH}/{{top_up_id:uuid}}")
async def get_sbp_top_up_route(request: HttpRequest, settlement: Parts, top_up_id: UUID) -> contract.SbpTopUp:
    """One top-up."""
    now = settlement.uow.clock.now()
    async with settlement.uow.database.connect() as conn:
        return await get_sbp_top_up(conn, settlement, actor_of(request), top_up_id, now)


@get(f"{_PATH}/{{top_up_id:uuid}}/image")
async def get_sbp_top_up_image_route(
    request: HttpRequest,
    settlement: Parts,
    top_up_id: UUID,
    image_format: Annotated[contract.QrImageFormat, Parameter(query="format")] = contract.QrImageFormat.svg,
) -> Response[bytes]:
    """The picture."""
    now = settlement.uow.clock.now()
    async with settlement.uow.database.connect() as conn:
        drawn, ends = await get_sbp_top_up_image(conn, settlement, actor_of(request), top_up_id, now, image_format)
    headers = {"Expires": ends, "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return Response(drawn, media_type=MEDIA_TYPES[image_format], headers=headers)


_WITHDRAWALS: Final = "/v1/settlement/sbp-withdrawals"


@post(_WITHDRAWALS)
async def request_sbp_withdrawal_route(
    request: HttpRequest, settlement: Parts, data: contract.SbpWithdrawalRequest
) -> contract.SbpWithdrawal:
    """Lock the money of all parts and answer with them."""
    actor, command_id = command_context(request)
    cmd = RequestSbpWithdrawal(
        command_id=command_id,
        actor=actor,
        wallet_id=data.wallet_id,
        amount_kopecks=data.amount_kopecks,
        payee=_payee(data.payee),
        signed_act=signed_act(given(data.act)),
    )
    return await request_sbp_withdrawal(cmd, settlement)


@post(f"{_WITHDRAWALS}/act", status_code=200, opt=NO_IDEMPOTENCY_KEY)
async def prepare_sbp_withdrawal_act_route(
    request: HttpRequest, settlement: Parts, data: contract.PrepareSbpWithdrawalActRequest
) -> PreparedAct:
    """The act of a withdrawal by the SBP."""
    cmd = PrepareSbpWithdrawalAct(
        actor=actor_of(request),
        idempotency_key=data.idempotency_key,
        wallet_id=data.wallet_id,
        amount_kopecks=data.amount_kopecks,
        payee=_payee(data.payee),
    )
    return PreparedAct(**prepared(prepare_sbp_withdrawal_act(cmd, settlement)))


@get(_WITHDRAWALS)
async def list_sbp_withdrawals_route(
    request: HttpRequest,
    settlement: Parts,
    before: UUID | None = None,
    limit: Annotated[int, Parameter(ge=1, le=PAGE_MAX)] = 100,
) -> contract.SbpWithdrawalPage:
    """A page of withdrawals by the SBP."""
    async with settlement.uow.database.connect() as conn:
        return await list_sbp_withdrawals(conn, actor_of(request), before=before, limit=limit)


@get(f"{_WITHDRAWALS}/{{sbp_withdrawal_id:uuid}}")
async def get_sbp_withdrawal_route(
    request: HttpRequest, settlement: Parts, sbp_withdrawal_id: UUID
) -> contract.SbpWithdrawal:
    """One withdrawal by the SBP."""
    async with settlement.uow.database.connect() as conn:
        return await get_sbp_withdrawal(conn, actor_of(request), sbp_withdrawal_id)


def _payee(said: contract.SbpPayee) -> SbpPayee:
    return SbpPayee(phone=said.phone, member_id=said.member_id)


@post(
    "/v1/settlement/bank-notices",
    status_code=200,
    opt=PUBLIC | NO_IDEMPOTENCY_KEY,
    request_max_body_size=NOTICE_BYTES_MAX,
)
async def take_in_bank_notice_route(
    request: HttpRequest,
    settlement: Parts,
    signature: Annotated[str, Parameter(header="Bank-Webhook-Signature", max_length=SIGNATURE_LENGTH_MAX)] = "",
) -> contract.BankNoticeTaken:
    """The bank calls back."""
    result = await take_in_bank_notice(signature, await request.body(), settlement)
    return contract.BankNoticeTaken(result=contract.BankNoticeResult(result))


SBP_HANDLERS: Final = (
    request_sbp_top_up_route,
    get_sbp_top_up_route,
    get_sbp_top_up_image_route,
    request_sbp_withdrawal_route,
    prepare_sbp_withdrawal_act_route,
    list_sbp_withdrawals_route,
    get_sbp_withdrawal_route,
    take_in_bank_notice_route,
)
