"""Acceptance scenario 55 and bad input: what is asked twice is done once, what is wrong is refused whole."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from kapital.ledger.api import Position
from kapital.platform.postgres import EmbeddedPostgres
from kapital.tokenization.domain.terms import load_terms
from kapital.tokenization.domain.terms_text import TermsDuplicateKey
from kapital.verify.signed_note import Algorithm, vkey
from tests.scenarios.house import PRICE, House, Issue, Told, key
from tests.tokenization.world import EXAMPLES, terms
from tests.waiting import until

ORDERS = "/v1/tokenization/orders"


def body(issue: Issue | str, units: Any) -> dict[str, Any]:
    return {"orders": [{"issue_id": issue if isinstance(issue, str) else str(issue.id), "units": units}]}


async def traces(house: House) -> dict[str, Any]:
    """Everything that a refused or repeated request must leave as it is."""
    return {
        "entries": await house.kapital.ledger.size(),
        "orders": await house.rows("tokenization", "SELECT * FROM subscription_order ORDER BY order_id"),
        "issues": await house.rows("tokenization", "SELECT * FROM issue ORDER BY issue_id"),
        "told": await house.rows("tokenization", "SELECT id FROM outbox ORDER BY id"),
    }


async def test_55_a_repeated_request_gets_the_same_answer_and_has_no_second_effect(house: House) -> None:
    issue = await house.opened(1, units_each=100, quantity_min=10, quantity_max=1000)
    headers = await house.token(house.investors[0])
    first = await house.web.post(ORDERS, json=body(issue, 30), headers=headers)
    after = await traces(house)

    again = await asyncio.gather(*(house.web.post(ORDERS, json=body(issue, 30), headers=headers) for _ in range(10)))

    assert first.status_code == 200
    assert first.json()["items"][0]["outcome"] == "accepted"
    assert {response.content for response in again} == {first.content}
    assert await traces(house) == after
    assert await house.money(house.investors[0], Position.RESERVED) == 30 * PRICE
    # Also when the order has lived on: the answer is what was answered.
    await house.closed(issue)
    later = (await house.token(house.investors[0])) | {"Idempotency-Key": headers["Idempotency-Key"]}
    assert (await house.web.post(ORDERS, json=body(issue, 30), headers=later)).content == first.content
    assert await house.units(issue) == [30]


async def test_55_a_key_used_for_another_request_is_refused(house: House) -> None:
    issue = await house.opened(2, units_each=100, quantity_min=10, quantity_max=1000)
    one, other = house.investors
    headers = await house.token(one)
    await house.web.post(ORDERS, json=body(issue, 30), headers=headers)
    after = await traces(house)

    response = await house.web.post(ORDERS, json=body(issue, 31), headers=headers)

    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
    assert await traces(house) == after
    # The same key in another's hand is another key.
    foreign = (await house.token(other)) | {"Idempotency-Key": headers["Idempotency-Key"]}
    assert (await house.web.post(ORDERS, json=body(issue, 31), headers=foreign)).status_code == 200


async def test_an_order_for_an_unknown_issue_is_refused(house: House) -> None:
    await house.opened(1, units_each=1, quantity_min=10, quantity_max=1000)
    before = await traces(house)

    response = await house.web.post(ORDERS, json=body(str(uuid4()), 1), headers=await house.token(house.investors[0]))

    assert response.status_code == 200  # each order of a list has its own answer
    assert response.json()["items"][0]["refusal"]["code"] == "issue_not_found"
    assert await traces(house) == before


async def test_units_that_are_no_whole_positive_number_of_64_bits_are_refused_by_the_contract(house: House) -> None:
    issue = await house.opened(1, units_each=1, quantity_min=10, quantity_max=1000)
    headers = await house.token(house.investors[0])
    before = await traces(house)

    for units in (-1, 0, 1.5, "1", None, True, 2**63, 10**30):
        response = await house.web.post(ORDERS, json=body(issue, units), headers=headers | {"Idempotency-Key": key()})

        assert (response.status_code, response.json()["code"]) == (422, "body_must_match_contract"), units
        assert response.headers["content-type"].startswith("application/problem+json")
    assert await traces(house) == before


async def test_a_decision_without_mandatory_items_is_told_all_of_them_with_their_law_and_not_kept(
    house: House,
) -> None:
    value = json.loads(terms())
    [issuer] = await house.people(1, terms())
    items = {"liability_text": "п. 10", "dispute": "п. 12", "price_kopecks": "п. 5", "collateral": "п. 9"}
    for name in items:
        del value[name]
    del value["issuer"]["inn"]

    drafted = await house.web.post(
        "/v1/tokenization/decisions", json={"terms": value}, headers=await house.token(issuer)
    )

    assert (drafted.status_code, drafted.json()["code"]) == (422, "terms_malformed")
    told = {error["pointer"]: error["message"] for error in drafted.json()["errors"]}
    assert told.keys() == {f"/{name}" for name in items} | {"/issuer/inn"}
    assert all(told[f"/{name}"].endswith(f"(259-ФЗ ст. 3 ч. 1 {item})") for name, item in items.items())
    assert await house.rows("tokenization", "SELECT 1 FROM issue") == []


async def test_a_decision_in_the_name_of_another_is_a_fault_of_its_own(house: House) -> None:
    [issuer] = await house.people(1, terms())
    value = json.loads(terms())
    value["issuer"]["inn"] = value["operator"]["inn"]

    drafted = await house.web.post(
        "/v1/tokenization/decisions", json={"terms": value}, headers=await house.token(issuer)
    )

    assert drafted.status_code == 201, drafted.text
    faults = [(fault["code"], fault["pointer"]) for fault in drafted.json()["faults"]]
    assert faults == [("issuer_is_another", "/issuer/inn")]


async def test_a_decision_with_faults_shows_all_with_their_law_and_is_not_published(house: House) -> None:
    value = json.loads(terms())
    [issuer] = await house.people(1, terms())
    value |= {"quantity_min": value["quantity_max"] + 1, "payment_means": []}
    value["smart_contract_clause"]["text"] = None
    value["issuer"]["inn"] = "9900000032"

    drafted = await house.web.post(
        "/v1/tokenization/decisions", json={"terms": value}, headers=await house.token(issuer)
    )

    assert drafted.status_code == 201, drafted.text
    told = drafted.json()
    faults = {fault["code"]: fault for fault in told["faults"]}
    assert faults.keys() >= {"quantity_min_above_max", "payment_means_missing", "issuer_inn_invalid"}
    assert "smart_contract_text_missing" in faults
    assert all(fault["legal_basis"] and fault["message_ru"] and fault["message_en"] for fault in told["faults"])
    submitted = await house.web.post(
        f"/v1/tokenization/issues/{told['issue_id']}/submission",
        json={"decision_sha256": told["decision_sha256"]},
        headers=await house.token(issuer),
    )
    assert (submitted.status_code, submitted.json()["code"]) == (422, "terms_must_have_no_fault")
    assert len(submitted.json()["errors"]) == len(told["faults"])
    assert (await house.web.get(f"/v1/disclosure/issues/{told['issue_id']}")).status_code == 404
    assert await house.rows("ledger", "SELECT 1 FROM asset WHERE kind = 'units'") == []


def test_a_terms_file_with_a_key_twice_is_not_read() -> None:
    text = (EXAMPLES / "fixed-rate-window.yaml").read_text()

    with pytest.raises(TermsDuplicateKey, match="price_kopecks"):
        load_terms((text + "\nprice_kopecks: 1\n").encode())


async def test_a_body_with_a_name_twice_is_refused(house: House) -> None:
    issue = await house.opened(1, units_each=100, quantity_min=10, quantity_max=1000)
    headers = (await house.token(house.investors[0])) | {"Content-Type": "application/json"}
    text = f'{{"orders": [{{"issue_id": "{issue.id}", "units": 1, "units": 90}}]}}'
    before = await traces(house)

    response = await house.web.post(ORDERS, content=text, headers=headers)

    assert response.status_code == 422
    assert "units" in response.json()["detail"]
    assert await traces(house) == before


async def test_a_database_that_goes_away_during_orders_costs_only_time(
    house: House, postgres: EmbeddedPostgres
) -> None:
    """The server is stopped in the middle of forty orders: 503 to some; the same requests later do each once."""
    issue = await house.opened(40, units_each=10, quantity_min=10, quantity_max=1000)
    requests = [(await house.token(player), body(issue, 3)) for player in house.investors]

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(house.web.post(ORDERS, json=b, headers=h) for h, b in requests))

    async with house.kapital.databases.get("ledger").engine.connect() as other:
        # The ledger cannot reserve: every order is in the middle of its way when the server stops.
        await other.execute(text("SELECT FROM head FOR UPDATE"))
        under_way = asyncio.create_task(all_at_once())
        await until(lambda: waits_for_a_lock(house), what="the ledger's writer at the head")
        await asyncio.to_thread(stop, postgres)
        await other.invalidate()
    try:
        answers = await under_way
        health = await house.web.get("/health")
        [also] = [await house.web.post(ORDERS, json=requests[0][1], headers=requests[0][0])]
    finally:
        await asyncio.to_thread(postgres.start)

    assert {response.status_code for response in answers} <= {200, 503}
    assert any(response.status_code == 503 for response in answers)
    assert (health.status_code, also.status_code) == (503, 503)
    assert also.headers["retry-after"]
    assert also.json()["retry"] == "same_request"
    for _ in range(3):
        answers = await all_at_once()
        if all(response.status_code == 200 for response in answers):
            break
    assert [response.json()["items"][0]["outcome"] for response in answers] == ["accepted"] * 40
    assert await house.moneys(Position.RESERVED) == [3 * PRICE] * 40
    assert await house.moneys() == [7 * PRICE] * 40
    assert len(await house.rows("tokenization", "SELECT 1 FROM subscription_order")) == 40
    await house.closed(issue)
    assert await house.units(issue) == [3] * 40


async def waits_for_a_lock(house: House) -> bool:
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(await house.rows("ledger", waiting))


def stop(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    assert not postgres.is_ready()


async def test_evidence_that_is_torn_changed_or_of_another_operator_is_refused_with_its_reason(house: House) -> None:
    issue = await house.opened(1, units_each=100, quantity_min=10, quantity_max=100)
    await house.order(house.investors[0], issue, 100)
    await house.closed(issue)
    seq = (await house.unit_records(issue))[0]["seq"]
    good = await house.kapital.ledger.entry_evidence(seq)
    own, foreign = house.folder / "own.vkey", house.folder / "foreign.vkey"
    own.write_text("\n".join(house.kapital.ledger.verifier_keys))
    foreign.write_text(vkey(house.kapital.settings.log_origin, Algorithm.ED25519, bytes(31) + b"\1"))

    async def told(name: str, content: bytes, keys: Path) -> Told:
        path = house.folder / f"{name}.kapital.json"
        path.write_bytes(content)
        return await house.cli("verify", str(path), "--key-file", str(keys))

    accepted, torn, changed, strange, missing = await asyncio.gather(
        told("good", good, own),
        told("torn", good[: len(good) // 2], own),
        told("changed", good.replace(b"SMART_CONTRACT", b"STATUTE", 1), own),
        told("strange", good, foreign),
        house.cli("verify", str(house.folder / "nowhere.json")),
    )

    assert (accepted.code, accepted.out.split(":")[0]) == (0, "ACCEPTED")
    assert torn.code == 2
    assert "package_torn" in torn.out
    assert changed.code == 1
    assert "proof_root_differs" in changed.out
    assert strange.code == 1
    assert "signature_not_trusted" in strange.out
    assert (missing.code, missing.out) == (2, "")
    assert "No such file" in missing.err
