"""Domain 3.1: who has no certificate that may sign, while the rules ask for one, is paid and buys nothing."""

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from kapital.demo.cast import Player
from kapital.kernel.calendar import MOSCOW
from kapital.tokenization.domain.terms import load_terms
from tests.scenarios.house import PRICE, Issue, refusal
from tests.scenarios.signing import Signing
from tests.tokenization.world import terms

OPENS_ON = load_terms(terms()).placement_start_at.astimezone(MOSCOW).date()
RULE: list[dict[str, Any]] = [
    {"effective_from": (OPENS_ON + timedelta(days=1)).isoformat(), "basis": "Правила системы, 4.2"}
]


async def may_order(signing: Signing, player: Player, issue: Issue) -> bool:
    told = refusal(await signing.house.order(player, issue, 1))
    assert told in (None, "participant_must_be_active")
    return told is None


async def test_a_certificate_that_ends_leaves_payouts_and_takes_purchases_until_another_is_bound(
    server: str, tmp_path: Path
) -> None:
    async with Signing.open(server, tmp_path, act_rules=[], certificate_required=RULE) as signing:
        house = signing.house
        issue = await house.opened(2, units_each=10, quantity_min=1, quantity_max=100)
        signer, bare = house.investors
        assert [await may_order(signing, one, issue) for one in (signer, bare)] == [True, True]
        now = house.clock.now()
        await signing.bound(signer, period=(now, now + timedelta(days=2)))

        await house.to(datetime.combine(OPENS_ON + timedelta(days=1), time(0, 1), MOSCOW))
        assert [await may_order(signing, one, issue) for one in (signer, bare)] == [True, False]
        before = await house.money(bare)
        await house.pay_in([bare], PRICE)
        assert await house.money(bare) == before + PRICE
        await signing.bound(bare)
        assert await may_order(signing, bare, issue)

        await house.to(now + timedelta(days=2, seconds=1))
        assert [await may_order(signing, one, issue) for one in (signer, bare)] == [False, True]
        headers = await house.token(signer)
        shown = await house.web.get(f"/v1/registry/participants/{signer.actor.participant_id}", headers=headers)
        assert (shown.json()["state"], shown.json()["restrictions"]) == ("restricted", ["certificate"])
        await signing.bound(signer)
        assert await may_order(signing, signer, issue)
        await house.must_be_sound()
