"""Acceptance scenarios 8 and 9: an order without money by its cut-off, and money that comes too late."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest_asyncio

from kapital.demo.cast import Player
from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from tests.scenarios.house import PRICE, House, Issue, refusal

ORDERS = "/v1/tokenization/orders"
LIMIT = 60_000_000
"""Kopecks a year: 600 units."""
RULE = [{"effective_from": "2026-01-01", "basis": "Правила информационной системы, п. 4.2"}]
HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def house(server: str, tmp_path: Path) -> AsyncIterator[House]:
    """A house whose rules let orders await their money; sound when the scenario leaves it."""
    async with House.open(server, tmp_path, orders_await_funds=RULE) as made:
        yield made
        await made.must_be_sound()


async def ask(house: House, player: Player, issue: Issue, units: int, until: datetime) -> dict[str, Any]:
    """One order over HTTP, with a cut-off for its money."""
    body = {"orders": [{"issue_id": str(issue.id), "units": units, "funds_until_at": until.isoformat()}]}
    answer = await house.web.post(ORDERS, json=body, headers=await house.token(player))
    assert answer.status_code == 200, answer.text
    [item] = answer.json()["items"]
    return dict(item)


async def own(house: House, player: Player) -> list[dict[str, Any]]:
    return list((await house.web.get(ORDERS, headers=await house.token(player))).json()["items"])


async def limit_left(house: House, player: Player) -> int | None:
    """Kopecks that a person may still spend in the year; None of whom no sum binds."""
    answer = await house.web.get("/v1/tokenization/retail-limit", headers=await house.token(player))
    left: int | None = answer.json().get("left_kopecks")
    return left


async def book(house: House, issue: Issue) -> dict[str, Any]:
    headers = await house.staff_token(Role.ISSUE_MANAGER)
    answer = await house.web.get(f"/v1/tokenization/issues/{issue.id}/order-book", headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_8_an_order_without_money_by_its_cut_off_expires_and_gives_the_limit_back(house: House) -> None:
    issue = await house.opened(5, units_each=0, quantity_min=1, quantity_max=1000)
    waits, other = [player for player in house.investors if await limit_left(house, player) is not None][:2]
    until = issue.opens_at + HOUR

    asked = await ask(house, waits, issue, 600, until)

    assert (asked["outcome"], asked["awaited_kopecks"]) == ("awaiting_funds", LIMIT)
    assert datetime.fromisoformat(asked["funds_until_at"]) == until
    # It takes of the yearly limit from the moment it is taken, and of nothing else.
    assert await limit_left(house, waits) == 0
    assert refusal(await house.order(waits, issue, 1)) == "order_exceeds_retail_limit"
    shown = await book(house, issue)
    assert [shown[f"awaiting_{what}"] for what in ("orders", "units", "kopecks")] == [1, 600, LIMIT]
    assert (shown["accepted_units"], shown["remaining_units"], shown["by_state"]) == (0, 1000, [])
    [row] = [one for one in await own(house, waits) if one["order_id"] == asked["order_id"]]
    assert (row["state"], row["reserved_kopecks"], row["awaited_kopecks"]) == ("awaiting_funds", 0, LIMIT)
    await house.to(until - timedelta(minutes=5))
    assert "kapital_orders_awaiting_funds 1.0" in (await house.web.get("/metrics")).text
    # A part of the money is not enough: it stays free, and what is missing is awaited.
    await house.pay_in([waits], LIMIT - 1)
    assert await house.order_states(issue) == ["awaiting_funds", "rejected"]
    assert (await house.money(waits), await house.money(waits, Position.RESERVED)) == (LIMIT - 1, 0)

    await house.to(until)

    assert await house.order_states(issue) == ["expired", "rejected"]
    assert await limit_left(house, waits) == LIMIT
    assert (await book(house, issue))["awaiting_orders"] == 0
    # The kopeck that was missing comes now: the placement is open still, and nothing is bought.
    await house.pay_in([waits], 1)
    assert (await house.money(waits), await house.money(waits, Position.RESERVED)) == (LIMIT, 0)
    # Who orders anew buys; who pays in time is accepted, and what was paid too much stays free.
    assert (await house.order(waits, issue, 500)).outcome.value == "accepted"
    again = await ask(house, other, issue, 200, house.clock.now() + HOUR)
    await house.pay_in([other], 201 * PRICE)
    assert again["outcome"] == "awaiting_funds"
    assert [row["state"] for row in await own(house, other)] == ["accepted"]
    assert (await house.money(other), await house.money(other, Position.RESERVED)) == (PRICE, 200 * PRICE)
    await house.closed(issue)
    bought = dict(zip(house.investors, await house.units(issue), strict=True))
    assert {player: units for player, units in bought.items() if units} == {waits: 500, other: 200}
    assert await limit_left(house, waits) == LIMIT - 500 * PRICE


async def test_9_money_that_comes_after_the_close_lies_free_and_buys_nothing(house: House) -> None:
    issue = await house.opened(2, units_each=100, quantity_min=10, quantity_max=1000)
    [paid, late] = house.investors
    await house.order(paid, issue, 100)
    asked = await ask(house, late, issue, 300, issue.closes_at)
    assert asked["outcome"] == "awaiting_funds"

    await house.closed(issue)
    assert await house.state(issue) == "circulating"
    assert await house.order_states(issue) == ["settled", "expired"]
    await house.pay_in([late], 200 * PRICE)

    assert await house.units(issue) == [100, 0]
    assert (await house.money(late), await house.money(late, Position.RESERVED)) == (300 * PRICE, 0)
    assert await house.money(issue.issuer) == 100 * PRICE
    assert await limit_left(house, late) == LIMIT
    # However long one waits and whoever asks: a repeat of the command tells what it told, and nothing moves.
    await house.to(issue.closes_at + timedelta(days=2))
    assert await house.order_states(issue) == ["settled", "expired"]
    assert await house.money(late) == 300 * PRICE
    assert refusal(await house.order(late, issue, 1)) == "placement_must_be_open"
