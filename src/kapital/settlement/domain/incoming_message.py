"""A raw message of the bank: is it the bank's, is it new, is it whole – and what becomes of its lines."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, time
from enum import StrEnum
from uuid import UUID

import msgspec

from kapital.kernel.calendar import MOSCOW
from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.problems import InvariantBroken
from kapital.settlement.domain.bank_message import RUB, Deviation, Statement, StatementKind, StatementLine
from kapital.settlement.domain.incoming import BANK_ID_LENGTH_MAX, NAMELESS, BankCredit


class MessageState(StrEnum):
    """Where a message of the bank stands."""

    TAKEN_IN = "taken_in"  # its lines are matched with what is known, and booked
    NOTICED = "noticed"  # of a bank by files: its credits are in the bank's list, no balance rests on it
    PARKED = "parked"  # kept for a person, nothing of it is booked
    REFUSED = "refused"  # not the bank's, or not what the bank said before: the alarm is raised
    SET_ASIDE = "set_aside"  # two persons decided that nothing of it is ever booked


class MessageReason(StrEnum):
    """Why a message is parked or refused, in order of precedence."""

    SIGNATURE = "signature"
    UNREADABLE = "unreadable"  # signed, and not of its format
    ALTERED = "altered"  # the bank's id of a message that came with other content
    SAME_CONTENT = "same_content"  # another id, the same content: perhaps one statement told twice
    DEVIATIONS = "deviations"
    OTHER_ACCOUNT = "other_account"
    OTHER_CURRENCY = "other_currency"
    NOT_FINAL = "not_final"  # a report within the day or a notice: only a statement is booked
    GAP = "gap"  # the statement before this one has not come
    UNKNOWN_ORDER = "unknown_order"  # a word about an order that we did not write
    CONTRADICTS = "contradicts"  # another end of an order than the bank has told before


class LineResult(StrEnum):
    """What a line turned out to be."""

    OPEN = "open"
    PENDING = "pending"  # the bank itself has not booked it
    TOP_UP = "top_up"  # a credit that was known already
    WITHDRAWAL = "withdrawal"  # a payout of ours
    BOOKED = "booked"  # a credit that was not known before; it is booked now
    ALTERED = "altered"  # a known credit or payout with another sum: the alarm is raised
    DOUBLED = "doubled"  # a known credit or payout that another line has stated already
    REFUSED = "refused"  # a credit that cannot be kept (texts beyond their limits)
    UNEXPLAINED = "unexplained"  # a debit that nobody here asked for


class SignatureOutcome(StrEnum):
    """The check of the bank's signature under a message."""

    VALID = "valid"
    INVALID = "invalid"
    INDETERMINATE = "indeterminate"
    ABSENT = "absent"


class SignatureVerdict(msgspec.Struct, frozen=True):
    """The outcome with its reason codes."""

    outcome: SignatureOutcome
    reasons: tuple[str, ...] = ()


class PreviousStatement(msgspec.Struct, frozen=True):
    """The latest statement of an account that was taken in."""

    sequence_number: int | None
    closing_kopecks: int | None


class NumberedLine(msgspec.Struct, frozen=True):
    """A line with the id by which its money is known: the bank's, or one made of its content."""

    statement: int
    line: StatementLine
    bank_id: str


class IncomingMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was kept. `raw_sha256` is the key of its bytes in the store."""

    message_id: UUID
    raw_sha256: str
    raw_bytes: int
    format: str
    told_id: str
    content_sha256: str
    signature: SignatureVerdict
    signature_sha256: str | None
    state: MessageState
    reason: MessageReason | None
    statement_count: int
    line_count: int
    deviation_count: int
    deviations: tuple[Deviation, ...]
    received_by: str


class LineNumbering:
    """Gives each line its id as the lines of a message pass, and sums up the content of the message."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._content = sha256_hex(b"")

    def statement(self, statement: Statement) -> None:
        """Begin a statement."""
        self._seen.clear()
        self._mix(
            [statement.account, statement.currency, statement.opening_kopecks, statement.closing_kopecks],
            [statement.from_on, statement.to_on],
        )

    def bank_id(self, account: str, line: StatementLine) -> str:
        """The bank's own id where it gives one that can be kept; else one of the content and its place among equals.

        So the same line of two statements has one id, and two equal lines of one statement have two.
        """
        content = sha256_hex(
            canonical_bytes(
                [
                    *(account, line.side.value, line.amount_kopecks, str(line.booked_on), line.document_number),
                    *(line.purpose, line.payer.account, line.payee.account),
                ]
            )
        )
        self._mix([content, line.bank_reference], [])
        told = line.bank_reference
        if 0 < len(told) <= BANK_ID_LENGTH_MAX and told.isascii() and told.isprintable():
            return told
        self._seen[content] += 1
        return f"{NAMELESS}{content[:40]}-{self._seen[content]}"

    @property
    def content_sha256(self) -> str:
        """Hash over all that was said, without the ids of message and statements."""
        return self._content

    def _mix(self, values: list[str | int | None], days: list[object]) -> None:
        self._content = sha256_hex(canonical_bytes([self._content, *values, *map(str, days)]))


def reason_to_park(
    statements: Iterable[Statement],
    *,
    grave: int,
    account: str,
    previous: PreviousStatement | None,
) -> MessageReason | None:
    """Why a message that is the bank's and new is not booked, or None. `account` is our nominal account."""
    heads = list(statements)
    if grave:
        return MessageReason.DEVIATIONS
    if any(head.account != account for head in heads):
        return MessageReason.OTHER_ACCOUNT
    if any(head.currency != RUB for head in heads):
        return MessageReason.OTHER_CURRENCY
    if any(head.kind is not StatementKind.STATEMENT for head in heads):
        return MessageReason.NOT_FINAL
    for head in heads:
        if previous is not None and not _follows(head, previous):
            return MessageReason.GAP
        previous = PreviousStatement(head.sequence_number, head.closing_kopecks)
    return None


def _follows(head: Statement, previous: PreviousStatement) -> bool:
    """Whether a statement goes on where the last one ended: in its balance and, where both are told, its number."""
    numbers = head.sequence_number, previous.sequence_number
    if None not in numbers and numbers[0] != (numbers[1] or 0) + 1:
        return False
    return head.opening_kopecks == previous.closing_kopecks


def credit_of(numbered: NumberedLine) -> BankCredit:
    """The credit that a line tells of. Its instant is the start of the booking day in Moscow; it has no cursor."""
    line = numbered.line
    booked_on = line.booked_on
    if booked_on is None:
        raise InvariantBroken("a line without a day is grave, and its message parked")
    return BankCredit(
        cursor=0,
        bank_id=numbered.bank_id,
        amount_kopecks=line.amount_kopecks,
        purpose=line.purpose,
        payer_account=line.payer.account,
        payer_name=line.payer.name,
        credited_at=datetime.combine(booked_on, time(), MOSCOW).astimezone(UTC),
    )
