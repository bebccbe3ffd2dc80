"""Acceptance scenario 7: many want the last unit, one gets it."""

import asyncio
from collections import Counter

from kapital.contracts.tokenization import PlacedOrder
from kapital.demo.cast import Player
from kapital.kernel.actor import Actor
from kapital.ledger.api import AccountKey, Position
from kapital.tokenization.use_cases.bound import TokenizationUseCases
from kapital.tokenization.use_cases.place_orders import NewOrder, PlaceOrders
from tests.scenarios.house import PRICE, House, Issue, key, refusal


async def ask(app: TokenizationUseCases, actor: Actor, issue: Issue) -> PlacedOrder:
    placed = await app.place_orders(
        PlaceOrders(command_id=key(), actor=actor, orders=(NewOrder(issue_id=issue.id, units=1),))
    )
    return placed.items[0]


async def test_7_of_a_thousand_orders_for_the_last_unit_one_wins(house: House) -> None:
    """1,000 orders at once by 200 people through two processes; all have the money."""
    issue = await house.opened(201, units_each=100, quantity_min=10, quantity_max=100)
    before = await house.order(house.investors[0], issue, 99)
    assert refusal(before) is None

    async with house.another_process() as other:
        apps = (house.kapital.tokenization.use_cases, other.tokenization.use_cases)
        askers: list[Player] = house.investors[1:] * 5
        answers = await asyncio.gather(*(ask(apps[n % 2], player.actor, issue) for n, player in enumerate(askers)))

    assert Counter(map(refusal, answers)) == {None: 1, "placement_must_be_open": 999}
    assert sum(await house.moneys(Position.RESERVED)) == 100 * PRICE
    assert sum(await house.moneys()) == (201 * 100 - 100) * PRICE
    await house.closed(issue)
    assert sum(await house.units(issue)) == 100
    assert await house.kapital.ledger.balances([AccountKey(issue.id, Position.ISSUED, issue.id)]) == [-100]
    winner = next(player for player, answer in zip(askers, answers, strict=True) if refusal(answer) is None)
    assert (await house.units(issue))[house.investors.index(winner)] == 1


async def test_7_nobody_spends_the_same_money_twice(house: House) -> None:
    """One person, money for three units, a hundred orders at once in two processes."""
    issue = await house.opened(1, units_each=3, quantity_min=1, quantity_max=1000)
    [player] = house.investors

    async with house.another_process() as other:
        apps = (house.kapital.tokenization.use_cases, other.tokenization.use_cases)
        answers = await asyncio.gather(*(ask(apps[n % 2], player.actor, issue) for n in range(100)))

    assert Counter(map(refusal, answers)) == {None: 3, "balance_insufficient": 97}
    assert (await house.money(player), await house.money(player, Position.RESERVED)) == (0, 3 * PRICE)
    await house.closed(issue)
    assert await house.units(issue) == [3]
