"""HTTP: deny by default, every failure a problem (RFC 9457), nothing leaks."""

import inspect
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import jsonschema
import msgspec
import pytest
from litestar import get, post
from litestar.testing import AsyncTestClient
from prometheus_client import CONTENT_TYPE_LATEST

from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.problems import Family, InvariantBroken, Problem, Unavailable, problem_codes
from kapital.kernel.roles import Role
from kapital.platform.context import current_context, note_replay
from kapital.platform.contract_files import contract_names, load_contract
from kapital.platform.database import Database, Databases
from kapital.platform.http import (
    NO_IDEMPOTENCY_KEY,
    PUBLIC,
    HttpApp,
    HttpRequest,
    ServiceRoutes,
    command_context,
    create_app,
    served_routes,
)
from kapital.platform.http.contract_model import contract_page
from kapital.platform.http.contract_words import EVENTS, OPERATIONS, SERVICES
from kapital.platform.http.problems import STATUS, json_pointer
from kapital.platform.problems import StorageFull
from kapital.platform.settings import Settings
from kapital.platform.unit_of_work import UnitOfWork

ACTOR = Actor(id="machine:bank", participant_id=None, roles=frozenset({Role.BANK}))
TOKEN = {"Authorization": "Bearer good"}
KEYED = TOKEN | {"Idempotency-Key": "key-1"}
AWAY = Database("registry", "postgresql://u@127.0.0.1:1/kapital_registry")


class Line(msgspec.Struct, forbid_unknown_fields=True):
    units: int
    wallet_id: UUID | None = None


class Body(msgspec.Struct, forbid_unknown_fields=True):
    amount_kopecks: int
    lines: list[Line] = []
    note: str = ""


class Verifier:
    async def verify(self, token: str) -> Actor | None:
        return ACTOR if token == "good" else None


@post("/v1/things/{thing_id:uuid}", status_code=200)
async def change_thing(thing_id: UUID, data: Body, request: HttpRequest, limit: int = 5) -> dict[str, object]:
    actor, command_id = command_context(request)
    return {"actor": actor.id, "command": command_id, "amount": data.amount_kopecks, "limit": limit}


@get("/v1/raise/{what:str}", opt=PUBLIC)
async def raise_it(what: str) -> None:
    if what == "database":
        async with UnitOfWork(AWAY, None).begin():  # type: ignore[arg-type]
            pass
    raise {
        "secret": RuntimeError("password=hunter2"),
        "confidential": NotPermitted("freeze of 115-FZ", {"list": "terror"}, confidential=True),
        "full": StorageFull(),
        "forbidden": NotPermitted("no", {"required": "bank"}),
    }[what]


@get("/v1/who", opt=PUBLIC)
async def who() -> dict[str, str]:
    return {"correlation": current_context().correlation_id}


@post("/v1/ping", opt=PUBLIC | NO_IDEMPOTENCY_KEY, status_code=200)
async def ping() -> Any:
    note_replay()
    return {"ok": True}


HANDLERS = [change_thing, raise_it, who, ping]
THING = "/v1/things/0191e7a2-7c1d-7f4e-9c7b-3a1f5a0c9d11"


@pytest.fixture
async def client() -> AsyncIterator[AsyncTestClient[HttpApp]]:
    app = create_app(
        [ServiceRoutes(name="things", handlers=HANDLERS)],
        settings=Settings(body_limit_bytes=4096),
        databases=Databases({"registry": AWAY}),
        verifier=Verifier(),
    )
    async with AsyncTestClient(app, raise_server_exceptions=False) as made:
        yield made


def check_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The body is what common.yaml says, and the headers belong to it."""
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert response.headers["content-type"] == "application/problem+json"
    common = load_contract("openapi", "common")
    assert common is not None
    schema = {"$ref": "#/components/schemas/Problem", "components": common["components"]}
    jsonschema.validate(body, json.loads(json.dumps(schema)))
    assert body["instance"].endswith(response.headers["x-correlation-id"])
    assert ("retry-after" in response.headers) == (status == 503)
    return body


class TestEveryFailureIsAProblem:
    @pytest.mark.parametrize(
        ("method", "path", "given", "status", "code"),
        [
            ("GET", "/nowhere", {}, 404, "route_not_found"),
            ("GET", THING, {}, 405, "method_not_allowed"),
            (
                "POST",
                "/v1/things/not-a-uuid",
                {"headers": KEYED, "json": {"amount_kopecks": 1}},
                404,
                "route_not_found",
            ),
            ("POST", THING, {}, 401, "access_token_required"),
            ("POST", THING, {"headers": {"Authorization": "Basic Zm9v"}}, 401, "access_token_required"),
            ("POST", THING, {"headers": {"Authorization": "Bearer bad"}}, 401, "access_token_invalid"),
            ("POST", THING, {"headers": {"Authorization": "Bearer " + "x" * 9000}}, 401, "access_token_invalid"),
            ("POST", THING, {"headers": TOKEN}, 400, "idempotency_key_required"),
            ("POST", THING, {"headers": TOKEN | {"Idempotency-Key": "a b"}}, 400, "idempotency_key_invalid"),
            ("POST", THING, {"headers": TOKEN | {"Idempotency-Key": "x" * 201}}, 400, "idempotency_key_invalid"),
            ("POST", THING, {"headers": KEYED, "content": b"{}"}, 415, "content_type_not_supported"),
            (
                "POST",
                THING,
                {"headers": KEYED | {"Content-Type": "application/json"}, "content": b"{"},
                400,
                "body_not_readable",
            ),
            (
                "POST",
                THING,
                {"headers": KEYED | {"Content-Type": "application/json"}, "content": b'{"note": "\xff"}'},
                400,
                "body_not_readable",
            ),
            (
                "POST",
                THING,
                {"headers": KEYED | {"Content-Type": "application/json"}, "content": b"[" * 4000},
                422,
                "body_must_match_contract",
            ),
            (
                "POST",
                THING,
                {"headers": KEYED | {"Content-Type": "application/json"}},
                422,
                "body_must_match_contract",
            ),
            ("POST", THING, {"headers": KEYED, "json": {"note": "x" * 5000}}, 413, "body_too_large"),
            (
                "POST",
                THING,
                {"headers": KEYED, "json": {"amount_kopecks": 1, "note": "\0"}},
                422,
                "body_must_match_contract",
            ),
            (
                "POST",
                THING + "?limit=x",
                {"headers": KEYED, "json": {"amount_kopecks": 1}},
                422,
                "parameter_must_match_contract",
            ),
            ("GET", "/v1/raise/database", {}, 503, "database_unavailable"),
            ("GET", "/v1/raise/full", {}, 503, "storage_full"),
            ("GET", "/v1/raise/forbidden", {}, 403, "not_permitted"),
            ("GET", "/contracts/unknown", {}, 404, "contract_not_found"),
        ],
    )
    async def test_with_its_status_and_code(self, client, method, path, given, status, code):
        check_problem(await client.request(method, path, **given), status, code)

    async def test_what_nobody_expected_is_500_and_says_nothing_of_itself(self, client, capsys):
        body = check_problem(await client.get("/v1/raise/secret"), 500, "internal_error")

        logged = capsys.readouterr().err
        assert "hunter2" not in json.dumps(body) + logged
        assert "RuntimeError" in logged

    async def test_a_confidential_problem_is_shown_as_an_ordinary_hold(self, client):
        response = await client.get("/v1/raise/confidential")

        body = check_problem(response, 409, "operation_on_hold")
        assert body["facts"] == {}
        assert not any(word in response.text.lower() for word in ("115", "freeze", "terror", "permitted"))

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"amount_kopecks": "5"}, "/amount_kopecks"),
            ({"amount_kopecks": 5.5}, "/amount_kopecks"),
            ({"amount_kopecks": 1, "lines": [{"units": 1}, {"units": "1"}]}, "/lines/1/units"),
            ({"amount_kopecks": 1, "lines": [{"units": 1, "wallet_id": "x"}]}, "/lines/0/wallet_id"),
            ({"amount_kopecks": 1, "lines": [{"units": 1, "odd": 1}]}, "/lines/0"),
            ({}, ""),
        ],
    )
    async def test_a_bad_field_is_named_by_its_json_pointer(self, client, body, pointer):
        answer = check_problem(await client.post(THING, headers=KEYED, json=body), 422, "body_must_match_contract")

        assert [fault["pointer"] for fault in answer["errors"]] == [pointer]

    def test_the_table_from_family_to_status_is_total(self):
        assert set(STATUS) == set(Family)
        assert all(problem.family in STATUS for problem in problem_codes().values())

    def test_pointers_are_escaped(self):
        assert json_pointer("$.a/b[3].c~d[...]") == "/a~1b/3/c~0d/*"


class TestRequests:
    async def test_actor_key_and_body_reach_the_route(self, client):
        response = await client.post(THING, headers=TOKEN | {"Idempotency-Key": '"k"'}, json={"amount_kopecks": 7})

        assert response.status_code == 200
        assert response.json() == {"actor": "machine:bank", "command": "k", "amount": 7, "limit": 5}

    async def test_an_escaped_backslash_before_u0000_is_no_nul(self, client):
        response = await client.post(THING, headers=KEYED, json={"amount_kopecks": 7, "note": "\\u0000"})

        assert response.status_code == 200

    @pytest.mark.parametrize(("sent", "kept"), [("abc-1.x_Y", True), ("bad id", False), ("x" * 65, False)])
    async def test_a_well_formed_correlation_id_is_carried_and_another_replaced(self, client, sent, kept):
        response = await client.get("/v1/who", headers={"X-Correlation-Id": sent})

        assert (response.headers["x-correlation-id"] == sent) is kept
        assert response.json()["correlation"] == response.headers["x-correlation-id"]

    async def test_a_kept_answer_is_marked(self, client):
        assert (await client.post("/v1/ping")).headers["idempotency-replayed"] == "true"

    async def test_answers_are_not_cached_nor_sniffed(self, client):
        headers = (await client.get("/v1/who")).headers

        assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")

    async def test_a_route_that_would_step_past_the_guard_starts_nothing(self):
        async def nothing(_request: Any) -> None:
            return None

        @get("/v1/unguarded", before_request=nothing)
        async def unguarded() -> None:
            return None

        with pytest.raises(InvariantBroken):
            create_app(
                [ServiceRoutes(name="things", handlers=[unguarded])],
                settings=Settings(),
                databases=Databases({}),
                verifier=Verifier(),
            )

    async def test_no_route_is_public_by_omission(self, client):
        @get("/v1/forgotten")
        async def forgotten() -> str:
            return "secret"

        client.app.register(forgotten)

        check_problem(await client.get("/v1/forgotten"), 401, "access_token_required")

    def test_served_routes_have_the_paths_of_openapi(self, client):
        served = served_routes(client.app)

        assert ("POST", "/v1/things/{thing_id}") in served
        assert {("GET", "/health"), ("GET", "/metrics"), ("GET", "/contracts/{service}")} <= served
        assert not {method for method, _ in served} & {"OPTIONS", "HEAD"}


class TestOperations:
    async def test_health_is_503_when_a_database_is_away(self, client):
        response = await client.get("/health")

        assert response.status_code == 503
        assert response.json()["databases"] == {"registry": "away"}
        assert "127.0.0.1" not in response.text

    async def test_health_is_503_when_a_part_has_stopped(self, make_database):
        database = await make_database("registry")
        stopped = False
        app = create_app(
            [],
            settings=Settings(),
            databases=Databases({"registry": database}),
            verifier=Verifier(),
            parts={"ledger_writer": lambda: stopped},
            on_shutdown=[database.close],
        )

        async with AsyncTestClient(app) as living:
            well = await living.get("/health")
            stopped = True
            ill = await living.get("/health")

        assert (well.status_code, well.json()["status"], well.json()["parts"]) == (200, "ok", {"ledger_writer": "ok"})
        assert (ill.status_code, ill.json()["status"]) == (503, "unavailable")
        assert (ill.json()["databases"], ill.json()["parts"]) == ({"registry": "ok"}, {"ledger_writer": "stopped"})

    async def test_health_and_metrics_of_a_living_database(self, make_database):
        database = await make_database("registry")
        # The client may run the application in a loop of its own: what was opened there is closed there.
        app = create_app(
            [],
            settings=Settings(),
            databases=Databases({"registry": database}),
            verifier=Verifier(),
            on_shutdown=[database.close],
        )

        async with AsyncTestClient(app) as living:
            health, metrics = await living.get("/health"), await living.get("/metrics")

        assert (health.status_code, health.json()["databases"]) == (200, {"registry": "ok"})
        assert 'kapital_database_up{service="registry"} 1.0' in metrics.text
        assert 'kapital_dead_letters_open{service="registry"} 0.0' in metrics.text
        assert 'route="/health"' in metrics.text
        assert metrics.headers["content-type"] == CONTENT_TYPE_LATEST

    async def test_metrics_name_routes_and_never_paths(self, client):
        await client.get("/nowhere/near-7f3a")

        text = (await client.get("/metrics")).text
        assert 'route="unmatched"' in text
        assert "near-7f3a" not in text


class TestPages:
    @pytest.mark.parametrize("lang", ["ru", "en"])
    async def test_every_contract_has_a_page_without_foreign_parts(self, client, lang):
        door = await client.get("/", follow_redirects=False)
        assert (door.status_code, door.headers["location"]) == (303, "/contracts")
        index = await client.get(f"/contracts?lang={lang}")
        assert index.status_code == 200

        for service in ("registry", "tokenization", "settlement", "identity", "custody", "disclosure"):
            assert f"/contracts/{service}" in index.text
            page = await client.get(f"/contracts/{service}?lang={lang}")
            assert page.status_code == 200
            assert "http://" not in page.text.split("<main>")[0]
            assert "<script" not in page.text
            assert f'lang="{lang}"' in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]

    async def test_every_operation_schema_and_event_of_the_yaml_is_on_the_page(self, client):
        http, events = load_contract("openapi", "registry"), load_contract("events", "registry")
        assert http is not None
        assert events is not None

        page = (await client.get("/contracts/registry")).text

        for path in http["paths"]:
            assert path in page
        for name in http["components"]["schemas"]:
            assert f'id="schema-{name}"' in page
        for message in events["components"]["messages"].values():
            assert message["name"] in page

    async def test_the_yaml_itself_is_served(self, client):
        assert (await client.get("/contracts/registry.yaml")).text.startswith("openapi: 3.1")
        assert (await client.get("/contracts/registry.events.yaml")).text.startswith("asyncapi: 3")

    @pytest.mark.parametrize("lang", ["ru", "en"])
    async def test_every_link_into_a_page_leads_somewhere_and_no_place_is_named_twice(self, client, lang):
        for service in contract_names():
            page = (await client.get(f"/contracts/{service}?lang={lang}")).text

            places = re.findall(r' id="([^"]+)"', page)
            assert set(re.findall(r'href="#([^"]+)"', page)) <= set(places), service
            assert len(places) == len(set(places)), service

    async def test_every_service_operation_and_event_is_named_in_russian_and_no_name_is_spare(self, client):
        pages = {name: contract_page(name) for name in contract_names() if name != "common"}
        operations = {operation.anchor for page in pages.values() for operation in page.operations}
        events = {event.type for page in pages.values() for event in page.events}

        assert (SERVICES.keys(), OPERATIONS.keys(), EVENTS.keys()) == (pages.keys(), operations, events)
        for service, page in pages.items():
            russian = (await client.get(f"/contracts/{service}?lang=ru")).text
            english = (await client.get(f"/contracts/{service}?lang=en")).text
            assert f"<h1>{SERVICES[service][0]}</h1>" in russian
            assert f"<h1>{service.title()}</h1>" in english
            assert all(OPERATIONS[operation.anchor].split("`")[0] in russian for operation in page.operations)
            assert "на английском" in russian
            assert not any(OPERATIONS[operation.anchor] in english for operation in page.operations)

    async def test_backticks_of_a_text_are_shown_as_code(self, client):
        page = (await client.get("/problems/body_must_match_contract")).text

        assert "`" in (problem_codes()["body_must_match_contract"].__doc__ or "")
        assert "`" not in page
        assert "<code>" in page.split("</h1>")[1]

    @pytest.mark.parametrize("code", ["database_unavailable", "route_not_found", "internal_error"])
    async def test_the_type_of_a_problem_is_a_page(self, client, code):
        response = await client.get(f"/problems/{code}")

        assert response.status_code == 200
        assert code in response.text


def test_all_problems_of_the_platform_say_what_they_are():
    for code, problem in problem_codes().items():
        if problem.__module__.startswith("kapital.platform"):
            assert inspect.getdoc(problem), code
            assert issubclass(problem, Problem)
    assert problem_codes()["database_unavailable"].__mro__[1] is Unavailable
