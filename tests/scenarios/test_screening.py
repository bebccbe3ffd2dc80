"""Scenarios 25 and 26: a list names a client after onboarding; a likeness that is somebody else.

Told over the whole house: identity finds, tokenization and settlement hold, the client reads nothing of it.
"""

import os
from importlib.util import find_spec
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from kapital.demo.cast import Player
from kapital.identity.adapters.lists.files import ListFile, ListFormat
from kapital.identity.domain.screening import ListSource
from kapital.identity.use_cases.load_list import LoadList
from kapital.kernel.actor import Actor
from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from tests.scenarios.house import House, Issue

PRICE = 100_000
CLIENTS = 30
LOADER = Actor(id=str(uuid4()), participant_id=None, roles=frozenset({Role.AML_OFFICER}))


@pytest.fixture(autouse=True)
def engine() -> None:
    """The packages of the extra `screening`."""
    if find_spec("nomenklatura") is None:
        message = "no nomenklatura: install g++, pkg-config and libicu-dev, then make setup"
        (pytest.fail if os.environ.get("KAPITAL_REQUIRE_ALL") == "1" else pytest.skip)(message)


def subject(uid: str, name: str, inn: str = "") -> str:
    number = f"<ИНН>{inn}</ИНН>" if inn else ""
    return (
        f"<Субъект><ИдСубъекта>{uid}</ИдСубъекта><ТипСубъекта><Идентификатор>4</Идентификатор></ТипСубъекта>"
        f"<ФЛ><ФИО>{name}</ФИО>{number}</ФЛ></Субъект>"
    )


async def list_comes(house: House, *subjects: str, date: str) -> None:
    """A version of the list of Rosfinmonitoring is loaded; the schedule compares the clients with it."""
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><Перечень><ДатаПеречня>{date}</ДатаПеречня><АктуальныйПеречень>'
        f"{''.join(subjects)}</АктуальныйПеречень></Перечень>"
    )
    path = house.folder / f"{date}.xml"
    path.write_text(content, encoding="utf-8")
    file = ListFile(path, ListFormat.ROSFINMONITORING_XML)
    await house.kapital.identity.screening.load_list(
        LoadList(actor=LOADER, source=ListSource.ROSFINMONITORING_TERROR, file=file)
    )
    await house.kapital.settle_down()


async def seen_by(house: House, player: Player, issue: Issue) -> dict[str, Any]:
    """Every answer about the client that the client can read."""
    headers = await house.token(player)
    who = player.actor.participant_id
    paths = (
        f"/v1/identity/participants/{who}/status",
        f"/v1/registry/participants/{who}",
        f"/v1/settlement/beneficiaries/{player.wallet}",
        "/v1/settlement/withdrawals",
        "/v1/tokenization/orders",
        f"/v1/tokenization/issues/{issue.id}",
        f"/v1/identity/screening/hits?limit={1}",
        "/v1/identity/aml/messages",
        "/v1/identity/cases",
    )
    answers = {path: await house.web.get(path, headers=headers) for path in paths}
    return {path: (answer.status_code, without_time(answer.json())) for path, answer in answers.items()}


def without_time(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in ("correlation_id", "instance", "trace_id")}


async def post(house: House, headers: dict[str, str], path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await house.web.post(path, json=body, headers={**headers, "Idempotency-Key": str(uuid4())})
    assert answer.status_code < 300, answer.text
    return answer.json()


async def test_25_a_list_names_a_client_after_onboarding(house: House) -> None:
    issue = await house.opened(CLIENTS, units_each=10)
    named, closing, *others = house.investors
    named_orders, closing_orders = [await house.orders(one, issue, 5) for one in (named, closing)]
    for other in others[:3]:
        await house.order(other, issue, 5)
    before = await seen_by(house, named, issue)

    await list_comes(
        house,
        subject("1", "НЕКТО НЕ ИЗ КЛИЕНТОВ"),
        subject("2", named.person.name.upper(), named.person.inn),
        date="2027-01-11",
    )

    # Frozen at once, the message drafted, everybody else free.
    officer = await house.staff_token(Role.AML_OFFICER)
    hits = (await house.web.get("/v1/identity/screening/hits?state=frozen", headers=officer)).json()["hits"]
    assert [UUID(hit["participant_id"]) for hit in hits] == [named.actor.participant_id]
    [message] = (await house.web.get("/v1/identity/aml/messages", headers=officer)).json()["messages"]
    assert (message["hit_id"], message["state"], message["is_overdue"]) == (hits[0]["hit_id"], "draft", False)
    file = (await house.web.get(f"/v1/identity/aml/messages/{message['message_id']}/file", headers=officer)).json()
    assert named.person.inn in file["content"]
    # The client reads what it read before, word for word, but that it is restricted – as anybody may be.
    record = f"/v1/registry/participants/{named.actor.participant_id}"
    after = await seen_by(house, named, issue)
    (_, was), (status, restricted) = before.pop(record), after.pop(record)
    assert after == before
    assert (status, restricted["state"], restricted["restrictions"]) == (200, "restricted", [])
    assert {**restricted, "state": was["state"], "version": was["version"]} == was
    # Its open order stands, its money stays reserved; what it asks is answered as to anybody of another standing.
    async with house.kapital.databases.get("tokenization").engine.begin() as conn:
        await conn.execute(
            text("UPDATE investor SET state = 'closing' WHERE participant_id = :id"),
            {"id": closing.actor.participant_id},
        )
    answers = []
    for player, placed in ((named, named_orders), (closing, closing_orders)):
        headers = await house.token(player)
        order_id = placed.items[0].order_id
        body = {"orders": [{"issue_id": str(issue.id), "units": 1}]}
        asked = await post(house, headers, "/v1/tokenization/orders", body)
        withdrawn = await post(house, headers, "/v1/tokenization/orders/withdrawals", {"order_ids": [str(order_id)]})
        answers.append([asked["items"][0] | {"order_id": ""}, withdrawn["items"][0] | {"order_id": ""}])
    assert answers[0] == answers[1]
    assert answers[0][0]["refusal"]["code"] == "participant_must_be_active"
    assert await house.money(named, Position.RESERVED) == 5 * PRICE
    # Money is not sent, and the client cannot tell it from a bank that takes its time.
    item = {"wallet_id": str(named.wallet), "amount_kopecks": PRICE, "payout_account": _account(named)}
    asked = await post(house, await house.token(named), "/v1/settlement/withdrawals", {"withdrawals": [item]})
    item = {"wallet_id": str(others[0].wallet), "amount_kopecks": PRICE, "payout_account": _account(others[0])}
    other = await post(house, await house.token(others[0]), "/v1/settlement/withdrawals", {"withdrawals": [item]})
    assert [set(one) for one in asked["withdrawals"]] == [set(one) for one in other["withdrawals"]]
    assert asked["withdrawals"][0]["outcome"] == other["withdrawals"][0]["outcome"] == "accepted"
    await house.kapital.settle_down()
    states = await house.rows("settlement", "SELECT wallet_id, state FROM withdrawal")
    assert {UUID(str(row["wallet_id"])): row["state"] for row in states} == {
        named.wallet: "requested",  # the register locks nothing in a frozen wallet
        others[0].wallet: "confirmed",
    }
    house.money_in -= PRICE
    # At the close the frozen client gets nothing, and its money stays in its own wallet.
    await house.closed(issue)
    [own] = await house.rows(
        "tokenization",
        "SELECT state FROM subscription_order WHERE order_id = :id",
        id=named_orders.items[0].order_id,
    )
    assert own["state"] == "refunded"
    assert (await house.units(issue))[0] == 0
    assert await house.money(named) == 10 * PRICE


def _account(player: Player) -> dict[str, str]:
    return {"bic": player.account.bic, "account": player.account.account}


async def test_26_a_likeness_that_is_somebody_else(house: House) -> None:
    issue = await house.opened(3, units_each=10)
    [alike, *_] = house.investors
    before = await seen_by(house, alike, issue)
    entry = subject("7", alike.person.name.upper())

    await list_comes(house, entry, subject("8", "КТО-ТО ДРУГОЙ"), date="2027-01-11")

    proposer, approver = [await house.staff_token(Role.AML_OFFICER) for _ in range(2)]
    hits = (await house.web.get("/v1/identity/screening/hits", headers=proposer)).json()["hits"]
    [hit] = [one for one in hits if UUID(one["participant_id"]) == alike.actor.participant_id]
    assert hit["state"] == "suspected"
    assert await seen_by(house, alike, issue) == before
    placed = await house.order(alike, issue, 1)
    assert placed.refusal
    assert placed.refusal.code == "participant_must_be_active"  # held until a person has decided

    path = f"/v1/identity/screening/hits/{hit['hit_id']}/decision"
    body = {"hit_sha256": hit["hit_sha256"], "reason": "Дата рождения другая, паспорт предъявлен"}
    proposed = await post(house, proposer, path, body | {"decision": "propose_release"})
    alone = await house.web.post(
        path, json=body | {"decision": "approve_release"}, headers={**proposer, "Idempotency-Key": str(uuid4())}
    )
    released = await post(house, approver, path, body | {"decision": "approve_release"})
    await house.kapital.settle_down()

    assert (proposed["measure"], alone.json()["code"]) == ("held", "maker_and_checker_must_differ")
    assert (released["state"], released["measure"]) == ("false_positive", "free")
    [kept] = await house.rows(
        "identity",
        "SELECT decision_reason FROM screening_hit WHERE hit_id = :id",
        id=UUID(hit["hit_id"]),
    )
    assert kept["decision_reason"] == body["reason"]
    assert (await house.order(alike, issue, 1)).outcome.value == "accepted"
    assert (await house.web.get("/v1/identity/aml/messages", headers=proposer)).json()["messages"] == []

    # A later version that leaves the entry as it is does not ask again; one that changes it does.
    await list_comes(house, entry, subject("9", "ЕЩЁ ОДИН ДРУГОЙ"), date="2027-01-18")
    assert await suspected(house, proposer) == []
    changed = subject("7", alike.person.name.title())
    await list_comes(house, changed, subject("9", "ЕЩЁ ОДИН ДРУГОЙ"), date="2027-01-25")
    [again] = await suspected(house, proposer)
    assert (UUID(again["participant_id"]), again["list_number"]) == (alike.actor.participant_id, 3)


async def suspected(house: House, headers: dict[str, str]) -> list[dict[str, Any]]:
    answer = await house.web.get("/v1/identity/screening/hits?state=suspected", headers=headers)
    return list(answer.json()["hits"])
