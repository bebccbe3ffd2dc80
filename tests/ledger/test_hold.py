"""What a check finds damaged is not moved, in no process, until two persons lift the hold. Scenario 54."""

from typing import Any

import asyncpg
import pytest

from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.roles import Role
from kapital.ledger.api import Committed, OpenWallet, Refused, SetFlags
from kapital.ledger.domain.problems import HoldNotFound, LiftNeedsCleanCheck, LiftNeedsTwoPersons, LiftReasonRequired
from kapital.ledger.service import LedgerService
from kapital.ledger.use_cases.hold import Lifting
from kapital.platform.ids import new_uuid7
from tests.ledger.words import RUB, at, issue, move, top_up, tx, units

VERA, GLEB = (
    Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({role})) for role in (Role.SECURITY, Role.RISK)
)
ANNA, BORIS = new_uuid7(), new_uuid7()
ONE, OTHER = new_uuid7(), new_uuid7()
FAKE = "UPDATE account SET balance = balance + 1000 WHERE wallet = $1 AND asset = $2"
MEND = "UPDATE account SET balance = balance - 1000 WHERE wallet = $1 AND asset = $2"


@pytest.fixture
async def world(ledger: LedgerService) -> LedgerService:
    """Anna has 1,000 kopecks, 10 units of one issue and 10 of another."""
    opening = tx(OpenWallet(ANNA), OpenWallet(BORIS), units(ONE, 50), units(OTHER, 50))
    await entered(ledger, opening, tx(*top_up(ANNA, 1000)), tx(*issue(ONE, ANNA, 10)), tx(*issue(OTHER, ANNA, 10)))
    return ledger


async def entered(ledger: LedgerService, *transactions: Any) -> None:
    for answer in await ledger.post(transactions):
        assert isinstance(answer, Committed), answer


async def refused(ledger: LedgerService, *transactions: Any) -> set[str]:
    answers = await ledger.post(transactions)
    assert all(isinstance(answer, Refused) for answer in answers), answers
    return {answer.code for answer in answers if isinstance(answer, Refused)}


async def checked(ledger: LedgerService) -> set[Any]:
    return {hold.asset for hold in await ledger.follow_check(await ledger.check())}


async def lift(ledger: LedgerService, actor: Actor, *assets: Any, reason: str = "mended") -> Lifting:
    return await ledger.lift_holds(actor, await ledger.check(), assets=assets or None, reason=reason)


async def test_only_the_damaged_asset_is_held_and_only_until_two_persons_lift_it(
    world: LedgerService, sql: asyncpg.Connection
) -> None:
    await sql.execute(FAKE, ANNA, ONE)

    assert await checked(world) == {ONE}

    stop = tx(SetFlags(at(ONE, ANNA), credits_stopped=True, debits_stopped=True))
    assert await refused(world, tx(*move(ONE, ANNA, BORIS, 1)), tx(*issue(ONE, BORIS, 1)), stop) == {"asset_held"}
    await entered(world, tx(*move(OTHER, ANNA, BORIS, 1)), tx(*move(RUB, ANNA, BORIS, 1)))
    assert await world.rebuild() > 0
    # Neither made anew nor proved sound is enough: a machine set the hold, and no machine lifts it.
    assert await checked(world) == {ONE}
    assert await refused(world, tx(*move(ONE, ANNA, BORIS, 1))) == {"asset_held"}
    assert await lift(world, VERA, ONE) == Lifting([ONE], [])
    assert await refused(world, tx(*move(ONE, ANNA, BORIS, 1))) == {"asset_held"}
    assert await lift(world, GLEB, ONE) == Lifting([], [ONE])
    assert await world.holds() == []
    await entered(world, tx(*move(ONE, ANNA, BORIS, 1)))
    assert (await world.check()).clean
    [kept] = await sql.fetch("SELECT * FROM hold")
    assert kept["lifted_at"] is not None
    assert (kept["lift_proposed_by"], kept["lifted_by"]) == (VERA.id, GLEB.id)
    assert kept["lift_reason"] == "mended\nmended"
    assert "balance_differs at account number=" in kept["reason"]


async def test_what_was_entered_upon_a_damaged_balance_is_mended_too(
    world: LedgerService, sql: asyncpg.Connection, make_ledger: Any
) -> None:
    await sql.execute(FAKE, ANNA, ONE)
    await entered(await make_ledger(), tx(*move(ONE, ANNA, BORIS, 1)))  # this process read the false balance
    assert {finding.code for finding in (await world.check()).findings} == {"balance_differs", "legs_differ"}

    await world.rebuild()

    assert (await world.check()).findings == []
    assert await world.balances_at([at(ONE, ANNA)], size=await world.size()) == [9]


async def test_what_is_hashed_is_never_updated(world: LedgerService, sql: asyncpg.Connection) -> None:
    for change in ("body = body", "seq = seq", "id = id"):
        with pytest.raises(asyncpg.RaiseError, match="never changed"):
            await sql.execute(f"UPDATE entry SET {change}")


async def test_a_delivery_against_payment_does_not_pass_when_one_of_its_assets_is_held(
    world: LedgerService, sql: asyncpg.Connection
) -> None:
    await sql.execute(FAKE, ANNA, ONE)
    await checked(world)

    delivery = tx(*move(RUB, ANNA, BORIS, 100), *issue(ONE, ANNA, 1))

    assert await refused(world, delivery) == {"asset_held"}
    assert await world.balances([at(RUB, BORIS)]) == [0]


async def test_every_process_obeys_though_it_had_read_its_accounts_before(
    world: LedgerService, sql: asyncpg.Connection, make_ledger: Any
) -> None:
    another = await make_ledger()
    await entered(another, tx(*move(ONE, ANNA, BORIS, 1)))
    await sql.execute(FAKE, ANNA, ONE)
    await checked(world)

    assert await refused(another, tx(*move(ONE, ANNA, BORIS, 1))) == {"asset_held"}

    await sql.execute(MEND, ANNA, ONE)
    await lift(world, VERA)
    await lift(world, GLEB)
    await entered(another, tx(*move(ONE, ANNA, BORIS, 1)))


async def test_a_repeat_of_what_was_entered_before_is_told_so(world: LedgerService, sql: asyncpg.Connection) -> None:
    done = tx(*move(ONE, ANNA, BORIS, 1))
    await entered(world, done)
    await sql.execute(FAKE, ANNA, ONE)
    await checked(world)

    [again] = await world.post([done])

    assert isinstance(again, Committed)
    assert again.replayed


async def test_altered_history_holds_everything(world: LedgerService, sql: asyncpg.Connection) -> None:
    await sql.execute("UPDATE tile SET hashes = set_bit(hashes, 9, 1 - get_bit(hashes, 9)) WHERE level = 0")

    assert await checked(world) == {RUB, ONE, OTHER}
    assert await refused(world, tx(*move(OTHER, ANNA, BORIS, 1)), tx(*top_up(ANNA, 1))) == {"asset_held"}


async def test_what_lies_beside_the_accounts_holds_nothing(world: LedgerService, sql: asyncpg.Connection) -> None:
    await sql.execute("UPDATE wallet SET opened_seq = opened_seq + 1 WHERE wallet = $1", ANNA)

    report = await world.check()

    assert [finding.code for finding in report.findings] == ["wallet_differs"]
    assert await world.follow_check(report) == []


async def test_a_check_that_began_before_a_hold_does_not_lift_it(
    world: LedgerService, sql: asyncpg.Connection
) -> None:
    clean = await world.check()
    await sql.execute(FAKE, ANNA, ONE)
    assert await checked(world) == {ONE}

    with pytest.raises(LiftNeedsCleanCheck):
        await world.lift_holds(VERA, clean, assets=None, reason="mended")
    assert [hold.lift_proposed_by for hold in await world.follow_check(clean)] == [None]


async def test_a_hold_is_lifted_by_nobody_alone_nor_without_right_reason_or_a_clean_check(
    world: LedgerService, sql: asyncpg.Connection
) -> None:
    await sql.execute(FAKE, ANNA, ONE)
    await checked(world)
    administrator = Actor(id=VERA.id, participant_id=None, roles=frozenset({Role.ADMIN}))

    with pytest.raises(LiftNeedsCleanCheck):
        await lift(world, VERA, ONE)
    await world.rebuild()
    with pytest.raises(NotPermitted):
        await lift(world, administrator, ONE)
    for reason in ("", " ", "x" * 501):
        with pytest.raises(LiftReasonRequired):
            await lift(world, VERA, ONE, reason=reason)
    with pytest.raises(HoldNotFound) as caught:
        await lift(world, VERA, ONE, OTHER)
    assert caught.value.facts["assets"] == str(OTHER)
    await lift(world, VERA, ONE)
    with pytest.raises(LiftNeedsTwoPersons):
        await lift(world, VERA, ONE)
    assert [(h.asset, h.lift_proposed_by) for h in await world.holds()] == [(ONE, VERA.id)]
    assert await refused(world, tx(*move(ONE, ANNA, BORIS, 1))) == {"asset_held"}
    with pytest.raises(asyncpg.CheckViolationError):
        await sql.execute("UPDATE hold SET lifted_by = lift_proposed_by, lifted_at = now()")


async def test_a_new_finding_takes_back_what_was_proposed(world: LedgerService, sql: asyncpg.Connection) -> None:
    await sql.execute(FAKE, ANNA, ONE)
    await checked(world)
    await world.rebuild()
    await lift(world, VERA)
    await sql.execute(FAKE, ANNA, OTHER)

    assert await checked(world) == {ONE, OTHER}

    assert [hold.lift_proposed_by for hold in await world.holds()] == [None, None]
    await world.rebuild()
    assert await lift(world, GLEB, ONE) == Lifting([ONE], [])
    # Each asset by its own count of words: the second for one, the first for the other.
    both = await lift(world, VERA)
    assert both == Lifting([OTHER], [ONE])
    assert {hold.asset for hold in await world.holds()} == {OTHER}


async def test_a_second_finding_adds_no_second_hold(world: LedgerService, sql: asyncpg.Connection) -> None:
    await sql.execute(FAKE, ANNA, ONE)
    await checked(world)
    before = await sql.fetchval("SELECT generation FROM head")

    assert await checked(world) == {ONE}

    assert await sql.fetchval("SELECT generation FROM head") == before
    assert await sql.fetchval("SELECT count(*) FROM hold") == 1


async def test_each_lost_account_is_named(world: LedgerService, sql: asyncpg.Connection) -> None:
    await sql.execute("DELETE FROM account WHERE wallet = $1 AND asset = $2", ANNA, ONE)

    [finding] = (await world.check()).findings

    assert finding.code == "account_missing"
    assert f"wallet={ANNA}" in finding.where
    assert finding.asset == ONE
