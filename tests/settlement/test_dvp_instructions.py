"""DvP instructions: two persons agree to a batch by one hash; what waits can be held, changed, linked, cancelled."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import msgspec
import pytest
import pytest_asyncio

from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.problems import MakerAndCheckerMustDiffer
from kapital.kernel.roles import Role
from kapital.kernel.states import WrongState
from kapital.platform.ids import new_uuid7
from kapital.settlement.domain.dvp import Rail, check_items, content_sha256_of
from kapital.settlement.domain.dvp_problems import (
    DvpBatchMalformed,
    DvpBatchMustBeOpen,
    DvpBatchMustMatch,
    DvpInstructionNotFound,
    DvpLinkRefused,
    DvpReferenceMustBeNew,
    IssuerMustBuyBackByOffer,
    TransferMustBeAllowed,
)
from kapital.settlement.domain.escrow import EscrowAccounts
from kapital.settlement.queries.list_dvp import get_dvp_instruction
from kapital.settlement.use_cases.note_issuers import note_issuers
from kapital.settlement.use_cases.settle_due import settle_due
from tests.settlement.dvp_world import CHECKER, MAKER, DvpWorld
from tests.settlement.escrow_world import BUYER, SELLER, with_escrow
from tests.settlement.world import World, held, line

STRANGER = Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({Role.AUDITOR}))


@pytest_asyncio.fixture
async def dvp(world: World) -> DvpWorld:
    return await DvpWorld.create(world)


async def test_a_batch_is_approved_by_another_person_on_exactly_its_hash(dvp: DvpWorld) -> None:
    seller, buyer = await dvp.party(units=5), await dvp.party(kopecks=500)
    items = [
        dvp.item(seller, buyer, 5, 500),
        dvp.item(seller, new_uuid7(), 1, 1),
        msgspec.structs.replace(dvp.item(seller, buyer, 1, 1), asset_id=new_uuid7()),
    ]
    batch = await dvp.instruct(*items)
    assert batch.content_sha256 == content_sha256_of(items)
    with pytest.raises(MakerAndCheckerMustDiffer):
        await dvp.decide(batch, actor=MAKER)
    with pytest.raises(DvpBatchMustMatch):
        await dvp.decide(msgspec.structs.replace(batch, content_sha256="0" * 64))
    # Whoever may not decide has the register asked nothing: this one would answer with an error of its own.
    parts, dvp.world.parts = dvp.world.parts, replace(dvp.world.parts, ledger=cast(Any, None))
    with pytest.raises(NotPermitted):
        await dvp.decide(batch, actor=STRANGER)
    dvp.world.parts = parts
    rows = "SELECT state, end_code FROM dvp_instruction ORDER BY item"
    assert {row["state"] for row in await dvp.world.rows(rows)} == {"new"}

    await dvp.decide(batch)

    asked = await dvp.world.rows(
        "SELECT DISTINCT allowed, subjects->0 AS about FROM access_decision WHERE action = 'decide_dvp_batch'"
    )
    assert {(row["allowed"], tuple(row["about"])) for row in asked} == {
        (allowed, (str(batch.batch_id), 1)) for allowed in (True, False)
    }
    assert [(row["state"], row["end_code"]) for row in await dvp.world.rows(rows)] == [
        ("prechecked", None),
        ("rolled_back", "wallet_must_be_of_a_beneficiary"),
        ("rolled_back", "asset_must_be_in_the_register"),
    ]
    with pytest.raises(DvpBatchMustBeOpen):
        await dvp.decide(batch, approve=False)
    with pytest.raises(DvpReferenceMustBeNew):
        await dvp.instruct(dvp.item(seller, buyer, 1, 1), items[0])
    assert len(await dvp.world.rows("SELECT 1 FROM dvp_batch")) == 1  # the refused one left nothing

    other = await dvp.instruct(dvp.item(seller, buyer, 1, 1))
    await dvp.decide(other, approve=False)
    (last,) = await dvp.world.rows("SELECT state, end_code FROM dvp_instruction ORDER BY instruction_id DESC LIMIT 1")
    assert last == {"state": "rolled_back", "end_code": "not_approved"}


@pytest.mark.parametrize("policy", ["issuer_consent", "forbidden"])
async def test_units_that_the_decision_lets_nobody_pass_on_are_not_delivered_by_dvp(
    dvp: DvpWorld, policy: str
) -> None:
    seller, buyer = await dvp.party(units=5), await dvp.party(kopecks=500)
    world = dvp.world
    (waits,) = await dvp.agreed(dvp.item(seller, buyer, 2, 20, is_held=True))
    undecided = await dvp.instruct(dvp.item(seller, buyer, 1, 10))
    async with world.parts.uow.begin() as tx:
        await world.parts.issuers.note(tx.conn, {dvp.asset: new_uuid7()}, tx.now, policies={dvp.asset: policy})

    with pytest.raises(TransferMustBeAllowed) as refused:
        await dvp.instruct(dvp.item(seller, buyer, 1, 1))
    await dvp.decide(undecided)
    await dvp.change("release", waits)
    await settle_due(world.parts)

    assert refused.value.facts == {"item": 0}
    assert await dvp.states([waits]) == ["prechecked"]
    assert (await dvp.kept([waits]))[0]["reason"] == "transfer_must_be_allowed"
    (ended,) = await world.rows(f"SELECT end_code FROM dvp_instruction WHERE batch_id = '{undecided.batch_id}'")
    assert ended == {"end_code": "transfer_must_be_allowed"}
    assert await dvp.holds(buyer) == (0, 500)


async def test_an_issuer_never_takes_its_own_units_by_dvp_whenever_it_becomes_known_as_such(dvp: DvpWorld) -> None:
    seller, buyer = await dvp.party(units=5), await dvp.party(kopecks=500)
    world = dvp.world
    settles, waits = await dvp.agreed(dvp.item(seller, buyer, 1, 10), dvp.item(seller, buyer, 2, 20, is_held=True))
    await settle_due(world.parts)
    undecided = await dvp.instruct(dvp.item(seller, buyer, 1, 10))

    # The published decision is heard of now; the wallet is found by its owner, not by its own id.
    async with world.parts.uow.begin() as tx:
        owners = await world.parts.beneficiaries.owners(tx.conn, [buyer])
        await world.parts.issuers.note(tx.conn, {dvp.asset: owners[buyer]}, tx.now)

    with pytest.raises(IssuerMustBuyBackByOffer) as refused:
        await dvp.instruct(dvp.item(buyer, seller, 1, 1), dvp.item(seller, buyer, 1, 1))
    assert refused.value.facts == {"item": 1}
    accounts = EscrowAccounts(buyer_account=BUYER, seller_account=SELLER)
    bank: Any = object()  # there is one, and nothing of this reaches it
    world.parts = with_escrow(world.parts, bank)
    with pytest.raises(IssuerMustBuyBackByOffer):
        await dvp.instruct(dvp.item(seller, buyer, 1, 1, rail=Rail.ESCROW, escrow=accounts))
    await dvp.decide(undecided)
    await dvp.change("release", waits)
    await settle_due(world.parts)

    assert await dvp.states([settles, waits]) == ["settled", "prechecked"]
    assert (await dvp.kept([waits]))[0]["reason"] == "issuer_must_buy_back_by_offer"
    (ended,) = await world.rows(f"SELECT end_code FROM dvp_instruction WHERE batch_id = '{undecided.batch_id}'")
    assert ended == {"end_code": "issuer_must_buy_back_by_offer"}
    assert await dvp.holds(buyer) == (1, 490)

    # What it holds it may sell.
    (sold,) = await dvp.agreed(dvp.item(buyer, seller, 1, 10))
    await settle_due(world.parts)
    assert await dvp.states([sold]) == ["settled"]


async def test_the_issuer_is_known_from_its_placement_also_from_one_before_it_was_noted(dvp: DvpWorld) -> None:
    world = dvp.world
    issuer, buyer = await world.wallet(), await world.funded(1_000)
    issue = await world.issue()
    await world.reserve(buyer, 900)
    await world.allocate(held(issue, issuer, line(buyer, units=9, pay=800, refund=100)))

    async def of_own() -> bool:
        async with world.database.connect() as conn:
            found = await world.parts.issuers.of_own(conn, {(issue, issuer), (issue, buyer)})
        return found == {(issue, issuer)}

    known_at_once = await of_own()
    async with world.database.engine.begin() as conn:
        await conn.exec_driver_sql("DELETE FROM issuer_of_asset")
    await note_issuers(world.parts)
    await note_issuers(world.parts)
    assert (known_at_once, await of_own()) == (True, True)


async def test_what_waits_is_held_released_changed_linked_and_cancelled(dvp: DvpWorld) -> None:
    seller, buyer = await dvp.party(units=5), await dvp.party(kopecks=500)
    first = dvp.item(seller, buyer, 1, 10, reference="first")
    ids = await dvp.agreed(first, dvp.item(seller, buyer, 2, 20, links=[("after", "first")]))
    third = (await dvp.agreed(dvp.item(seller, buyer, 1, 10, links=[("before", "first")])))[0]

    await dvp.change("hold", *ids)
    await dvp.change("release", ids[1])
    await dvp.change("set_priority", *ids, priority=1)
    await dvp.link(ids[1], "with", third)
    assert [(row["is_held"], row["priority"]) for row in await dvp.kept(ids)] == [(True, 1), (False, 1)]
    async with dvp.world.database.connect() as conn:
        told = await get_dvp_instruction(conn, CHECKER, ids[0])
        partner = await get_dvp_instruction(conn, CHECKER, third)
    assert {(link.kind.value, link.instruction_id) for link in told.links} == {("before", ids[1]), ("after", third)}
    assert {(link.kind.value, link.instruction_id) for link in partner.links} == {
        ("with", ids[1]),
        ("before", ids[0]),
    }

    await dvp.change("cancel", third)
    assert [(row["state"], row["end_code"]) for row in await dvp.kept([third])] == [("rolled_back", "cancelled")]
    for refused in (
        dvp.change("hold", ids[0], third),
        dvp.change("cancel", ids[0], third),
        dvp.link(third, "after", ids[0]),
    ):
        with pytest.raises(WrongState):
            await refused
    assert await dvp.states(ids) == ["prechecked", "prechecked"]  # of a list all or none are changed
    with pytest.raises(DvpInstructionNotFound):
        await dvp.change("hold", ids[0], new_uuid7())
    unapproved = await dvp.instruct(dvp.item(seller, buyer, 1, 1))
    (new,) = await dvp.world.rows(
        f"SELECT instruction_id FROM dvp_instruction WHERE batch_id = '{unapproved.batch_id}'"
    )
    with pytest.raises(WrongState):
        await dvp.change("cancel", new["instruction_id"])


async def test_a_batch_that_breaks_a_rule_is_refused_whole_with_its_reason(dvp: DvpWorld) -> None:
    one, other = new_uuid7(), new_uuid7()
    bank: Any = object()  # there is one, and nothing of this reaches it
    dvp.world.parts = with_escrow(dvp.world.parts, bank)
    accounts = EscrowAccounts(buyer_account=BUYER, seller_account=SELLER)
    good = dvp.item(one, other, 1, 1, reference="good")
    now = dvp.world.clock.now()
    faults = {
        "parties_must_differ": dvp.item(one, one, 1, 1),
        "cut_off_must_be_of_the_intended_day": dvp.item(one, other, 1, 1, cut_off_at=now + timedelta(days=1)),
        "cut_off_must_be_ahead": dvp.item(one, other, 1, 1, cut_off_at=now),
        "partial_settlement_is_of_the_nominal_rail": dvp.item(
            one, other, 1, 1, is_partial_allowed=True, rail=Rail.ESCROW
        ),
        "link_to_itself": dvp.item(one, other, 1, 1, reference="self", links=[("after", "self")]),
        "link_repeated": dvp.item(one, other, 1, 1, links=[("after", "good"), ("with", "good")]),
        "too_many_links": dvp.item(one, other, 1, 1, links=[("after", f"other-{n}") for n in range(11)]),
        "reference_repeated": dvp.item(one, other, 2, 2, reference="good"),
    }
    for reason, item in faults.items():
        with pytest.raises(DvpBatchMalformed) as refused:
            check_items([good, item], now)
        assert refused.value.facts == {"reason": reason, "item": 1}
    for links, reason in (
        ([("after", "nobody")], "not_found"),
        ([("with", "escrow")], "with_is_of_the_nominal_rail"),
    ):
        escrow = dvp.item(one, other, 1, 1, rail=Rail.ESCROW, reference="escrow", escrow=accounts)
        with pytest.raises(DvpLinkRefused) as not_linked:
            await dvp.instruct(escrow, dvp.item(one, other, 1, 1, links=links))
        assert not_linked.value.facts["reason"] == reason
    assert await dvp.world.rows("SELECT 1 FROM dvp_instruction") == []
