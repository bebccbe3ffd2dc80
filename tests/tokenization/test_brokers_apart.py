"""What a broker learns of its principal from its lists."""

from tests.tokenization.test_brokers import broker, codes, issuer, mandate, order, own, placed_by, replace_id
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
