"""The bank's statements as files: of the days that are over, all that moved, written and signed as a bank does."""

from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kapital.faults.clock import RunClock
from kapital.faults.processes import OWN_ACCOUNT
from kapital.kernel.calendar import moscow_day
from kapital.sandbox.bank.sbp import SBP_KIND
from kapital.sandbox.certification_authority import Authority, SandboxSigner, Subject
from kapital.settlement.adapters.bank_messages.camt_writer import write_camt
from kapital.settlement.domain.bank_message import (
    NOBODY,
    Party,
    Side,
    Statement,
    StatementKind,
    StatementLine,
    ToldTotals,
)

SIGNATURE: Final = ".p7s"
"""What the name of a message's signature has after the message's."""
_CERTIFICATE_LIFE: Final = timedelta(days=3_000)
_OWN: Final = Party(name="Оператор", account=OWN_ACCOUNT)


class Statements:
    """The bank's desk: each statement goes on where the last one ended. `stated`: kopecks of each credit so far."""

    def __init__(self, folder: Path, clock: RunClock) -> None:
        self._folder, self._clock = folder, clock
        now = clock.now()
        authority = Authority.root("Bank of a fault run", at=now - timedelta(days=1))
        self._signer = SandboxSigner.for_subject(
            authority, Subject(common_name="Bank"), clock=clock, period=(now, now + _CERTIFICATE_LIFE)
        )
        self.certificates = folder / "bank-certificates.pem"
        root = x509.load_der_x509_certificate(authority.own.encoded)
        self.certificates.write_bytes(root.public_bytes(Encoding.PEM))
        self.count, self._balance = 0, 0
        self.stated: dict[str, int] = {}
        self._paid: set[str] = set()
        self._from_on = moscow_day(now)

    def write(self, came: list[Any], paid: list[Any]) -> Path:
        """The next statement, up to yesterday: the file, its signature beside it. Rows of the bank's own tables."""
        to_on = moscow_day(self._clock.now()) - timedelta(days=1)
        lines = [
            *(_credit(row) for row in came if row["bank_id"] not in self.stated),
            *(_debit(row) for row in paid if row["reference"] not in self._paid),
        ]
        lines = [one for one in lines if one.booked_on is not None and one.booked_on <= to_on]
        lines = [_numbered(one, number) for number, one in enumerate(lines, 1)]
        self.stated |= {one.bank_reference: one.amount_kopecks for one in lines if one.side is Side.CREDIT}
        self._paid |= {one.end_to_end_id for one in lines if one.side is Side.DEBIT}
        self.count += 1
        head = _head(lines, number=self.count, opening=self._balance, from_on=self._from_on, to_on=to_on)
        self._balance, self._from_on = head.closing_kopecks or 0, to_on + timedelta(days=1)
        written = BytesIO()
        write_camt(written, head, lines, created_at=self._clock.now())
        file = self._folder / f"statement-{self.count}.xml"
        file.write_bytes(written.getvalue())
        file.with_suffix(SIGNATURE).write_bytes(self._signer.sign_now(written.getvalue()))
        return file


def _head(lines: list[StatementLine], *, number: int, opening: int, from_on: date, to_on: date) -> Statement:
    sums = {side: [one.amount_kopecks for one in lines if one.side is side] for side in Side}
    credit, debit = sum(sums[Side.CREDIT]), sum(sums[Side.DEBIT])
    return Statement(
        message_id=f"M-{number}",
        statement_id=f"S-{number}",
        kind=StatementKind.STATEMENT,
        account=OWN_ACCOUNT,
        sequence_number=number,
        from_on=from_on,
        to_on=to_on,
        opening_kopecks=opening,
        closing_kopecks=opening + credit - debit,
        told=ToldTotals(
            lines=len(lines),
            sum_kopecks=credit + debit,
            net_kopecks=credit - debit,
            credit_lines=len(sums[Side.CREDIT]),
            credit_kopecks=credit,
            debit_lines=len(sums[Side.DEBIT]),
            debit_kopecks=debit,
        ),
    )


def _credit(row: Any) -> StatementLine:
    return StatementLine(
        number=0,
        side=Side.CREDIT,
        amount_kopecks=row["amount_kopecks"],
        booked_on=moscow_day(row["credited_at"]),
        bank_reference=row["bank_id"],
        payer=Party(name=row["payer_name"], account=row["payer_account"]),
        payee=_OWN,
        purpose=row["purpose"],
    )


def _debit(row: Any) -> StatementLine:
    to_phone = row["kind"] == SBP_KIND
    return StatementLine(
        number=0,
        side=Side.DEBIT,
        amount_kopecks=row["amount_kopecks"],
        booked_on=moscow_day(row["received_at"]),
        bank_reference=f"D-{row['reference'][:30]}",
        end_to_end_id=row["reference"],
        payer=_OWN,
        payee=NOBODY if to_phone else Party(account=row["account"], bic=row["bic"]),
        purpose=row["purpose"],
    )


def _numbered(line: StatementLine, number: int) -> StatementLine:
    return msgspec.structs.replace(line, number=number, document_number=str(number))
