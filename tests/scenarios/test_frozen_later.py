"""A freeze that comes when all is decided: an officer's act over the whole house, nothing lost and nothing stuck."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from kapital.demo.cast import Player
from kapital.identity.domain.freeze import FreezeBasis, FreezeDirection, FreezeScope, Reach
from kapital.identity.use_cases.impose_freeze import ImposeFreeze
from kapital.kernel.actor import Actor
from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from tests.identity.screening.test_freezes import DyingLedger, ProcessDied
from tests.scenarios.house import PRICE, House, Issue, key

BASIS = {"reference": "решение 7-р от 01.03.2026", "document_sha256": "ab" * 32}


async def post(house: House, officer: dict[str, str], path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await house.web.post(
        f"/v1/identity/freezes{path}", json=body, headers={**officer, "Idempotency-Key": str(uuid4())}
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def freeze(house: House, player: Player) -> dict[str, Any]:
    """An officer freezes all that a participant has."""
    body = {
        "participant_id": str(player.actor.participant_id),
        "scope": "participant",
        "wallet_id": None,
        "asset_id": None,
        "direction": "both",
        "basis": BASIS,
        "reason": "проверка",
    }
    return await post(house, await house.staff_token(Role.AML_OFFICER), "", body)


async def release(house: House, frozen: dict[str, Any]) -> None:
    """Two officers end the freeze."""
    path, proposer = f"/{frozen['freeze_id']}", await house.staff_token(Role.AML_OFFICER)
    nothing_remains = dict.fromkeys(("scope", "asset_id", "direction", "amount_kopecks"))
    body = {"kind": "whole", "basis": BASIS, "reason": "исключён", **nothing_remains}
    body |= {"freeze_sha256": frozen["freeze_sha256"]}
    proposed = await post(house, proposer, f"{path}/release-proposal", body)
    body = {"decision": "approve", "freeze_sha256": proposed["freeze_sha256"], "reason": "согласен"}
    await post(house, await house.staff_token(Role.AML_OFFICER), f"{path}/release-decision", body)


async def decided(house: House, issue: Issue) -> None:
    """The placement is over and decided; nobody has heard of it yet."""
    house.clock.set(issue.closes_at + timedelta(seconds=1))
    await house.kapital.tokenization.use_cases.run_schedule(house.clock.now())
    assert await house.state(issue) == "settling"


async def action_state(house: House, issue: Issue) -> str:
    rows = await house.rows(
        "tokenization", "SELECT state FROM corporate_action WHERE issue_id = :id ORDER BY number", id=issue.id
    )
    return str(rows[0]["state"])


async def test_an_allotment_of_a_buyer_frozen_before_its_settlement_is_turned_back(house: House) -> None:
    issue = await house.opened(3, units_each=100, quantity_min=100, quantity_max=1000)
    for investor in house.investors:
        await house.order(investor, issue, 60)
    await decided(house, issue)
    named = house.investors[0]
    await freeze(house, named)

    await house.kapital.settle_down()

    assert await house.state(issue) == "circulating"
    assert sorted(await house.order_states(issue)) == ["refunded", "settled", "settled"]
    assert await house.units(issue) == [0, 60, 60]
    assert await house.moneys() == [100 * PRICE, 40 * PRICE, 40 * PRICE]
    assert await house.moneys(Position.RESERVED) == [0, 0, 0]
    # What it reads is what anybody reads whose order was not filled.
    [own] = (await house.web.get("/v1/tokenization/orders", headers=await house.token(named))).json()["items"]
    assert (own["state"], own["allocated_units"], own["pay_kopecks"]) == ("refunded", 0, 0)
    assert own.get("refusal_code") is None
    page, _ = await house.public_page(issue)
    assert page["outcome"]["units"] == 120


async def test_an_allotment_of_an_issuer_frozen_before_its_settlement_waits_until_two_end_the_freeze(
    house: House,
) -> None:
    issue = await house.opened(2, units_each=100, quantity_min=100, quantity_max=1000)
    for investor in house.investors:
        await house.order(investor, issue, 60)
    await decided(house, issue)
    frozen = await freeze(house, issue.issuer)

    await house.kapital.settle_down()

    assert await house.state(issue) == "settling"
    assert await house.moneys(Position.RESERVED) == [60 * PRICE, 60 * PRICE]
    await house.must_be_sound()
    await release(house, frozen)
    await house.kapital.settle_down()
    assert await house.state(issue) == "circulating"
    assert await house.units(issue) == [60, 60]


async def test_a_payment_of_an_issuer_frozen_after_its_instruction_waits_until_two_end_the_freeze(
    house: House,
) -> None:
    issue = await house.opened(1, units_each=100, quantity_min=10, quantity_max=1000)
    [holder] = house.investors
    await house.order(holder, issue, 60)
    await house.closed(issue)
    await house.pay_in([issue.issuer], 100 * PRICE)
    [coupon, *_] = await house.rows(
        "tokenization", "SELECT pay_at FROM corporate_action WHERE issue_id = :id ORDER BY number", id=issue.id
    )
    house.clock.set(coupon["pay_at"])
    await house.kapital.tokenization.use_cases.run_schedule(house.clock.now())
    assert await action_state(house, issue) == "paying"
    before = await house.money(holder)
    frozen = await freeze(house, issue.issuer)

    for _ in range(3):
        await house.kapital.settle_down()

    assert await action_state(house, issue) == "underfunded"
    assert await house.money(holder) == before
    await house.must_be_sound()
    await release(house, frozen)
    await house.kapital.settle_down()
    assert await action_state(house, issue) == "paid"
    assert await house.money(holder) > before


@pytest.mark.parametrize("before", [True, False])
async def test_a_process_that_starts_freezes_what_a_dead_one_had_decided_before_anything_else(
    server: str, tmp_path: Any, before: bool
) -> None:
    async with House.open(server, tmp_path) as house:
        await house.people(1, kopecks=10 * PRICE)
        [named] = house.investors
        ledger = house.kapital.ledger
        dying = replace(house.kapital.identity.freezing, ledger=DyingLedger(ledger, before=before))
        with pytest.raises(ProcessDied):
            await dying.impose_freeze(
                ImposeFreeze(
                    command_id=key(),
                    actor=Actor(id=str(uuid4()), participant_id=None, roles=frozenset({Role.AML_OFFICER})),
                    participant_id=UUID(str(named.actor.participant_id)),
                    reach=Reach(scope=FreezeScope.PARTICIPANT, direction=FreezeDirection.BOTH),
                    basis=FreezeBasis("решение 7-р от 01.03.2026"),
                    reason="проверка",
                )
            )
        assert len(await ledger.freezes([named.wallet])) == (0 if before else 1)

    async with House.open(server, tmp_path) as house:
        assert len(await house.kapital.ledger.freezes([named.wallet])) == 1
