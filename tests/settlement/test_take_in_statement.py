"""Messages of the bank: kept raw, taken in once, matched with what is known; what is not the bank's books nothing."""

import msgspec
import pytest
import pytest_asyncio

from kapital.kernel.problems import Problem
from kapital.settlement.adapters.bank_messages.client_bank_writer import write_statement
from kapital.settlement.domain.bank_message import Party, Side
from kapital.settlement.domain.incoming_message import LineResult, MessageReason, MessageState
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.use_cases.book_incoming import book_incoming
from tests.kill_points import kill_points
from tests.settlement.bank_messages.values import OWN, account, adding_up
from tests.settlement.desk import Desk
from tests.settlement.world import Faults, ProcessDied, mortal


@pytest_asyncio.fixture
async def desk(world, tmp_path):
    return Desk(world, tmp_path)


async def code_of(work) -> str:
    with pytest.raises(Problem) as refused:
        await work
    return refused.value.code


async def test_a_credit_is_booked_once_whoever_tells_of_it_first(world, desk):
    wallet = await world.wallet()
    told = await world.bank.receive(100, f"Пополнение {top_up_code(wallet)}")
    await book_incoming(world.parts)
    lines = (
        desk.line(1, 100, bank_reference=told, purpose=f"Пополнение {top_up_code(wallet)}"),
        desk.line(2, 250, bank_reference="OTHER", purpose=f"Пополнение {top_up_code(wallet)}"),
    )

    taken = await desk.hand_in(desk.statement(*lines))

    assert taken.results == {LineResult.TOP_UP: 1, LineResult.BOOKED: 1}
    assert await world.kopecks(wallet) == 350


async def test_the_same_bytes_again_book_nothing(world, desk):
    wallet = await world.wallet()
    content = desk.statement(desk.line(1, 100, bank_reference="A", purpose=top_up_code(wallet)))

    first, again = await desk.hand_in(content), await desk.hand_in(content)

    assert (first.again, again.again, again.message.message_id) == (False, True, first.message.message_id)
    assert await world.kopecks(wallet) == 100


async def test_a_1c_file_without_ids_finds_the_payments_that_the_list_has_told(world, desk):
    """Two equal lines are two payments, and a third is one more."""
    wallet = await world.wallet()
    purpose = f"Пополнение {top_up_code(wallet)}"
    for _ in range(2):
        await world.bank.receive(100, purpose, payer_account=account(5))
    await book_incoming(world.parts)
    payer = Party(name="Плательщик", account=account(5))
    lines = [
        msgspec.structs.replace(desk.line(number, 100, purpose=purpose), payer=payer, payee=Party(account=OWN))
        for number in (1, 2, 3)
    ]
    head = msgspec.structs.replace(adding_up(lines, camt=False), from_on=desk.day, to_on=desk.day)

    taken = await desk.hand_in(write_statement(head, lines, created_at=world.clock.now()), form="1c")

    assert taken.results == {LineResult.TOP_UP: 2, LineResult.BOOKED: 1}


async def test_what_a_file_without_ids_told_first_is_no_second_top_up_when_the_list_tells_it(world, desk):
    """The list may know another time of day and spell the payer otherwise: two persons look at it."""
    wallet = await world.wallet()
    purpose = f"Пополнение {top_up_code(wallet)}"
    payer = Party(name="ПЛАТЕЛЬЩИК", account=account(5))
    line = msgspec.structs.replace(desk.line(1, 100, purpose=purpose), payer=payer, payee=Party(account=OWN))
    head = msgspec.structs.replace(adding_up([line], camt=False), from_on=desk.day, to_on=desk.day)
    await desk.hand_in(write_statement(head, [line], created_at=world.clock.now()), form="1c")
    assert await world.kopecks(wallet) == 100

    await world.bank.receive(100, purpose, payer_account=account(5))
    await world.bank.receive(101, purpose, payer_account=account(5))
    await book_incoming(world.parts)

    assert await world.kopecks(wallet) == 201
    [other] = await world.rows("SELECT reason FROM incoming_payment WHERE state = 'unidentified'")
    assert other["reason"] == "same_content_other_id"


async def test_a_debit_is_a_withdrawal_of_ours_or_unexplained(world, desk):
    wallet = await world.funded(500)
    answer = await world.ask(wallet, 200)
    reference = answer.withdrawal_id.hex
    lines = (
        desk.line(1, 200, side=Side.DEBIT, end_to_end_id=reference),
        desk.line(2, 7, side=Side.DEBIT, purpose="Комиссия"),
        desk.line(3, 201, side=Side.DEBIT, end_to_end_id=reference),
    )

    taken = await desk.hand_in(desk.statement(*lines))

    assert taken.results == {LineResult.WITHDRAWAL: 1, LineResult.UNEXPLAINED: 1, LineResult.ALTERED: 1}


class TestNothingIsBookedOf:
    async def test_a_message_without_a_signature(self, world, desk):
        work = desk.hand_in(desk.statement(desk.line(1, 100, bank_reference="A")), signature=None)

        assert await code_of(work) == "bank_message_signature_must_be_valid"
        assert await desk.kept() == [("refused", "signature")]
        assert await world.rows("SELECT 1 FROM incoming_payment") == []

    async def test_a_message_that_was_changed_after_it_was_signed(self, world, desk):
        content = desk.statement(desk.line(1, 100, bank_reference="A"))
        signature = desk.signer.sign_now(content)

        work = desk.hand_in(content.replace(b"1.00", b"9.00"), signature=signature)

        assert await code_of(work) == "bank_message_signature_must_be_valid"
        assert await world.rows("SELECT 1 FROM incoming_payment") == []
        assert (await desk.hand_in(content, signature=signature)).message.state is MessageState.TAKEN_IN

    async def test_a_message_whose_id_came_with_other_content(self, world, desk):
        line = desk.line(1, 100, bank_reference="A")
        await desk.hand_in(desk.statement(line))

        work = desk.hand_in(desk.statement(desk.line(1, 900, bank_reference="B"), message_id="M-1"))

        assert await code_of(work) == "bank_message_must_not_be_altered"
        assert len(await world.rows("SELECT 1 FROM incoming_payment")) == 1

    async def test_a_message_that_cannot_be_read(self, desk):
        assert await code_of(desk.hand_in(b"<Document/>")) == "bank_message_must_be_readable"
        assert await desk.kept() == [("refused", "unreadable")]

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"account": account(9)}, MessageReason.OTHER_ACCOUNT),
            ({"closing_kopecks": 1}, MessageReason.DEVIATIONS),
        ],
    )
    async def test_a_statement_that_is_not_for_us_or_does_not_add_up(self, world, desk, changes, reason):
        taken = await desk.hand_in(desk.statement(desk.line(1, 100, bank_reference="A"), **changes))

        assert (taken.message.state, taken.message.reason) == (MessageState.PARKED, reason)
        assert await world.rows("SELECT 1 FROM incoming_payment") == []

    async def test_the_same_content_under_another_id(self, world, desk):
        line = desk.line(1, 100, bank_reference="A")
        await desk.hand_in(desk.statement(line))
        desk.balance = 0

        taken = await desk.hand_in(desk.statement(line))

        assert taken.message.reason is MessageReason.SAME_CONTENT
        assert len(await world.rows("SELECT 1 FROM incoming_payment")) == 1


async def test_a_statement_waits_for_the_one_before_it(world, desk):
    first, second, third = (
        desk.statement(desk.line(1, 100 * number, bank_reference=f"R{number}")) for number in (1, 2, 3)
    )
    await desk.hand_in(first)

    early = await desk.hand_in(third)
    await desk.hand_in(second)
    late = await desk.hand_in(third)

    assert early.message.reason is MessageReason.GAP
    assert late.message.state is MessageState.TAKEN_IN
    assert await desk.kept() == [("taken_in", None)] * 3
    assert len(await world.rows("SELECT 1 FROM incoming_payment WHERE state = 'unidentified'")) == 3


async def test_a_process_that_dies_at_any_step_leaves_what_the_same_file_ends(world, desk):
    wallet = await world.wallet()
    kopecks = 0

    for step in kill_points(3):
        lines = (
            desk.line(one, 100 * one + step, bank_reference=f"R{step}-{one}", purpose=top_up_code(wallet))
            for one in (1, 2)
        )
        content, died = desk.statement(*lines), True
        try:
            await desk.hand_in(content, parts=mortal(world.parts, Faults(die_at=step)))
            died = False
        except ProcessDied:
            await desk.hand_in(content)
        kopecks += 300 + 2 * step
        assert await world.kopecks(wallet) == kopecks
        results = await world.rows("SELECT DISTINCT result FROM bank_statement_line")
        assert results == [{"result": "booked"}]
        if not died:
            break

    assert step > 10, "the file is kept, read, matched, booked and compared in steps"
    assert await world.rows("SELECT 1 FROM reconciliation_break") == []
