"""Identity over HTTP: what is served is what is promised, and nobody learns of others."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest_asyncio
from httpx import ASGITransport, AsyncClient

from kapital.identity.service import identity_of
from kapital.kernel.actor import Actor
from kapital.kernel.roles import Role
from kapital.platform.contract_files import load_contract
from kapital.platform.database import Databases
from kapital.platform.http import create_app, served_routes
from kapital.platform.settings import Settings
from tests.acting import simple_acts
from tests.identity.conftest import NO_LEDGER, OFFICER, ONBOARDER, World


class Tokens:
    """Tokens that are the actor's number: who checks real ones is another service."""

    def __init__(self) -> None:
        self.actors: dict[str, Actor] = {"onboarder": ONBOARDER, "officer": OFFICER}

    async def verify(self, token: str) -> Actor | None:
        return self.actors.get(token)


TOKENS = Tokens()


@pytest_asyncio.fixture
async def http(world: World) -> AsyncIterator[AsyncClient]:
    app = create_app(
        [identity_of(world.database, world.clock, ledger=NO_LEDGER, acts=simple_acts(world.clock)).routes],
        settings=Settings(),
        databases=Databases({"identity": world.database}),
        verifier=TOKENS,
    )
    served = {route for route in served_routes(app) if route[1].startswith("/v1/")}
    contract = load_contract("openapi", "identity")
    assert contract is not None
    assert served == {(method.upper(), path) for path, item in contract["paths"].items() for method in item}
    async with AsyncClient(transport=ASGITransport(app), base_url="http://kapital.test") as client:
        yield client


def as_(token: str, key: str = "k") -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": key}


async def test_an_identification_is_recorded_decided_and_read(world: World, http: AsyncClient) -> None:
    [participant_id] = await world.opened()
    TOKENS.actors["participant"] = Actor(
        id=str(participant_id), participant_id=participant_id, roles=frozenset({Role.INVESTOR})
    )
    item = {
        "participant_id": str(participant_id),
        "document_kind": "passport_rf",
        "document_sha256": "ab" * 32,
        "category": "qualified",
        "category_evidence_reference": "КИ-1",
        "screening_list_version": "rfm-2026-03-01",
        "screening_result": "clear",
    }

    recorded = await http.post(
        "/v1/identity/identifications", headers=as_("onboarder"), json={"identifications": [item]}
    )
    again = await http.post(
        "/v1/identity/identifications", headers=as_("onboarder"), json={"identifications": [item]}
    )
    other_body = await http.post(
        "/v1/identity/identifications", headers=as_("onboarder"), json={"identifications": [item, item]}
    )
    decision = {
        "participant_id": str(participant_id),
        "outcome": "approved",
        "identification_sha256": recorded.json()["results"][0]["identification_sha256"],
        "basis_reference": "ЗКЛ-1",
    }
    decided = await http.post("/v1/identity/decisions", headers=as_("officer"), json={"decisions": [decision]})
    status_path = f"/v1/identity/participants/{participant_id}/status"
    status = await http.get(status_path, headers=as_("participant"))
    hidden = await http.get(f"/v1/identity/participants/{uuid4()}/status", headers=as_("participant"))
    cases = await http.get("/v1/identity/cases?state=approved", headers=as_("officer"))
    forbidden = await http.get("/v1/identity/cases", headers=as_("participant"))

    assert recorded.status_code == 200
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (recorded.json(), "true")
    assert (other_body.status_code, other_body.json()["code"]) == (422, "idempotency_key_reused")
    assert decided.json()["results"][0]["state"] == "approved"
    assert (status.json()["is_valid"], status.json()["category"]) == (True, "qualified")
    assert "screening" not in status.text
    assert (hidden.status_code, hidden.json()["code"]) == (404, "kyc_case_not_found")
    assert cases.json()["cases"][0]["identification"]["category_evidence_reference"] == "КИ-1"
    assert (forbidden.status_code, forbidden.json()["code"]) == (403, "not_permitted")


async def test_a_hash_that_is_none_is_refused(http: AsyncClient) -> None:
    decision = {
        "participant_id": str(uuid4()),
        "outcome": "approved",
        "identification_sha256": "AB" * 32,
        "basis_reference": "1",
    }

    refused = await http.post("/v1/identity/decisions", headers=as_("officer"), json={"decisions": [decision]})

    assert (refused.status_code, refused.json()["code"]) == (422, "body_must_match_contract")
    assert refused.json()["errors"][0]["pointer"] == "/decisions/0/identification_sha256"
