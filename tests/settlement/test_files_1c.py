"""A bank by files of the 1C exchange: what is promised in ISO 20022 holds, in both encodings, and none is guessed."""

import pytest

from kapital.contracts.bank_nominal_account import FaultKind, FaultPoint
from kapital.ledger.api import Position
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.use_cases.request_withdrawals import request_withdrawals
from kapital.settlement.use_cases.run_withdrawals import run_withdrawals
from tests.settlement.bank_messages.values import account
from tests.settlement.files_world import Exchange
from tests.settlement.world import item

BREAKS = "SELECT kind, subject, difference_kopecks FROM reconciliation_break"


class TestOfThe1CExchange:
    @pytest.mark.parametrize("encoding", ["Windows", "UTF-8"])
    async def test_money_comes_and_goes_and_a_rejection_comes_as_a_receipt(self, world, tmp_path, encoding):
        exchange = await Exchange.open(world, tmp_path, "1c", encoding)
        wallet = await world.wallet()
        await world.bank.receive(1_000_00, f"Пополнение {top_up_code(wallet)}", payer_name="Иванов Иван")
        await exchange.settle_down()
        assert await world.kopecks(wallet) == 0  # the exchange has no notices: the statement tells
        await exchange.close_day()
        await exchange.settle_down()
        assert await world.kopecks(wallet) == 1_000_00

        await exchange.play((FaultPoint.create_payment, FaultKind.reject, {"reason": "account_closed"}))
        await world.ask(wallet, 100_00)
        await run_withdrawals(exchange.parts)
        [order] = exchange.contents("out", ".txt")
        await exchange.settle_down()
        # Two that look alike but for their numbers: the documents tell them apart.
        await exchange.play((FaultPoint.create_payment, FaultKind.answer_lost, {"times": 2}))
        await world.ask(wallet, 30_00)
        await world.ask(wallet, 30_00)
        await exchange.settle_down()

        assert order.decode({"Windows": "cp1251"}.get(encoding, encoding)).startswith("1CClientBankExchange")
        assert await world.states() == ["re_credited", "sent", "sent"]
        await exchange.close_day()
        await exchange.settle_down()
        assert await world.states() == ["re_credited", "confirmed", "confirmed"]
        assert (await world.kopecks(wallet), await world.kopecks(wallet, Position.LOCKED)) == (940_00, 0)
        assert (await world.reconcile()).difference_kopecks == 0
        assert await world.rows(BREAKS) == []
        await exchange.next_day()
        await exchange.settle_down()
        assert (await world.reconcile()).difference_kopecks == 0
        assert exchange.names("parked") == exchange.names("in") == []

    async def test_in_utf_8_each_side_writes_it_and_every_name_arrives_as_it_was_written(self, world, tmp_path):
        exchange = await Exchange.open(world, tmp_path, "1c", "UTF-8")
        wallet = await world.wallet()
        await world.bank.receive(
            1_000_00, f"Пополнение {top_up_code(wallet)}", payer_account=account(7), payer_name="Ёлкин Пётр № 7"
        )
        await exchange.close_day()
        await exchange.settle_down()
        await exchange.play((FaultPoint.create_payment, FaultKind.reject, {"reason": "account_closed"}))
        [line] = await world.rows("SELECT payer_name, payer_account, payer_bic FROM bank_statement_line")
        payee = PayoutAccount(bic=line["payer_bic"], account=line["payer_account"])
        await request_withdrawals(world.command(item(wallet, 100_00, payee)), exchange.parts)
        await run_withdrawals(exchange.parts)
        [order] = exchange.contents("out", ".txt")
        await exchange.settle_down()

        [statement] = exchange.contents("done", "statement")
        [receipt] = exchange.contents("done", "orders")
        for said in (order, statement, receipt):
            assert "Кодировка=UTF-8\r\n" in said.decode("utf-8")
        assert "Получатель1=Ёлкин Пётр № 7\r\n" in order.decode("utf-8")
        assert "КвитанцияСодержание=Отвергнут" in receipt.decode("utf-8")
        assert line["payer_name"] == "Ёлкин Пётр № 7"
        assert (await world.states(), await world.kopecks(wallet)) == (["re_credited"], 1_000_00)
        assert exchange.names("parked") == exchange.names("in") == []

    @pytest.mark.parametrize(("ours", "the_banks"), [("UTF-8", "Windows"), ("Windows", "UTF-8")])
    async def test_each_side_may_have_an_encoding_of_its_own(self, world, tmp_path, ours, the_banks):
        exchange = await Exchange.open(world, tmp_path, "1c", ours, bank_encoding=the_banks)
        wallet = await world.wallet()
        await world.bank.receive(1_000_00, f"Пополнение {top_up_code(wallet)}", payer_name="Иванов Иван")
        await exchange.close_day()
        await exchange.settle_down()
        await world.ask(wallet, 100_00)
        await exchange.settle_down()
        await exchange.close_day()
        await exchange.settle_down()

        [line] = await world.rows("SELECT payer_name FROM bank_statement_line WHERE side = 'credit'")
        assert line["payer_name"] == "Иванов Иван"
        assert (await world.states(), await world.kopecks(wallet)) == (["confirmed"], 900_00)
        assert (await world.reconcile()).difference_kopecks == 0
        assert exchange.names("parked") == exchange.names("in") == []

    @pytest.mark.parametrize(
        ("named", "written", "code"),
        [
            ("UTF-8", "cp1251", "bank_message_encoding_must_be_known"),
            ("UTF-8", "cp866", "bank_message_encoding_must_be_known"),
            ("KOI8-R", "utf-8", "bank_message_encoding_must_be_known"),
            ("UTF-8", "utf-16", "bank_message_encoding_must_be_known"),
            # The key is not found, or its words are none of the format: what is meant is not sought in other codes.
            ("KOI8-R", "koi8-r", "bank_message_must_be_readable"),
            ("Windows", "cp866", "bank_message_must_be_readable"),
            ("DOS", "cp1251", "bank_message_must_be_readable"),
        ],
    )
    async def test_an_encoding_that_is_not_the_one_named_is_parked_and_told_and_the_right_file_is_taken_in(
        self, world, tmp_path, named, written, code, capsys
    ):
        exchange = await Exchange.open(world, tmp_path, "1c", "UTF-8")
        wallet = await world.wallet()
        await world.bank.receive(100_00, f"Пополнение {top_up_code(wallet)}", payer_name="Иванов Иван")
        await exchange.close_day()
        await exchange.desk.work_once()
        [name] = exchange.names("in")
        path = exchange.place / "in" / name
        right = path.read_bytes()
        wrong = right.decode("utf-8").replace("Кодировка=UTF-8", f"Кодировка={named}").encode(written)

        parked = []
        for content in (wrong, right):
            path.write_bytes(content)
            path.with_name(f"{name}.p7s").write_bytes(exchange.signer.sign_now(content))
            await exchange.look()
            parked.append([one.partition("-")[2] for one in exchange.names("parked")])
            booked = await world.kopecks(wallet)
            assert booked == (100_00 if content is right else 0)

        told = capsys.readouterr().err
        assert "settlement.bank_file_refused" in told
        assert code in told
        assert parked == [[name], [name]]
        kept = await world.rows("SELECT state, reason FROM incoming_message ORDER BY received_at, state DESC")
        assert sorted((row["state"], row["reason"]) for row in kept) == [
            ("refused", "unreadable"),
            ("taken_in", None),
        ]

    async def test_a_statement_that_comes_again_or_was_altered_books_nothing_twice(self, world, tmp_path, capsys):
        exchange = await Exchange.open(world, tmp_path, "1c")
        wallet = await world.wallet()
        await exchange.play(
            (FaultPoint.file_message, FaultKind.duplicate, {}),
            (FaultPoint.file_message, FaultKind.altered_sum, {"kopecks": 5}),
        )
        for kopecks in (100_00, 200_00):
            await world.bank.receive(kopecks, f"Пополнение {top_up_code(wallet)}")
            await exchange.close_day()
            await exchange.settle_down()

        assert await world.kopecks(wallet) == 100_00
        assert "settlement.bank_message_refused" in capsys.readouterr().err
        assert len(exchange.names("parked")) == 1

    async def test_a_receipt_of_an_order_of_nobody_is_parked(self, world, tmp_path):
        exchange = await Exchange.open(world, tmp_path, "1c")
        wallet = await world.wallet()
        await world.bank.receive(100_00, f"Пополнение {top_up_code(wallet)}")
        await exchange.close_day()
        await exchange.settle_down()
        await world.ask(wallet, 10_00)
        await run_withdrawals(exchange.parts)
        await exchange.desk.work_once()
        [name] = exchange.names("in")
        path = exchange.place / "in" / name
        content = path.read_bytes().replace(b"=10.00", b"=10.01")
        path.write_bytes(content)
        path.with_name(f"{name}.p7s").write_bytes(exchange.signer.sign_now(content))

        await exchange.look()
        await run_withdrawals(exchange.parts)

        [parked] = await world.rows("SELECT reason FROM incoming_message WHERE state = 'parked'")
        assert (parked["reason"], await world.states()) == ("unknown_order", ["sent"])
