"""Payouts to holders and their tax are compared with the register's entries one by one, not only as sums."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text

from kapital.contracts import settlement as contract
from kapital.kernel.roles import Role
from kapital.ledger.api import Basis, BasisKind, Committed, Posting, Transaction
from kapital.platform.ids import new_uuid7
from kapital.settlement.domain.breaks import NOTHING, Books, Told, findings_of
from kapital.settlement.domain.tax import Residency, TaxAgent
from tests.settlement.test_breaks import breaks, open_now
from tests.settlement.test_tax_at_payout import RULE, holder, resident, under
from tests.settlement.world import World, action, due, held, line


@pytest.fixture
def world(world: World) -> World:
    world.parts = under(world.parts)
    return world


async def look(world: World, *changes: str, from_start: bool = True) -> None:
    """Change rows by hand, and compare all that was entered."""
    async with world.parts.uow.begin() as tx:
        for change in changes:
            await tx.conn.execute(text(change))
        if from_start:
            await tx.conn.execute(text("UPDATE ledger_walk SET next_seq = 0"))
    await world.reconcile()


async def found(world: World) -> list[tuple[str, int]]:
    standing = await breaks(world, state=contract.BreakState.open)
    return [(one.subject, one.difference_kopecks) for one in standing]


async def paid_world(world: World) -> tuple[UUID, UUID]:
    """A coupon with tax, to one holder in two positions; a redemption; tax of the issuer; a tax collected later."""
    issue, issuer = await world.issue(), await world.funded(10_000_00, Role.ISSUER)
    one, two = await holder(world), await holder(world)
    await world.pay(
        action(issue, issuer, due(one, 10, 100_00), due(two, 6, 33_33), due(two, 4, 16_67, position="pledged"))
    )
    await world.enter(Posting(world.key(issuer), -95_00), Posting(world.key(two), 95_00))
    await world.reserve(two, 95_00)
    await world.allocate(held(issue, issuer, line(two, 10, 95_00, 0)))
    await world.pay(action(issue, issuer, due(two, 10, 100_00, extinguish=10), kind="redemption"))
    by_issuer = under(world.parts, msgspec.structs.replace(RULE, agent=TaxAgent.ISSUER))
    await world.pay(action(issue, issuer, due(one, 10, 50_00)), by_issuer)
    await resident(world, one, Residency.NON_RESIDENT, since=date(2026, 1, 1))
    world.clock.advance(timedelta(minutes=2))
    return one, two


async def seqs(world: World, wallet: UUID) -> Sequence[int]:
    rows = await world.rows(f"SELECT entry_seq FROM payout WHERE wallet_id = '{wallet}' ORDER BY entry_seq")
    return [row["entry_seq"] for row in rows]


async def test_each_payout_is_the_entrys_to_the_kopeck_the_unit_and_the_tax(world: World) -> None:
    one, two = await paid_world(world)
    await look(world)
    assert await open_now(world) == []
    coupon, by_issuer = await seqs(world, one)
    last_of_two, redemption = await seqs(world, two)
    [beside] = await world.rows("SELECT entry_seq FROM payout_line")
    assert beside["entry_seq"] != last_of_two
    [collected] = await world.rows(
        "SELECT entry_seq, collected_kopecks FROM tax_correction WHERE state = 'collected'"
    )

    changes = (
        (coupon, "payout SET gross_kopecks = gross_kopecks + {}", 1, 1),
        (by_issuer, "payout SET tax_kopecks = tax_kopecks + {}", -1, 1),
        (
            last_of_two,
            "payout SET tax_kopecks = tax_kopecks + {}",
            -1,
            0,
        ),  # one more to the holder, one less of tax
        (redemption, "payout SET extinguished_units = extinguished_units + {}", -1, 0),
        (collected["entry_seq"], "tax_correction SET collected_kopecks = collected_kopecks + {}", -2, -2),
    )
    await look(world, *(f"UPDATE {what.format(by)} WHERE entry_seq = {seq}" for seq, what, by, _ in changes))

    assert sorted(await found(world)) == sorted((f"payout/{seq}", kopecks) for seq, _, _, kopecks in changes)
    back = (f"UPDATE {what.format(-by)} WHERE entry_seq = {seq}" for seq, what, by, _ in changes)
    await look(world, *back, from_start=False)
    assert await open_now(world) == [], "what stands is looked at again, and explains itself"


async def test_a_row_without_its_entry_and_an_entry_without_its_row_are_each_named(world: World) -> None:
    one, _ = await paid_world(world)
    await look(world)
    coupon, by_issuer = await seqs(world, one)
    issuer, wallet = await world.funded(5_00, Role.ISSUER), await world.wallet()
    (stray,) = await world.ledger.post(
        [
            Transaction(
                id=new_uuid7(),
                actor="machine:test",
                basis=Basis(kind=BasisKind.SMART_CONTRACT, reference=f"corporate_action/{new_uuid7()}"),
                postings=(Posting(world.key(issuer), -5_00), Posting(world.key(wallet), 5_00)),
            )
        ]
    )
    assert isinstance(stray, Committed)
    world.clock.advance(timedelta(minutes=2))
    [kopecks] = await world.rows(
        f"SELECT gross_kopecks AS gross, tax_kopecks AS tax FROM payout WHERE entry_seq = {coupon}"
    )

    # The row names an entry that is another payout's: its own entry has no row, the other one a row too much.
    await look(world, f"UPDATE payout SET entry_seq = {stray.seq} WHERE entry_seq = {coupon}")

    assert await found(world) == [
        (f"payout/{coupon}", -kopecks["gross"]),
        (f"payout/{stray.seq}", kopecks["gross"] - 5_00),
    ]
    assert (await world.reconcile()).difference_kopecks == 0, "nothing of it moved anything at the bank"
    assert by_issuer not in {int(subject.partition("/")[2]) for subject, _ in await found(world)}


def test_payouts_from_before_they_were_kept_one_by_one_are_not_judged() -> None:
    entries = {seq: Told(reference="corporate_action/1", is_payout=True, deal_kopecks=5) for seq in (6, 7)}

    old = findings_of(entries, Books({}, {}, {}, payouts_from=7))

    assert [one.subject for one in old] == ["payout/7"]
    assert findings_of({6: NOTHING}, Books({}, {}, {})) == []
