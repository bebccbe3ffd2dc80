"""Scenario 21, second mode, over HTTP: certificates are looked at again before a placement is allocated."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from kapital.platform.acts.files import read_signed_act
from kapital.platform.signatures.outcome import Outcome
from tests.scenarios.house import PRICE, START, Issue, key
from tests.scenarios.signing import ORDERS, Signing

REVIEWS = "/v1/tokenization/order-reviews"
RULE = {"effective_from": "2020-01-01", "basis": "правила, п. 7"}
MINUTES = timedelta(minutes=5)


@pytest_asyncio.fixture
async def signing(server: str, tmp_path: Path) -> AsyncIterator[Signing]:
    async with Signing.open(server, tmp_path, recheck_at_settlement=[RULE]) as made:
        yield made
        await made.house.must_be_sound()


@pytest_asyncio.fixture
async def issue(signing: Signing) -> Issue:
    return await signing.house.opened(3, units_each=10, quantity_min=1, quantity_max=100)


async def ordered(signing: Signing, issue: Issue) -> None:
    """Two investors order; the certificate of the first is revoked after that."""
    first, second = signing.house.investors[:2]
    fallen, standing = await signing.bound(first), await signing.bound(second)
    for player, signer, units in ((first, fallen, 4), (second, standing, 3)):
        answer = await signing.order(player, signer, issue.id, units)
        assert answer.json()["items"][0]["outcome"] == "accepted", answer.text
    signing.house.clock.advance(MINUTES)
    signing.issuing.revoke(fallen.certificate(), at=signing.house.clock.now())
    signing.house.clock.advance(MINUTES)


async def reviews(signing: Signing, **query: str) -> list[dict[str, Any]]:
    answer = await signing.house.web.get(
        REVIEWS, params=query, headers=await signing.house.staff_token(Role.COMPLIANCE)
    )
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def told(signing: Signing, review: dict[str, Any], act: str, headers: dict[str, str], **body: str) -> Any:
    headers = headers | {"Idempotency-Key": key()}
    return await signing.house.web.post(f"{REVIEWS}/{review['review_id']}/{act}", json=body, headers=headers)


async def decided(signing: Signing, verdict: str) -> dict[str, Any]:
    """One person of COMPLIANCE proposes for the only held act, another of LEGAL confirms."""
    [held] = await reviews(signing, state="held")
    maker, checker = await signing.house.staff_token(Role.COMPLIANCE), await signing.house.staff_token(Role.LEGAL)
    proposed = await told(signing, held, "proposal", maker, verdict=verdict, reason="письмо клиента")
    assert proposed.json()["state"] == "proposed", proposed.text
    seen = proposed.json()["proposal_sha256"]
    answer = await told(signing, held, "decision", checker, proposal_sha256=seen, answer="confirm")
    assert answer.status_code == 200, answer.text
    await signing.house.kapital.settle_down()
    return dict(answer.json())


async def own_order(signing: Signing, number: int) -> dict[str, Any]:
    headers = await signing.house.token(signing.house.investors[number])
    [row] = (await signing.house.web.get(ORDERS, headers=headers)).json()["items"]
    return dict(row)


async def test_21_an_order_whose_certificate_fell_since_is_held_and_nothing_is_settled(
    signing: Signing, issue: Issue
) -> None:
    await ordered(signing, issue)

    await signing.house.closed(issue)

    assert await signing.house.state(issue) == "placement_open"
    assert await signing.house.order_states(issue) == ["accepted", "accepted"]
    [held] = await reviews(signing, state="held")
    [passed] = await reviews(signing, state="passed")
    assert held["reasons"] == ["certificate_revoked_later"]
    assert (held["signature_holds"], held["order_ids"]) == (True, [(await own_order(signing, 0))["order_id"]])
    assert held["signed_at"] < held["revoked_at"]
    assert passed["order_ids"] == [(await own_order(signing, 1))["order_id"]]
    assert (await own_order(signing, 0))["review"] == "held"
    assert "review" not in await own_order(signing, 1)
    assert await signing.house.money(signing.house.investors[0], Position.RESERVED) == 4 * PRICE
    metrics = await signing.house.web.get("/metrics")
    assert "kapital_order_reviews_open 1.0" in metrics.text
    file = read_signed_act(await signing.house.kapital.objects.get(held["file_sha256"]))
    assert file.bundle.outcome is Outcome.VALID


async def test_21_a_held_order_goes_on_when_two_persons_say_so(signing: Signing, issue: Issue) -> None:
    await ordered(signing, issue)
    await signing.house.closed(issue)

    done = await decided(signing, "go_on")

    assert done["state"] == "goes_on"
    assert done["proposed_by"] != done["decided_by"]
    assert await signing.house.order_states(issue) == ["settled", "settled"]
    assert await signing.house.units(issue) == [4, 3, 0]
    assert (await own_order(signing, 0))["review"] == "goes_on"
    rows = await signing.house.rows(
        "tokenization",
        "SELECT action FROM audit_event WHERE subject = :id ORDER BY id",
        id=done["review_id"],
    )
    assert [row["action"].removeprefix("tokenization.order_review_") for row in rows] == [
        "held",
        "proposed",
        "let_go",
    ]


async def test_21_a_held_order_gets_its_money_back_when_two_persons_say_so(signing: Signing, issue: Issue) -> None:
    await ordered(signing, issue)
    await signing.house.closed(issue)

    done = await decided(signing, "not_allocate")

    assert done["state"] == "not_allocated"
    assert await signing.house.order_states(issue) == ["refunded", "settled"]
    assert await signing.house.units(issue) == [0, 3, 0]
    assert await signing.house.money(signing.house.investors[0]) == 10 * PRICE
    assert (await own_order(signing, 0))["review"] == "not_allocated"


async def test_one_person_alone_decides_nothing_and_only_what_was_seen_counts(signing: Signing, issue: Issue) -> None:
    await ordered(signing, issue)
    await signing.house.closed(issue)
    [held] = await reviews(signing, state="held")
    maker, another = [await signing.house.staff_token(Role.COMPLIANCE) for _ in range(2)]
    legal = await signing.house.staff_token(Role.LEGAL)

    async def code(*what: Any, **body: str) -> tuple[int, str]:
        answer = await told(signing, held, *what, **body)
        return answer.status_code, answer.json().get("code") or answer.json()["state"]

    assert await code("proposal", legal, verdict="go_on", reason="x") == (403, "not_permitted")
    assert await code("decision", another, proposal_sha256="0" * 64, answer="confirm") == (409, "wrong_state")
    proposed = (await told(signing, held, "proposal", maker, verdict="not_allocate", reason="нет ответа")).json()
    seen = proposed["proposal_sha256"]
    assert await code("decision", maker, proposal_sha256=seen, answer="confirm") == (
        403,
        "maker_and_checker_must_differ",
    )
    assert await code("decision", another, proposal_sha256="1" * 64, answer="confirm") == (
        409,
        "order_review_must_match",
    )
    assert await code("decision", another, proposal_sha256=seen, answer="return") == (200, "held")
    await signing.house.kapital.settle_down()
    assert await signing.house.state(issue) == "placement_open"
    again = (await told(signing, held, "proposal", another, verdict="go_on", reason="клиент подтвердил")).json()
    assert await code("decision", legal, proposal_sha256=seen, answer="confirm") == (409, "order_review_must_match")
    assert await code("decision", legal, proposal_sha256=again["proposal_sha256"], answer="confirm") == (
        200,
        "goes_on",
    )


async def test_while_no_authority_answers_the_placement_waits(signing: Signing, issue: Issue) -> None:
    player = signing.house.investors[0]
    await signing.order(player, await signing.bound(player), issue.id, 2)
    signing.house.clock.advance(MINUTES)
    signing.served.silent = True

    await signing.house.closed(issue)

    assert await signing.house.order_states(issue) == ["accepted"]
    assert [one["state"] for one in await reviews(signing)] == ["waiting"]
    signing.served.silent = False
    signing.house.clock.advance(timedelta(minutes=1))
    await signing.house.kapital.settle_down()
    assert await signing.house.order_states(issue) == ["settled"]
    assert [one["state"] for one in await reviews(signing)] == ["passed"]


async def test_an_order_of_a_certificate_suspended_since_is_held_too(signing: Signing, issue: Issue) -> None:
    player = signing.house.investors[0]
    signer = signing.signer(signing.numbers_of(player))
    certificate_id = (await signing.bind(player, signer))["certificate_id"]
    await signing.order(player, signer, issue.id, 2)
    answer = await signing.house.web.post(
        f"/v1/identity/certificates/{certificate_id}/changes",
        json={"change": "suspend", "reason": "носитель утерян"},
        headers=await signing.house.token(player),
    )
    assert answer.json()["state"] == "suspended"
    await signing.house.kapital.bus.drain()

    await signing.house.closed(issue)

    [held] = await reviews(signing, state="held")
    assert held["reasons"] == ["signature_certificate_suspended"]
    assert (await decided(signing, "go_on"))["state"] == "goes_on"
    assert await signing.house.order_states(issue) == ["settled"]


@pytest.mark.parametrize("ends", ["before", "after"])
async def test_the_day_on_which_the_placement_ends_says_whether_it_is_checked_again(
    server: str, tmp_path: Path, ends: str
) -> None:
    outside = {"before": "2020-01-02", "after": None}[ends]
    first = {"before": "2020-01-01", "after": (START.date() + timedelta(days=2000)).isoformat()}[ends]
    rule = {"effective_from": first, "effective_to": outside, "basis": "x"}
    async with Signing.open(server, tmp_path, recheck_at_settlement=[rule]) as signing:
        issue = await signing.house.opened(3, units_each=10, quantity_min=1, quantity_max=100)
        await ordered(signing, issue)

        await signing.house.closed(issue)

        assert await signing.house.order_states(issue) == ["settled", "settled"]
        assert await reviews(signing) == []
        await signing.house.must_be_sound()
