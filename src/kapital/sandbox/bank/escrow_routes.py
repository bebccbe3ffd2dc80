"""HTTP of the sandbox bank for money that it blocks for sellers."""

from typing import Any, Final

import msgspec
from litestar import Response, get, post

from kapital.contracts import bank_nominal_account as contract
from kapital.contracts.bank_nominal_account import FaultKind
from kapital.platform.http import HttpRequest
from kapital.sandbox.bank import escrow, faults
from kapital.sandbox.bank.bank import SandboxBank
from kapital.sandbox.bank.escrow_notices import list_changes
from kapital.sandbox.bank.payouts import Treatment
from kapital.sandbox.bank.replies import once
from kapital.sandbox.bank.routes import ClientId, Cursor, Limit, treatment_of

BASE: Final = "/v1/escrow"


def _treatment(request: HttpRequest) -> Treatment | None:
    fault = request.scope.get("fault")
    return treatment_of(fault) if isinstance(fault, faults.Fault) else None


@post(f"{BASE}/holds", status_code=201)
async def place_escrow_hold_route(
    data: contract.PlaceEscrowHold, request: HttpRequest, bank: SandboxBank
) -> Response[bytes]:
    """Block money of a buyer. Raises: BankRequestInvalid, BankIdTaken."""
    now, treatment = bank.clock.now(), _treatment(request)
    return await once(request, bank, lambda conn: escrow.place_escrow_hold(conn, data, now, treatment), 201)


@get(f"{BASE}/holds/{{hold_id:str}}")
async def escrow_hold_route(request: HttpRequest, bank: SandboxBank, hold_id: ClientId) -> contract.EscrowHold:
    """What became of a hold. Raises: BankHoldNotFound."""
    async with bank.answering() as conn:
        hold = await escrow.get_escrow_hold(conn, hold_id, bank.clock.now())
    fault = request.scope.get("fault")
    if isinstance(fault, faults.Fault) and fault.kind is FaultKind.unclear:
        return msgspec.structs.replace(hold, state=contract.EscrowHoldState.unclear, reason=fault.reason)
    return hold


@post(f"{BASE}/holds/{{hold_id:str}}/release", status_code=200)
async def release_escrow_hold_route(
    data: contract.ReleaseEscrowHold, request: HttpRequest, bank: SandboxBank, hold_id: ClientId
) -> Response[bytes]:
    """Pay the seller. Raises: BankRequestInvalid, BankHoldNotFound, BankStateRefuses."""
    now, treatment = bank.clock.now(), _treatment(request)
    return await once(
        request, bank, lambda conn: escrow.release_escrow_hold(conn, hold_id, data.payee, now, treatment), 200
    )


@post(f"{BASE}/holds/{{hold_id:str}}/cancel", status_code=200)
async def cancel_escrow_hold_route(request: HttpRequest, bank: SandboxBank, hold_id: ClientId) -> Response[bytes]:
    """Give the money back to the buyer. Raises: BankStateRefuses."""
    now = bank.clock.now()
    return await once(request, bank, lambda conn: escrow.cancel_escrow_hold(conn, hold_id, now), 200)


@get(f"{BASE}/notices")
async def escrow_notices_route(
    bank: SandboxBank, after_cursor: Cursor = 0, limit: Limit = 100
) -> contract.EscrowNoticePage:
    """Changes of holds."""
    async with bank.answering() as conn:
        return await list_changes(conn, after_cursor, limit)


@post("/sandbox/clients", status_code=200)
async def fund_client_route(data: contract.FundClient, request: HttpRequest, bank: SandboxBank) -> Response[bytes]:
    """A client puts money on its account."""
    return await once(request, bank, lambda conn: escrow.fund_client(conn, data), 200)


ESCROW_ROUTES: Final[tuple[Any, ...]] = (
    place_escrow_hold_route,
    escrow_hold_route,
    release_escrow_hold_route,
    cancel_escrow_hold_route,
    escrow_notices_route,
    fund_client_route,
)
