"""HTTP of settlement: what the contract says is served, and nothing else."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx
import jsonschema
import msgspec
import pytest
import pytest_asyncio
from referencing import Registry, Resource

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.platform.contract_files import load_contract
from kapital.platform.database import Databases
from kapital.platform.http import HttpApp, create_app, served_routes
from kapital.platform.settings import Settings
from kapital.settlement.service import settlement_of
from tests.settlement.world import ACCOUNT, STAFF, World

EXAMPLES = Path(__file__).parents[2] / "contracts/examples/settlement"


class Tokens:
    def __init__(self, world: World) -> None:
        self._world = world

    async def verify(self, token: str) -> Actor | None:
        return STAFF if token == "staff" else self._world.owners.get(UUID(token))


@pytest_asyncio.fixture
async def app(world: World) -> HttpApp:
    service = settlement_of(world.database, world.clock, ledger=world.ledger, bank=world.bank, acts=world.parts.acts)
    return create_app(
        [service.routes],
        settings=Settings(),
        databases=Databases({"settlement": world.database}),
        verifier=Tokens(world),
    )


@pytest_asyncio.fixture
async def client(app: HttpApp) -> AsyncIterator[httpx.AsyncClient]:
    # Not Litestar's client: it runs the application in a loop of its own, foreign to the databases' connections.
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://kapital.example") as ready:
        yield ready


def as_actor(who: object, key: str | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {who}"} | ({"Idempotency-Key": key} if key else {})


def check(schema: str, body: object) -> None:
    """Hold a body against the contract itself, not against the types made from it."""
    document = load_contract("openapi", "settlement")
    registry = Registry().with_resource("urn:settlement", Resource.opaque(document))
    jsonschema.Draft202012Validator(
        {"$ref": f"urn:settlement#/components/schemas/{schema}"}, registry=registry
    ).validate(body)


async def test_the_routes_are_those_of_the_contract(app: HttpApp) -> None:
    document = load_contract("openapi", "settlement")
    assert document is not None
    written = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
        if method in {"get", "post", "put", "patch", "delete"}
    }

    served = {route for route in served_routes(app) if route[1].startswith("/v1/settlement")}

    assert served == written


async def test_a_withdrawal_from_request_to_confirmation(client: httpx.AsyncClient, world: World) -> None:
    wallet = await world.funded(1_000_00)
    body = {
        "withdrawals": [
            {"wallet_id": str(wallet), "amount_kopecks": 300_00, "payout_account": msgspec.to_builtins(ACCOUNT)},
            {"wallet_id": str(wallet), "amount_kopecks": 900_00, "payout_account": msgspec.to_builtins(ACCOUNT)},
        ]
    }

    first = await client.post("/v1/settlement/withdrawals", json=body, headers=as_actor(wallet, "k1"))
    again = await client.post("/v1/settlement/withdrawals", json=body, headers=as_actor(wallet, "k1"))
    await world.run()
    listed = await client.get("/v1/settlement/withdrawals?state=confirmed&limit=5", headers=as_actor(wallet))
    accepted, refused = first.json()["withdrawals"]
    one = await client.get(f"/v1/settlement/withdrawals/{accepted['withdrawal_id']}", headers=as_actor(wallet))
    me = await client.get(f"/v1/settlement/beneficiaries/{wallet}", headers=as_actor(wallet))

    assert (first.status_code, again.json()) == (200, first.json())
    check("WithdrawalsAnswer", first.json())
    check("WithdrawalPage", listed.json())
    check("Withdrawal", one.json())
    check("Beneficiary", me.json())
    assert (accepted["outcome"], refused["code"]) == ("accepted", "balance_insufficient")
    assert one.json()["state"] == "confirmed"
    assert [row["withdrawal_id"] for row in listed.json()["withdrawals"]] == [accepted["withdrawal_id"]]
    assert me.json()["balances"]["available_kopecks"] == 700_00


async def test_staff_sees_unidentified_money_and_compares(client: httpx.AsyncClient, world: World) -> None:
    await world.bank.receive(5_00, "без кода")

    compared = await client.post("/v1/settlement/reconciliations", headers=as_actor("staff"))
    listed = await client.get("/v1/settlement/reconciliations", headers=as_actor("staff"))
    unknown = await client.get("/v1/settlement/incoming-payments?state=unidentified", headers=as_actor("staff"))

    check("Reconciliation", compared.json())
    check("ReconciliationPage", listed.json())
    check("IncomingPaymentPage", unknown.json())
    assert compared.json()["unidentified_kopecks"] == 5_00
    assert [row["amount_kopecks"] for row in unknown.json()["incoming_payments"]] == [5_00]


@pytest.mark.parametrize(
    ("method", "path", "who", "code"),
    [
        ("GET", "/v1/settlement/incoming-payments", "wallet", "not_permitted"),
        ("GET", "/v1/settlement/reconciliations", "wallet", "not_permitted"),
        ("POST", "/v1/settlement/reconciliations", "wallet", "not_permitted"),
        (
            "GET",
            "/v1/settlement/beneficiaries/00000000-0000-7000-8000-000000000000",
            "wallet",
            "beneficiary_not_found",
        ),
        ("GET", "/v1/settlement/withdrawals/00000000-0000-7000-8000-000000000000", "wallet", "withdrawal_not_found"),
        ("GET", "/v1/settlement/withdrawals?limit=501", "wallet", "parameter_must_match_contract"),
        ("GET", "/v1/settlement/withdrawals?state=nonsense", "wallet", "parameter_must_match_contract"),
    ],
)
async def test_refusals(client: httpx.AsyncClient, world: World, method: str, path: str, who: str, code: str) -> None:
    wallet = await world.wallet()

    answer = await client.request(method, path, headers=as_actor(wallet, "k"))

    assert answer.json()["code"] == code


# Acts to sign are of the common contract, and looked at with all examples in tests/contracts.
@pytest.mark.parametrize(
    "path", sorted(set(EXAMPLES.glob("*.json")) - set(EXAMPLES.glob("prepare_*"))), ids=lambda path: path.stem
)
def test_the_examples_fit_the_contract(path: Path) -> None:
    named = {
        "propose_money_decision_request": contract.MoneyDecisionRequest,
        "propose_money_decision_answer": contract.MoneyDecision,
        "decide_money_request": contract.MoneyVerdict,
        "decide_money_answer": contract.MoneyDecision,
        "propose_bank_message_decision_request": contract.BankMessageDecisionRequest,
        "propose_bank_message_decision_answer": contract.BankMessageDecision,
        "decide_bank_message_request": contract.BankMessageVerdict,
        "decide_bank_message_answer": contract.BankMessageDecision,
        "request_sbp_top_up_request": contract.SbpTopUpRequest,
        "request_sbp_top_up_answer": contract.SbpTopUp,
        "request_sbp_withdrawal_request": contract.SbpWithdrawalRequest,
        "request_sbp_withdrawal_answer": contract.SbpWithdrawal,
        "take_in_bank_notice_request": contract.BankNotice,
        "take_in_bank_notice_answer": contract.BankNoticeTaken,
        "request_withdrawals_request": contract.WithdrawalsRequest,
        "request_withdrawals_answer": contract.WithdrawalsAnswer,
        "record_tax_residency_request": contract.TaxResidencyRequest,
        "record_tax_residency_answer": contract.TaxResidency,
        "decide_tax_residency_request": contract.TaxResidencyDecision,
        "decide_tax_residency_answer": contract.TaxResidency,
        "instruct_dvp_request": contract.DvpBatchRequest,
        "instruct_dvp_answer": contract.DvpBatch,
        "decide_dvp_batch_request": contract.DvpBatchDecision,
        "decide_dvp_batch_answer": contract.DvpBatch,
        "change_dvp_instructions_request": contract.DvpChangeRequest,
        "change_dvp_instructions_answer": contract.DvpInstructionList,
        "propose_dvp_review_request": contract.DvpReviewProposal,
        "propose_dvp_review_answer": contract.DvpReview,
        "decide_dvp_review_request": contract.DvpReviewDecision,
        "decide_dvp_review_answer": contract.DvpReview,
        "link_dvp_instructions_request": contract.DvpLinksRequest,
        "link_dvp_instructions_answer": contract.DvpInstructionList,
        "propose_break_resolution_request": contract.BreakResolutionRequest,
        "propose_break_resolution_answer": contract.Break,
        "decide_break_resolution_request": contract.BreakResolutionDecision,
        "decide_break_resolution_answer": contract.Break,
    }
    kind = named.get(path.stem) or contract.EVENT_TYPES[f"kapital.settlement.{path.stem}"]

    decoded = msgspec.json.decode(path.read_bytes(), type=kind)

    assert msgspec.to_builtins(decoded) == json.loads(path.read_bytes())
