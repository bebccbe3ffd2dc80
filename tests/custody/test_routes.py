"""HTTP of custody: public keys for all, changes for persons with the role, answers in the form of the contract."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import msgspec
import pytest
from pydantic import SecretStr
from ruamel.yaml import YAML

from kapital.contracts import custody as contract
from kapital.custody.domain.profiles import KeyProfile
from kapital.custody.service import custody_of
from kapital.kernel.actor import Actor
from kapital.platform.database import Databases
from kapital.platform.http import create_app, served_routes
from kapital.platform.settings import Settings

from .conftest import GUARD, OFFICER, World
from .test_messages import ACT

CONTRACT = Path(__file__).parents[2] / "contracts" / "openapi" / "custody.yaml"
PEOPLE = {"officer": OFFICER, "guard": GUARD}


class Tokens:
    async def verify(self, token: str) -> Actor | None:
        return PEOPLE.get(token)


@pytest.fixture
def app(world: World, tmp_path: Path):
    service = custody_of(
        world.database, world.uow.clock, data_dir=tmp_path / "data", passphrase=SecretStr("test passphrase")
    )
    databases = Databases({"custody": world.database})
    settings = Settings(data_dir=tmp_path)
    return create_app([service.routes], settings=settings, databases=databases, verifier=Tokens())


@pytest.fixture
async def client(app) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://kapital.example") as client:
        yield client


def as_(who: str, key: str | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {who}", "Idempotency-Key": key or str(uuid4())}


async def generated(client: httpx.AsyncClient, name: str = "operator") -> contract.Key:
    body = {"name": name, "profile": "operator"}
    answer = await client.post("/v1/custody/keys", json=body, headers=as_("officer"))
    assert answer.status_code == 201, answer.text
    return msgspec.json.decode(answer.content, type=contract.Key)


def test_serves_exactly_the_operations_of_the_contract(app):
    paths = YAML(typ="safe").load(CONTRACT)["paths"]
    promised = {
        (method.upper(), path)
        for path, operations in paths.items()
        for method in operations
        if method in {"get", "post", "put", "delete", "patch"}
    }

    assert {route for route in served_routes(app) if route[1].startswith("/v1/custody")} == promised


async def test_anybody_reads_public_keys_and_nothing_else(client):
    key = await generated(client)

    one = await client.get(f"/v1/custody/keys/{key.key_id}")
    page = msgspec.json.decode((await client.get("/v1/custody/keys")).content, type=contract.KeyPage)

    assert msgspec.json.decode(one.content, type=contract.Key) == key
    assert page == contract.KeyPage(items=[key], next_after=None)
    assert len(base64.b64decode(key.public_key_b64)) == 32
    for path in (f"/v1/custody/keys/{key.key_id}/signatures",):
        assert (await client.get(path)).json()["code"] == "access_token_required"


async def test_a_key_is_stopped_by_one_and_returned_by_two(client):
    key = await generated(client)
    path = f"/v1/custody/keys/{key.key_id}"

    stopped = await client.post(f"{path}/suspend", json={"reason": "lost"}, headers=as_("guard"))
    version = stopped.json()["version"]
    asked = await client.post(f"{path}/resume", json={"version": version, "reason": "found"}, headers=as_("guard"))
    alone = await client.post(
        f"{path}/resume", json={"version": version + 1, "reason": "found"}, headers=as_("guard")
    )
    granted = await client.post(
        f"{path}/resume", json={"version": version + 1, "reason": "found"}, headers=as_("officer")
    )

    assert [stopped.json()["state"], asked.json()["state"], asked.json()["resume_requested"]] == [
        "suspended",
        "suspended",
        True,
    ]
    assert (alone.status_code, alone.json()["code"]) == (403, "resume_needs_another_person")
    assert (granted.status_code, granted.json()["state"]) == (200, "active")


async def test_a_repeat_is_answered_alike_and_marked(client):
    key = await generated(client)
    path, headers = f"/v1/custody/keys/{key.key_id}/suspend", as_("guard", "once")

    first = await client.post(path, json={"reason": "lost"}, headers=headers)
    second = await client.post(path, json={"reason": "lost"}, headers=headers)

    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"


async def test_the_log_is_read_by_page(client, world: World, tmp_path):
    key = await generated(client)
    service = custody_of(
        world.database, world.uow.clock, data_dir=tmp_path / "data", passphrase=SecretStr("test passphrase")
    )
    signer = await service.custody.signer("operator", purpose="countersign")
    for _ in range(3):
        await signer.sign(ACT)

    path = f"/v1/custody/keys/{key.key_id}/signatures?limit=2"
    first = (await client.get(path, headers=as_("officer"))).json()
    second = (await client.get(f"{path}&before={first['next_before']}", headers=as_("officer"))).json()

    assert [item["purpose"] for item in first["items"] + second["items"]] == ["countersign"] * 3
    assert second["next_before"] is None


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "Two words", "profile": "operator"}, 422, "body_must_match_contract"),
        ({"name": "a", "profile": "client_self"}, 422, "body_must_match_contract"),
        ({"name": "a", "profile": "operator", "more": 1}, 422, "body_must_match_contract"),
        ({"name": "operator", "profile": "operator"}, 409, "key_name_taken"),
    ],
)
async def test_refuses_what_is_not_a_new_key(client, body, status, code):
    await generated(client)

    answer = await client.post("/v1/custody/keys", json=body, headers=as_("officer"))

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_no_answer_holds_a_secret(client, world: World):
    await generated(client)
    sealed = (await world.rows("SELECT sealed FROM key"))[0]["sealed"]

    for path in ("/v1/custody/keys", "/metrics", "/health"):
        content = (await client.get(path)).content
        assert sealed.hex().encode() not in content
        assert base64.b64encode(sealed) not in content
        assert b"test passphrase" not in content
    assert KeyProfile.OPERATOR in {item["profile"] for item in (await client.get("/v1/custody/keys")).json()["items"]}
