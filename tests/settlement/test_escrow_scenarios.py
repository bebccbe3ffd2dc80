"""Scenarios 11, 12, 15, 18 and 19 on the escrow rail: a bank that is another process, real HTTP and its faults."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from kapital.settlement.adapters.http_bank import open_http_bank
from kapital.settlement.adapters.http_escrow import HttpEscrow
from tests.sandbox.bank.serving import BankProgram, Caller
from tests.settlement.escrow_world import BUYER, SELLER, EscrowWorld
from tests.settlement.test_bank_scenarios import program
from tests.settlement.world import World

__all__ = ["program"]


@pytest_asyncio.fixture
async def far(world: World, program: BankProgram) -> AsyncIterator[EscrowWorld]:
    bank = open_http_bank(
        program.url,
        token_file=program.token_file,
        answer_key_file=program.answer_key,
        authorities=None,
        certificate=None,
        certificate_key=None,
        timeout_s=5,
    )
    async with httpx.AsyncClient(base_url=program.url, timeout=60) as client:
        counter = Caller(client, program.token_file.read_text())
        counter.keys = id(world)  # keys of another test are other keys
        await counter.play()
        yield await EscrowWorld.create(world, HttpEscrow(bank), counter)
    await bank.close()


@pytest.mark.parametrize(
    ("steps", "passes"),
    [
        ([], ["settled"]),
        # 11: the bank holds and its answer is lost; found by the enquiry, held once.
        ([{"at": "place_escrow_hold", "do": "answer_lost", "seconds": 60}], ["unknown_cash", "settled"]),
        # 12: the request is lost; not found, sent again under the same reference.
        ([{"at": "place_escrow_hold", "do": "request_lost", "seconds": 60}], ["unknown_cash", "settled"]),
        # 18: the release is done, or lost, without an answer: the same key again.
        ([{"at": "release_escrow_hold", "do": "answer_lost", "seconds": 60}], ["cash_release_sent", "settled"]),
        ([{"at": "release_escrow_hold", "do": "request_lost", "seconds": 60}], ["cash_release_sent", "settled"]),
        ([{"at": "place_escrow_hold", "do": "reject", "reason": "no_mandate"}], ["rolled_back"]),
        ([{"at": "place_escrow_hold", "do": "too_many_requests"}], ["settled"]),
        # Enquiries that the bank does not sign or does not answer leave it unknown.
        ([{"at": "place_escrow_hold", "do": "answer_lost", "seconds": 60},
          {"at": "get_escrow_hold", "do": "bad_signature"}, {"at": "get_escrow_hold", "do": "unavailable"}],
         ["unknown_cash", "unknown_cash", "unknown_cash"]),
    ],
)  # fmt: skip
async def test_an_instruction_ends_with_both_legs_or_none_whatever_is_lost(
    far: EscrowWorld, steps: list[dict[str, Any]], passes: list[str]
) -> None:
    before = await far.money(BUYER), await far.money(SELLER)
    one = await far.instruct(10, 700)
    await far.counter.play(*steps)

    for expected in passes:
        await far.run()
        assert await far.state(one) == expected
    await far.counter.play()
    for _ in range(3):
        await far.run()

    paid = 0 if passes[-1] == "rolled_back" else 700
    await far.require_no_leg_alone(one)
    assert (await far.money(BUYER), await far.money(SELLER)) == (before[0] - paid, before[1] + paid)
    assert await far.where_units_are() == ((990, 0, 10) if paid else (1_000, 0, 0))


@pytest.mark.parametrize("first_is_lost", [False, True])
async def test_notices_out_of_order_wait_for_their_turn_and_the_sums_are_right(
    far: EscrowWorld, first_is_lost: bool
) -> None:
    """The bank tells of the payment (3) before the release (2), and perhaps never of the hold (1)."""
    one, before = await far.instruct(10, 700), await far.money(SELLER)
    first = {"at": "escrow_notice", "do": "lost"}
    await far.counter.play(
        *([first] if first_is_lost else []),
        {"at": "escrow_notice", "do": "reorder", "skip": 0 if first_is_lost else 1},
        {"at": "release_escrow_hold", "do": "pending", "enquiries": 0},
    )
    await far.run()
    assert await far.state(one) == "cash_release_sent"
    assert await far.at_bank(one) == "released"  # the bank ends it, and tells

    await far.run()

    rows = await far.world.rows(
        f"SELECT number, applied_at FROM escrow_notice WHERE reference = 'dvp-{one}' ORDER BY cursor"
    )
    told = [3, 2] if first_is_lost else [1, 3, 2]
    assert [row["number"] for row in rows] == told
    assert {row["applied_at"] is None for row in rows} == {first_is_lost}
    # What waits for its turn calls nobody; what had it makes the bank be asked at once.
    assert await far.state(one) == ("cash_release_sent" if first_is_lost else "settled")
    far.world.clock.advance(timedelta(seconds=30))
    await far.run()
    assert await far.state(one) == "settled"
    assert await far.money(SELLER) == before + 700
    await far.require_no_leg_alone(one)


async def test_a_bank_that_crashes_with_the_hold_or_the_release_in_hand_does_each_once(
    far: EscrowWorld,
    program: BankProgram,
) -> None:
    before = await far.money(BUYER), await far.money(SELLER)
    one = await far.instruct(10, 700)
    await far.counter.play(
        {"at": "place_escrow_hold", "do": "restart_after"}, {"at": "release_escrow_hold", "do": "restart_before"}
    )

    for _ in range(3):
        await far.run()
        program.wait_until_well()
    await far.run()

    assert await far.state(one) == "settled"
    assert (await far.money(BUYER), await far.money(SELLER)) == (before[0] - 700, before[1] + 700)
    await far.require_no_leg_alone(one)
