"""Bad statements, signed by the bank all the same: refused or parked, kept to be looked at, nothing is guessed."""

from hashlib import sha256

import pytest_asyncio

from kapital.kernel.problems import Problem
from kapital.platform.telemetry import MESSAGES_PARKED, REGISTRY
from kapital.settlement.domain.bank_message import Side
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.use_cases.reconcile import reconcile
from tests.settlement.bank_messages.values import OWN, account
from tests.settlement.desk import Desk
from tests.settlement.world import STAFF

BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">&b;</Document>"""

LONG = b"".join(sha256(bytes([one])).hexdigest().encode() for one in range(200))
"""More than an index of the database takes, and nothing to be compressed."""


@pytest_asyncio.fixture
async def desk(world, tmp_path) -> Desk:
    return Desk(world, tmp_path)


async def test_each_is_refused_or_parked_and_kept_and_books_nothing(world, desk):
    wallet = await world.wallet()
    code = top_up_code(wallet)
    sound = desk.statement(desk.line(1, 123_456, bank_reference="A", purpose=code))
    bad = {
        b"not xml at all": "bank_message_must_be_readable",
        sound[: len(sound) // 2]: "bank_message_must_be_readable",
        b"<Document>" + b"<a/>" * 2_200_000 + b"</Document>": "bank_message_exceeds_limit",
        BOMB: "bank_message_must_have_no_document_type",
        sound.decode().encode("utf-16"): "bank_message_encoding_must_be_known",
        sound.replace(b"utf-8", b"KOI8-R"): "bank_message_encoding_must_be_known",
        sound.replace(b">1234.56<", b">1234.560<"): "bank_message_amount_must_be_exact",
        sound.replace(b">1234.56<", b">-1234.56<"): "bank_message_amount_must_be_exact",
        sound.replace(b">M-1<", b">" + LONG + b"<"): "bank_message_must_be_readable",
        sound.replace(OWN.encode(), LONG): "bank_message_must_be_readable",
        desk.statement(
            desk.line(1, 1, side=Side.DEBIT, end_to_end_id=LONG.decode())
        ): "bank_message_must_be_readable",
    }
    told = {}

    for content in bad:
        try:
            await desk.hand_in(content)
        except Problem as problem:
            told[content] = problem.code
    parked = [
        await desk.hand_in(desk.statement(desk.line(1, 1, bank_reference="B", purpose=code), account=account(9))),
        await desk.hand_in(desk.statement(desk.line(1, 2, bank_reference="C", purpose=code), currency="USD")),
        await desk.hand_in(desk.statement(desk.line(1, 3, bank_reference="D", purpose=code), closing_kopecks=1)),
    ]

    assert told == bad
    assert [one.message.reason.value for one in parked] == ["other_account", "other_currency", "deviations"]
    kept = await world.rows("SELECT state, count(*) AS messages FROM incoming_message GROUP BY state ORDER BY state")
    assert kept == [{"state": "parked", "messages": 3}, {"state": "refused", "messages": len(bad)}]
    assert await world.rows("SELECT 1 FROM incoming_payment") == []
    assert await world.kopecks(wallet) == 0
    MESSAGES_PARKED.set(0)  # the command that takes messages in is another process than the one that is scraped
    assert (await reconcile(STAFF, world.parts)).difference_kopecks == 0
    assert REGISTRY.get_sample_value("kapital_bank_messages_parked") == 3


async def test_a_purpose_in_another_language_is_read_by_its_code_or_not_at_all(world, desk):
    wallet = await world.wallet()
    code = top_up_code(wallet)
    purposes = (
        f"购买数字资产 {code}",
        f"شحن المحفظة {code} شكرا",
        f"Поповнення гаманця {code}",
        "購買數位資產",
        f"Оплата {code[:-1]}",
        f"{code[4:]} без приставки",
    )
    lines = [
        desk.line(number, 100 + number, bank_reference=f"R{number}", purpose=purpose)
        for number, purpose in enumerate(purposes, start=1)
    ]

    taken = await desk.hand_in(desk.statement(*lines))

    assert {one.value: count for one, count in taken.results.items()} == {"booked": 6}
    reasons = await world.rows("SELECT reason FROM incoming_payment ORDER BY bank_id")
    assert [row["reason"] for row in reasons[:3]] == [None] * 3
    assert all(row["reason"] in {"no_code", "code_check_failed"} for row in reasons[3:])
    assert await world.kopecks(wallet) == 101 + 102 + 103


async def test_an_overlong_purpose_and_a_debit_that_nobody_asked_for_are_not_booked_and_are_breaks(world, desk):
    wallet = await world.wallet()
    lines = (
        desk.line(1, 200, bank_reference="L", purpose=f"{top_up_code(wallet)} {'о' * 300}"),
        desk.line(2, 300, side=Side.DEBIT, end_to_end_id="f" * 32),
    )

    taken = await desk.hand_in(desk.statement(*lines))

    assert {one.value: count for one, count in taken.results.items()} == {"refused": 1, "unexplained": 1}
    found = await world.rows("SELECT kind, line, difference_kopecks FROM reconciliation_break ORDER BY line")
    assert [tuple(row.values()) for row in found] == [
        ("at_bank_not_in_ledger", 1, 200),
        ("at_bank_not_in_ledger", 2, -300),
    ]
    assert await world.kopecks(wallet) == 0
