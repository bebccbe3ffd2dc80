"""Reviews of the escrow rail: what the bank cannot say waits for two persons and its statement."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from kapital.kernel.actor import NotPermitted
from kapital.kernel.problems import MakerAndCheckerMustDiffer
from kapital.kernel.states import WrongState
from kapital.ledger.api import SetFreeze
from kapital.platform.ids import new_uuid7
from kapital.platform.telemetry import REGISTRY
from kapital.settlement.adapters.http_escrow import HttpEscrow
from kapital.settlement.adapters.incoming_message_table import IncomingMessageTable
from kapital.settlement.domain.dvp import Rail
from kapital.settlement.domain.dvp_problems import DvpBatchMalformed, DvpInstructionNotFound
from kapital.settlement.domain.dvp_review import STATEMENT_BYTES_MAX
from kapital.settlement.domain.escrow import EscrowAccounts, EscrowInstruction, HoldOrder, HoldState, HoldStatus
from kapital.settlement.domain.escrow_problems import (
    DvpReviewMustBeOne,
    DvpReviewMustBeOpen,
    DvpReviewMustMatch,
    DvpReviewNotFound,
    DvpStatementNotHere,
    DvpStatementRequired,
    EscrowAccountMustStay,
    EscrowRailMustBeAgreed,
)
from kapital.settlement.domain.incoming_message import (
    IncomingMessage,
    MessageState,
    SignatureOutcome,
    SignatureVerdict,
)
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.problems import PayoutAccountKeyMustMatch
from kapital.settlement.domain.states import DvpState
from kapital.settlement.queries.list_dvp_reviews import get_dvp_review_statement, list_dvp_reviews
from kapital.settlement.use_cases.escrow_bank import CALLS_AT_ONCE, ask
from tests.sandbox.bank.serving import caller_of, http_bank_over, served_here
from tests.settlement.dvp_world import CHECKER
from tests.settlement.escrow_world import BUYER, DECIDER, OTHER, PROPOSER, SELLER, EscrowWorld
from tests.settlement.test_escrow_life import die, mortal
from tests.settlement.world import Faults, World


@pytest_asyncio.fixture
async def here(world: World) -> AsyncIterator[EscrowWorld]:
    app = served_here(world.bank)
    bank, counter = http_bank_over(app), caller_of(app)
    yield await EscrowWorld.create(world, HttpEscrow(bank), counter)
    await bank.close()
    await counter.client.aclose()


async def unclear(here: EscrowWorld) -> UUID:
    """An instruction of which the bank cannot say whether it holds the money."""
    one = await here.instruct(10, 700)
    await here.counter.play(
        {"at": "place_escrow_hold", "do": "answer_lost", "seconds": 0},
        {"at": "get_escrow_hold", "do": "unclear"},
    )
    await here.run()
    await here.run()
    assert await here.state(one) == "review_before_record"
    return one


async def rejected(here: EscrowWorld) -> UUID:
    """An instruction whose record stands, and whose seller the bank cannot pay."""
    await here.client(SELLER, closed=True)
    one = await here.instruct(10, 700)
    await here.run()
    assert await here.state(one) == "review_after_record"
    return one


@pytest.mark.parametrize(("outcome", "ends"), [("reserve_found", "settled"), ("reserve_absent", "rolled_back")])
async def test_before_the_record_two_persons_decide_by_the_statement(
    here: EscrowWorld, outcome: str, ends: str
) -> None:
    one = await unclear(here)
    for _ in range(3):
        await here.run()
    assert await here.state(one) == "review_before_record"  # no time ends it
    await here.world.reconcile()
    assert REGISTRY.get_sample_value("kapital_escrow_reviews_waiting") == 1
    with pytest.raises(WrongState):
        await here.propose(one, "release_again")
    review = await here.propose(one, outcome)
    with pytest.raises(DvpReviewMustBeOne):
        await here.propose(one, outcome)
    with pytest.raises(MakerAndCheckerMustDiffer):
        await here.decide(review, actor=PROPOSER)
    with pytest.raises(DvpReviewMustMatch):
        await here.decide(review, sha256="0" * 64)
    with pytest.raises(NotPermitted):
        await here.decide(review, actor=CHECKER)
    await here.decide(review, approve=False)
    with pytest.raises(DvpReviewMustBeOpen):
        await here.decide(review)
    assert await here.state(one) == "review_before_record"

    await here.decide(await here.propose(one, outcome))
    for _ in range(3):
        await here.run()

    assert await here.state(one) == ends
    await here.world.reconcile()
    assert REGISTRY.get_sample_value("kapital_escrow_reviews_waiting") == 0
    await here.require_no_leg_alone(one)
    async with here.world.database.connect() as conn:
        page = await list_dvp_reviews(conn, here.world.parts, DECIDER, instruction_id=one)
        assert [found.state.value for found in page.reviews] == ["approved", "rejected"]
        kept = await get_dvp_review_statement(conn, here.world.parts, CHECKER, review.review_id)
    assert kept == b"statement of the bank"


async def test_after_the_record_there_is_only_forward_and_another_account_needs_the_banks_rejection(
    here: EscrowWorld,
) -> None:
    """Scenario 16 on this rail: the record stays, the money is blocked, and is paid to new details by two."""
    before = await here.money(OTHER)
    one = await rejected(here)
    assert (await here.kept(one))["bank_reason"] == "account_closed"
    with pytest.raises(WrongState):
        await here.propose(one, "reserve_absent")
    with pytest.raises(EscrowAccountMustStay):
        await here.propose(one, "release_found", seller_account=OTHER)
    wrong = f"{OTHER.account[:-1]}{(int(OTHER.account[-1]) + 1) % 10}"
    with pytest.raises(PayoutAccountKeyMustMatch):
        await here.propose(one, "release_again", seller_account=PayoutAccount(bic=OTHER.bic, account=wrong))

    await here.decide(await here.propose(one, "release_again"))  # the same account once more
    await here.run()
    assert await here.state(one) == "review_after_record"
    await here.decide(await here.propose(one, "release_again", seller_account=OTHER))
    for _ in range(2):
        await here.run()

    assert await here.state(one) == "settled"
    assert await here.money(OTHER) == before + 700
    await here.require_no_leg_alone(one)
    await here.client(SELLER)


async def test_a_payment_that_the_statement_shows_closes_the_instruction(here: EscrowWorld) -> None:
    one = await rejected(here)
    await here.client(SELLER)
    # The bank's people pay by hand.
    body = {"payee": {"bic": SELLER.bic, "account": SELLER.account}}
    await here.counter.post(f"/v1/escrow/holds/dvp-{one}/release", body)

    await here.decide(await here.propose(one, "release_found"))
    await here.run()

    assert await here.state(one) == "settled"
    await here.require_no_leg_alone(one)


async def test_a_proposal_rests_on_one_statement_of_bounded_size_and_leaves_nothing_without(
    here: EscrowWorld,
) -> None:
    one = await unclear(here)
    known = await _message(here)
    for given, reason in (
        ({"statement_base64": None}, "one_of_message_and_file"),
        ({"statement_base64": "eA==", "statement_sha256": known}, "one_of_message_and_file"),
        ({"statement_sha256": "0" * 64}, "no_such_message_taken_in"),
        ({"statement_base64": "*"}, "not_base64"),
        ({"statement_base64": base64.b64encode(bytes(STATEMENT_BYTES_MAX + 1)).decode()}, "size_out_of_range"),
    ):
        with pytest.raises(DvpStatementRequired) as refused:
            await here.propose(one, "reserve_absent", **given)
        assert refused.value.facts["reason"] == reason
    with pytest.raises(DvpInstructionNotFound):
        await here.propose(new_uuid7(), "reserve_absent")
    assert await here.world.rows("SELECT * FROM dvp_review") == []

    review = await here.propose(one, "reserve_absent", statement_sha256=known)

    assert review.statement_kind.value == "bank_message"
    async with here.world.database.connect() as conn:
        with pytest.raises(DvpStatementNotHere):
            await get_dvp_review_statement(conn, here.world.parts, CHECKER, review.review_id)
        with pytest.raises(DvpReviewNotFound):
            await get_dvp_review_statement(conn, here.world.parts, CHECKER, new_uuid7())


async def _message(here: EscrowWorld) -> str:
    message = IncomingMessage(
        message_id=new_uuid7(), raw_sha256="a" * 64, raw_bytes=1, format="camt", told_id="m", content_sha256="b" * 64,
        signature=SignatureVerdict(SignatureOutcome.VALID), signature_sha256=None, state=MessageState.TAKEN_IN,
        reason=None, statement_count=1, line_count=0, deviation_count=0, deviations=(), received_by="x",
    )  # fmt: skip
    async with here.world.parts.uow.begin() as tx:
        await IncomingMessageTable().add(tx.conn, message, tx.now)
    return message.raw_sha256


async def test_the_rail_needs_a_bank_that_agreed_and_accounts_that_can_be(here: EscrowWorld) -> None:
    accounts = EscrowAccounts(buyer_account=BUYER, seller_account=SELLER)
    item = here.dvp.item(here.seller, here.buyer, 1, 1)
    for wrong, reason in (
        (msgspec.structs.replace(item, escrow=accounts), "escrow_accounts_come_with_the_escrow_rail"),
        (msgspec.structs.replace(item, rail=Rail.ESCROW), "escrow_accounts_come_with_the_escrow_rail"),
        (
            msgspec.structs.replace(
                item,
                rail=Rail.ESCROW,
                escrow=EscrowAccounts(buyer_account=BUYER, seller_account=PayoutAccount("044525225", "0" * 20)),
            ),
            "account_key_must_match",
        ),
    ):
        with pytest.raises(DvpBatchMalformed) as refused:
            await here.dvp.instruct(wrong)
        assert refused.value.facts["reason"] == reason
    parts = here.world.parts
    here.world.parts = replace(parts, escrow=replace(parts.escrow, bank=None))
    with pytest.raises(EscrowRailMustBeAgreed):
        await here.instruct(1, 1)
    assert await here.world.rows("SELECT * FROM dvp_instruction") == []


async def test_who_is_frozen_meanwhile_is_undone_and_the_buyer_has_its_money_again(here: EscrowWorld) -> None:
    before = await here.money(BUYER)
    one = await here.instruct(10, 700)
    await here.counter.play({"at": "place_escrow_hold", "do": "answer_lost", "seconds": 0})
    await here.run()
    await here.world.enter(
        freezes=(SetFreeze(freeze=new_uuid7(), wallet=here.buyer, credits_stopped=True, debits_stopped=True),)
    )

    for _ in range(2):
        await here.run()

    assert await here.state(one) == "rolled_back"
    assert (await here.kept(one))["end_code"]
    assert await here.money(BUYER) == before
    await here.require_no_leg_alone(one)


async def test_units_locked_by_a_process_that_died_come_back_when_the_instruction_is_cancelled(
    here: EscrowWorld,
) -> None:
    one, other = await here.instruct(10, 700), await here.instruct(20, 700)
    at = 0
    while (await here.where_units_are())[1] == 0:
        at += 1
        assert await die(here, mortal(here.world.parts, Faults(die_at=at)))
    assert await here.dvp.states([one, other]) == ["prechecked", "prechecked"]
    await here.dvp.change("hold", other)
    await here.dvp.change("cancel", one)

    await here.run()

    assert await here.dvp.states([one, other]) == ["rolled_back", "prechecked"]
    await here.dvp.change("cancel", other)
    await here.run()
    await here.require_no_leg_alone(one, other)
    assert await here.where_units_are() == (here.units, 0, 0)


async def test_one_buyer_is_asked_one_after_the_other_and_few_at_once() -> None:
    busy: dict[PayoutAccount, int] = {}
    most = 0

    async def question(order: HoldOrder) -> HoldStatus:
        nonlocal most
        busy[order.buyer_account] = busy.get(order.buyer_account, 0) + 1
        assert busy[order.buyer_account] == 1
        most = max(most, sum(busy.values()))
        await asyncio.sleep(0)
        busy[order.buyer_account] -= 1
        return HoldStatus(HoldState.HELD)

    asked = [_instruction(PayoutAccount("044525225", f"{number % 40:020d}")) for number in range(120)]
    answers = await ask(asked, question)

    assert len(answers) == 120
    assert most == CALLS_AT_ONCE


def _instruction(account: PayoutAccount) -> EscrowInstruction:
    one = new_uuid7()
    order = HoldOrder(
        instruction_id=one, reference=str(one), amount_kopecks=1, buyer_account=account, seller_account=account
    )
    return EscrowInstruction(
        instruction_id=one, asset_id=one, seller_wallet_id=one, buyer_wallet_id=one, units=1,
        state=DvpState.CASH_RESERVE_SENT, order=order,
    )  # fmt: skip
