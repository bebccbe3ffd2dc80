"""The statement of the measurement: its lines, wallets and withdrawals by number, written and signed elsewhere."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kapital.kernel.calendar import MOSCOW
from kapital.kernel.ids import derive_uuid7
from kapital.kernel.requisites import with_account_key
from kapital.platform.clock import SystemClock
from kapital.platform.logging import configure_logging
from kapital.settlement.adapters.bank_messages.camt_writer import write_camt
from kapital.settlement.domain.bank_message import Party, Side, Statement, StatementKind, StatementLine, ToldTotals
from kapital.settlement.domain.top_up_code import top_up_code

WALLETS: Final = 2_000
BIC: Final = "044525225"
ACCOUNT: Final = with_account_key("40702810000000000009", bic=BIC)
PAYER: Final = Party(
    name="Общество с ограниченной ответственностью Ромашка",
    inn="7707083893",
    kpp="770701001",
    account=with_account_key("40702810000000000001", bic=BIC),
    bic=BIC,
    bank_name="ПАО СБЕРБАНК",
)
_OWN: Final = Party(name="Оператор", account=ACCOUNT, bic=BIC)
_ROOT: Final = UUID("0193b000-0000-7000-8000-000000000000")
FUNDS: Final = 10**10
HUNDRED: Final = 100
_KNOWN, UNKNOWN, OURS = 80, 89, 99
"""Of each hundred lines: up to the first, credits with a code, then without one, then debits of ours, then one."""


class Sizes(NamedTuple):
    """How many lines of each sort a statement has."""

    known: int
    unknown: int
    ours: int
    others: int


def sizes_of(lines: int) -> Sizes:
    """How many of so many lines are of which sort."""
    whole, rest = divmod(lines, HUNDRED)
    bounds = (0, _KNOWN, UNKNOWN, OURS, HUNDRED)
    return Sizes(*(whole * (b - a) + max(0, min(rest, b) - a) for a, b in pairwise(bounds)))


def write_elsewhere(folder: Path, lines: int, now: datetime) -> int:
    """Write and sign in a process of its own: the memory of that is gone with it. Returns the bytes written."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_write, folder, lines, now).result()


def _write(folder: Path, lines: int, now: datetime) -> int:
    from kapital.sandbox.certification_authority import Authority, SandboxSigner, Subject

    configure_logging(level="ERROR")
    day, path = now.astimezone(MOSCOW).date(), folder / "camt053.xml"
    with path.open("wb") as file:
        write_camt(file, _head(lines, day), _lines(lines, day), created_at=now)
    authority = Authority.root("Bench authority", at=now - timedelta(days=1))
    signer = SandboxSigner.for_subject(authority, Subject(common_name="Bank"), clock=SystemClock())
    (folder / "camt053.p7s").write_bytes(signer.sign_now(path.read_bytes()))
    own = x509.load_der_x509_certificate(authority.own.encoded)
    (folder / "bank.pem").write_bytes(own.public_bytes(Encoding.PEM))
    return path.stat().st_size


def _lines(lines: int, day: date) -> Iterator[StatementLine]:
    for number in range(1, lines + 1):
        place = (number - 1) % HUNDRED
        credit = place < UNKNOWN
        code = top_up_code(wallet_of(number)) if place < _KNOWN else ""
        yield StatementLine(
            number=number,
            side=Side.CREDIT if credit else Side.DEBIT,
            amount_kopecks=amount_of(number),
            booked_on=day,
            valued_on=day,
            bank_reference=f"B{number:012d}",
            end_to_end_id=withdrawal_of(number).hex if UNKNOWN <= place < OURS else "",
            document_number=str(number % 999_999),
            document_on=day,
            document_kind="01",
            payer=PAYER if credit else _OWN,
            payee=_OWN if credit else PAYER,
            purpose=f"Пополнение кошелька {code} по договору № {number} от 24.11.2026. НДС не облагается",
        )


def _head(lines: int, day: date) -> Statement:
    sides = {True: 0, False: 0}
    for number in range(1, lines + 1):
        sides[(number - 1) % HUNDRED < UNKNOWN] += amount_of(number)
    return Statement(
        message_id="BENCH-1",
        statement_id="BENCH-1",
        kind=StatementKind.STATEMENT,
        account=ACCOUNT,
        from_on=day,
        to_on=day,
        opening_kopecks=WALLETS * FUNDS,
        closing_kopecks=WALLETS * FUNDS + sides[True] - sides[False],
        told=ToldTotals(lines=lines, credit_kopecks=sides[True], debit_kopecks=sides[False]),
    )


def amount_of(number: int) -> int:
    """Kopecks of a line."""
    return number * 7 + 1


def wallet_of(number: int) -> UUID:
    """The wallet of a line."""
    return derive_uuid7(_ROOT, f"wallet/{number % WALLETS}")


def withdrawal_of(number: int) -> UUID:
    """The withdrawal that a line states."""
    return derive_uuid7(_ROOT, f"withdrawal/{number}")
