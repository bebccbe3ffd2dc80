"""Scenarios 64 and 70 in the whole house: a new rule book, and a participant who leaves."""

from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest
from msgspec.json import decode

from kapital.demo.cast import LEGAL, Player, staff
from kapital.kernel.roles import Role
from kapital.registry.domain.problems import ParticipantHoldsSomething
from kapital.registry.use_cases.accept_rule_book import AcceptRuleBook
from kapital.registry.use_cases.close_participant import DecideClosing, RequestClosing
from kapital.registry.use_cases.rule_book_life import DraftRuleBook, MoveRuleBook
from tests.scenarios.house import PRICE, House, key, refusal
from tests.tokenization.world import terms

COMPLIANCE = staff(Role.COMPLIANCE)
NEXT, DOCUMENT = "next", sha256(b"rules").hexdigest()


async def test_scenario_64_a_new_rule_book_is_accepted_before_the_next_order(house: House) -> None:
    issue = await house.opened(2, units_each=100, quantity_min=10, quantity_max=1000)
    early, late = house.investors
    one = await house.order(early, issue, 10)
    assert one.outcome.value == "accepted"
    registry = house.kapital.registry.use_cases
    tomorrow = (house.clock.now() + timedelta(days=1)).date()
    said = {"rule_book_version": NEXT, "document_sha256": DOCUMENT}
    await registry.draft_rule_book(DraftRuleBook(command_id=key(), actor=LEGAL, effective_on=tomorrow, **said))
    for step, actor in (("sent", LEGAL), ("agreed", COMPLIANCE)):
        await registry.move_rule_book(
            MoveRuleBook(command_id=key(), actor=actor, step=step, reference="Исх. 1", **said)
        )
    await house.to(house.clock.now() + timedelta(days=1))

    assert refusal(await house.order(early, issue, 10)) == "rule_book_not_accepted"
    await registry.accept_rule_book(
        AcceptRuleBook(
            command_id=key(),
            actor=late.actor,
            participant_id=UUID(str(late.actor.participant_id)),
            **said,
        )
    )
    await house.kapital.bus.drain()
    two = await house.order(late, issue, 10)
    assert two.outcome.value == "accepted"

    await house.closed(issue)
    # What was agreed before the new version is performed as agreed.
    assert await house.units(issue) == [10, 10]
    first = house.kapital.settings.rule_book_version
    kept = await house.rows(
        "tokenization",
        "SELECT participant_id, state, rule_book_version FROM subscription_order ORDER BY created_at, order_id",
    )
    assert [(str(row["participant_id"]), row["rule_book_version"], row["state"]) for row in kept] == [
        (str(early.actor.participant_id), first, "settled"),
        (str(early.actor.participant_id), first, "rejected"),
        (str(late.actor.participant_id), NEXT, "settled"),
    ]
    # And so do the records: of either order its reserve and its delivery, made when the new version is in force.
    ledger = house.kapital.ledger
    entries = [decode(entry.body) for entry in await ledger.entries(0, await ledger.size())]
    told = [(entry["basis"]["reference"], entry["rule_book_version"]) for entry in entries]
    assert [version for reference, version in told if reference == f"order/{one.order_id}"] == [first, first]
    assert [version for reference, version in told if reference == f"order/{two.order_id}"] == [NEXT, NEXT]
    # What is no deal of before names the version in force.
    await house.pay_in([early], PRICE)
    [last] = await ledger.entries(await ledger.size() - 1, await ledger.size())
    assert decode(last.body)["rule_book_version"] == NEXT
    own = await house.web.get("/v1/tokenization/orders", headers=await house.token(early))
    assert {row["rule_book_version"] for row in own.json()["items"]} == {first}


async def test_scenario_70_who_leaves_leaves_empty_and_what_comes_later_goes_elsewhere(house: House) -> None:
    await house.people(2, terms())
    holder, leaver = house.investors
    await house.pay_in([holder], PRICE)
    registry = house.kapital.registry.use_cases

    def asked(player: Player) -> RequestClosing:
        who = UUID(str(player.actor.participant_id))
        return RequestClosing(command_id=key(), actor=player.actor, participant_id=who, basis_reference="Заявление")

    with pytest.raises(ParticipantHoldsSomething):
        await registry.request_closing(asked(holder))
    request = await registry.request_closing(asked(leaver))
    decision = DecideClosing(
        command_id=key(),
        actor=LEGAL,
        participant_id=request.participant_id,
        close=True,
        closing_sha256=request.closing_sha256,
        basis_reference="Приказ",
        no_dispute_reference="Справка",
    )
    assert (await registry.decide_closing(decision)).state.value == "closed"
    await house.kapital.bus.drain()

    # The ledger itself lets nothing in: a late payment waits on the operator's wallet for its owner.
    await house.pay_in([leaver], PRICE)
    assert await house.moneys() == [PRICE, 0]
    [kept] = await house.rows("registry", "SELECT name FROM participant WHERE state = 'closed'")
    assert kept["name"] == leaver.person.name
