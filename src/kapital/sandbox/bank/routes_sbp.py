"""HTTP of the sandbox bank for the SBP and for returns, bound to contracts/outside/bank_nominal_account.yaml."""

from typing import Any, Final

from litestar import Response, get, post
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import bank_nominal_account as contract
from kapital.contracts.base import given
from kapital.platform.http import HttpRequest
from kapital.sandbox.bank import sbp
from kapital.sandbox.bank.bank import SandboxBank
from kapital.sandbox.bank.replies import once
from kapital.sandbox.bank.returns import return_order
from kapital.sandbox.bank.routes import BASE, ClientId, pay

_PATH: Final = f"{BASE}/sbp-qr-codes"


@post(_PATH, status_code=201)
async def register_qr_route(data: contract.RegisterSbpQr, request: HttpRequest, bank: SandboxBank) -> Response[bytes]:
    """Make a code."""
    return await once(request, bank, lambda conn: sbp.register_qr(conn, data, bank.clock.now()), 201)


@get(f"{_PATH}/{{order_id:str}}")
async def qr_route(bank: SandboxBank, order_id: ClientId) -> contract.SbpQr:
    """One code."""
    async with bank.answering() as conn:
        return await sbp.get_qr(conn, order_id, bank.clock.now())


@post(f"{BASE}/sbp-payouts", status_code=201)
async def create_sbp_payout_route(
    data: contract.CreateSbpPayout, request: HttpRequest, bank: SandboxBank
) -> Response[bytes]:
    """Pay to a phone."""
    beneficiary_id = given(data.beneficiary_id)
    order = sbp.payout_order(
        data.payment_id, data.amount_kopecks, data.phone, data.member_id, data.purpose, beneficiary_id
    )
    return await pay(request, bank, order)


@post(f"{BASE}/incoming-payments/{{incoming_id:str}}/return", status_code=201)
async def return_incoming_route(
    data: contract.ReturnIncoming, request: HttpRequest, bank: SandboxBank, incoming_id: ClientId
) -> Response[bytes]:
    """Send a payment back."""
    async with bank.answering() as conn:
        order = await return_order(conn, data.payment_id, incoming_id, data.amount_kopecks, data.purpose)
    return await pay(request, bank, order)


@post("/sandbox/sbp-payments", status_code=201)
async def pay_sbp_route(data: contract.PaySbp, request: HttpRequest, bank: SandboxBank) -> Response[bytes]:
    """Somebody pays by a code."""

    async def work(conn: AsyncConnection) -> contract.PaidIn:
        return contract.PaidIn(incoming_id=await bank.pay_qr_in(conn, data.qr_id))

    return await once(request, bank, work, 201)


SBP_HANDLERS: Final[tuple[Any, ...]] = (
    register_qr_route,
    qr_route,
    create_sbp_payout_route,
    return_incoming_route,
    pay_sbp_route,
)
