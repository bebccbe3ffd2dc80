"""What a broker learns of its principal from its lists and its withdrawals."""

from datetime import timedelta

from tests.tokenization.test_brokers import (
    broker,
    codes,
    freeze,
    issuer,
    mandate,
    order,
    own,
    placed_by,
    replace_id,
    withdrawing,
)
from tests.tokenization.test_retail_limit import LIMIT, rouble_issue
from tests.tokenization.world import Person, World

__all__ = ["broker", "issuer"]


async def test_a_broker_reads_nowhere_which_rule_book_its_principal_accepted(
    world: World, issuer: Person, broker: Person
) -> None:
    client, stranger = await world.people(2, kopecks=LIMIT)
    await mandate(world, client, broker)
    issue_id = await rouble_issue(world, issuer)
    unknown = replace_id(stranger)
    placed = [await order(world, broker, who, issue_id, 10) for who in (client, stranger, unknown)]
    assert codes(placed) == ["accepted", "mandate_must_be_in_force", "mandate_must_be_in_force"]

    rows = (await placed_by(world, broker)).items

    assert [bool(row.rule_book_version) for row in rows] == [False] * 3
    assert [row.rule_book_version for row in (await own(world, client)).items] == ["2026-01-01"]


async def test_a_withdrawal_does_not_tell_a_broker_a_measure_from_another_standing(
    world: World, issuer: Person, broker: Person
) -> None:
    people = await world.people(5, kopecks=LIMIT)
    measured, restricted, unidentified, leaving, _ = people
    for principal in people:
        await mandate(world, principal, broker)
    issue_id = await rouble_issue(world, issuer)
    placed = [await order(world, broker, principal, issue_id, 10) for principal in people]
    await freeze(world, measured)
    await world.tell_of(restricted, state="restricted")
    await world.tell_of(unidentified, valid_until=world.clock.now() - timedelta(hours=1))
    await world.tell_of(leaving, state="closing")

    answer = await world.app.withdraw_orders(withdrawing(broker, *placed))

    assert codes(answer.items) == ["participant_must_be_active"] * 4 + ["withdrawn"]
    assert len({str(one.refusal) for one in answer.items[:4]}) == 1
    for principal, one in ((restricted, placed[1]), (unidentified, placed[2])):
        assert codes(await world.withdraw(principal, one)) == ["withdrawn"]
    rows = (await placed_by(world, broker)).items
    assert [row.state for row in rows] == ["accepted", "withdrawn", "withdrawn", "accepted", "withdrawn"]
