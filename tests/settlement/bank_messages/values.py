"""Statements and orders for tests, and strategies of them."""

from datetime import UTC, date, datetime
from io import BytesIO

from hypothesis import strategies as st

from kapital.kernel.problems import Problem
from kapital.kernel.requisites import with_account_key
from kapital.settlement.domain.bank_message import (
    NOBODY,
    Deviations,
    Party,
    Side,
    Statement,
    StatementKind,
    StatementLine,
    ToldTotals,
)
from kapital.settlement.domain.payment_order import PaymentOrder
from kapital.settlement.domain.tax_fields import TaxFields

BIC = "044525225"
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
DAY = date(2026, 11, 24)
LETTERS = "абвгдеёжзАБВЯABCxyz0123456789№.,-/"


def account(number: int) -> str:
    return with_account_key(f"407028100000{number:08d}", bic=BIC)


OWN = account(1)

# As banks write texts: no blanks at the ends, none doubled.
words = st.lists(st.text(LETTERS, min_size=1, max_size=12), min_size=1, max_size=4).map(" ".join)
long_texts = st.lists(st.text(LETTERS, min_size=1, max_size=60), max_size=6).map(
    lambda parts: " ".join(parts)[:210].strip()
)
days = st.dates(date(2020, 1, 1), date(2030, 12, 31))
parties = st.builds(
    Party,
    name=words,
    inn=st.sampled_from(["", "7707083893", "500100732259"]),
    kpp=st.just(""),
    account=st.integers(2, 10**6).map(account),
    bic=st.just(BIC),
    bank_name=st.sampled_from(["", "ПАО СБЕРБАНК"]),
)


@st.composite
def statements(draw: st.DrawFn, *, camt: bool) -> tuple[Statement, list[StatementLine]]:
    """A statement that adds up, with its lines."""
    count = draw(st.integers(0, 6))
    lines = []
    for number in range(1, count + 1):
        side = draw(st.sampled_from(Side))
        other = draw(parties)
        own = Party(name="Оператор", account=OWN, bic=BIC)
        lines.append(
            StatementLine(
                number=number,
                side=side,
                amount_kopecks=draw(st.integers(1, 10**12)),
                booked_on=DAY,
                valued_on=draw(st.none() | days) if camt else None,
                bank_reference=draw(st.text("0123456789ABC", max_size=35)) if camt else "",
                end_to_end_id=draw(st.text("0123456789abcdef", max_size=35)) if camt else "",
                document_number=draw(st.integers(1, 999999).map(str)),
                document_on=draw(days),
                document_kind=draw(st.sampled_from(["01", "17"])),
                payer=other if side is Side.CREDIT else own,
                payee=own if side is Side.CREDIT else draw(st.sampled_from([other, NOBODY])) if camt else other,
                purpose=draw(long_texts),
                reversal=camt and draw(st.booleans()),
                details=() if camt else (("ВидДокумента", "Платежное поручение"), ("Очередность", "5")),
            )
        )
    return adding_up(lines, opening=draw(st.integers(-(10**9), 10**12)), camt=camt), lines


def adding_up(lines: list[StatementLine], *, opening: int = 0, camt: bool = True) -> Statement:
    by_side = {side: [line for line in lines if line.side is side] for side in Side}
    credit, debit = (sum(line.amount_kopecks for line in by_side[side]) for side in (Side.CREDIT, Side.DEBIT))
    told = ToldTotals(credit_kopecks=credit, debit_kopecks=debit)
    if camt:
        told = ToldTotals(
            lines=len(lines),
            sum_kopecks=credit + debit,
            net_kopecks=credit - debit,
            credit_lines=len(by_side[Side.CREDIT]),
            credit_kopecks=credit,
            debit_lines=len(by_side[Side.DEBIT]),
            debit_kopecks=debit,
        )
    return Statement(
        message_id="M-1" if camt else "",
        statement_id="S-1" if camt else "",
        kind=StatementKind.STATEMENT,
        account=OWN,
        sequence_number=7 if camt else None,
        from_on=DAY,
        to_on=DAY,
        opening_kopecks=opening,
        closing_kopecks=opening + credit - debit,
        told=told,
    )


_OWN = Party(name="Оператор", inn="7707083893", kpp="770701001", account=OWN, bic=BIC, bank_name="БАНК")
_COMMON = {
    "reference": st.uuids().map(lambda one: one.hex),
    "number": st.integers(1, 999_999).map(str),
    "drawn_on": st.just(DAY),
    "amount_kopecks": st.integers(1, 2**53 - 1),
    "payer": st.just(
        Party(name="Оператор", inn="7707083893", kpp="770701001", account=OWN, bic=BIC, bank_name="БАНК")
    ),
    "purpose": words,
    "priority": st.integers(1, 5),
    "purpose_code": st.sampled_from(["", "1", "5"]),
    "uin": st.sampled_from(["0", "1" * 20, "0123456789ABCDEFGHIJKLMNO"]),
}
TREASURY = Party(
    name="Казначейство России (ФНС России)",
    inn="7727406020",
    kpp="770801001",
    account="03100643000000018500",
    bic="017003983",
    correspondent_account="40102810445370000059",
)
taxes = st.builds(
    TaxFields,
    payer_status=st.sampled_from(["01", "02"]),
    kbk=st.text("0123456789", min_size=20, max_size=20),
    oktmo=st.sampled_from(["0", "45000000", "45382000001"]),
    evidence=st.sampled_from(["0", "00", "ПК"]),
    period=st.sampled_from(["0", "МС.11.2026", "24.11.2026"]),
    doc_number=st.sampled_from(["0", "ТР-17/2026"]),
    doc_date=st.sampled_from(["0", "24.11.2026"]),
)
orders = st.builds(PaymentOrder, payee=parties, **_COMMON) | st.builds(
    PaymentOrder, payee=st.just(TREASURY), tax=taxes, **_COMMON
)


def read(reader, content: bytes) -> tuple[list[Statement], list[StatementLine], Deviations]:
    """All that a reader gives of these bytes."""
    deviations = Deviations()
    found = list(reader(BytesIO(content), deviations))
    return (
        [one for one in found if isinstance(one, Statement)],
        [one for one in found if isinstance(one, StatementLine)],
        deviations,
    )


def code_of_refusal(reader, content: bytes) -> str | None:
    """The code with which a reader refuses these bytes, or None."""
    try:
        read(reader, content)
    except Problem as problem:
        return problem.code
    return None
