"""1CClientBankExchange: both encodings, both ways; what is off is told with its line; nothing is dropped."""

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapital.kernel.problems import Problem
from kapital.settlement.adapters.bank_messages.client_bank_reader import read_client_bank
from kapital.settlement.adapters.bank_messages.client_bank_sections import sections_of
from kapital.settlement.adapters.bank_messages.client_bank_writer import write_orders, write_statement
from kapital.settlement.domain.bank_message import Deviations, Party, Side, StatementLine
from tests.settlement.bank_messages.test_payment_order import ORDER
from tests.settlement.bank_messages.values import (
    BIC,
    DAY,
    NOW,
    OWN,
    account,
    adding_up,
    code_of_refusal,
    read,
    statements,
)

SAMPLES = Path(__file__).parents[2] / "data" / "bank"
KIND = (("ВидДокумента", "Платежное поручение"),)
LINES = [
    StatementLine(
        number=1,
        side=Side.CREDIT,
        amount_kopecks=123_456,
        booked_on=DAY,
        payer=Party(account=account(2), bic=BIC),
        payee=Party(account=OWN),
        details=KIND,
    ),
    StatementLine(
        number=2,
        side=Side.DEBIT,
        amount_kopecks=78_901,
        booked_on=DAY,
        payer=Party(account=OWN),
        payee=Party(account=account(3)),
        details=KIND,
    ),
]
FILE = write_statement(adding_up(LINES, opening=1_000_000, camt=False), LINES, created_at=NOW).decode("cp1251")


def read_text(text: str, codec: str = "cp1251"):
    return read(read_client_bank, text.encode(codec))


class TestRealFiles:
    def test_a_day_of_thirteen_documents_adds_up(self):
        (statement,), lines, deviations = read(
            read_client_bank, (SAMPLES / "kl_to_1c_kilylabs_one_day.cp1251.txt").read_bytes()
        )

        by_side = {side: sum(line.amount_kopecks for line in lines if line.side is side) for side in Side}
        assert (len(lines), by_side) == (13, {Side.CREDIT: 4_000_000, Side.DEBIT: 4_118_400})
        assert statement.opening_kopecks + 4_000_000 - 4_118_400 == statement.closing_kopecks
        assert deviations.codes() == {"own_account_not_named"}  # the bank masks it
        assert deviations.grave_count == 0

    def test_one_of_version_1_01_with_a_document_of_another_day_is_read(self):
        (statement,), (line,), deviations = read(read_client_bank, (SAMPLES / "kl_to_1c_odoo_ru.txt").read_bytes())

        assert (line.side, line.amount_kopecks, str(line.booked_on)) == (Side.DEBIT, 10_815_912, "2023-04-03")
        assert statement.closing_kopecks == 281_888
        assert {(one.where, one.code) for one in deviations.kept} == {
            ("line 9", "blank_line"),
            ("document 1 (line 20)", "date_outside_period"),
        }

    def test_one_as_a_bank_publishes_it_without_the_last_end_is_read(self):
        """Quirks of a bank's published sample: another name of the encoding, sums as `50`, no КонецДокумента."""
        text = FILE.replace("Кодировка=Windows", "Кодировка=windows-1251").replace("Сумма=789.01", "Сумма=789.01")
        text = text.replace("КонецДокумента\r\nКонецФайла", "КонецФайла").replace("=10000.00", "=10000")

        _, lines, deviations = read_text(text)

        assert len(lines) == 2
        assert deviations.codes() == {"encoding_name_not_standard", "section_not_closed"}
        assert deviations.grave_count == 0


class TestWhatIsWritten:
    @given(statements(camt=False), st.sampled_from(["Windows", "UTF-8", "DOS"]))
    def test_is_read_again_as_it_was(self, given_statement, encoding):
        statement, lines = given_statement

        content = write_statement(statement, lines, created_at=NOW, encoding=encoding)

        found, again, deviations = read(read_client_bank, content)
        assert (found, again) == ([statement], lines)
        assert deviations.codes() <= {"encoding_name_not_standard"}

    def test_orders_have_every_field(self):
        sections = sections_of(BytesIO(write_orders([ORDER], created_at=NOW)), deviations := Deviations())

        (document,) = sections.documents
        assert deviations.count == 0
        assert [document.text(key) for key in ("Сумма", "ПолучательСчет", "Очередность", "Код", "ВидОплаты")] == [
            "1.00",
            account(2),
            "5",
            "0",
            "01",
        ]

    def test_no_text_can_forge_a_line(self):
        forged = StatementLine(number=1, side=Side.CREDIT, amount_kopecks=1, booked_on=DAY, purpose="a\r\nСумма=9.00")

        with pytest.raises(Problem) as refused:
            write_statement(adding_up([forged], camt=False), [forged], created_at=NOW)

        assert refused.value.code == "bank_message_text_must_fit_format"


class TestDeviations:
    @pytest.mark.parametrize(
        ("old", "new", "code", "grave"),
        [
            ("НачальныйОстаток=10000.00", "НачальныйОстаток=10000.01", "balances_do_not_add_up", True),
            ("ВсегоПоступило=1234.56", "ВсегоПоступило=1234.57", "credit_total_differs", True),
            ("ВсегоСписано=789.01", "ВсегоСписано=789.02", "debit_total_differs", True),
            ("КонечныйОстаток=", "Остаток=", "key_unknown", False),
            ("КонецФайла", "", "end_of_file_missing", True),
            ("Номер=", "Тайна=5\r\nНомер=", "key_unknown", False),
            ("Сумма=789.01", "Сумма=789.01\r\nСумма=1.00", "key_repeated", True),
            ("Дата=", "Дата=32.01.2026", "date_not_understood", True),
            (f"ПлательщикСчет={OWN}", "ПлательщикСчет=1", "own_account_not_named", False),
            ("СекцияДокумент=Платежное поручение", "СекцияДокумент=Чек", "document_kind_unknown", False),
            ("ВидОплаты=", "мусор\r\nВидОплаты=", "line_without_key", True),
            ("ВерсияФормата=1.03", "ВерсияФормата=9", "version_unknown", False),
        ],
    )
    def test_are_told(self, old, new, code, grave):
        assert old in FILE

        *_, deviations = read_text(FILE.replace(old, new))

        assert (code, grave) in {(one.code, one.grave) for one in deviations.kept}

    def test_unknown_keys_are_kept_among_the_details(self):
        _, (first, _), _ = read_text(FILE.replace("Номер=", "Тайна=5\r\nНомер="))

        assert ("Тайна", "5") in first.details

    def test_a_gap_between_sections_of_one_account_is_grave(self):
        section = FILE[FILE.index("СекцияРасчСчет") : FILE.index("КонецРасчСчет")] + "КонецРасчСчет\r\n"
        text = FILE.replace(section, section + section)

        *_, deviations = read_text(text)

        assert "gap_between_sections" in deviations.codes()

    def test_a_document_between_two_accounts_of_the_file_is_a_line_of_each(self):
        other = account(3)
        section = FILE[FILE.index("СекцияРасчСчет") : FILE.index("КонецРасчСчет")] + "КонецРасчСчет\r\n"
        second = section.replace(OWN, other)
        second = second.replace("=1234.56", "=789.01").replace("ВсегоСписано=789.01", "ВсегоСписано=0")
        second = second.replace(
            second[second.index("КонечныйОстаток") : second.index("\r\nКонецРасч")], "КонечныйОстаток=10789.01"
        )

        text = FILE.replace(section, section + second)
        text = text.replace("ДатаСписано=24.11.2026", "ДатаСписано=24.11.2026\r\nДатаПоступило=24.11.2026")

        found, lines, deviations = read_text(text)

        assert [one.account for one in found] == [OWN, other]
        assert [(line.side, line.amount_kopecks) for line in lines][-1] == (Side.CREDIT, 78_901)
        assert deviations.grave_count == 0

    SUMS = FILE.index("НачальныйОстаток"), FILE.index("КонецРасчСчет")

    @settings(max_examples=100)
    @given(st.integers(*SUMS), st.integers(1, 255))
    def test_no_byte_of_the_totals_changes_unseen(self, place, mask):
        changed = bytearray(FILE.encode("cp1251"))
        changed[place] ^= mask

        try:
            found, lines, deviations = read(read_client_bank, bytes(changed))
        except Problem:
            return

        assert deviations.count or (found, lines) == read_text(FILE)[:2]


class TestHostileFiles:
    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"", "bank_message_must_be_readable"),
            (b"hello", "bank_message_must_be_readable"),
            (FILE.encode("utf-16"), "bank_message_encoding_must_be_known"),
            (FILE.replace("Windows", "KOI8-R").encode("cp1251"), "bank_message_encoding_must_be_known"),
            (FILE.replace("Windows", "UTF-8").encode("cp1251"), "bank_message_encoding_must_be_known"),
            (FILE.replace("Сумма=789.01", "Сумма=789.010").encode("cp1251"), "bank_message_amount_must_be_exact"),
            (FILE.replace("Сумма=789.01", "Сумма=-789.01").encode("cp1251"), "bank_message_amount_must_be_exact"),
            (FILE.replace("Сумма=789.01", "Сумма=789,01").encode("cp1251"), "bank_message_amount_must_be_exact"),
            (FILE.replace("Номер=", f"Номер={'9' * 5000}").encode("cp1251"), "bank_message_exceeds_limit"),
            (FILE.encode("cp1251") + b" " * 33_554_432, "bank_message_exceeds_limit"),
        ],
    )
    def test_are_refused_with_a_stable_code(self, content, code):
        with pytest.raises(Problem) as refused:
            read(read_client_bank, content)

        assert refused.value.code == code

    @settings(max_examples=80)
    @given(st.data())
    def test_no_change_of_bytes_makes_the_reader_fall(self, data):
        changed = bytearray(FILE.encode("cp1251"))
        for _ in range(data.draw(st.integers(1, 20))):
            at = data.draw(st.integers(0, len(changed) - 1))
            changed[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))

        assert (code_of_refusal(read_client_bank, bytes(changed)) or "bank_message_").startswith("bank_message_")
