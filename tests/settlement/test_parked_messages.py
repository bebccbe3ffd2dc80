"""A parked message of the bank has a way on: two persons have it booked as it stands, or set aside for ever."""

from itertools import count
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from msgspec import UNSET

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import Problem
from kapital.kernel.roles import Role
from kapital.platform.ids import new_uuid7
from kapital.platform.telemetry import REGISTRY
from kapital.settlement.domain.bank_message import StatementKind
from kapital.settlement.domain.message_decision import MessageDecisionKind
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.queries.list_bank_messages import get_bank_message, list_bank_messages
from kapital.settlement.use_cases.book_incoming import book_incoming
from kapital.settlement.use_cases.decide_bank_message import DecideBankMessage, decide_bank_message
from kapital.settlement.use_cases.finish_bank_messages import finish_bank_messages
from kapital.settlement.use_cases.propose_bank_message_decision import (
    ProposeBankMessageDecision,
    propose_bank_message_decision,
)
from tests.kill_points import kill_points
from tests.settlement.bank_messages.values import account
from tests.settlement.desk import Desk
from tests.settlement.world import STAFF, Faults, ProcessDied, mortal

RISK = Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({Role.RISK}))
AUDITOR = Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({Role.AUDITOR}))
_commands = count(1)


class Office:
    """Two persons before the messages that wait."""

    def __init__(self, world, tmp_path) -> None:
        self.world, self.desk = world, Desk(world, tmp_path)
        self.more = self.desk.more

    async def gap(self, wallet, kopecks: int = 300) -> tuple[Any, bytes]:
        """A statement after one that was taken in and one that never came."""
        code = top_up_code(wallet)
        if self.desk.number == 0:
            await self.desk.hand_in(self.desk.statement(self.desk.line(1, 100, bank_reference="R1", purpose=code)))
        self.desk.statement(self.desk.line(1, 200, bank_reference=f"lost-{self.desk.number}"))
        line = self.desk.line(1, kopecks, bank_reference=f"R{self.desk.number + 1}", purpose=code)
        content = self.desk.statement(line)
        return (await self.desk.hand_in(content)).message, content

    async def propose(self, message, kind: str = "book", *, actor: Actor = STAFF) -> contract.BankMessageDecision:
        cmd = ProposeBankMessageDecision(
            command_id=CommandId(f"p-{next(_commands)}"),
            actor=actor,
            message_id=message.message_id,
            kind=MessageDecisionKind(kind),
            reason="Выписки не будет: письмо банка № 12",
        )
        return await propose_bank_message_decision(cmd, self.world.parts, self.more)

    async def decide(
        self, proposed, *, actor: Actor = RISK, sha256: str | None = None, approve: bool = True
    ) -> contract.BankMessageDecision:
        cmd = DecideBankMessage(
            command_id=CommandId(f"d-{next(_commands)}"),
            actor=actor,
            message_id=proposed.message_id,
            content_sha256=sha256 or proposed.content_sha256,
            approve=approve,
        )
        return await decide_bank_message(cmd, self.world.parts, self.more)

    async def tick(self, parts=None) -> int:
        return await finish_bank_messages(parts or self.world.parts, self.more)

    async def view(self, message, actor: Actor = AUDITOR) -> contract.BankMessageView:
        async with self.world.database.connect() as conn:
            return await get_bank_message(conn, self.world.parts, self.more, actor, message.message_id)


@pytest_asyncio.fixture
async def office(world, tmp_path) -> Office:
    return Office(world, tmp_path)


async def refusal(work) -> tuple[str, dict[str, Any]]:
    with pytest.raises(Problem) as refused:
        await work
    return refused.value.code, refused.value.facts


async def code_of(work) -> str:
    return (await refusal(work))[0]


def parked() -> float | None:
    return REGISTRY.get_sample_value("kapital_bank_messages_parked")


async def test_a_statement_whose_forerunner_never_comes_is_booked_as_it_stands_by_two_and_once(world, office):
    wallet = await world.wallet()
    message, content = await office.gap(wallet)
    async with world.database.connect() as conn:
        page = await list_bank_messages(
            conn, AUDITOR, state=contract.BankMessageState.parked, reason=None, before=None, limit=10
        )
    seen = await office.view(message)
    [statement] = seen.statements
    assert [one.message_id for one in page.bank_messages] == [message.message_id]
    assert (statement.opening_kopecks, statement.credit_kopecks, statement.closing_kopecks) == (300, 300, 600)
    assert (seen.message.reason, seen.unbookable) == (contract.BankMessageReason.gap, UNSET)

    proposed = await office.propose(message)
    refused = [
        await code_of(office.propose(message, "set_aside")),
        await code_of(office.decide(proposed, actor=STAFF)),
        await code_of(office.decide(proposed, sha256="0" * 64)),
        await code_of(office.decide(proposed, actor=AUDITOR)),
    ]
    assert refused == [
        *("bank_message_decision_must_be_one", "maker_and_checker_must_differ"),
        *("bank_message_decision_must_match", "not_permitted"),
    ]
    assert (await world.kopecks(wallet), parked()) == (100, 1)
    approved = await office.decide(proposed)

    assert (approved.state.value, await world.kopecks(wallet), parked()) == ("approved", 100, 0)
    assert (await office.tick(), await office.tick()) == (1, 0)
    assert await world.kopecks(wallet) == 400
    seen = await office.view(message)
    assert [one.state.value for one in seen.decisions] == ["done"]
    assert [(one.result.value, one.lines) for one in seen.results] == [("booked", 1)]
    assert (await office.desk.hand_in(content)).again
    next_one = await office.desk.hand_in(
        office.desk.statement(office.desk.line(1, 50, bank_reference="N", purpose=top_up_code(wallet)))
    )
    assert next_one.message.state.value == "taken_in", "it follows the statement that was booked"
    assert await world.kopecks(wallet) == 450
    assert await code_of(office.decide(proposed)) == "bank_message_decision_must_be_proposed"


async def test_what_is_set_aside_is_never_booked_whatever_comes_after_it(world, office):
    wallet = await world.wallet()
    message, content = await office.gap(wallet)
    rejected = await office.decide(await office.propose(message, "set_aside"), approve=False)
    assert (rejected.state.value, parked()) == ("rejected", 1)

    done = await office.decide(await office.propose(message, "set_aside"))
    again = await office.desk.hand_in(content)

    assert (done.state.value, again.message.state.value, again.message.reason.value) == ("done", "set_aside", "gap")
    assert (await office.tick(), await world.kopecks(wallet), parked()) == (0, 100, 0)
    assert await code_of(office.propose(message)) == "bank_message_must_be_parked"


async def test_what_waited_for_a_statement_that_two_booked_follows_it_without_coming_again(world, office):
    wallet = await world.wallet()
    message, _ = await office.gap(wallet)
    for kopecks in (50, 60):
        line = office.desk.line(1, kopecks, bank_reference=f"F{kopecks}", purpose=top_up_code(wallet))
        assert (await office.desk.hand_in(office.desk.statement(line))).message.reason.value == "gap"
    await office.decide(await office.propose(message))

    for step in count(1):
        try:
            await office.tick(mortal(world.parts, Faults(die_at=step)))
        except ProcessDied:
            continue
        break
    await office.tick()

    assert step > 10, "each is judged, matched and booked in steps"
    assert await world.kopecks(wallet) == 100 + 300 + 50 + 60
    assert (await office.desk.kept(), parked()) == ([("taken_in", None)] * 4, 0)


async def test_money_that_the_list_told_meanwhile_is_not_booked_again(world, office):
    wallet = await world.wallet()
    told = await world.bank.receive(300, f"Пополнение {top_up_code(wallet)}")
    await office.desk.hand_in(office.desk.statement())
    line = office.desk.line(1, 300, bank_reference=told, purpose=f"Пополнение {top_up_code(wallet)}")
    office.desk.statement()  # never comes
    message = (await office.desk.hand_in(office.desk.statement(line))).message
    proposed = await office.propose(message)
    await book_incoming(world.parts)

    await office.decide(proposed)
    await office.tick()

    assert await world.kopecks(wallet) == 300
    assert await world.rows("SELECT result FROM bank_statement_line") == [{"result": "top_up"}]


async def test_what_contradicts_itself_is_not_ours_or_is_booked_is_booked_by_nobody(world, office):
    desk = office.desk
    sound = desk.line(1, 100, bank_reference="A")
    await desk.hand_in(desk.statement(sound))
    desk.balance = 0
    handed = {
        "same_content": desk.statement(sound),
        "other_account": desk.statement(sound, account=account(9)),
        "other_currency": desk.statement(sound, currency="USD"),
        "deviations": desk.statement(sound, closing_kopecks=1),
        "not_final": desk.statement(sound, kind=StatementKind.REPORT),
    }

    for reason, content in handed.items():
        message = (await desk.hand_in(content)).message
        assert message.reason.value == reason
        assert (await office.view(message)).unbookable.value == reason
        assert await refusal(office.propose(message)) == ("bank_message_must_be_bookable", {"reason": reason})
        assert (await office.decide(await office.propose(message, "set_aside"))).state.value == "done"

    assert len(await world.rows("SELECT 1 FROM incoming_payment")) == 1
    nowhere = msgspec.structs.replace(message, message_id=new_uuid7())
    assert await code_of(office.propose(nowhere)) == "bank_message_not_found"
    assert await code_of(office.view(nowhere)) == "bank_message_not_found"


async def test_a_proposal_that_time_has_overtaken_is_not_carried_out(world, office):
    """The missing statement came after all, and the file again: nothing is left to decide."""
    wallet = await world.wallet()
    code, desk = top_up_code(wallet), office.desk
    first, second, third = (
        desk.statement(desk.line(1, 100 * one, bank_reference=f"R{one}", purpose=code)) for one in (1, 2, 3)
    )
    await desk.hand_in(first)
    proposed = await office.propose((await desk.hand_in(third)).message)
    await desk.hand_in(second)
    await desk.hand_in(third)

    assert await code_of(office.decide(proposed)) == "bank_message_must_be_parked"
    assert (await office.decide(proposed, approve=False)).state.value == "rejected"
    assert (await world.kopecks(wallet), await office.tick()) == (600, 0)


async def test_a_process_that_dies_at_any_step_of_the_booking_leaves_what_the_next_tick_ends(world, office):
    wallet, kopecks = await world.wallet(), 100
    for step in kill_points(5):
        message, _ = await office.gap(wallet, 300 + step)
        await office.decide(await office.propose(message))
        kopecks, died = kopecks + 300 + step, True
        try:
            await office.tick(mortal(world.parts, Faults(die_at=step)))
            died = False
        except ProcessDied:
            await office.tick()
        assert await world.kopecks(wallet) == kopecks
        assert await world.rows("SELECT DISTINCT result FROM bank_statement_line") == [{"result": "booked"}]
        await world.reconcile()  # what is compared is judged no more
        if not died:
            break

    assert step > 8, "lines are matched, booked, compared, and the decision ended in steps"
    states = await world.rows("SELECT DISTINCT state FROM message_decision")
    assert states == [{"state": "done"}]
