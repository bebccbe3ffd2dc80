"""A bank by files: what is promised of money over HTTP holds over real files, with the sandbox bank behind them."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import rmtree

import pytest
import pytest_asyncio
from pydantic import ValidationError
from pyiso20022.camt import camt_053_001_08, camt_054_001_08
from pyiso20022.pain import pain_001_001_09
from xsdata.formats.dataclass.parsers import XmlParser

from kapital.contracts.bank_nominal_account import FaultKind, FaultPoint
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import InvariantBroken, Problem
from kapital.ledger.api import Position
from kapital.platform.settings import Settings
from kapital.settlement.adapters.exchange_folder import ExchangeFolder
from kapital.settlement.domain.payout_account import ReturnToPayer, SbpPayee
from kapital.settlement.domain.problems import BankSettingsUnusable, BankSilent
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.ports import PayoutState, PayoutStatus
from kapital.settlement.service import files_bank_of, sbp_parts_of
from kapital.settlement.use_cases.book_incoming import book_incoming
from kapital.settlement.use_cases.request_sbp_top_up import RequestSbpTopUp, request_sbp_top_up
from kapital.settlement.use_cases.run_withdrawals import PURPOSE, run_withdrawals
from tests.kill_points import kill_points
from tests.settlement.bank_messages.values import BIC, OWN, account
from tests.settlement.files_world import Exchange
from tests.settlement.test_tax_paid import DUE
from tests.settlement.world import ACCOUNT, Faults, Mortal, ProcessDied

BREAKS = "SELECT kind, subject, difference_kopecks FROM reconciliation_break"


@pytest_asyncio.fixture
async def exchange(world, tmp_path):
    return await Exchange.open(world, tmp_path)


async def funded(exchange: Exchange, kopecks: int):
    wallet = await exchange.world.wallet()
    await exchange.world.bank.receive(kopecks, f"Пополнение {top_up_code(wallet)}")
    await exchange.settle_down()
    assert await exchange.world.kopecks(wallet) == kopecks
    return wallet


async def test_money_comes_and_goes_by_files_that_an_independent_reader_understands(world, exchange):
    wallet = await funded(exchange, 1_000_00)

    await world.ask(wallet, 400_00)
    await run_withdrawals(exchange.parts)
    [order] = exchange.contents("out", ".xml")
    await exchange.settle_down()
    await exchange.play((FaultPoint.create_payment, FaultKind.reject, {"reason": "account_closed"}))
    await world.ask(wallet, 100_00)
    await exchange.settle_down()
    await exchange.settle_down()

    assert await world.states() == ["confirmed", "re_credited"]
    assert (await world.kopecks(wallet), await world.kopecks(wallet, Position.LOCKED)) == (600_00, 0)
    [kept] = await world.rows("SELECT reason FROM withdrawal WHERE state = 're_credited'")
    assert kept["reason"] == "account_closed"
    sent = XmlParser().from_bytes(order, pain_001_001_09.Document).cstmr_cdt_trf_initn
    [payment] = sent.pmt_inf[0].cdt_trf_tx_inf
    assert (payment.amt.instd_amt.value, payment.cdtr_acct.id.othr.id) == (400, ACCOUNT.account)
    assert payment.pmt_id.end_to_end_id == sent.grp_hdr.msg_id
    [notice] = exchange.contents("done", "credits")
    [told] = XmlParser().from_bytes(notice, camt_054_001_08.Document).bk_to_cstmr_dbt_cdt_ntfctn.ntfctn
    assert [entry.amt.value for entry in told.ntry] == [1000]

    await exchange.close_day()
    await exchange.settle_down()
    found = await world.reconcile()

    [statement] = exchange.contents("done", "statement")
    [said] = XmlParser().from_bytes(statement, camt_053_001_08.Document).bk_to_cstmr_stmt.stmt
    assert [balance.amt.value for balance in said.bal] == [0, 600]
    assert (found.bank_kopecks, found.difference_kopecks) == (600_00, 0)
    assert await exchange.bank_rows("SELECT 1 FROM file_order") == [{"?column?": 1}] * 2
    await exchange.next_day()
    await exchange.settle_down()
    assert (await world.reconcile()).difference_kopecks == 0
    assert await world.rows(BREAKS) == []
    assert exchange.names("parked") == exchange.names("in") == []


async def test_money_that_came_since_the_statement_is_in_the_balance_and_a_charge_without_a_word_is_found(
    world, exchange
):
    with pytest.raises(Problem) as refused:
        await exchange.parts.bank.balance_kopecks()
    assert (refused.value.code, refused.value.facts["reason"]) == ("bank_balance_not_told", "no_statement")
    wallet = await funded(exchange, 500_00)
    await exchange.close_day()
    await exchange.settle_down()
    await world.bank.receive(70_00, f"Пополнение {top_up_code(wallet)}")
    await world.ask(wallet, 30_00)
    await exchange.settle_down()
    assert (await world.reconcile()).bank_kopecks == 540_00

    await world.bank.take_fee(5_00)
    await exchange.close_day()
    await exchange.settle_down()

    assert (await world.reconcile()).difference_kopecks == -5_00
    assert [row["difference_kopecks"] for row in await world.rows(BREAKS)] == [-5_00]


class TestOfWhatTheBankLaysDown:
    @pytest.mark.parametrize(
        ("do", "wallet_kopecks", "parked"),
        [
            (FaultKind.duplicate, 100_00, 0),
            (FaultKind.bad_signature, 0, 1),
            (FaultKind.altered_sum, 0, 1),
            (FaultKind.lost, 0, 0),
            (FaultKind.reorder, 0, 0),
        ],
    )
    async def test_one_notice_goes_wrong_and_the_statement_makes_it_whole(
        self, world, exchange, do, wallet_kopecks, parked, capsys
    ):
        wallet = await world.wallet()
        await exchange.play((FaultPoint.file_message, do, {"kopecks": 900}))
        await world.bank.receive(100_00, f"Пополнение {top_up_code(wallet)}")

        await exchange.settle_down()

        assert await world.kopecks(wallet) == wallet_kopecks
        assert len(exchange.names("parked")) == parked
        assert ("settlement.bank_message_refused" in capsys.readouterr().err) is bool(parked)
        await exchange.close_day()
        await exchange.settle_down()
        assert await world.kopecks(wallet) == 100_00
        assert (await world.reconcile()).difference_kopecks == 0
        assert await world.rows(BREAKS) == []

    async def test_reports_of_the_day_tell_of_a_credit_once(self, world, exchange):
        wallet = await world.wallet()
        await exchange.play((FaultPoint.file_message, FaultKind.lost, {}))
        await world.bank.receive(100_00, f"Пополнение {top_up_code(wallet)}")
        for _ in range(2):
            await exchange.ask_for("report")
            await exchange.settle_down()

        assert (await world.kopecks(wallet), len(exchange.contents("done", "report"))) == (100_00, 2)
        await exchange.close_day()
        await exchange.settle_down()
        assert (await world.reconcile()).difference_kopecks == 0
        assert await world.rows(BREAKS) == []

    async def test_a_late_notice_is_taken_in_when_it_comes(self, world, exchange):
        wallet = await world.wallet()
        await exchange.play((FaultPoint.file_message, FaultKind.delay, {"seconds": 3600}))
        await world.bank.receive(100_00, f"Пополнение {top_up_code(wallet)}")
        await exchange.settle_down()
        assert await world.kopecks(wallet) == 0

        world.clock.advance(timedelta(seconds=3601))
        await exchange.settle_down()

        assert await world.kopecks(wallet) == 100_00

    async def test_a_file_that_is_half_written_is_left_alone_and_taken_in_when_it_is_whole(
        self, world, exchange, capsys
    ):
        wallet = await world.wallet()
        await world.bank.receive(100_00, f"Пополнение {top_up_code(wallet)}")
        await exchange.desk.work_once()
        [name] = exchange.names("in")
        path, signature = exchange.place / "in" / name, exchange.place / "in" / f"{name}.p7s"
        content, signed = path.read_bytes(), signature.read_bytes()
        signature.unlink()
        path.write_bytes(content[:300])
        tick = exchange.tick()

        for _ in range(3):
            await exchange.look(tick)
        path.write_bytes(content)
        await tick(world.clock.now())
        signature.write_bytes(signed)
        await exchange.look(tick)
        await exchange.look(tick)
        await book_incoming(exchange.parts)

        assert await world.kopecks(wallet) == 100_00
        assert "settlement.bank_message_refused" not in capsys.readouterr().err

    async def test_one_that_stays_without_a_signature_raises_the_alarm(self, world, exchange, capsys):
        (exchange.place / "in" / "somebody.xml").write_bytes(b"<Document/>")
        tick = exchange.tick()
        await exchange.look(tick)

        world.clock.advance(timedelta(seconds=601))
        await exchange.look(tick)

        assert "settlement.bank_message_refused" in capsys.readouterr().err
        assert [name.partition("-")[2] for name in exchange.names("parked")] == ["somebody.xml"]

    async def test_a_statement_waits_for_the_one_before_it(self, world, exchange):
        wallet = await world.wallet()
        for kopecks in (100, 200, 300):
            await exchange.play((FaultPoint.file_message, FaultKind.lost, {}))
            await world.bank.receive(kopecks, f"Пополнение {top_up_code(wallet)}")
            await exchange.desk.work_once()
            await exchange.close_day()
            await exchange.desk.work_once()
        first, second, third = exchange.names("in")
        hidden = exchange.place / "second"
        hidden.mkdir()
        for name in (second, f"{second}.p7s"):
            (exchange.place / "in" / name).rename(hidden / name)

        await exchange.look()
        waiting = exchange.names("parked")
        for name in (second, f"{second}.p7s"):
            (hidden / name).rename(exchange.place / "in" / name)
        await exchange.look()

        assert [name.partition("-")[2] for name in waiting] == [third]
        assert sorted(name.partition("-")[2] for name in exchange.names("done")) == [first, second, third]
        assert (await world.kopecks(wallet), exchange.names("parked")) == (600, [])

    async def test_a_word_against_an_earlier_one_changes_no_end(self, world, exchange):
        wallet = await funded(exchange, 100_00)
        await world.ask(wallet, 10_00)
        await exchange.settle_down()
        [path] = (exchange.place / "done").glob("*orders.xml")
        content = path.read_bytes().replace(b"ACSC", b"RJCT").replace(b"<MsgId>W-", b"<MsgId>X-")
        (exchange.place / "in" / "again.xml").write_bytes(content)
        (exchange.place / "in" / "again.xml.p7s").write_bytes(exchange.signer.sign_now(content))

        await exchange.settle_down()

        [parked] = await world.rows("SELECT reason FROM incoming_message WHERE state = 'parked'")
        assert (parked["reason"], await world.states()) == ("contradicts", ["confirmed"])


class TestOfOrders:
    async def test_the_same_reference_is_one_order_and_other_content_is_refused(self, exchange):
        bank = exchange.parts.bank
        assert await bank.payout_status("a" * 32) == PayoutStatus(PayoutState.NOT_FOUND)

        first = await bank.pay_out("a" * 32, 100, ACCOUNT, PURPOSE)
        again = await bank.pay_out("a" * 32, 100, ACCOUNT, PURPOSE)

        assert first == again == PayoutStatus(PayoutState.PENDING)
        assert exchange.names("out") == [f"{'a' * 32}{exchange.orders.suffix}"]
        with pytest.raises(InvariantBroken):
            await bank.pay_out("a" * 32, 101, ACCOUNT, PURPOSE)

    async def test_what_a_file_cannot_ask_for_is_rejected_with_its_reason(self, exchange):
        bank = exchange.parts.bank
        phone = SbpPayee(phone="+79990000000", member_id="100000000001")

        assert await bank.pay_out("b" * 32, 100, phone, PURPOSE) == PayoutStatus(
            PayoutState.REJECTED, "sbp_not_offered"
        )
        unknown = ReturnToPayer("NOBODY")
        assert await bank.pay_out("c" * 32, 100, unknown, PURPOSE) == PayoutStatus(
            PayoutState.REJECTED, "payer_bank_not_told"
        )
        assert exchange.names("out") == []

    async def test_money_goes_back_to_the_account_and_the_name_that_it_came_from(self, world, exchange):
        bank_id = await world.bank.receive(100_00, "Без кода", payer_account=account(7), payer_name="Иванов Иван")
        await exchange.settle_down()

        await exchange.parts.bank.pay_out("d" * 32, 100_00, ReturnToPayer(bank_id), PURPOSE)

        [content] = exchange.contents("out", "")
        assert account(7).encode() in content
        assert any("Иванов Иван".encode(encoding) in content for encoding in ("utf-8", "cp1251"))

    @pytest.mark.parametrize("form", ["iso20022", "1c"])
    async def test_a_tax_goes_to_the_treasury_with_every_field(self, world, tmp_path, form):
        exchange = await Exchange.open(world, tmp_path, form)
        await world.bank.receive(10_00, "Без кода")

        await exchange.parts.bank.pay_out("e" * 32, 900, DUE, DUE.purpose)
        again = await exchange.parts.bank.pay_out("e" * 32, 900, DUE, DUE.purpose)
        await exchange.settle_down()

        [paid] = await exchange.bank_rows("SELECT kind, bic, account, amount_kopecks, purpose, tax FROM payout")
        assert again == PayoutStatus(PayoutState.PENDING)
        assert paid == {
            "kind": "tax",
            "bic": DUE.bic,
            "account": DUE.account,
            "amount_kopecks": 900,
            "purpose": DUE.purpose,
            "tax": DUE.said(),
        }
        assert await exchange.parts.bank.payout_status("e" * 32) == PayoutStatus(PayoutState.EXECUTED)

    async def test_an_order_that_the_bank_cannot_read_is_rejected_by_its_name(self, exchange):
        (exchange.place / "out" / "broken.xml").write_bytes(b"<Document/>")

        await exchange.desk.work_once()
        await exchange.look()

        assert exchange.names("out") == []
        [row] = await exchange.world.rows("SELECT state, reason FROM incoming_message")
        assert (row["state"], row["reason"]) == ("parked", "unknown_order")


class TestWhateverDies:
    async def test_an_order_is_laid_down_once_and_paid_once(self, world, exchange):
        wallet = await funded(exchange, 1_000_00)
        asked = 0

        for step in kill_points(3):
            parts, _, dies = exchange.dying(step)
            await world.ask(wallet, 1_00)
            asked += 1
            try:
                await run_withdrawals(parts)
            except ProcessDied:
                # The bank may take the order away before the next process looks.
                if step % 2:
                    await exchange.desk.work_once()
            await exchange.settle_down()
            if dies.steps < step:
                break

        assert step > 15, "an order is written, staged, handed over and noted in steps"
        assert await world.states() == ["confirmed"] * asked
        assert len(await exchange.bank_rows("SELECT 1 FROM file_order")) == asked
        assert sum((await world.bank.paid()).values()) == asked * 1_00
        assert await world.kopecks(wallet) == 1_000_00 - asked * 1_00

    async def test_what_the_bank_said_is_taken_in_once(self, world, exchange):
        wallet = await world.wallet()
        kopecks = 0

        for step in kill_points(9, last=150):
            await world.bank.receive(100 + step, f"Пополнение {top_up_code(wallet)}")
            kopecks += 100 + step
            await exchange.desk.work_once()
            if step % 2:
                await exchange.close_day()
                await exchange.desk.work_once()
            parts, tick, dies = exchange.dying(step)
            try:
                await exchange.look(tick)
                await book_incoming(parts)
            except ProcessDied:
                await exchange.look()
                await book_incoming(exchange.parts)
            assert await world.kopecks(wallet) == kopecks
            if dies.steps < step:
                break

        await exchange.close_day()
        await exchange.settle_down()
        assert exchange.names("in") == exchange.names("parked") == []
        assert (await world.reconcile()).difference_kopecks == 0
        assert await world.rows(BREAKS) == []

    async def test_a_statement_that_waited_lies_parked_no_longer_than_it_is_not_booked(self, world, exchange):
        wallet, aside = await world.wallet(), exchange.place.parent
        statements = []
        for _ in range(3):
            await world.bank.receive(100, f"Пополнение {top_up_code(wallet)}")
            await exchange.close_day()
            await exchange.desk.work_once()
            [name] = exchange.names("in", "statement.xml")
            statements.append((name, f"{name}.p7s"))
            for part in statements[-1]:
                (exchange.place / "in" / part).rename(aside / part)
        first, second, third = statements
        for part in (*first, *third):
            (aside / part).rename(exchange.place / "in" / part)
        await exchange.look()
        waiting = exchange.names("parked")
        for part in second:
            (aside / part).rename(exchange.place / "in" / part)

        with pytest.raises(ProcessDied):
            await exchange.look(exchange.tick(folder=Mortal(exchange.folder, Faults(die_at=1), ("release",))))
        stranded = exchange.names("parked")
        booked = await world.rows("SELECT 1 FROM incoming_message WHERE state = 'parked'")
        # A crash between the signature and its message is ended too.
        [signature] = (exchange.place / "parked").glob("*.p7s")
        signature.rename(exchange.place / "done" / signature.name)
        await exchange.look()

        assert [name.partition("-")[2] for name in waiting] == [third[0]]
        assert (stranded, booked) == (waiting, [])
        assert list((exchange.place / "parked").iterdir()) == []
        assert (exchange.place / "done" / waiting[0]).exists()

    async def test_an_order_is_not_handed_over_because_the_folder_that_it_is_staged_in_is_away(self, world, exchange):
        wallet = await funded(exchange, 100_00)
        asked = await world.ask(wallet, 10_00)
        with pytest.raises(ProcessDied):
            await run_withdrawals(exchange.parts_over(Mortal(exchange.folder, Faults(die_at=1), ("hand_over",))))
        away = exchange.place.rename(exchange.place.with_name("away"))
        instead = ExchangeFolder(exchange.place, "iso20022")
        instead.prepare()
        bank = exchange.bank_over(instead)

        with pytest.raises(BankSettingsUnusable, match="mounted"):
            await bank.open()
        with pytest.raises(BankSilent):
            await bank.payout_status(asked.withdrawal_id.hex)
        with pytest.raises(BankSilent):
            await bank.pay_out("f" * 32, 100, ACCOUNT, PURPOSE)
        rmtree(exchange.place)
        away.rename(exchange.place)
        for _ in range(2):
            await exchange.settle_down()

        assert await world.states() == ["confirmed"]
        assert sum((await world.bank.paid()).values()) == 10_00

    async def test_a_crash_between_a_message_and_its_signature_parts_them_no_longer_than_one_waits_for_a_signature(
        self, world, exchange, monkeypatch
    ):
        wallet = await world.wallet()
        await world.bank.receive(100_00, f"Пополнение {top_up_code(wallet)}")
        await exchange.desk.work_once()
        [name] = exchange.names("in")
        move, moved = exchange.folder._move, []

        def dies_after_one(source, target):
            if moved:
                raise ProcessDied
            moved.append(target)
            move(source, target)

        monkeypatch.setattr(exchange.folder, "_move", dies_after_one)
        with pytest.raises(ProcessDied):
            await exchange.look()
        monkeypatch.undo()
        tick = exchange.tick()
        await exchange.look(tick)
        world.clock.advance(timedelta(seconds=601))
        await exchange.look(tick)
        await book_incoming(exchange.parts)

        done = sorted(path.name.partition("-")[2] for path in (exchange.place / "done").iterdir())
        assert done == [name, f"{name}.p7s"]
        assert list((exchange.place / "parked").iterdir()) == exchange.names("in") == []
        assert await world.kopecks(wallet) == 100_00

    async def test_who_is_told_to_stop_gives_an_order_free_when_its_file_is_written(self, exchange, monkeypatch):
        """A restart overlaps: the process after this one must not lay down what this one is still writing."""
        begun, may_end, staged = threading.Event(), threading.Event(), []
        write = exchange.folder._stage

        def slowly(name, content):
            begun.set()
            assert may_end.wait(60)
            write(name, content)
            staged.append(name)

        monkeypatch.setattr(exchange.folder, "_stage", slowly)
        paying = asyncio.create_task(exchange.parts.bank.pay_out("a" * 32, 100, ACCOUNT, PURPOSE))
        await asyncio.to_thread(begun.wait, 60)
        paying.cancel()
        other = asyncio.create_task(
            exchange.bank_over(ExchangeFolder(exchange.place, "iso20022")).pay_out("a" * 32, 100, ACCOUNT, PURPOSE)
        )
        await asyncio.sleep(0.2)
        laid_meanwhile = exchange.names("out")
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await paying

        assert (laid_meanwhile, len(staged)) == ([], 1)
        assert await other == PayoutStatus(PayoutState.PENDING)
        assert exchange.names("out") == [f"{'a' * 32}.xml"]
        assert exchange.names(".staged") == []

    async def test_an_order_file_that_comes_back_is_paid_once(self, world, exchange):
        wallet = await funded(exchange, 100_00)
        await world.ask(wallet, 10_00)
        await run_withdrawals(exchange.parts)
        [name] = exchange.names("out")
        content = (exchange.place / "out" / name).read_bytes()
        await exchange.settle_down()

        (exchange.place / "out" / name).write_bytes(content)
        await exchange.settle_down()

        assert sum((await world.bank.paid()).values()) == 10_00
        assert exchange.names("out") == []


async def test_a_qr_code_is_refused_before_anything_is_kept(world, exchange):
    wallet = await world.wallet()
    parts = replace(exchange.parts, sbp=sbp_parts_of(offered=False))
    cmd = RequestSbpTopUp(
        command_id=CommandId("qr"), actor=world.owners[wallet], wallet_id=wallet, amount_kopecks=100
    )

    with pytest.raises(Problem) as refused:
        await request_sbp_top_up(cmd, parts)

    assert refused.value.code == "sbp_not_offered"
    assert await world.rows("SELECT 1 FROM sbp_top_up") == []


def settings_of(folder: Path, **changes) -> Settings:
    good = {
        "bank": "files",
        "bank_files_dir": folder / "exchange",
        "bank_account": OWN,
        "bank_bic": BIC,
        "bank_certificates": folder / "bank.pem",
        "operator_name": "Оператор",
    }
    return Settings(**good | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"bank_files_dir": None},
        {"bank_bic": ""},
        {"bank_account": ""},
        {"bank_certificates": None},
        {"bank_escrow": True},
        {"bank_webhook_key": Path("key")},
        {"bank_files_format": "csv"},
    ],
    ids=str,
)
def test_settings_that_name_what_files_cannot_do_start_nothing(tmp_path, changes):
    settings_of(tmp_path)
    with pytest.raises(ValidationError):
        settings_of(tmp_path, **changes)


@pytest.mark.parametrize(
    "changes", [{"bank_account": account(2)[:-1] + "0"}, {"operator_inn": "7707083894"}], ids=["account", "inn"]
)
async def test_a_payer_whom_no_bank_would_take_starts_nothing(world, tmp_path, changes):
    files_bank_of(settings_of(tmp_path), world.database, world.clock)
    with pytest.raises(BankSettingsUnusable):
        files_bank_of(settings_of(tmp_path, **changes), world.database, world.clock)


def test_a_folder_over_several_file_systems_is_refused(tmp_path: Path) -> None:
    """What is laid down is moved in one step, which one file system alone can do."""
    other = Path("/dev/shm")
    if other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("one file system here")
    (tmp_path / "out").symlink_to(other)
    with pytest.raises(OSError, match="several file systems"):
        ExchangeFolder(tmp_path, "iso20022").prepare()
