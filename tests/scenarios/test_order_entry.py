"""Order entry over HTTP: signed batches, two sessions at once, orders that come too late; the issuer's book."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest_asyncio

from kapital.demo.cast import LEGAL, Player, staff
from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from kapital.registry.use_cases.rule_book_life import DraftRuleBook, MoveRuleBook
from tests.scenarios.house import PRICE, House, Issue, key
from tests.scenarios.signing import ORDERS, Signing, b64


def bought(issue: Issue, *units: int) -> dict[str, Any]:
    return {"orders": [{"issue_id": str(issue.id), "units": n} for n in units]}


def told(answer: httpx.Response) -> list[str]:
    """Of each order: accepted, or the code of its refusal."""
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    return [item["refusal"]["code"] if item["outcome"] == "refused" else item["outcome"] for item in items]


class TestASignedBatch:
    @pytest_asyncio.fixture
    async def signing(self, server: str, tmp_path: Path) -> AsyncIterator[Signing]:
        async with Signing.open(server, tmp_path) as made:
            yield made
            await made.house.must_be_sound()

    async def test_has_one_signature_and_an_answer_for_each_order_and_a_bad_one_spoils_no_other(
        self, signing: Signing
    ) -> None:
        house = signing.house
        issue = await house.opened(
            2, units_each=10, quantity_min=1, quantity_max=100, min_order_units=2, max_order_units=8
        )
        player, other = house.investors
        signer = await signing.bound(player)
        await signing.bound(other)
        headers = await house.token(player)
        body = bought(issue, 4, 1, 9, 3, 4, 2)
        body["orders"].insert(3, {"issue_id": str(uuid4()), "units": 2})
        act = await signing.prepare(headers, **body)
        body["act"] = {"made_at": act["made_at"], "signature": b64(signer.sign_now(_content(act)))}

        answer = await house.web.post(ORDERS, json=body, headers=headers)
        again = await house.web.post(ORDERS, json=body, headers=headers)

        assert told(answer) == [
            "accepted",
            "order_below_minimum",
            "order_exceeds_maximum",
            "issue_not_found",
            "accepted",
            "balance_insufficient",
            "accepted",
        ]
        assert (again.content, again.headers["Idempotency-Replayed"]) == (answer.content, "true")
        assert (await house.money(player), await house.money(player, Position.RESERVED)) == (PRICE, 9 * PRICE)
        kept = await house.rows("tokenization", "SELECT DISTINCT act_file_sha256 FROM subscription_order")
        acts = await house.rows("tokenization", "SELECT file_sha256, state FROM signed_act")
        assert acts == [{"file_sha256": kept[0]["act_file_sha256"], "state": "valid"}]

    async def test_whose_orders_are_not_those_that_were_signed_is_refused_whole(self, signing: Signing) -> None:
        house = signing.house
        issue = await house.opened(1, units_each=10, quantity_min=1, quantity_max=100)
        [player] = house.investors
        signer = await signing.bound(player)
        headers = await house.token(player)
        act = await signing.prepare(headers, **bought(issue, 2, 2))
        signature = b64(signer.sign_now(_content(act)))
        for sent in (bought(issue, 2, 3), bought(issue, 2), bought(issue, 2, 2, 1)):
            body = sent | {"act": {"made_at": act["made_at"], "signature": signature}}

            answer = await house.web.post(ORDERS, json=body, headers=headers)

            assert (answer.status_code, answer.json()["code"]) == (422, "signed_text_differs"), answer.text
        assert await house.order_states(issue) == []
        assert await house.money(player) == 10 * PRICE


class TestTwoSessionsOfOneClientAtOnce:
    async def test_with_money_for_one_order_have_one_accepted_and_the_other_told_why(self, house: House) -> None:
        issue = await house.opened(1, units_each=10, quantity_min=1, quantity_max=100)
        [player] = house.investors
        sessions = [await house.token(player) for _ in range(2)]

        answers = await asyncio.gather(
            *(house.web.post(ORDERS, json=bought(issue, 6), headers=session) for session in sessions)
        )

        assert sorted(one for answer in answers for one in told(answer)) == ["accepted", "balance_insufficient"]
        [refused] = [item["refusal"] for answer in answers for item in answer.json()["items"] if "refusal" in item]
        assert refused["facts"]["asked"] == 6 * PRICE
        assert refused["facts"]["balance"] == 4 * PRICE
        assert "too little free money" in refused["title"]
        assert "are free" in refused["detail"]
        assert (await house.money(player), await house.money(player, Position.RESERVED)) == (4 * PRICE, 6 * PRICE)

    async def test_with_one_key_place_one_order_and_get_one_answer(self, house: House) -> None:
        issue = await house.opened(1, units_each=10, quantity_min=1, quantity_max=100)
        [player] = house.investors
        same = {"Idempotency-Key": key()}
        sessions = [await house.token(player) | same for _ in range(2)]

        answers = await asyncio.gather(
            *(house.web.post(ORDERS, json=bought(issue, 3, 2), headers=session) for session in sessions * 3)
        )

        assert {answer.content for answer in answers} == {answers[0].content}
        assert told(answers[0]) == ["accepted", "accepted"]
        assert await house.order_states(issue) == ["accepted", "accepted"]
        assert await house.money(player, Position.RESERVED) == 5 * PRICE


class TestWhatComesTooLate:
    async def test_after_the_close_every_order_is_refused_and_nothing_is_reserved(self, house: House) -> None:
        issue = await house.opened(2, units_each=10, quantity_min=1, quantity_max=100)
        early, late = house.investors
        assert told(await self.send(house, early, issue, 5)) == ["accepted"]
        await house.closed(issue)

        answer = await self.send(house, late, issue, 5, 2)

        assert told(answer) == ["placement_must_be_open"] * 2
        refused = answer.json()["items"][0]["refusal"]
        assert (refused["retry"], refused["facts"]["state"]) == ("after_change", "circulating")
        assert await house.money(late) == 10 * PRICE

    async def test_under_a_rule_book_that_is_no_longer_in_force_an_order_is_refused_with_its_version(
        self, house: House
    ) -> None:
        issue = await house.opened(1, units_each=10, quantity_min=1, quantity_max=100)
        [player] = house.investors
        await _new_rule_book(house, "next")

        answer = await self.send(house, player, issue, 1, 2)

        assert told(answer) == ["rule_book_not_accepted"] * 2
        assert answer.json()["items"][0]["refusal"]["facts"] == {"in_force": "next"}
        assert await house.money(player) == 10 * PRICE

    async def send(self, house: House, player: Player, issue: Issue, *units: int) -> httpx.Response:
        return await house.web.post(ORDERS, json=bought(issue, *units), headers=await house.token(player))


class TestTheOrderBook:
    async def test_shows_the_issuer_the_progress_and_sums_by_state_and_names_nobody(self, house: House) -> None:
        issue = await house.opened(3, units_each=10, quantity_min=8, quantity_max=20)
        first, second, third = house.investors
        empty = await self.book(house, issue)
        assert (empty["remaining_units"], empty["placed_basis_points"], empty["minimum_reached"]) == (20, 0, False)
        assert empty["by_state"] == []
        await house.orders(first, issue, 5, 11)
        withdrawn = await house.order(second, issue, 4)
        await house.withdraw(second, withdrawn)
        await house.order(third, issue, 2)

        book = await self.book(house, issue)

        assert (book["accepted_orders"], book["accepted_units"], book["accepted_kopecks"]) == (2, 7, 7 * PRICE)
        assert (book["remaining_units"], book["placed_basis_points"], book["minimum_reached"]) == (13, 3500, False)
        assert {row["state"]: (row["orders"], row["units"], row["reserved_kopecks"]) for row in book["by_state"]} == {
            "accepted": (2, 7, 7 * PRICE),
            "withdrawn": (1, 4, 4 * PRICE),
        }
        shown = json.dumps(book, ensure_ascii=False)
        for player in house.investors:
            for secret in (player.participant_id, player.wallet, player.person.inn, player.person.name):
                assert str(secret) not in shown

        await house.order(second, issue, 10)
        assert (await self.book(house, issue))["minimum_reached"] is True
        await house.closed(issue)
        closed = await self.book(house, issue)
        assert (closed["state"], closed["allocated_units"], closed["paid_kopecks"]) == (
            "circulating",
            17,
            17 * PRICE,
        )

    async def book(self, house: House, issue: Issue) -> dict[str, Any]:
        answer = await house.web.get(
            f"/v1/tokenization/issues/{issue.id}/order-book", headers=await house.token(issue.issuer)
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def _content(act: dict[str, Any]) -> bytes:
    return b64decode(act["act"])


async def _new_rule_book(house: House, version: str) -> None:
    registry = house.kapital.registry.use_cases
    said = {"rule_book_version": version, "document_sha256": sha256(b"rules").hexdigest()}
    tomorrow = (house.clock.now() + timedelta(days=1)).date()
    await registry.draft_rule_book(DraftRuleBook(command_id=key(), actor=LEGAL, effective_on=tomorrow, **said))
    for step, actor in (("sent", LEGAL), ("agreed", staff(Role.COMPLIANCE))):
        await registry.move_rule_book(
            MoveRuleBook(command_id=key(), actor=actor, step=step, reference="Исх. 1", **said)
        )
    await house.to(house.clock.now() + timedelta(days=1))
