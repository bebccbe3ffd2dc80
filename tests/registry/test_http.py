"""The registry over HTTP: the contract and nothing else; who is not let in learns nothing."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest_asyncio
from httpx import ASGITransport, AsyncClient, Response
from jsonschema import Draft202012Validator, FormatChecker
from litestar.di import Provide
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from kapital.kernel.ids import wallet_id_of
from kapital.kernel.roles import Role
from kapital.platform.contract_files import load_contract
from kapital.platform.database import Databases
from kapital.platform.http import ServiceRoutes, create_app, served_routes
from kapital.platform.settings import Settings
from kapital.registry.domain.access import TokenSubjectKind
from kapital.registry.routes import HANDLERS
from kapital.registry.use_cases.issue_access_token import IssueAccessToken
from kapital.registry.use_cases.register_staff import RegisterStaff
from tests.registry.conftest import World
from tests.registry.people import ADMIN, RULE_BOOK, entity_inn, investor, person_inn

CONTRACT = load_contract("openapi", "registry")
COMMON = load_contract("openapi", "common")
assert CONTRACT is not None
assert COMMON is not None
SCHEMAS: Registry[Any] = Registry().with_resources(
    [
        (name, Resource.from_contents(content, default_specification=DRAFT202012))
        for name, content in (("registry.yaml", CONTRACT), ("common.yaml", COMMON))
    ]
)


class Client:
    """Calls as somebody, and checks every answer against the contract."""

    def __init__(self, http: AsyncClient) -> None:
        self.http = http
        self._keys = 0

    async def call(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        token: str | None,
        json: Any = None,
        key: str | None = None,
    ) -> Response:
        self._keys += 1
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if method == "POST":
            headers["Idempotency-Key"] = key or f"key-{self._keys}"
        response = await self.http.request(method, path, headers=headers, json=json)
        check_answer(method, operation, response)
        return response


def check_answer(method: str, operation: str, response: Response) -> None:
    assert CONTRACT is not None
    answers = CONTRACT["paths"][operation][method.lower()]["responses"]
    declared = answers.get(str(response.status_code))
    if declared is None:
        assert response.status_code >= 400, f"{response.status_code} is not in the contract: {response.text}"
        reference, media_type = "common.yaml#/components/schemas/Problem", "application/problem+json"
    else:
        media_type = "application/json"
        reference = "registry.yaml" + declared["content"][media_type]["schema"]["$ref"]
    assert response.headers["content-type"].startswith(media_type)
    Draft202012Validator({"$ref": reference}, registry=SCHEMAS, format_checker=FormatChecker()).validate(
        response.json()
    )


@pytest_asyncio.fixture
async def client(world: World) -> AsyncIterator[Client]:
    app = create_app(
        [
            ServiceRoutes(
                name="registry",
                handlers=HANDLERS,
                dependencies={
                    "registry": Provide(lambda: world.do, sync_to_thread=False),
                    "registry_reads": Provide(lambda: world.read, sync_to_thread=False),
                },
            )
        ],
        settings=Settings(),
        databases=Databases({"registry": world.database}),
        verifier=world.verifier,
    )
    served = {route for route in served_routes(app) if route[1].startswith("/v1/")}
    assert CONTRACT is not None
    promised = {(method.upper(), path) for path, item in CONTRACT["paths"].items() for method in item}
    assert served == promised
    # In the test's own event loop, where the database's connections live.
    async with AsyncClient(transport=ASGITransport(app), base_url="http://kapital.test") as http:
        yield Client(http)


async def token_of(world: World, subject_id: UUID, *roles: Role, staff: bool = False) -> str:
    issued = await world.do.issue_access_token(
        IssueAccessToken(
            command_id=world.command_id(),
            actor=ADMIN,
            subject_kind=TokenSubjectKind.STAFF if staff else TokenSubjectKind.PARTICIPANT,
            subject_id=subject_id,
            roles=frozenset(roles),
            expires_at=world.clock.now() + timedelta(days=1),
        )
    )
    assert issued.token is not None
    return issued.token


async def employed(world: World, *roles: Role) -> str:
    cmd = RegisterStaff(command_id=world.command_id(), actor=ADMIN, roles=frozenset(roles))
    member = await world.do.register_staff(cmd)
    return await token_of(world, member.staff_id, *roles, staff=True)


def body(*people: dict[str, Any]) -> dict[str, Any]:
    said = {"kind": "natural_person", "name": "Иванова Анна", "roles": ["investor"], "rule_book_version": RULE_BOOK}
    said |= {"personal_data_consent": True}
    return {"participants": [said | {"inn": person_inn(n)} | person for n, person in enumerate(people)]}


async def test_the_life_of_a_participant_over_http(world: World, client: Client) -> None:
    admin = await employed(world, Role.ADMIN)
    people = "/v1/registry/participants"

    hired = await client.call(
        "POST", "/v1/registry/staff", operation="/v1/registry/staff", token=admin, json={"roles": ["onboarding"]}
    )
    issued = await client.call(
        "POST",
        "/v1/registry/access-tokens",
        operation="/v1/registry/access-tokens",
        token=admin,
        json={
            "subject_kind": "staff",
            "subject_id": hired.json()["staff_id"],
            "roles": ["onboarding"],
            "expires_at": (world.clock.now() + timedelta(days=1)).isoformat(),
        },
    )
    onboarder = issued.json()["token"]
    entity = {"kind": "legal_entity", "inn": entity_inn(5), "roles": ["issuer", "investor"]}
    request = body({}, {"inn": "123456789012"}, entity)
    first = await client.call("POST", people, operation=people, token=onboarder, json=request, key="one")
    second = await client.call("POST", people, operation=people, token=onboarder, json=request, key="one")
    page = await client.call("GET", f"{people}?state=identifying&limit=1", operation=people, token=onboarder)
    next_page = await client.call(
        "GET", f"{people}?limit=1&after={page.json()['next_after']}", operation=people, token=onboarder
    )

    assert (hired.status_code, issued.status_code, first.status_code) == (201, 201, 200)
    results = first.json()["results"]
    assert [result["state"] for result in results] == ["identifying", None, "identifying"]
    assert results[1]["problem"]["code"] == "inn_must_be_valid"
    assert results[1]["problem"]["facts"] == {"digits_expected": 12}
    assert second.json() == first.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert page.json()["participants"][0]["name"] == "Иванова Анна"
    assert next_page.json()["participants"][0]["participant_id"] == results[2]["participant_id"]
    assert results[2]["wallet_id"] == str(wallet_id_of(UUID(results[2]["participant_id"])))


async def test_officers_and_the_regulator_over_http(world: World, client: Client) -> None:
    [own] = await world.active(investor(1))
    compliance, aml = await employed(world, Role.COMPLIANCE), await employed(world, Role.AML_OFFICER)
    regulator = await employed(world, Role.REGULATOR)
    path, operation = f"/v1/registry/participants/{own}", "/v1/registry/participants/{participant_id}"
    basis = {"basis_reference": "СЗ-1"}

    restricted = await client.call(
        "POST", f"{path}/restrict", operation=f"{operation}/restrict", token=compliance, json=basis
    )
    by_same = await client.call(
        "POST", f"{path}/lift-restriction", operation=f"{operation}/lift-restriction", token=compliance, json=basis
    )
    lifted = await client.call(
        "POST", f"{path}/lift-restriction", operation=f"{operation}/lift-restriction", token=aml, json=basis
    )
    extract = await client.call("GET", "/v1/registry/extract", operation="/v1/registry/extract", token=regulator)
    future = await client.call(
        "GET",
        "/v1/registry/extract?at=2099-01-01T00:00:00Z",
        operation="/v1/registry/extract",
        token=regulator,
    )
    malformed = [
        await client.call("GET", f"/v1/registry/extract?{query}", operation="/v1/registry/extract", token=regulator)
        for query in (
            "at=2026-01-01T00:00:00",
            "at=0001-01-01T00:00:00%2B14:00",
            "at=yesterday",
            "limit=0",
            "limit=1001",
            "after=1",
        )
    ]

    assert restricted.json()["state"] == "restricted"
    assert (by_same.status_code, by_same.json()["code"]) == (403, "restriction_set_and_lifted_by_one_person")
    assert lifted.json()["state"] == "active"
    assert [line["state"] for line in extract.json()["lines"]] == ["active"]
    assert (future.status_code, future.json()["code"]) == (422, "extract_instant_must_not_be_in_future")
    assert {(answer.status_code, answer.json()["code"]) for answer in malformed} == {
        (422, "parameter_must_match_contract")
    }


async def test_another_participant_is_not_found_byte_for_byte_like_nobody(world: World, client: Client) -> None:
    own, other = await world.active(investor(1), investor(2))
    token = await token_of(world, own, Role.INVESTOR)
    operation = "/v1/registry/participants/{participant_id}"

    mine = await client.call("GET", f"/v1/registry/participants/{own}", operation=operation, token=token)
    hidden, nobody = [
        await client.call("GET", f"/v1/registry/participants/{who}", operation=operation, token=token)
        for who in (other, uuid4())
    ]

    assert mine.json()["name"] == "Инвестор 1"
    assert hidden.status_code == nobody.status_code == 404
    assert {**hidden.json(), "instance": ""} == {**nobody.json(), "instance": ""}


async def test_without_a_valid_token_nothing_opens(world: World, client: Client) -> None:
    [own] = await world.registered(investor(1))
    token = await token_of(world, own, Role.INVESTOR)
    [kept] = await world.rows("SELECT token_id FROM access_token")
    path, operation = f"/v1/registry/participants/{own}", "/v1/registry/participants/{participant_id}"
    revoke = "/v1/registry/access-tokens/{token_id}/revoke"

    none = await client.call("GET", path, operation=operation, token=None)
    wrong = await client.call("GET", path, operation=operation, token="kpt_" + "A" * 43)
    right = await client.call("GET", path, operation=operation, token=token)
    revoked = await client.call("POST", revoke.format(token_id=kept["token_id"]), operation=revoke, token=token)
    late = await client.call("GET", path, operation=operation, token=token)

    assert [answer.status_code for answer in (none, wrong, right, revoked, late)] == [401, 401, 200, 200, 401]
    assert late.json()["code"] == "access_token_invalid"


async def test_bodies_outside_the_contract_are_refused_whole(world: World, client: Client) -> None:
    onboarder = await employed(world, Role.ONBOARDING)
    people = "/v1/registry/participants"
    bad = [
        {"participants": []},
        body(*({} for _ in range(1001))),
        body({"roles": []}),
        body({"roles": ["holder"]}),
        body({"name": ""}),
        body({"name": "x" * 501}),
        body({"surprise": 1}),
        body({"kind": "person"}),
        body({"inn": 770708389312}),
    ]

    codes = [
        (await client.call("POST", people, operation=people, token=onboarder, json=said)).json()["code"]
        for said in bad
    ]

    assert set(codes) == {"body_must_match_contract"}
    assert await world.rows("SELECT 1 FROM participant") == []
