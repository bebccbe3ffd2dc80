"""HTTP of the sandbox bank, bound to contracts/outside/bank_nominal_account.yaml."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import bank_nominal_account as contract
from kapital.contracts.bank_nominal_account import DealState, FaultKind
from kapital.contracts.base import given
from kapital.platform.http import HttpRequest
from kapital.sandbox.bank import deals, faults, shares
from kapital.sandbox.bank.bank import PAYER_ACCOUNT, PAYER_NAME, SandboxBank
from kapital.sandbox.bank.payouts import Behaviour, PayoutOrder, Treatment, account_fits, enquire, pay_once
from kapital.sandbox.bank.problems import BankPaymentNotFound, BankRequestInvalid, BankStateRefuses
from kapital.sandbox.bank.replies import once
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.problems import BankSilent
from kapital.settlement.ports import PayoutState, PayoutStatus

BASE: Final = "/v1/nominal-account"

ClientId = Annotated[str, Parameter(pattern="^[0-9A-Za-z._:-]{1,64}$", max_length=64)]
Limit = Annotated[int, Parameter(ge=1, le=1000)]
Cursor = Annotated[int, Parameter(ge=0, le=2**53 - 1)]

_ASK: Final = text("INSERT INTO file_request (kind) SELECT :kind FROM file_desk")

_STATES: Final = {
    PayoutState.PENDING: contract.PaymentState.in_progress,
    PayoutState.EXECUTED: contract.PaymentState.succeeded,
    PayoutState.REJECTED: contract.PaymentState.failed,
}


@get(BASE)
async def account_route(bank: SandboxBank) -> contract.Account:
    """The account."""
    async with bank.answering() as conn:
        return await shares.get_account(conn, bank.clock.now())


@post(f"{BASE}/beneficiaries", status_code=201)
async def add_beneficiary_route(
    data: contract.AddBeneficiary, request: HttpRequest, bank: SandboxBank
) -> Response[bytes]:
    """Name a beneficiary."""
    return await once(request, bank, lambda conn: shares.add_beneficiary(conn, data, bank.clock.now()), 201)


@get(f"{BASE}/beneficiaries")
async def beneficiaries_route(
    bank: SandboxBank, after: ClientId | None = None, limit: Limit = 100
) -> contract.BeneficiaryPage:
    """Beneficiaries in order."""
    async with bank.answering() as conn:
        return await shares.list_beneficiaries(conn, after or "", limit, bank.clock.now())


@get(f"{BASE}/beneficiaries/{{beneficiary_id:str}}")
async def beneficiary_route(bank: SandboxBank, beneficiary_id: ClientId) -> contract.BankBeneficiary:
    """One beneficiary."""
    async with bank.answering() as conn:
        return await shares.get_beneficiary(conn, beneficiary_id, bank.clock.now())


@get(f"{BASE}/incoming-payments")
async def incoming_route(bank: SandboxBank, after_cursor: Cursor = 0, limit: Limit = 100) -> contract.IncomingPage:
    """What came."""
    credits_ = await bank.incoming(after_cursor, limit)
    return contract.IncomingPage(
        items=[
            contract.IncomingPayment(
                cursor=one.cursor,
                incoming_id=one.bank_id,
                amount_kopecks=one.amount_kopecks,
                purpose=one.purpose,
                payer_account=one.payer_account,
                payer_name=one.payer_name,
                credited_at=one.credited_at,
            )
            for one in credits_
        ]
    )


@post(f"{BASE}/incoming-payments/{{incoming_id:str}}/distribution", status_code=200)
async def distribute_route(
    data: contract.Distribution, request: HttpRequest, bank: SandboxBank, incoming_id: ClientId
) -> Response[bytes]:
    """Identify a payment."""
    now = bank.clock.now()
    return await once(request, bank, lambda conn: shares.distribute(conn, incoming_id, data, now), 200)


@post(f"{BASE}/holds", status_code=201)
async def place_hold_route(data: contract.PlaceHold, request: HttpRequest, bank: SandboxBank) -> Response[bytes]:
    """Hold money."""
    return await once(request, bank, lambda conn: deals.place_hold(conn, data, bank.clock.now()), 201)


@get(f"{BASE}/holds/{{hold_id:str}}")
async def hold_route(bank: SandboxBank, hold_id: ClientId) -> contract.Hold:
    """One hold."""
    async with bank.answering() as conn:
        return await deals.get_hold(conn, hold_id)


@post(f"{BASE}/holds/{{hold_id:str}}/release", status_code=200)
async def release_hold_route(request: HttpRequest, bank: SandboxBank, hold_id: ClientId) -> Response[bytes]:
    """Release a hold."""
    return await once(request, bank, lambda conn: deals.release_hold(conn, hold_id), 200)


@post(f"{BASE}/deals", status_code=201)
async def open_deal_route(data: contract.OpenDeal, request: HttpRequest, bank: SandboxBank) -> Response[bytes]:
    """Draft a deal."""
    return await once(request, bank, lambda conn: deals.open_deal(conn, data, bank.clock.now()), 201)


@get(f"{BASE}/deals/{{deal_id:str}}")
async def deal_route(bank: SandboxBank, deal_id: ClientId) -> contract.Deal:
    """One deal."""
    async with bank.answering() as conn:
        return await deals.get_deal(conn, deal_id, bank.clock.now())


def _move_deal(verb: str, target: DealState) -> Any:
    @post(f"{BASE}/deals/{{deal_id:str}}/{verb}", status_code=200)
    async def move_deal_route(request: HttpRequest, bank: SandboxBank, deal_id: ClientId) -> Response[bytes]:
        now = bank.clock.now()
        return await once(request, bank, lambda conn: deals.move_deal(conn, deal_id, target, now), 200)

    return move_deal_route


@post(f"{BASE}/payments", status_code=201)
async def create_payment_route(
    data: contract.CreatePayment, request: HttpRequest, bank: SandboxBank
) -> Response[bytes]:
    """Pay from the account. Raises: BankRequestInvalid, BankIdTaken, BankObjectNotFound."""
    order = _order(data)
    if not account_fits(order):
        raise BankRequestInvalid("the control key of the account does not fit the BIC", {"reason": "account_key"})
    if (data.kind is contract.PaymentKind.tax) is not (given(data.tax) is not None):
        raise BankRequestInvalid("tax details come with a tax, and only with one", {"reason": "tax_details"})
    if data.kind in {contract.PaymentKind.sbp, contract.PaymentKind.return_}:
        raise BankRequestInvalid("a payout by the SBP and a return have calls of their own", {"reason": "kind"})
    return await pay(request, bank, order)


async def pay(request: HttpRequest, bank: SandboxBank, order: PayoutOrder) -> Response[bytes]:
    """Take an order as the fault script has it. Raises: BankIdTaken, BankObjectNotFound, BankSilent."""
    fault = request.scope.get("fault")
    lost = False

    async def work(conn: AsyncConnection) -> contract.Payment | None:
        nonlocal lost
        treatment = treatment_of(fault) if isinstance(fault, faults.Fault) else None
        status, lost = await pay_once(conn, order, now=bank.clock.now(), treatment=treatment)
        return None if status.state is PayoutState.NOT_FOUND else _payment(order, status)

    answer = await once(request, bank, work, 201)
    if lost:
        raise BankSilent
    return answer


@get(f"{BASE}/payments/{{payment_id:str}}")
async def payment_route(bank: SandboxBank, payment_id: ClientId) -> contract.Payment:
    """What became of a payment. Raises: BankPaymentNotFound."""
    async with bank.answering() as conn:
        found = await enquire(conn, payment_id, now=bank.clock.now())
    if found is None:
        raise BankPaymentNotFound(f"no payment {payment_id}")
    return _payment(*found)


@post("/sandbox/credits", status_code=201)
async def pay_in_route(data: contract.PayIn, request: HttpRequest, bank: SandboxBank) -> Response[bytes]:
    """Somebody pays in."""

    async def work(conn: AsyncConnection) -> contract.PaidIn:
        (bank_id,) = await bank.receive_in(
            conn,
            [(data.amount_kopecks, data.purpose)],
            payer_account=given(data.payer_account) or PAYER_ACCOUNT,
            payer_name=given(data.payer_name) or PAYER_NAME,
        )
        return contract.PaidIn(incoming_id=bank_id)

    return await once(request, bank, work, 201)


@post("/sandbox/statements", status_code=202)
async def ask_for_statement_route(
    data: contract.AskForStatement, request: HttpRequest, bank: SandboxBank
) -> Response[bytes]:
    """Ask the desk of files for a statement."""

    async def work(conn: AsyncConnection) -> contract.StatementAsked:
        if not (await conn.execute(_ASK, {"kind": data.kind.value})).rowcount:
            raise BankStateRefuses("the bank is not spoken to by files", {"state": "no_files"})
        return contract.StatementAsked(kind=data.kind)

    return await once(request, bank, work, 202)


@post("/sandbox/charges", status_code=200)
async def charge_route(data: contract.Charge, request: HttpRequest, bank: SandboxBank) -> Response[bytes]:
    """Take money without a word."""
    return await once(request, bank, lambda conn: shares.charge(conn, data.amount_kopecks, bank.clock.now()), 200)


@post("/sandbox/faults", status_code=200)
async def load_faults_route(data: contract.FaultScript, request: HttpRequest, bank: SandboxBank) -> Response[bytes]:
    """Replace the fault script."""
    faults.require_consistent(data)

    async def work(conn: AsyncConnection) -> contract.FaultsLeft:
        await faults.load(conn, data)
        return await faults.progress(conn)

    return await once(request, bank, work, 200)


@get("/sandbox/faults")
async def faults_route(bank: SandboxBank) -> contract.FaultsLeft:
    """What the script did."""
    async with bank.answering() as conn:
        return await faults.progress(conn)


def _order(data: contract.CreatePayment) -> PayoutOrder:
    tax = given(data.tax)
    return PayoutOrder(
        reference=data.payment_id,
        amount_kopecks=data.amount_kopecks,
        account=PayoutAccount(bic=data.payee.bic, account=data.payee.account),
        purpose=data.purpose,
        kind=data.kind.value,
        beneficiary_id=given(data.beneficiary_id),
        tax=msgspec.to_builtins(tax) if tax else None,
    )


def treatment_of(fault: faults.Fault) -> Treatment | None:
    """How the bank treats what met this fault."""
    match fault.kind:
        case FaultKind.reject:
            return Treatment(behaviour=Behaviour.REJECT, reason=fault.reason)
        case FaultKind.pending:
            return Treatment(behaviour=Behaviour.PENDING, reason=fault.reason, enquiries=fault.enquiries)
        case _:
            return None


def _payment(order: PayoutOrder, status: PayoutStatus) -> contract.Payment:
    return contract.Payment(
        payment_id=order.reference,
        kind=contract.PaymentKind(order.kind),
        amount_kopecks=order.amount_kopecks,
        state=_STATES[status.state],
        reason=status.reason,
    )


HANDLERS: Final[tuple[Any, ...]] = (
    account_route,
    add_beneficiary_route,
    beneficiaries_route,
    beneficiary_route,
    incoming_route,
    distribute_route,
    place_hold_route,
    hold_route,
    release_hold_route,
    open_deal_route,
    deal_route,
    _move_deal("accept", DealState.accepted),
    _move_deal("complete", DealState.completed),
    _move_deal("cancel", DealState.cancelled),
    create_payment_route,
    payment_route,
    pay_in_route,
    ask_for_statement_route,
    charge_route,
    load_faults_route,
    faults_route,
)
