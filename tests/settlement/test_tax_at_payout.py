"""Tax is withheld in the entry that pays, once whatever dies, and corrected by new records. Scenario 66."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import MakerAndCheckerMustDiffer
from kapital.kernel.roles import Role
from kapital.ledger.api import Posting
from kapital.platform.ids import new_uuid7
from kapital.settlement.domain.problems import BeneficiaryNotFound
from kapital.settlement.domain.tax import TAX_WALLET, Residency, TaxAgent, TaxRule
from kapital.settlement.domain.tax_problems import (
    TaxPersonMustBeNatural,
    TaxResidencyDayOutOfRange,
    TaxResidencyMustBeOpen,
    TaxResidencyMustMatch,
)
from kapital.settlement.ports import Parts
from kapital.settlement.queries.list_payouts import list_payouts
from kapital.settlement.queries.tax_export import TaxExport, tax_export, tax_persons
from kapital.settlement.use_cases.collect_tax import collect_tax
from kapital.settlement.use_cases.decide_tax_residency import DecideTaxResidency, decide_tax_residency
from kapital.settlement.use_cases.record_tax_residency import RecordTaxResidency, record_tax_residency
from tests.settlement.world import Faults, ProcessDied, World, action, due, held, line, mortal

CLERK = Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({Role.SETTLEMENT}))
RISK = Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({Role.RISK}))
BOTH = Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({Role.SETTLEMENT, Role.RISK}))
RULE = TaxRule(
    effective_from=date(2026, 1, 1),
    effective_to=None,
    basis="test",
    agent=TaxAgent.OPERATOR,
    unknown_residency=Residency.RESIDENT,
)


def under(parts: Parts, rule: TaxRule = RULE) -> Parts:
    """The same settlement where a rule is in force."""
    return replace(parts, tax=replace(parts.tax, rules=(rule,)))


@pytest.fixture
def world(world: World) -> World:
    world.parts = under(world.parts)
    return world


async def holder(world: World, kind: str = "natural_person") -> UUID:
    wallet = await world.wallet()
    async with world.parts.uow.begin() as tx:
        await world.parts.payouts.note_kinds(tx.conn, {person(world, wallet): kind})
    return wallet


def person(world: World, wallet: UUID) -> UUID:
    participant = world.owners[wallet].participant_id
    assert participant is not None
    return participant


async def payer(world: World, kopecks: int) -> UUID:
    return await world.funded(kopecks, Role.ISSUER)


async def resident(
    world: World, wallet: UUID, residency: Residency, *, since: date, collect: bool = True
) -> contract.TaxResidency:
    told = await record_tax_residency(recorded(world, wallet, residency, since=since), world.parts)
    decided = await decide_tax_residency(decision(told), world.parts)
    if collect:
        await collect_tax(world.parts)
    return decided


def recorded(world: World, wallet: UUID, residency: Residency, *, since: date, **more: Any) -> RecordTaxResidency:
    return RecordTaxResidency(
        **{
            "command_id": CommandId(str(new_uuid7())),
            "actor": CLERK,
            "participant_id": person(world, wallet),
            "residency": residency,
            "valid_from": since,
            "basis": "certificate/17",
            **more,
        }
    )


def decision(told: contract.TaxResidency, **more: Any) -> DecideTaxResidency:
    return DecideTaxResidency(
        **{
            "command_id": CommandId(str(new_uuid7())),
            "actor": RISK,
            "residency_id": told.residency_id,
            "content_sha256": told.content_sha256,
            "confirm": True,
            **more,
        }
    )


async def shown(world: World, wallet: UUID) -> Sequence[contract.Payout]:
    async with world.database.connect() as conn:
        return (await list_payouts(conn, world.owners[wallet], wallet)).payouts


async def exported(world: World, agent: str = "operator") -> TaxExport:
    async with world.database.connect() as conn:
        return await tax_export(conn, year=2026, quarter=4, agent=agent)


async def must_add_up(world: World) -> None:
    """The tax wallet holds what the records say, and bank and register agree."""
    async with world.database.connect() as conn:
        least, most = await world.parts.payouts.tax_payable(conn)
    assert least == most == await world.kopecks(TAX_WALLET)
    found = await world.reconcile()
    assert (found.difference_kopecks, found.tax_payable_kopecks) == (0, least)


async def test_the_tax_is_withheld_in_the_entry_that_pays_and_the_holder_sees_how(world: World) -> None:
    issue, issuer, wallet = await world.issue(), await payer(world, 1_000_00), await holder(world)
    await resident(world, wallet, Residency.RESIDENT, since=date(2026, 1, 1))

    await world.pay(action(issue, issuer, due(wallet, 10, 1_000_00)))

    ((seq, entry),) = world.ledger.last()
    assert set(entry.postings) == {
        Posting(world.key(issuer), -1_000_00),
        Posting(world.key(wallet), 870_00),
        Posting(world.key(TAX_WALLET), 130_00),
    }
    [told] = await shown(world, wallet)
    assert (told.gross_kopecks, told.tax_kopecks, told.net_kopecks, told.entry_seq) == (1_000_00, 130_00, 870_00, seq)
    assert isinstance(told.tax, contract.PayoutTax)
    assert (told.tax.residency, told.tax.residency_known) == (contract.Residency.resident, True)
    assert [(one.percent, one.base_kopecks, one.tax_kopecks) for one in told.tax.parts] == [(13, 1_000_00, 130_00)]
    # Others are told what is due, not what is withheld: the event is the same as without tax.
    (event,) = await world.events("payouts_settled")
    assert event["lines"][0]["amount_kopecks"] == 1_000_00
    await must_add_up(world)


async def test_without_a_rule_payouts_are_gross_and_shown_so(world: World) -> None:
    issue, issuer, wallet = await world.issue(), await payer(world, 1_000_00), await holder(world)

    await world.pay(action(issue, issuer, due(wallet, 10, 1_000_00)), world.other_process())

    assert await world.kopecks(wallet) == 1_000_00
    [told] = await shown(world, wallet)
    assert (told.tax_kopecks, told.net_kopecks, told.tax) == (0, 1_000_00, msgspec.UNSET)
    await must_add_up(world)


async def test_a_firm_is_paid_in_full_and_an_unknown_wallet_by_the_rule(world: World) -> None:
    issue, issuer = await world.issue(), await payer(world, 2_000_00)
    firm, stranger = await holder(world, "legal_entity"), await world.wallet()

    await world.pay(action(issue, issuer, due(firm, 10, 1_000_00), due(stranger, 10, 1_000_00)))

    assert [await world.kopecks(one) for one in (firm, stranger)] == [1_000_00, 870_00]
    found = await exported(world)
    assert (found.persons, found.persons_of_unknown_residency, found.base_kopecks) == (1, 1, 1_000_00)
    with pytest.raises(TaxPersonMustBeNatural):
        await record_tax_residency(recorded(world, firm, Residency.RESIDENT, since=date(2026, 1, 1)), world.parts)


async def test_where_the_issuer_is_the_agent_it_keeps_what_it_withholds(world: World) -> None:
    parts = under(world.parts, msgspec.structs.replace(RULE, agent=TaxAgent.ISSUER))
    issue, issuer, wallet = await world.issue(), await payer(world, 1_000_00), await holder(world)

    await world.pay(action(issue, issuer, due(wallet, 10, 1_000_00)), parts)

    assert [await world.kopecks(one) for one in (wallet, issuer, TAX_WALLET)] == [870_00, 130_00, 0]
    assert (await exported(world, "issuer")).withheld_kopecks == 130_00
    assert (await exported(world)).withheld_kopecks == 0
    await must_add_up(world)


async def test_what_units_had_cost_is_not_taxed_when_they_are_paid_back(world: World) -> None:
    issue, issuer, wallet = await world.issue(), await payer(world, 5_000_00), await holder(world)
    await world.enter(Posting(world.key(issuer), -950_00), Posting(world.key(wallet), 950_00))
    await world.reserve(wallet, 950_00)
    await world.allocate(held(issue, issuer, line(wallet, 10, 950_00, 0)))

    await world.pay(action(issue, issuer, due(wallet, 10, 1_000_00, extinguish=10), kind="redemption"))

    [told] = await shown(world, wallet)
    assert (told.cost_kopecks, told.tax_kopecks) == (950_00, 7_00)
    assert await world.kopecks(wallet) == 993_00
    await must_add_up(world)


async def test_the_tax_on_several_positions_is_counted_once_and_shared(world: World) -> None:
    issue, issuer, wallet = await world.issue(), await payer(world, 100_00), await holder(world)
    coupon = action(issue, issuer, due(wallet, 6, 33_33), due(wallet, 4, 16_67, position="pledged"))

    await world.pay(coupon)

    assert await world.kopecks(TAX_WALLET) == 7_00, "50.00 at 13 % is 6.50: seven roubles, once"
    assert len(await shown(world, wallet)) == 1
    await must_add_up(world)


async def test_a_payment_that_died_anywhere_is_taxed_once_as_it_was_first_counted(world: World) -> None:
    issue, issuer, wallet = await world.issue(), await payer(world, 10**9), await holder(world)
    died, net = 0, 0
    for die_at in range(1, 30):
        coupon = action(issue, issuer, due(wallet, 10, 1_000_00))
        before = await world.kopecks(TAX_WALLET)
        try:
            await world.pay(coupon, mortal(world.parts, Faults(die_at=die_at)))
        except ProcessDied:
            died += 1
        await world.pay(coupon)
        net += 870_00
        assert await world.kopecks(wallet) == net
        assert await world.kopecks(TAX_WALLET) - before == 130_00
        if die_at > died:
            break
    assert died >= 6
    assert len(await shown(world, wallet)) == died + 1
    await must_add_up(world)


async def test_a_refused_payment_is_counted_anew_when_it_is_paid(world: World) -> None:
    issue, issuer, wallet = await world.issue(), await payer(world, 1), await holder(world)
    coupon = action(issue, issuer, due(wallet, 10, 1_000_00))
    await world.pay(coupon)
    assert await world.rows("SELECT * FROM payout") == []
    await resident(world, wallet, Residency.NON_RESIDENT, since=date(2026, 11, 1))
    refilled = await payer(world, 1_000_00)
    await world.enter(Posting(world.key(refilled), -1_000_00), Posting(world.key(issuer), 1_000_00))
    await world.pay(coupon)

    [told] = await shown(world, wallet)
    assert told.tax_kopecks == 300_00


async def test_a_resident_crosses_the_threshold_and_then_turns_out_to_be_none(world: World) -> None:
    issue, issuer, wallet = await world.issue(), await payer(world, 5_000_000_00), await holder(world)
    await resident(world, wallet, Residency.RESIDENT, since=date(2026, 1, 1))
    for gross in (2_399_000_00, 2_000_00, 1_000_00):
        await world.pay(action(issue, issuer, due(wallet, 10, gross)))
        world.clock.advance(timedelta(minutes=1))
    first = await shown(world, wallet)
    assert [one.tax_kopecks for one in first] == [150_00, 280_00, 311_870_00]
    before = await world.kopecks(TAX_WALLET)

    await resident(world, wallet, Residency.NON_RESIDENT, since=date(2026, 11, 1))

    after = await shown(world, wallet)
    assert [one.tax_kopecks for one in after] == [one.tax_kopecks for one in first], "what was paid stays as it was"
    corrections = [one.corrections[0] for one in after]
    assert [one.tax_after_kopecks for one in corrections] == [300_00, 600_00, 719_700_00]
    assert [one.state for one in corrections] == ["collected"] * 3
    due_kopecks = 2_402_000_00 * 30 // 100
    assert await world.kopecks(TAX_WALLET) == due_kopecks
    assert sum(one.collected_kopecks for one in corrections) == due_kopecks - before
    found = await exported(world)
    assert [(rate.percent, rate.base_kopecks, rate.tax_kopecks) for rate in found.rates] == [
        (30, 2_402_000_00, due_kopecks)
    ]
    assert (found.withheld_kopecks, found.not_withheld_kopecks) == (due_kopecks, 0)
    assert sum(period.withheld_kopecks for period in found.periods) == due_kopecks
    # From now on it is the new rate.
    await world.pay(action(issue, issuer, due(wallet, 10, 100_00)))
    assert (await shown(world, wallet))[0].tax_kopecks == 30_00
    await must_add_up(world)


async def test_what_is_not_there_is_not_collected_and_stands_in_the_export(world: World) -> None:
    issue, issuer, wallet = await world.issue(), await payer(world, 1_000_00), await holder(world)
    await world.pay(action(issue, issuer, due(wallet, 10, 1_000_00)))
    await world.enter(Posting(world.key(wallet), -870_00), Posting(world.key(issuer), 870_00))
    await world.enter(Posting(world.key(issuer), -50_00), Posting(world.key(wallet), 50_00))

    await resident(world, wallet, Residency.NON_RESIDENT, since=date(2026, 11, 1))

    found = await exported(world)
    assert (found.tax_kopecks, found.withheld_kopecks, found.not_withheld_kopecks) == (300_00, 180_00, 120_00)
    assert await world.kopecks(wallet) == 0
    await must_add_up(world)


async def test_who_becomes_a_resident_gets_it_back_from_the_authority_and_not_from_here(world: World) -> None:
    issue, issuer, wallet = await world.issue(), await payer(world, 1_000_00), await holder(world)
    await resident(world, wallet, Residency.NON_RESIDENT, since=date(2026, 1, 1))
    await world.pay(action(issue, issuer, due(wallet, 10, 1_000_00)))

    await resident(world, wallet, Residency.RESIDENT, since=date(2026, 11, 1))

    [told] = await shown(world, wallet)
    assert [one.state for one in told.corrections] == ["recorded"]
    found = await exported(world)
    assert (found.tax_kopecks, found.withheld_kopecks, found.over_withheld_kopecks) == (130_00, 300_00, 170_00)
    assert await world.kopecks(wallet) == 700_00
    # And back again: nothing was given back, so nothing is collected twice.
    await resident(world, wallet, Residency.NON_RESIDENT, since=date(2026, 11, 2))
    assert (await exported(world)).over_withheld_kopecks == 0
    assert await world.kopecks(wallet) == 700_00
    await must_add_up(world)


async def test_a_collection_that_died_anywhere_is_made_once(world: World) -> None:
    died = 0
    for die_at in range(1, 30):
        issue, issuer, wallet = await world.issue(), await payer(world, 1_000_00), await holder(world)
        await world.pay(action(issue, issuer, due(wallet, 10, 1_000_00)))
        await resident(world, wallet, Residency.NON_RESIDENT, since=date(2026, 11, 1), collect=False)
        try:
            await collect_tax(mortal(world.parts, Faults(die_at=die_at)))
        except ProcessDied:
            died += 1
        await collect_tax(world.parts)
        assert await world.kopecks(wallet) == 700_00
        if die_at > died:
            break
    assert died >= 4
    await must_add_up(world)


async def test_one_records_and_another_confirms_exactly_that(world: World) -> None:
    wallet = await holder(world)
    cmd = recorded(world, wallet, Residency.RESIDENT, since=date(2026, 11, 1), actor=BOTH)
    told = await record_tax_residency(cmd, world.parts)

    assert await record_tax_residency(cmd, world.parts) == told
    with pytest.raises(NotPermitted):
        await decide_tax_residency(decision(told, actor=CLERK), world.parts)
    with pytest.raises(MakerAndCheckerMustDiffer):
        await decide_tax_residency(decision(told, actor=BOTH), world.parts)
    with pytest.raises(TaxResidencyMustMatch):
        await decide_tax_residency(decision(told, content_sha256="0" * 64), world.parts)
    with pytest.raises(TaxResidencyDayOutOfRange):
        await record_tax_residency(recorded(world, wallet, Residency.RESIDENT, since=date(2027, 1, 1)), world.parts)
    confirmed = await decide_tax_residency(decision(told), world.parts)
    assert confirmed.state is contract.TaxResidencyState.confirmed
    with pytest.raises(TaxResidencyMustBeOpen):
        await decide_tax_residency(decision(told), world.parts)


async def test_rates_add_up_to_the_base_of_persons_and_a_wallet_is_shown_to_its_owner_only(world: World) -> None:
    issue, issuer = await world.issue(), await payer(world, 10_000_00)
    wallets = [await holder(world) for _ in range(3)]
    await world.pay(action(issue, issuer, *(due(w, 1, 1_111_11 * (n + 1)) for n, w in enumerate(wallets))))

    found = await exported(world)
    async with world.database.connect() as conn:
        rows = [row async for row in tax_persons(conn, year=2026, quarter=4, agent="operator")]

    assert {row.taxpayer_id for row in rows} == {person(world, wallet) for wallet in wallets}
    assert sum(row.base_kopecks for row in rows) == found.base_kopecks == 1_111_11 * 6
    assert sum(row.tax_kopecks for row in rows) == found.tax_kopecks == await world.kopecks(TAX_WALLET)
    async with world.database.connect() as conn:
        with pytest.raises(BeneficiaryNotFound):
            await list_payouts(conn, world.owners[wallets[0]], wallets[1])
        assert len((await list_payouts(conn, CLERK, wallets[1])).payouts) == 1
