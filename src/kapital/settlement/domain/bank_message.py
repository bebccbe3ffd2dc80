"""What a bank tells and is told, as values: statements with their lines, payment orders' parties, statuses.

One small interface over all formats (ISO 20022, 1CClientBankExchange): adapters read and write these values and
nothing else of the house knows a format. Money is integer kopecks; a sum that is not exact in them is refused.
"""

import re
from datetime import date
from enum import StrEnum
from typing import Final

import msgspec

from kapital.kernel.money import INT64_MAX
from kapital.settlement.domain.incoming import AMOUNT_KOPECKS_MAX
from kapital.settlement.domain.problems import BankMessageAmountMustBeExact

RUB: Final = "RUB"
DEVIATIONS_KEPT: Final = 1_000
_AMOUNT: Final = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,2})?)?")
_TOTAL: Final = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,2})?0{0,15})?")


def kopecks_of(text: str, where: str, *, total: bool = False) -> int:
    """The exact sum of a text such as `50`, `300.4`, `300.48`, in kopecks (hundredths of another currency).

    A `total` is a plain number in ISO 20022 and may end with more zeros; an amount has at most two decimals.
    Raises: BankMessageAmountMustBeExact for signs, separators, a third decimal, or too large a sum.
    """
    found = (_TOTAL if total else _AMOUNT).fullmatch(text)
    if found is None:
        raise BankMessageAmountMustBeExact(
            "a sum has digits, a dot, and at most two decimals", {"where": where[:100]}
        )
    kopecks = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
    if kopecks > (INT64_MAX if total else AMOUNT_KOPECKS_MAX):
        raise BankMessageAmountMustBeExact("the sum is too large to be exact", {"where": where[:100]})
    return kopecks


def rubles_text(kopecks: int) -> str:
    """The text of a sum that is not negative: two decimals, a dot."""
    return f"{kopecks // 100}.{kopecks % 100:02d}"


class Side(StrEnum):
    """On which side of the account a line stands."""

    CREDIT = "credit"
    DEBIT = "debit"


class StatementKind(StrEnum):
    """What a message about an account is (выписка, её промежуточный отчёт, уведомление)."""

    REPORT = "report"  # camt.052: within the day, not final
    STATEMENT = "statement"  # camt.053, 1CClientBankExchange
    NOTICE = "notice"  # camt.054: single movements, no balances


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """A payer or payee (плательщик, получатель) with account and bank. A text that was not told is empty."""

    name: str = ""
    inn: str = ""
    kpp: str = ""
    account: str = ""
    bic: str = ""
    bank_name: str = ""
    correspondent_account: str = ""


NOBODY: Final = Party()


class ToldTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Totals that the message itself states; None where it does not. `net_kopecks` is credits less debits."""

    lines: int | None = None
    sum_kopecks: int | None = None
    net_kopecks: int | None = None
    credit_lines: int | None = None
    credit_kopecks: int | None = None
    debit_lines: int | None = None
    debit_kopecks: int | None = None


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement of one account (выписка) without its lines. Balances may be negative (an overdraft)."""

    message_id: str
    statement_id: str
    kind: StatementKind
    account: str
    currency: str = RUB
    sequence_number: int | None = None
    from_on: date | None = None
    to_on: date | None = None
    opening_kopecks: int | None = None
    closing_kopecks: int | None = None
    told: ToldTotals = ToldTotals()


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """One movement on the account (строка выписки).

    Shape: `number` counts from 1 within its statement; `bank_reference` is the bank's own id, empty when it gives
    none; `end_to_end_id` is the reference that the payer gave; `details` are named texts of the format without a
    place elsewhere. A line that is `pending` moves nothing yet and is not in the balances.
    """

    number: int
    side: Side
    amount_kopecks: int
    booked_on: date | None = None
    valued_on: date | None = None
    bank_reference: str = ""
    end_to_end_id: str = ""
    document_number: str = ""
    document_on: date | None = None
    document_kind: str = ""
    payer: Party = NOBODY
    payee: Party = NOBODY
    purpose: str = ""
    pending: bool = False
    reversal: bool = False
    details: tuple[tuple[str, str], ...] = ()


class PaymentState(StrEnum):
    """What a bank says about a payment order it was given."""

    PENDING = "pending"
    EXECUTED = "executed"
    REJECTED = "rejected"


class PaymentStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The bank's word about one payment order, by our reference; `reason` is its code, without personal data."""

    reference: str
    state: PaymentState
    status_code: str
    reason: str | None = None


class Deviation(msgspec.Struct, frozen=True):
    """One thing that is not as the format or the arithmetic says. Shape: `where` names a place, no content.

    A grave one keeps the message from being booked; it is parked for a person.
    """

    where: str
    code: str
    grave: bool = False


class Deviations:
    """What a reader met. Shape: the first thousand are kept, all are counted, grave ones apart."""

    def __init__(self) -> None:
        self.kept: list[Deviation] = []
        self.count = 0
        self.grave_count = 0

    def report(self, where: str, code: str, *, grave: bool = False) -> None:
        """Note one."""
        self.count += 1
        self.grave_count += grave
        if len(self.kept) < DEVIATIONS_KEPT or (grave and self.grave_count <= DEVIATIONS_KEPT):
            self.kept.append(Deviation(where[:100], code, grave))

    def codes(self) -> set[str]:
        """The codes of those kept."""
        return {deviation.code for deviation in self.kept}
