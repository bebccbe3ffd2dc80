"""Breaks (расхождения) between the bank, the register and our own books: what one is, how it ages, how it ends."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from kapital.kernel.calendar import BusinessCalendar, moscow_day
from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.problems import ensure
from kapital.kernel.roles import Role
from kapital.kernel.states import StateMachine, Step

REASON_LENGTH_MAX: Final = 500
BALANCE: Final = "balance"
"""Subject of the difference between bank and register that no known line explains."""
BOOKS: Final = "books"
"""Subject of the difference between our own tables and the register that no known entry explains."""


class BreakKind(StrEnum):
    """What is found to differ."""

    AT_BANK_NOT_IN_LEDGER = "at_bank_not_in_ledger"  # a line of the bank without an entry of ours
    IN_LEDGER_NOT_AT_BANK = "in_ledger_not_at_bank"  # an entry that the statement of its day does not have
    AMOUNT_DIFFERS = "amount_differs"  # a line and an entry about one operation, with other sums
    DOUBLED = "doubled"  # the bank states one operation twice
    BALANCE_DIFFERS = "balance_differs"  # sums differ, and no known line says why
    BOOKS_DIFFER = "books_differ"  # an entry of bank money, a deal or a payout that our own tables tell otherwise


class BreakState(StrEnum):
    """Where a break stands. While one is OPEN or RESOLUTION_PROPOSED nothing is sent to the bank."""

    OPEN = "open"
    EXPLAINED = "explained"  # what was missing came: a line, an entry, a balance that is equal again
    RESOLUTION_PROPOSED = "resolution_proposed"
    RESOLVED = "resolved"  # two persons answer for it; no record was changed


_B = BreakState

BREAK: Final = StateMachine(
    "reconciliation_break",
    steps=(
        Step(_B.OPEN, "difference_gone", _B.EXPLAINED, Role.SCHEDULER),
        Step(_B.OPEN, "resolution_proposed", _B.RESOLUTION_PROPOSED, Role.SETTLEMENT),
        Step(_B.RESOLUTION_PROPOSED, "difference_gone", _B.EXPLAINED, Role.SCHEDULER),
        Step(_B.RESOLUTION_PROPOSED, "difference_changed", _B.OPEN, Role.SCHEDULER),
        Step(_B.RESOLUTION_PROPOSED, "resolution_rejected", _B.OPEN, Role.RISK, dual_control=True),
        Step(
            _B.RESOLUTION_PROPOSED,
            "resolution_approved",
            _B.RESOLVED,
            Role.RISK,
            dual_control=True,
            guard="exactly what was proposed",
        ),
    ),
    terminal={_B.EXPLAINED, _B.RESOLVED},
    initial=_B.OPEN,
)
STOPPING: Final = frozenset({_B.OPEN, _B.RESOLUTION_PROPOSED})
ensure(all(BREAK.step(one, "difference_gone").target is _B.EXPLAINED for one in STOPPING), "each may explain itself")


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """One break: the bank's line, the entry or its absence, and the difference.

    Shape: `subject` names what it is about, once among those that stand: `line/…`, `payment/…`, `withdrawal/…`,
    `entry/…`, `deal/…`, `payout/…`, `opening/…`, `balance` or `books`. `difference_kopecks` is what the bank has
    above the register (negative: below); of a deal or payout, what our tables have above the entry, 0 where only
    units, or the shares of holder and tax, differ. `stands`: what was found is still so – also of a resolved one.
    """

    break_id: UUID
    kind: BreakKind
    subject: str
    difference_kopecks: int
    state: BreakState
    stands: bool
    opened_at: datetime
    message_id: UUID | None = None
    statement: int | None = None
    line: int | None = None
    bank_id: str | None = None
    payment_id: UUID | None = None
    withdrawal_id: UUID | None = None
    entry_seq: int | None = None
    explained_by: str | None = None
    closed_at: datetime | None = None
    proposed_by: str | None = None
    proposed_at: datetime | None = None
    reason: str | None = None
    document_sha256: str | None = None
    decided_by: str | None = None

    @property
    def resolution_sha256(self) -> str | None:
        """What the second person approves: the break as it is, with the reason; None while nothing is proposed."""
        if self.state is not BreakState.RESOLUTION_PROPOSED and self.state is not BreakState.RESOLVED:
            return None
        return resolution_sha256(self, self.reason or "", self.document_sha256)


def break_of(row: Any) -> Break:
    """A break of the attributes of a row."""
    values = {name: getattr(row, name) for name in Break.__struct_fields__}
    ids = {
        name: UUID(str(values[name]))
        for name in ("break_id", "message_id", "payment_id", "withdrawal_id")
        if values[name] is not None
    }
    return Break(**{**values, **ids, "kind": BreakKind(row.kind), "state": BreakState(row.state)})


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What one entry does, or what our tables say that it did: money at the bank, units against money, or a payout.

    `reference`: the basis of the entry, by which bank money is known on both sides. Of a payout `units` are those
    extinguished, `deal_kopecks` what its holder gets, `tax_kopecks` what comes to the operator's wallet of tax.
    """

    reference: str = ""
    bank_kopecks: int = 0
    is_payout: bool = False
    units: int = 0
    deal_kopecks: int = 0
    tax_kopecks: int = 0
    payment_id: UUID | None = None
    withdrawal_id: UUID | None = None


NOTHING: Final = Told()


class Books(msgspec.Struct, frozen=True):
    """What our tables say of a run of entries: money at the bank by reference, deals and payouts by number of entry.

    `payouts_from`: payouts of earlier entries are not known one by one.
    """

    bank: Mapping[str, Told]
    deals: Mapping[int, Told]
    payouts: Mapping[int, Told]
    payouts_from: int = 0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the register that our books tell otherwise, or that only they tell of."""

    subject: str
    entry_seq: int
    difference_kopecks: int
    payment_id: UUID | None = None
    withdrawal_id: UUID | None = None


def findings_of(entries: Mapping[int, Told], books: Books) -> list[Finding]:
    """What entries, by their numbers, and books tell otherwise."""
    found: list[Finding] = []
    for seq in sorted(entries.keys() | books.deals.keys() | books.payouts.keys()):
        entry = entries.get(seq, NOTHING)
        row = books.bank.get(entry.reference, NOTHING) if entry.bank_kopecks else NOTHING
        if entry.bank_kopecks != row.bank_kopecks:
            found.append(_finding(f"entry/{seq}", seq, row.bank_kopecks - entry.bank_kopecks, row))
        paid = entry if entry.is_payout and seq >= books.payouts_from else NOTHING
        for kind, does, deal in (
            ("deal", NOTHING if entry.is_payout else entry, books.deals.get(seq, NOTHING)),
            ("payout", paid, books.payouts.get(seq, NOTHING)),
        ):
            if _moved(does) != _moved(deal):
                found.append(_finding(f"{kind}/{seq}", seq, sum(_moved(deal)[1:]) - sum(_moved(does)[1:]), deal))
    return found


def _moved(one: Told) -> tuple[int, int, int]:
    """Units, then the money of a deal or payout."""
    return one.units, one.deal_kopecks, one.tax_kopecks


def _finding(subject: str, seq: int, difference: int, row: Told) -> Finding:
    return Finding(
        subject=subject,
        entry_seq=seq,
        difference_kopecks=difference,
        payment_id=row.payment_id,
        withdrawal_id=row.withdrawal_id,
    )


class OpenBreaks(msgspec.Struct, frozen=True):
    """How many breaks stop withdrawals, their differences together, and how many there are of each kind."""

    count: int
    difference_kopecks: int
    by_kind: dict[BreakKind, int]


class Ageing(StrEnum):
    """How long a break is open, in business days since the day it was opened."""

    SAME_DAY = "same_day"
    ONE_TO_TWO = "1_2"
    THREE_TO_FIVE = "3_5"
    SIX_TO_TEN = "6_10"
    OVER_TEN = "over_10"


_BUCKETS: Final = ((0, Ageing.SAME_DAY), (2, Ageing.ONE_TO_TWO), (5, Ageing.THREE_TO_FIVE), (10, Ageing.SIX_TO_TEN))


def ageing_of(business_days: int) -> Ageing:
    """The bucket of an age."""
    return next((bucket for most, bucket in _BUCKETS if business_days <= most), Ageing.OVER_TEN)


def age_business_days(opened_at: datetime, until: datetime, calendar: BusinessCalendar) -> int:
    """Business days from the Moscow day of opening to that of `until`. Raises: CalendarYearNotCovered."""
    return calendar.count_business_days(moscow_day(opened_at), moscow_day(until))


def resolution_sha256(found: Break, reason: str, document_sha256: str | None) -> str:
    """The hash of a proposed resolution: which break, with which difference, and why it is let be."""
    content = [str(found.break_id), found.kind.value, found.subject, found.difference_kopecks]
    return sha256_hex(canonical_bytes([*content, reason, document_sha256 or ""]))


def unexplained_kopecks(difference: int, *, of_rows: int, resolved: int) -> int:
    """What of a difference of sums neither breaks of single rows nor resolved differences account for.

    Sums that are equal need no explanation, whatever single rows say: those are breaks by themselves.
    """
    return difference - of_rows - resolved if difference else 0
