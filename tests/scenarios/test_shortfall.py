"""An issuer has 60 % of a coupon: what holders get, what everybody reads, what the cure carries. Scenarios 35, 36."""

from datetime import UTC, datetime, timedelta

from kapital.demo.cast import Player
from kapital.settlement.domain.withdrawal import WithdrawalItem
from kapital.settlement.use_cases.request_withdrawals import RequestWithdrawals
from tests.scenarios.house import House, key

CLAUSES = {"underfunded": "pro_rata", "late_interest": {"rate": "0.2", "day_count": "act_365f"}}
DUE = 300 * 5125
HAD = DUE * 6 // 10 + 1
"""60 % and a kopeck, which three equal holders cannot share."""
CURED_AT = datetime(2027, 3, 20, 9, tzinfo=UTC)
"""Five days after the last day to pay the coupon, 15 March 2027."""


async def left_with(house: House, player: Player, kopecks: int) -> None:
    """The player withdraws all but so much to its bank account."""
    amount = await house.money(player) - kopecks
    item = WithdrawalItem(wallet_id=player.wallet, amount_kopecks=amount, payout_account=player.account)
    [answer] = await house.kapital.settlement.use_cases.request_withdrawals(
        RequestWithdrawals(command_id=key(), actor=player.actor, items=(item,))
    )
    assert answer.code is None
    await house.kapital.settle_down()
    while await house.kapital.bank.work_off():
        await house.kapital.settle_down()
    await house.kapital.settle_down()
    house.money_in -= amount
    assert await house.money(player) == kopecks


async def test_sixty_percent_of_a_coupon_are_shared_told_and_cured_with_interest(house: House) -> None:
    issue = await house.opened(3, units_each=100, quantity_min=100, quantity_max=1000, default=CLAUSES)
    for investor in house.investors:
        await house.order(investor, issue, 100)
    await house.closed(issue)
    await left_with(house, issue.issuer, HAD)
    [coupon, *_] = await house.rows(
        "tokenization", "SELECT * FROM corporate_action WHERE issue_id = :id ORDER BY number", id=issue.id
    )

    # On its day nobody gets anything, and everybody reads that it is late.
    await house.to(coupon["pay_at"] + timedelta(hours=10))
    page, text = await house.public_page(issue)
    assert await house.moneys() == [0, 0, 0]
    assert [(p["kind"], p["state"], p["paid_kopecks"]) for p in page["payouts"]] == [("coupon", "delayed", 0)]
    assert "Payout delayed: Coupon" in text

    # When the day is over, what there is goes to all alike, and the rest is late.
    await house.to(coupon["overdue_at"] + timedelta(minutes=1))
    await house.to(house.clock.now())
    assert sorted(await house.moneys()) == [HAD // 3, HAD // 3, HAD // 3 + 1]
    assert await house.units(issue) == [100, 100, 100]
    assert await house.state(issue) == "technical_default"
    page, text = await house.public_page(issue)
    assert page["state"] == "technical_default"
    assert sorted((p["state"], p["paid_kopecks"]) for p in page["payouts"]) == [("delayed", 0), ("paid", HAD)]
    assert {item["kind"] for item in page["timeline"]} >= {"payout_delayed", "payout_overdue", "payout_paid"}
    assert "Payout overdue: Coupon" in text
    listed = await house.web.get(
        f"/v1/tokenization/issues/{issue.id}/actions", headers=await house.token(house.investors[0])
    )
    assert listed.status_code == 200, listed.text
    [rest] = [row for row in listed.json()["items"] if "rest_of" in row]
    assert (rest["rest_of"], rest["state"], rest["total_kopecks"]) == (str(coupon["action_id"]), "grace", DUE - HAD)

    # The cure is paid with the interest of its day: 2,050.00 at 20 % for five days of 365 are 5.62 of each.
    house.clock.set(CURED_AT)
    await house.pay_in([issue.issuer], DUE - HAD + 3 * 562)
    await house.to(house.clock.now())

    assert await house.moneys() == [100 * 5125 + 562] * 3
    assert await house.money(issue.issuer) == 0
    assert await house.state(issue) == "circulating"
    page, _ = await house.public_page(issue)
    assert sorted((p["state"], p["paid_kopecks"]) for p in page["payouts"]) == [
        ("paid", DUE - HAD + 3 * 562), ("paid", HAD),
    ]  # fmt: skip
