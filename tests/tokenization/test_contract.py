"""What is told and served is what the contracts say: events, examples, routes, answers."""

import json
from typing import Any

import httpx
import msgspec
import pytest
from jsonschema import Draft202012Validator

from kapital.contracts import tokenization as contract
from kapital.kernel.actor import Actor
from kapital.kernel.canonical import sha256_hex
from kapital.kernel.roles import Role
from kapital.platform.contract_files import contracts_folder, load_contract
from kapital.platform.http.app import ServiceRoutes, create_app, served_routes
from kapital.platform.settings import Settings
from kapital.tokenization.domain.terms import decision_bytes, load_terms
from kapital.tokenization.routes import HANDLERS
from tests.tokenization.world import EXAMPLES as ISSUES
from tests.tokenization.world import LAWYER, MANAGER, World, key, terms

EXAMPLES = contracts_folder() / "examples" / "tokenization"
EXAMPLE_TYPES: dict[str, Any] = {
    "decision_published.v1": contract.DecisionPublished,
    "issue_state_changed.v1": contract.IssueStateChanged,
    "allocation_decided.v1": contract.AllocationDecided,
    "payouts_instructed.v1": contract.PayoutsInstructed,
    "place_orders_request": contract.PlaceOrdersBody,
    "place_orders_answer": contract.OrdersPlaced,
    "withdraw_orders_request": contract.WithdrawOrdersBody,
    "withdraw_orders_answer": contract.OrdersWithdrawn,
    "review_decision_request": contract.ReviewBody,
    "record_fixing_request": contract.RecordFixingBody,
    "propose_payoff_code_request": contract.ProposePayoffCodeBody,
    "propose_payoff_code_answer": contract.PayoffCodeView,
    "decide_payoff_code_request": contract.DecidePayoffCodeBody,
    "decide_payoff_code_answer": contract.PayoffCodeView,
    "record_rates_request": contract.RecordRatesBody,
    "record_rates_answer": contract.RatesRecorded,
    "record_substitute_request": contract.RecordSubstituteBody,
    "record_substitute_answer": contract.ObservationView,
    "substitute_announced.v1": contract.SubstituteAnnounced,
}


def schema_of(event: str) -> dict[str, Any]:
    loaded = load_contract("events", "tokenization")
    assert loaded is not None
    message = loaded["components"]["messages"][event]
    return {"$ref": message["payload"]["$ref"], "components": loaded["components"]}


class Tokens:
    """Knows the tokens of one test."""

    def __init__(self, **actors: Actor) -> None:
        self.actors = actors

    async def verify(self, token: str) -> Actor | None:
        return self.actors.get(token)


def app_of(world: World, **actors: Actor) -> Any:
    async def tokenization() -> Any:
        return world.app

    routes = ServiceRoutes(name="tokenization", handlers=HANDLERS, dependencies={"tokenization": tokenization})
    return create_app([routes], settings=Settings(), databases=world.databases, verifier=Tokens(**actors))


def http(app: Any) -> httpx.AsyncClient:
    """A client in the test's own event loop, where the database connections live."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://kapital.test")


@pytest.mark.parametrize("name", sorted(EXAMPLE_TYPES))
def test_each_example_fits_its_contract(name: str) -> None:
    msgspec.json.decode((EXAMPLES / f"{name}.json").read_bytes(), type=EXAMPLE_TYPES[name])


async def test_every_event_of_a_whole_life_fits_its_schema(world: World) -> None:
    [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    people = await world.people(2, kopecks=50_000_000)
    issue_id = await world.opened(issuer, quantity_min=1, quantity_max=1000)
    await world.order_all(people, issue_id, 100)
    await world.closed(issue_id)
    await world.top_up([issuer], 50_000_000)
    for action in await world.actions(issue_id):
        await world.to(action["pay_at"])

    for event in ("decision_published", "issue_state_changed", "allocation_decided", "payouts_instructed"):
        told = await world.events(event)
        assert told
        for data in told:
            Draft202012Validator(schema_of(event)).validate(data)
    locked = [data for data in await world.events("payouts_instructed") if data["kind"] == "redemption"]
    assert [data["debits_stopped"] for data in locked] == [True]


async def test_the_routes_are_those_of_the_contract(world: World) -> None:
    loaded = load_contract("openapi", "tokenization")
    assert loaded is not None
    promised = {(method.upper(), path) for path, item in loaded["paths"].items() for method in item}

    served = {route for route in served_routes(app_of(world)) if route[1].startswith("/v1/tokenization")}

    assert served == promised


async def test_terms_come_as_the_text_of_a_yaml_file_too_and_once(world: World) -> None:
    [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    text = (ISSUES / "fixed-rate-window.yaml").read_text(encoding="utf-8")
    async with http(app_of(world, issuer=issuer.actor)) as client:

        async def draft(body: Any) -> tuple[int, Any]:
            headers = {"Authorization": "Bearer issuer", "Idempotency-Key": key()}
            answer = await client.post("/v1/tokenization/decisions", json=body, headers=headers)
            return answer.status_code, answer.json()

        status, drafted = await draft({"terms_yaml": text})
        assert (status, drafted["faults"]) == (201, [])
        assert drafted["decision_sha256"] == sha256_hex(decision_bytes(load_terms(text.encode())))
        for body, code in (
            ({"terms_yaml": text, "terms": json.loads(terms())}, "terms_must_be_given_once"),
            ({}, "terms_must_be_given_once"),
            ({"terms_yaml": "a: &x 1\nb: *x\n"}, "terms_alias_refused"),
        ):
            status, refused = await draft(body)
            assert (400 <= status < 500, refused["code"]) == (True, code)
        assert len(await world.rows("SELECT 1 FROM issue")) == 1


async def test_over_http_an_issue_is_drafted_reviewed_sold_and_read(world: World) -> None:
    [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    [investor] = await world.people(1, kopecks=10_000_000)
    app = app_of(world, issuer=issuer.actor, manager=MANAGER, lawyer=LAWYER, investor=investor.actor)
    async with http(app) as client:

        async def call(who: str, method: str, path: str, body: Any = None, status: int = 200) -> Any:
            headers = {"Authorization": f"Bearer {who}", "Idempotency-Key": key()}
            answer = await client.request(method, f"/v1/tokenization{path}", json=body, headers=headers)
            assert answer.status_code == status, answer.text
            return answer.json()

        draft = await call("issuer", "POST", "/decisions", {"terms": json.loads(terms())}, 201)
        issue, seen = f"/issues/{draft['issue_id']}", {"decision_sha256": draft["decision_sha256"]}
        await call("investor", "GET", issue, status=404)
        await call("issuer", "POST", f"{issue}/submission", seen)
        asked = (await call("manager", "GET", issue))["checklist"]
        accept = {**seen, "verdict": "accept", "checklist": [{"item": a["item"], "holds": True} for a in asked]}
        await call("manager", "POST", f"{issue}/reviews", accept)
        refused = await call("manager", "POST", f"{issue}/reviews", accept, 403)
        assert refused["code"] == "maker_and_checker_must_differ"
        await call("lawyer", "POST", f"{issue}/reviews", accept)
        await call("issuer", "POST", f"{issue}/signature", seen)
        await call("manager", "POST", f"{issue}/publication", seen)
        await call("investor", "POST", "/orders", {"orders": [{"issue_id": draft["issue_id"], "units": 0}]}, 422)
        world.clock.set((await world.issue(draft["issue_id"]))["placement_start_at"])
        await world.tick()
        placed = await call("investor", "POST", "/orders", {"orders": [{"issue_id": draft["issue_id"], "units": 7}]})
        order_id = placed["items"][0]["order_id"]

        own = await call("investor", "GET", "/orders")
        book = await call("issuer", "GET", f"{issue}/order-book")
        details = await call("investor", "GET", issue)
        page = await call("investor", "GET", "/issues?limit=1")
        withdrawn = await call("investor", "POST", "/orders/withdrawals", {"order_ids": [order_id]})

    assert [row["order_id"] for row in own["items"]] == [order_id]
    assert (book["accepted_orders"], book["accepted_units"]) == (1, 7)
    assert str(investor.id) not in json.dumps(book)
    assert (details["reviews"], len(details["signatures"])) == ([], 2)
    assert page["items"][0]["state"] == "placement_open"
    assert withdrawn["items"][0]["outcome"] == "withdrawn"


async def test_nobody_reads_anothers_orders_or_book(world: World) -> None:
    [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    a, b = await world.people(2, kopecks=10_000_000)
    issue_id = await world.opened(issuer)
    await world.order(a, issue_id, 5)
    app = app_of(world, b=b.actor)
    async with http(app) as client:
        headers = {"Authorization": "Bearer b"}
        orders = await client.get("/v1/tokenization/orders", headers=headers)
        book = await client.get(f"/v1/tokenization/issues/{issue_id}/order-book", headers=headers)
        fixings = await client.get("/v1/tokenization/fixings", headers=headers)

    assert orders.json()["items"] == []
    assert (book.status_code, book.json()["code"]) == (404, "issue_not_found")
    assert fixings.status_code == 403
