"""Settlement: how fast a large bank statement is read, and how much memory it takes.

Conditions: a camt.053.001.08 of invented lines as full as a bank writes them – both parties, agents, references, a
purpose –, on the disk of this machine; `camt053_s` is reading every line and comparing every total, without a
database; `camt053_peak_mb` is the most memory that this process has had, Python and its libraries included.
"""

import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from kapital.kernel.problems import ensure
from kapital.settlement.adapters.bank_messages.camt_reader import read_camt
from kapital.settlement.adapters.bank_messages.camt_writer import write_camt
from kapital.settlement.domain.bank_message import (
    Deviations,
    Party,
    Side,
    Statement,
    StatementKind,
    StatementLine,
    ToldTotals,
)

_DAY: Final = date(2026, 11, 24)
_ACCOUNT: Final = "40702810000000000009"
_PAYER: Final = Party(
    name="Общество с ограниченной ответственностью Ромашка",
    inn="7707083893",
    kpp="770701001",
    account="40702810000000000001",
    bic="044525225",
    bank_name="ПАО СБЕРБАНК",
)
_OWN: Final = Party(name="Оператор", account=_ACCOUNT, bic="044525225")
_PURPOSE: Final = "Пополнение кошелька KPT-000000000000Y по договору № 1 от 24.11.2026. НДС не облагается"


@dataclass(slots=True)
class SettlementBench:
    """One run over a statement of so many lines."""

    lines: int

    def run(self, console: Console) -> dict[str, Any]:
        """Write the statement, read it, and return the figures."""
        with tempfile.TemporaryDirectory(prefix="kapital-bench-") as folder:
            path = Path(folder) / "camt053.xml"
            with path.open("wb") as file:
                write_camt(file, self._head(), self._lines(), created_at=datetime.now(UTC))
            console.print(f"a statement of {self.lines} lines, {path.stat().st_size // 1_000_000} MB")
            deviations, began, read = Deviations(), time.perf_counter(), 0
            with path.open("rb") as file:
                for part in read_camt(file, deviations):
                    read += isinstance(part, StatementLine)
            seconds = time.perf_counter() - began
        ensure(read == self.lines, "every line is read")
        ensure(deviations.count == 0, "a sound statement has no deviation")
        return {
            "camt053_lines": read,
            "camt053_s": round(seconds, 2),
            "camt053_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }

    def _lines(self) -> Iterator[StatementLine]:
        for number in range(1, self.lines + 1):
            credit = number % 3 != 0
            yield StatementLine(
                number=number,
                side=Side.CREDIT if credit else Side.DEBIT,
                amount_kopecks=_amount(number),
                booked_on=_DAY,
                valued_on=_DAY,
                bank_reference=f"B{number:012d}",
                end_to_end_id=f"{number:032x}",
                document_number=str(number % 999_999),
                document_on=_DAY,
                document_kind="01",
                payer=_PAYER if credit else _OWN,
                payee=_OWN if credit else _PAYER,
                purpose=_PURPOSE,
            )

    def _head(self) -> Statement:
        numbers = range(1, self.lines + 1)
        debit = sum(map(_amount, numbers[2::3]))
        credit = sum(map(_amount, numbers)) - debit
        return Statement(
            message_id="BENCH-1",
            statement_id="BENCH-1",
            kind=StatementKind.STATEMENT,
            account=_ACCOUNT,
            from_on=_DAY,
            to_on=_DAY,
            opening_kopecks=10**9,
            closing_kopecks=10**9 + credit - debit,
            told=ToldTotals(lines=self.lines, credit_kopecks=credit, debit_kopecks=debit),
        )


def _amount(number: int) -> int:
    return number * 7 + 1
