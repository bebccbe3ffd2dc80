"""Acceptance scenarios 1–6 of the domain: placements as investors and an issuer live through them."""

import json
from datetime import timedelta
from uuid import UUID

from kapital.kernel.ids import derive_uuid7
from kapital.ledger.api import (
    AccountKey,
    Basis,
    BasisKind,
    Position,
    Posting,
    Refused,
    Transaction,
)
from kapital.platform.ids import new_uuid7
from kapital.tokenization.domain.allocation import LiveOrder, allocate
from kapital.tokenization.domain.terms import load_terms
from kapital.verify.verifier import verify
from tests.scenarios.house import PRICE, House, refusal
from tests.tokenization.world import terms


async def test_1_happy_path_from_orders_to_a_certificate_that_proves_itself(house: House) -> None:
    """1,000 units, three investors, full."""
    issue = await house.opened(3, units_each=600, quantity_min=500, quantity_max=1000)
    for player, units in zip(house.investors, (500, 300, 200), strict=True):
        placed = await house.order(player, issue, units)
        assert (placed.outcome.value, placed.reserved_kopecks) == ("accepted", units * PRICE)
    assert await house.state(issue) == "placement_suspended"

    await house.closed(issue)

    assert await house.state(issue) == "circulating"
    assert await house.units(issue) == [500, 300, 200]
    assert await house.moneys() == [100 * PRICE, 300 * PRICE, 400 * PRICE]
    assert await house.money(issue.issuer) == 1000 * PRICE
    records = await house.unit_records(issue)
    assert len(records) == 3
    # One commit, one instant; and money and units stand in the same record: delivery against payment.
    assert len({record["recorded_at"] for record in records}) == 1
    assert all(len({p["account"]["asset"] for p in record["postings"]}) == 2 for record in records)
    data, _ = await house.public_page(issue)
    assert (data["state"], data["outcome"]["outcome"], data["outcome"]["units"]) == ("circulating", "held", 1000)
    assert data["outcome"]["raised_kopecks"] == 1000 * PRICE

    holder = house.investors[0]
    response = await house.web.get(f"/v1/ledger/wallets/{holder.wallet}/evidence", headers=await house.token(holder))

    assert response.status_code == 200
    keys = (await house.web.get("/v1/ledger/keys")).json()["keys"]
    report = verify(response.content, trusted_keys=keys)
    assert report.accepted, report.code
    assert json.loads(report.to_json("en"))["accepted"] is True
    assert "500" in report.to_text("en")
    told = await house.cli("check")
    assert told.code == 0, told.out + told.err


async def test_1_the_certificate_is_for_its_holder_only(house: House) -> None:
    issue = await house.opened(2, units_each=100, quantity_min=10, quantity_max=100)
    await house.order(house.investors[0], issue, 100)
    await house.closed(issue)
    one, other = house.investors
    path = f"/v1/ledger/wallets/{one.wallet}/evidence"

    foreign = await house.web.get(path, headers=await house.token(other))
    nobody = await house.web.get(path)

    assert (foreign.status_code, foreign.json()["code"]) == (404, "wallet_not_found")
    assert nobody.status_code == 401


async def test_2_below_the_minimum_nothing_is_recorded_and_every_kopeck_goes_back(house: House) -> None:
    issue = await house.opened(3, units_each=40, quantity_min=100, quantity_max=1000)
    before = await house.moneys()
    for player in house.investors:
        await house.order(player, issue, 33)

    await house.closed(issue)

    assert await house.state(issue) == "refunded"
    assert await house.unit_records(issue) == []
    assert await house.kapital.ledger.register(issue.id) == []
    assert await house.moneys() == before == [40 * PRICE] * 3
    assert await house.moneys(Position.RESERVED) == [0, 0, 0]
    assert await house.money(issue.issuer) == 0
    assert await house.order_states(issue) == ["refunded"] * 3
    data, page = await house.public_page(issue)
    assert data["outcome"] is not None
    assert data["outcome"]["outcome"] == "failed"
    assert "failed" in [item["value"] for item in data["timeline"]]
    assert "FAILED" in page.upper()


async def test_3_between_minimum_and_maximum_the_rest_is_never_issued(house: House) -> None:
    issue = await house.opened(2, units_each=100, quantity_min=100, quantity_max=1000)
    for player in house.investors:
        await house.order(player, issue, 60)

    await house.closed(issue)

    assert await house.state(issue) == "circulating"
    assert await house.units(issue) == [60, 60]
    [asset] = await house.rows("ledger", "SELECT issue_limit FROM asset WHERE asset = :id", id=issue.id)
    assert asset["issue_limit"] == 1000
    # Nobody can buy what was left, however late the clock and whoever ticks.
    late = await house.order(house.investors[0], issue, 1)
    await house.to(issue.closes_at + timedelta(days=30))
    assert refusal(late) == "placement_must_be_open"
    assert await house.kapital.ledger.balances([AccountKey(issue.id, Position.ISSUED, issue.id)]) == [-120]
    assert len(await house.unit_records(issue)) == 2


async def test_3_the_ledger_itself_issues_no_unit_above_the_decision(house: House) -> None:
    issue = await house.opened(1, units_each=100, quantity_min=10, quantity_max=100)
    await house.order(house.investors[0], issue, 100)
    await house.closed(issue)
    wallet = house.investors[0].wallet

    [answer] = await house.kapital.ledger.post(
        [
            Transaction(
                id=new_uuid7(),
                actor="machine:test",
                basis=Basis(BasisKind.SMART_CONTRACT, "over-issue"),
                postings=(
                    Posting(AccountKey(issue.id, Position.ISSUED, issue.id), -1),
                    Posting(AccountKey(issue.id, Position.AVAILABLE, wallet), 1),
                ),
            )
        ]
    )

    assert isinstance(answer, Refused)
    assert answer.code == "issue_limit_exceeded"


async def test_4_time_priority_cuts_the_last_suspends_when_full_and_opens_again(house: House) -> None:
    issue = await house.opened(4, units_each=500, quantity_min=100, quantity_max=1000)
    first, second, third, fourth = house.investors
    await house.order(first, issue, 400)
    withdrawn = await house.order(second, issue, 400)
    await house.order(third, issue, 400)
    assert await house.state(issue) == "placement_suspended"

    refused = await house.order(fourth, issue, 100)
    assert refusal(refused) == "placement_must_be_open"
    assert await house.money(fourth) == 500 * PRICE

    assert (await house.withdraw(second, withdrawn)).outcome.value == "withdrawn"
    assert await house.state(issue) == "placement_open"
    assert (await house.order(fourth, issue, 300)).outcome.value == "accepted"
    assert await house.state(issue) == "placement_suspended"

    await house.closed(issue)

    assert await house.units(issue) == [400, 0, 400, 200]  # the boundary order is filled in part
    assert await house.moneys() == [100 * PRICE, 500 * PRICE, 100 * PRICE, 300 * PRICE]
    assert await house.moneys(Position.RESERVED) == [0] * 4
    assert await house.order_states(issue) == ["settled", "withdrawn", "settled", "rejected", "settled"]


async def test_4_without_suspension_later_orders_are_not_allocated_and_refunded(house: House) -> None:
    issue = await house.opened(4, units_each=500, quantity_min=100, quantity_max=1000, when_full="accept")
    for player in house.investors:
        assert (await house.order(player, issue, 400)).outcome.value == "accepted"

    await house.closed(issue)

    assert await house.units(issue) == [400, 400, 200, 0]
    assert await house.moneys() == [100 * PRICE, 100 * PRICE, 300 * PRICE, 500 * PRICE]
    fills = await house.rows(
        "tokenization",
        "SELECT o.units, f.units AS filled FROM fill f JOIN subscription_order o USING (order_id)"
        " WHERE o.issue_id = :id ORDER BY o.reserve_seq",
        id=issue.id,
    )
    assert [(row["units"], row["filled"]) for row in fills] == [(400, 400), (400, 400), (400, 200), (400, 0)]


async def test_5_pro_rata_sums_exactly_and_replays_to_the_same_list(house: House) -> None:
    decision = terms(quantity_min=100, quantity_max=1000, when_full="accept", allocation="pro_rata")
    [issuer] = await house.people(7, decision, kopecks=700 * PRICE)
    issue = await house.published(issuer, decision)
    await house.to(issue.opens_at)
    wanted = [101, 211, 307, 401, 503, 601, 700]
    for player, units in zip(house.investors, wanted, strict=True):
        await house.order(player, issue, units)

    await house.closed(issue)

    got = await house.units(issue)
    assert sum(got) == 1000
    exact = [units * 1000 / sum(wanted) for units in wanted]
    # Largest remainder: each is rounded down or up, and those rounded up have the largest remainders.
    assert all(abs(units - share) < 1 for units, share in zip(got, exact, strict=True))
    remainders = sorted((share % 1, units > share) for units, share in zip(got, exact, strict=True))
    assert [up for _, up in remainders] == sorted(up for _, up in remainders)
    assert await house.moneys() == [700 * PRICE - units * PRICE for units in got]
    orders = await house.rows(
        "tokenization",
        "SELECT order_id, wallet_id, units, reserve_seq FROM subscription_order WHERE issue_id = :id",
        id=issue.id,
    )
    live = [
        LiveOrder(order_id=o["order_id"], wallet_id=o["wallet_id"], units=o["units"], accepted_seq=o["reserve_seq"])
        for o in orders
    ]
    again = allocate(load_terms(decision), live)
    backwards = allocate(load_terms(decision), live[::-1])
    kept = await house.rows("tokenization", "SELECT order_id, units FROM fill")
    assert again == backwards
    assert {fill.order_id: fill.units for fill in again.fills} == {row["order_id"]: row["units"] for row in kept}


async def test_6_a_withdrawal_counts_until_the_close_and_not_after(house: House) -> None:
    issue = await house.opened(3, units_each=100, quantity_min=10, quantity_max=1000)
    early, late, stays = [await house.order(player, issue, 50) for player in house.investors]

    house.clock.set(issue.closes_at - timedelta(seconds=30))
    before = await house.withdraw(house.investors[0], early)
    # The schedule has not run yet: the clock alone decides.
    house.clock.set(issue.closes_at + timedelta(seconds=1))
    after = await house.withdraw(house.investors[1], late)

    assert (before.outcome.value, before.released_kopecks) == ("withdrawn", 50 * PRICE)
    assert await house.money(house.investors[0]) == 100 * PRICE
    assert after.outcome.value == "refused"
    assert refusal(after) == "placement_must_be_open"
    await house.closed(issue)
    assert await house.units(issue) == [0, 50, 50]
    assert await house.order_states(issue) == ["withdrawn", "settled", "settled"]
    assert stays.order_id is not None


async def test_6_at_the_very_instant_of_the_close_it_is_too_late(house: House) -> None:
    issue = await house.opened(1, units_each=100, quantity_min=10, quantity_max=1000)
    placed = await house.order(house.investors[0], issue, 50)
    house.clock.set(issue.closes_at)

    withdrawn = await house.withdraw(house.investors[0], placed)
    another = await house.order(house.investors[0], issue, 50)

    assert (refusal(withdrawn), refusal(another)) == ("placement_must_be_open",) * 2
    assert derive_uuid7(UUID(str(placed.order_id)), "release") not in [
        row["id"] for row in await house.rows("ledger", "SELECT id FROM entry")
    ]
    await house.closed(issue)
