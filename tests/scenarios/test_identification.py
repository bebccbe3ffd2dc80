"""Acceptance scenario 30, through the whole house: an identification that ends while placements go on."""

from datetime import timedelta

from sqlalchemy import text

from kapital.ledger.api import Position
from tests.scenarios.house import PRICE, House, refusal
from tests.tokenization.world import terms


async def test_30_who_is_no_longer_identified_buys_nothing_and_is_still_paid(house: House) -> None:
    early = terms("fixed-rate-window", quantity_min=10, quantity_max=100)
    late = terms(
        "fixed-rate-window",
        code="LATE-2026-1",
        quantity_min=10,
        quantity_max=100,
        placement_end_at="2026-12-13T15:00:00+03:00",
    )
    [issuer] = await house.people(2, early, kopecks=100 * PRICE)
    first, second = [await house.published(issuer, decision) for decision in (early, late)]
    lapsed, other = house.investors
    await house.to(first.opens_at)
    await house.order(lapsed, first, 40)
    await house.closed(first)
    assert await house.units(first) == [40, 0]

    # A year is not waited for: the term is brought to now.
    async with house.kapital.databases.get("identity").engine.begin() as conn:
        await conn.execute(
            text("UPDATE kyc_case SET valid_until = :now WHERE participant_id = :id AND state = 'approved'"),
            {"now": house.clock.now(), "id": lapsed.actor.participant_id},
        )
    await house.to(house.clock.now() + timedelta(seconds=1))
    refused = await house.order(lapsed, second, 1)
    taken = await house.order(other, second, 20)

    assert refusal(refused) == "participant_must_be_active"  # neutral: of whatever the standing is
    assert refusal(taken) is None
    [row] = await house.rows(
        "registry", "SELECT state FROM participant WHERE participant_id = :id", id=lapsed.actor.participant_id
    )
    assert row["state"] == "restricted"
    before = await house.money(lapsed)
    await house.pay_in([first.issuer], 100 * PRICE)
    for day in range(93, 97):  # around the first coupon
        await house.to(first.closes_at + timedelta(days=day))
    assert await house.money(lapsed) > before
    assert await house.money(lapsed, Position.RESERVED) == 0
