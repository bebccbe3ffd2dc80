"""camt.052, 053, 054: what is written is read again; totals are never off unseen; hostile files are refused."""

from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

from kapital.kernel.problems import Problem
from kapital.settlement.adapters.bank_messages.camt_reader import read_camt
from kapital.settlement.adapters.bank_messages.camt_writer import write_camt
from kapital.settlement.adapters.bank_messages.schemas import schema_of
from kapital.settlement.domain.bank_message import Side, StatementKind, StatementLine
from tests.settlement.bank_messages.values import DAY, NOW, adding_up, code_of_refusal, read, statements

SAMPLES = Path(__file__).parents[2] / "data" / "iso20022"
# What the samples' own arithmetic says: masked by their authors, they no longer add up.
FOUND = {
    "moov_CH_camt.052_201904.xml": (1, 2, set()),
    "moov_CH_camt.053_202011.xml": (1, 5, {"balances_do_not_add_up"}),
    "moov_CH_camt.054-Credit_201904.xml": (1, 1, {"currency_missing"}),
    "moov_CH_camt.054-Debit_201904.xml": (1, 1, {"currency_missing"}),
    "moov_CH_camt.054_201904.xml": (1, 6, {"currency_missing"}),
    "moov_CH_camt.054_202006.xml": (1, 2, {"currency_missing"}),
    "moov_FI_camt.052.001.02.xml": (2, 2, set()),
    "moov_FI_camt.053.001.02.xml": (1, 13, set()),
    "moov_FI_camt.054.001.02.xml": (1, 13, {"net_total_differs"}),
    "moov_camt.053.001.02_statement1.xml": (1, 4, {"opening_balance_missing", "closing_balance_missing"}),
    "pyiso20022_camt052_001_02.xml": (6, 17, {"statement_without_entries"}),
    "pyiso20022_camt053_001_02.xml": (
        1,
        15,
        {
            *("currency_differs", "credit_total_differs", "debit_total_differs", "credit_count_differs"),
            *("entry_count_differs", "entry_sum_differs", "net_total_differs", "balances_do_not_add_up"),
        },
    ),
}


def written(statement, lines) -> bytes:
    file = BytesIO()
    write_camt(file, statement, lines, created_at=NOW)
    return file.getvalue()


class TestSamplesOfBanks:
    @pytest.mark.parametrize("name", sorted(FOUND))
    def test_each_is_read_and_what_is_off_is_told(self, name):
        count, line_count, codes = FOUND[name]

        found, lines, deviations = read(read_camt, (SAMPLES / name).read_bytes())

        assert (len(found), len(lines), deviations.codes()) == (count, line_count, codes)

    @pytest.mark.parametrize("name", sorted(FOUND))
    def test_entries_and_sums_are_those_of_an_independent_reader(self, name):
        """Second opinion: pyiso20022's classes, bound by xsdata."""
        content = (SAMPLES / name).read_bytes()
        entries = [entry for one in _statements(content) for entry in one.ntry]

        _, lines, _ = read(read_camt, content)

        by_sign = {side: sum(one.amount_kopecks for one in lines if one.side is side) for side in Side}
        for side, sign in ((Side.CREDIT, "CRDT"), (Side.DEBIT, "DBIT")):
            amounts = [entry.amt.value for entry in entries if entry.cdt_dbt_ind.value == sign]
            assert by_sign[side] == sum(amounts) * 100


def _statements(content: bytes):
    import importlib

    message = etree.fromstring(content).nsmap[None].rpartition(":")[2].replace(".", "_")
    module = importlib.import_module(f"pyiso20022.{message[:4]}.{message}")
    parser = XmlParser(config=ParserConfig(fail_on_unknown_properties=True))
    document = parser.from_bytes(content, module.Document)
    body = document.bk_to_cstmr_stmt if "053" in message else None
    body = body or (document.bk_to_cstmr_acct_rpt if "052" in message else document.bk_to_cstmr_dbt_cdt_ntfctn)
    return getattr(body, {"052": "rpt", "053": "stmt", "054": "ntfctn"}[message[5:8]])


class TestWhatIsWritten:
    @settings(max_examples=50)
    @given(statements(camt=True), st.sampled_from(StatementKind))
    def test_is_read_again_as_it_was_and_fits_the_schema(self, given_statement, kind):
        statement, lines = given_statement
        statement = msgspec.structs.replace(statement, kind=kind)
        if kind is StatementKind.NOTICE:
            statement = msgspec.structs.replace(statement, opening_kopecks=None, closing_kopecks=None)

        content = written(statement, lines)

        message = {"report": "052", "statement": "053", "notice": "054"}[kind.value]
        schema_of(f"camt.{message}.001.08").assertValid(etree.fromstring(content))
        assert read(read_camt, content)[:2] == ([statement], lines)

    @settings(max_examples=50)
    @given(statements(camt=True))
    def test_adds_up(self, given_statement):
        statement, lines = given_statement

        *_, deviations = read(read_camt, written(statement, lines))

        assert deviations.codes() <= {"statement_without_entries"}


class TestTotals:
    CONTENT = written(
        adding_up(
            lines := [
                StatementLine(number=1, side=Side.CREDIT, amount_kopecks=123_456, booked_on=DAY, bank_reference="A"),
                StatementLine(number=2, side=Side.DEBIT, amount_kopecks=78_901, booked_on=DAY, bank_reference="B"),
            ],
            opening=1_000_000,
        ),
        lines,
    )
    # From the first balance to the end of the first entry's side: every byte there matters to the sums.
    FROM, TO = CONTENT.index(b"<Bal>"), CONTENT.index(b"</CdtDbtInd>", CONTENT.index(b"<Ntry>"))

    @settings(max_examples=150)
    @given(st.integers(FROM, TO), st.integers(1, 255))
    def test_no_byte_of_balances_totals_and_sums_changes_unseen(self, place, mask):
        changed = bytearray(self.CONTENT)
        changed[place] ^= mask

        try:
            found, lines, deviations = read(read_camt, bytes(changed))
        except Problem:
            return

        same = (found, lines) == read(read_camt, self.CONTENT)[:2]
        assert deviations.count or same

    def test_a_third_decimal_is_refused(self):
        changed = self.CONTENT.replace(b">1234.56<", b">1234.560<")

        with pytest.raises(Problem) as refused:
            read(read_camt, changed)

        assert refused.value.code == "bank_message_amount_must_be_exact"
        assert "Ntry[1]/Amt" in str(refused.value.facts["where"])

    def test_an_element_that_no_version_knows_is_reported_with_its_place(self):
        changed = self.CONTENT.replace(b"<RmtInf>", b"<Secret>1</Secret><RmtInf>").replace(
            b"<NtryDtls>", b"<Secret>1</Secret><NtryDtls>"
        )

        *_, deviations = read(read_camt, changed)

        assert ("Stmt[1]/Secret", "element_unknown") in {(one.where, one.code) for one in deviations.kept}


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">&b;</Document>"""


class TestHostileFiles:
    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (BOMB, "bank_message_must_have_no_document_type"),
            (
                b'<!DOCTYPE Document SYSTEM "http://example/x.dtd"><Document/>',
                "bank_message_must_have_no_document_type",
            ),
            (b'<?xml version="1.0" encoding="KOI8-R"?><Document/>', "bank_message_encoding_must_be_known"),
            ("<Document/>".encode("utf-16"), "bank_message_encoding_must_be_known"),
            (b"<Document><A></Document>", "bank_message_must_be_readable"),
            (b"", "bank_message_must_be_readable"),
            (b"<Other/>", "bank_message_must_be_readable"),
            (b"<Document/>", "bank_message_must_be_readable"),
            (b"<Document>\xd0</Document>", "bank_message_must_be_readable"),
            (b"<Document>" + b"<a>" * 300 + b"</a>" * 300 + b"</Document>", "bank_message_must_be_readable"),
            (b"<Document>" + b"<a/>" * 2_200_000 + b"</Document>", "bank_message_exceeds_limit"),
        ],
    )
    def test_are_refused_with_a_stable_code(self, content, code):
        with pytest.raises(Problem) as refused:
            read(read_camt, content)

        assert refused.value.code == code

    @settings(max_examples=80)
    @given(st.data())
    def test_no_change_of_bytes_makes_the_reader_fall(self, data):
        changed = bytearray(TestTotals.CONTENT)
        for _ in range(data.draw(st.integers(1, 20))):
            at = data.draw(st.integers(0, len(changed) - 1))
            changed[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))

        assert (code_of_refusal(read_camt, bytes(changed)) or "bank_message_").startswith("bank_message_")

    def test_windows_1251_is_read(self):
        content = TestTotals.CONTENT.decode().replace("utf-8", "windows-1251").encode("cp1251")

        assert len(read(read_camt, content)[1]) == 2
