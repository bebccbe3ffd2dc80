"""A bank by files, and several who do something about one file at once: it is done once, its folder says what."""

import asyncio
import time

import pytest
import pytest_asyncio

from kapital.kernel.actor import Actor, machine_actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import Problem
from kapital.kernel.roles import Role
from kapital.platform.ids import new_uuid7
from kapital.settlement.adapters import exchange_folder
from kapital.settlement.adapters.exchange_folder import ExchangeFolder
from kapital.settlement.domain.message_decision import MessageDecisionKind
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.ports import PayoutState, PayoutStatus
from kapital.settlement.use_cases.decide_bank_message import DecideBankMessage, decide_bank_message
from kapital.settlement.use_cases.message_admission import TakeInStatement
from kapital.settlement.use_cases.propose_bank_message_decision import (
    ProposeBankMessageDecision,
    propose_bank_message_decision,
)
from kapital.settlement.use_cases.run_withdrawals import PURPOSE, run_withdrawals
from kapital.settlement.use_cases.take_in_statement import take_in_statement
from kapital.settlement.use_cases.take_in_status_report import take_in_status_report
from tests.settlement.files_world import Exchange
from tests.settlement.test_files_bank import funded
from tests.settlement.world import ACCOUNT, STAFF, Faults, Mortal, ProcessDied

RISK = Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({Role.RISK}))


@pytest_asyncio.fixture
async def exchange(world, tmp_path):
    return await Exchange.open(world, tmp_path)


class TestOfSeveralAtOnce:
    async def test_processes_that_start_at_once_mark_a_new_folder_and_all_open(self, world, exchange):
        mark = exchange.place / ".staged" / ".kapital"
        for _ in range(10):
            mark.unlink()
            banks = [exchange.bank_over(ExchangeFolder(exchange.place, "iso20022")) for _ in range(4)]
            await asyncio.gather(*(bank.open() for bank in banks))
            assert mark.exists()

    async def test_one_order_that_several_are_told_to_pay_is_laid_down_once(self, exchange):
        banks = [exchange.bank_over(ExchangeFolder(exchange.place, "iso20022")) for _ in range(4)]

        said = await asyncio.gather(*(bank.pay_out("a" * 32, 100, ACCOUNT, PURPOSE) for bank in banks))

        assert said == [PayoutStatus(PayoutState.PENDING)] * 4
        assert exchange.names("out") == [f"{'a' * 32}.xml"]
        assert len(await exchange.world.rows("SELECT 1 FROM bank_file_order")) == 1

    @pytest.mark.parametrize("kind", ["statement", "orders"])
    @pytest.mark.parametrize("was_refused", [False, True])
    async def test_the_same_bytes_at_several_doors_are_taken_in_once(self, world, exchange, kind, was_refused):
        """The tick of two processes and a person's command; before that somebody may have had no signature."""
        wallet = await funded(exchange, 100_00)
        await world.ask(wallet, 10_00)
        await run_withdrawals(exchange.parts)
        await exchange.close_day()
        await exchange.desk.work_once()
        [name] = [one for one in exchange.names("in") if kind in one]
        path = exchange.place / "in" / name
        signature = path.with_name(f"{name}.p7s").read_bytes()
        work = take_in_statement if kind == "statement" else take_in_status_report
        more = exchange.more()

        def command(signature):
            form = "camt" if kind == "statement" else "pain002"
            return TakeInStatement(actor=machine_actor(Role.BANK), file=path, format_name=form, signature=signature)

        if was_refused:
            with pytest.raises(Problem):
                await work(command(None), exchange.parts, more)
        taken = await asyncio.gather(*(work(command(signature), exchange.parts, more) for _ in range(3)))

        assert {one.message.state.value for one in taken} == {"taken_in"}
        assert len({one.message.message_id for one in taken}) == 1
        [received] = await world.rows(
            "SELECT count(*) AS times FROM audit_event WHERE action = 'settlement.bank_message_received'"
            f" AND subject = '{taken[0].message.message_id}' AND after->>'state' = 'taken_in'"
        )
        assert received["times"] == 1


class TestOfWhatTwoPersonsSetAside:
    async def test_its_file_is_parked_no_more_and_neither_is_the_same_file_when_it_comes_again(self, world, exchange):
        wallet = await world.wallet()
        for kopecks in (100, 200, 300):
            await world.bank.receive(kopecks, f"Пополнение {top_up_code(wallet)}")
            await exchange.close_day()
            await exchange.desk.work_once()
        first, second, third = exchange.names("in", "statement.xml")
        for name in exchange.names("in"):
            if name not in {first, third}:
                for part in (name, f"{name}.p7s"):
                    (exchange.place / "in" / part).unlink()
        content = [(exchange.place / "in" / part).read_bytes() for part in (third, f"{third}.p7s")]
        await exchange.look()
        [waiting] = exchange.names("parked")

        await set_aside(exchange)
        with pytest.raises(ProcessDied):
            await exchange.look(exchange.tick(folder=Mortal(exchange.folder, Faults(die_at=1), ("release",))))
        await exchange.look()
        lying = sorted(path.name for path in (exchange.place / "set_aside").iterdir())
        for part, said in zip((third, f"{third}.p7s"), content, strict=True):
            (exchange.place / "in" / part).write_bytes(said)
        await exchange.look()

        assert second != third
        assert lying == [waiting, f"{waiting}.p7s"]
        assert sorted(path.name for path in (exchange.place / "set_aside").iterdir()) == lying
        assert list((exchange.place / "parked").iterdir()) == exchange.names("in") == []
        assert len(await world.rows("SELECT 1 FROM incoming_message WHERE state = 'set_aside'")) == 1


async def set_aside(exchange: Exchange) -> None:
    """Two persons set the one parked message aside."""
    more, parts = exchange.more(), exchange.parts
    [parked] = await exchange.world.rows("SELECT message_id FROM incoming_message WHERE state = 'parked'")
    proposed = await propose_bank_message_decision(
        ProposeBankMessageDecision(
            command_id=CommandId("propose"),
            actor=STAFF,
            message_id=parked["message_id"],
            kind=MessageDecisionKind.SET_ASIDE,
            reason="Банк отозвал выписку",
        ),
        parts,
        more,
    )
    await decide_bank_message(
        DecideBankMessage(
            command_id=CommandId("decide"),
            actor=RISK,
            message_id=parked["message_id"],
            content_sha256=proposed.content_sha256,
            approve=True,
        ),
        parts,
        more,
    )


def test_a_program_that_ends_gives_its_turn_back_when_the_step_on_a_file_is_done(tmp_path, monkeypatch):
    """A loop that ends cancels all that is under way in it: a thread it does not stop."""
    folder, write, told = ExchangeFolder(tmp_path, "iso20022"), exchange_folder._write, []
    folder.prepare()

    def slowly(place, content):
        time.sleep(0.3)
        write(place, content)
        told.append("written")

    async def lay_down():
        async with folder.alone():
            await folder.stage("order.xml", b"bytes")

    async def program():
        await folder.mark()
        monkeypatch.setattr(exchange_folder, "_write", slowly)
        step = asyncio.ensure_future(lay_down())
        step.add_done_callback(lambda _: told.append("given back"))
        await asyncio.sleep(0.1)

    asyncio.run(program())

    assert told == ["written", "given back"]
