"""From draft to redemption over real parts. Scenario 1; 259-FZ art. 2–4."""

from datetime import UTC, datetime

from kapital.kernel.roles import Role
from tests.tokenization.world import World


async def test_an_issue_goes_from_draft_to_redemption_and_every_kopeck_is_where_it_belongs(world: World) -> None:
    [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    investors = await world.people(3, kopecks=50_000_000)
    issue_id = await world.opened(issuer, quantity_min=100, quantity_max=1000, when_full="accept")

    placed = [await world.order(p, issue_id, u) for p, u in zip(investors, (400, 300, 300), strict=True)]
    await world.closed(issue_id)

    assert [p.outcome.value for p in placed] == ["accepted"] * 3
    assert await world.state(issue_id) == "circulating"
    assert await world.states(placed) == ["settled"] * 3
    assert [await world.units(p, issue_id) for p in investors] == [400, 300, 300]
    assert await world.money(issuer) == 100_000_000
    await world.check()

    await world.top_up([issuer], 20_000_000)
    for action in await world.actions(issue_id):
        await world.to(max(action["pay_at"], world.clock.now()))
    assert [a["state"] for a in await world.actions(issue_id)] == ["closed", "paid", "paid"]
    assert await world.state(issue_id) == "redeemed"
    assert [await world.units(p, issue_id) for p in investors] == [0, 0, 0]
    paid = sum(a["paid_kopecks"] for a in await world.actions(issue_id))
    assert await world.money(issuer) == 120_000_000 - paid
    assert sum([await world.money(p) for p in investors]) == 50_000_000 * 3 - 100_000_000 + paid
    await world.check()

    await world.to(datetime(2027, 12, 1, tzinfo=UTC))
    assert [a["state"] for a in await world.actions(issue_id)] == ["closed"] * 3
