"""Tables incoming_message, bank_statement and bank_statement_line; lines are matched in a few statements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.adapters.kept_texts import unreadable_if_unkeepable
from kapital.settlement.adapters.statement_matching import DOUBLED, MATCHING, SIZES
from kapital.settlement.domain.bank_message import (
    Deviation,
    Party,
    Side,
    Statement,
    StatementKind,
    StatementLine,
)
from kapital.settlement.domain.incoming_message import (
    IncomingMessage,
    LineResult,
    MessageReason,
    MessageState,
    NumberedLine,
    PreviousStatement,
    SignatureOutcome,
    SignatureVerdict,
)

_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtext('settlement bank messages'))")
_FIND: Final = text("SELECT * FROM incoming_message WHERE raw_sha256 = :sha256")
_GET: Final = text("SELECT * FROM incoming_message WHERE message_id = :message")
_LOCK_ONE: Final = text("SELECT * FROM incoming_message WHERE message_id = :message FOR UPDATE")
_KNOWN: Final = text(
    """
    SELECT (:told_id <> '' AND EXISTS (SELECT FROM incoming_message WHERE told_id = :told_id
            AND content_sha256 <> :content AND state <> 'refused')) AS altered,
        EXISTS (SELECT FROM incoming_message WHERE content_sha256 = :content AND state <> 'refused') AS same_content
    """
)
_ADD: Final = text(
    """
    INSERT INTO incoming_message (message_id, raw_sha256, raw_bytes, format, told_id, content_sha256,
        signature_outcome, signature_sha256, signature_reasons, state, reason, statement_count, line_count,
        deviation_count, deviations, received_by, received_at)
    VALUES (:message_id, :raw_sha256, :raw_bytes, :format, :told_id, :content_sha256, :signature_outcome,
        :signature_sha256, :signature_reasons, :state, :reason, :statement_count, :line_count, :deviation_count,
        :deviations, :received_by, :now)
    """
)
_COMPLETE: Final = text(
    """
    UPDATE incoming_message SET told_id = :told_id, content_sha256 = :content_sha256, format = :format,
        signature_outcome = :signature_outcome, signature_sha256 = :signature_sha256,
        signature_reasons = :signature_reasons, state = :state, reason = :reason,
        statement_count = :statement_count, line_count = :line_count, deviation_count = :deviation_count,
        deviations = :deviations, received_by = :received_by
    WHERE message_id = :message_id
    """
)
_DECIDE: Final = text("UPDATE incoming_message SET state = :state, reason = :reason WHERE message_id = :message")
_ADD_STATEMENT: Final = text(
    """
    INSERT INTO bank_statement (message_id, number, statement_id, kind, account, currency, sequence_number, from_on,
        to_on, opening_kopecks, closing_kopecks)
    VALUES (:message_id, :number, :statement_id, :kind, :account, :currency, :sequence_number, :from_on, :to_on,
        :opening_kopecks, :closing_kopecks)
    """
)
_STATEMENTS: Final = text("SELECT * FROM bank_statement WHERE message_id = :message ORDER BY number")
_ADD_LINES: Final = text(
    """
    INSERT INTO bank_statement_line (message_id, statement, number, side, amount_kopecks, booked_on, bank_id,
        end_to_end_id, payer_account, payer_name, payee_account, purpose, pending, payer_bic, document_number,
        document_on)
    SELECT :message, l.* FROM unnest(CAST(:statement AS integer[]), CAST(:number AS integer[]),
        CAST(:side AS text[]), CAST(:amount_kopecks AS bigint[]), CAST(:booked_on AS date[]),
        CAST(:bank_id AS text[]), CAST(:end_to_end_id AS text[]), CAST(:payer_account AS text[]),
        CAST(:payer_name AS text[]), CAST(:payee_account AS text[]),
        CAST(:purpose AS text[]), CAST(:pending AS boolean[]), CAST(:payer_bic AS text[]),
        CAST(:document_number AS text[]), CAST(:document_on AS date[])) AS l
    """
)
_PREVIOUS: Final = text(
    """
    SELECT s.sequence_number, s.closing_kopecks
    FROM bank_statement AS s JOIN incoming_message AS m USING (message_id)
    WHERE s.account = :account AND s.kind = 'statement' AND m.state = 'taken_in'
    ORDER BY s.to_on DESC NULLS LAST, s.sequence_number DESC NULLS LAST, m.received_at DESC, s.number DESC LIMIT 1
    """
)
# Under the lock of messages: no later place is seen before an earlier one. Above what another list was read to.
_LIST_CREDITS: Final = text(
    """
    INSERT INTO bank_file_credit (cursor, message_id, statement, number)
    SELECT (SELECT greatest((SELECT coalesce(max(cursor), 0) FROM bank_file_credit), (SELECT cursor FROM bank_feed)))
            + row_number() OVER (ORDER BY statement, number), message_id, statement, number
    FROM bank_statement_line WHERE message_id = :message AND side = 'credit' AND NOT pending
    """
)
# Of those that wait for one before them, and those that a crash left half matched.
_WAITING: Final = text(
    """
    SELECT m.* FROM incoming_message AS m
    WHERE m.statement_count > 0 AND ((m.state = 'parked' AND m.reason = 'gap')
        OR (m.state = 'taken_in' AND m.lines_compared_at IS NULL))
    ORDER BY (SELECT min(from_on) FROM bank_statement AS s WHERE s.message_id = m.message_id),
        (SELECT min(sequence_number) FROM bank_statement AS s WHERE s.message_id = m.message_id), m.received_at
    LIMIT :limit
    """
)
_OPEN: Final = text(
    """
    SELECT * FROM bank_statement_line WHERE message_id = :message AND result = 'open' AND side = 'credit'
    ORDER BY statement, number LIMIT :limit
    """
)
_SETTLE: Final = text(
    """
    UPDATE bank_statement_line AS l SET result = d.result, payment_id = p.payment_id
    FROM unnest(CAST(:statement AS integer[]), CAST(:number AS integer[]), CAST(:result AS text[]))
        AS d (statement, number, result), bank_statement_line AS own
        LEFT JOIN incoming_payment AS p ON p.bank_id = own.bank_id
    WHERE l.message_id = :message AND l.statement = d.statement AND l.number = d.number
        AND own.message_id = l.message_id AND own.statement = l.statement AND own.number = l.number
    """
)
_RESULTS: Final = text(
    "SELECT result, count(*) AS lines FROM bank_statement_line WHERE message_id = :message GROUP BY result"
)


class IncomingMessageTable:
    """Implements `ports.IncomingMessages`."""

    async def lock(self, conn: AsyncConnection) -> None:
        """Let no other message be taken in until the commit."""
        await conn.execute(_LOCK)

    async def find(self, conn: AsyncConnection, raw_sha256: str) -> IncomingMessage | None:
        """The message with these bytes."""
        row = (await conn.execute(_FIND, {"sha256": raw_sha256})).one_or_none()
        return None if row is None else _message(row)

    async def get(self, conn: AsyncConnection, message_id: UUID) -> IncomingMessage | None:
        """A message."""
        row = (await conn.execute(_GET, {"message": message_id})).one_or_none()
        return None if row is None else _message(row)

    async def lock_one(self, conn: AsyncConnection, message_id: UUID) -> IncomingMessage | None:
        """A message, locked until the commit."""
        row = (await conn.execute(_LOCK_ONE, {"message": message_id})).one_or_none()
        return None if row is None else _message(row)

    async def known(self, conn: AsyncConnection, message: IncomingMessage) -> MessageReason | None:
        """Whether its id came with other content before, or its content under another id."""
        row = (await conn.execute(_KNOWN, {"told_id": message.told_id, "content": message.content_sha256})).one()
        if row.altered:
            return MessageReason.ALTERED
        return MessageReason.SAME_CONTENT if row.same_content else None

    async def add(self, conn: AsyncConnection, message: IncomingMessage, now: datetime) -> None:
        """Keep a message; its bytes twice are an error."""
        with unreadable_if_unkeepable():
            await conn.execute(_ADD, {**_values(message), "now": now})

    async def complete(self, conn: AsyncConnection, message: IncomingMessage) -> None:
        """Save what was found out about a message that is kept."""
        with unreadable_if_unkeepable():
            await conn.execute(_COMPLETE, _values(message))

    async def decide(
        self, conn: AsyncConnection, message_id: UUID, state: MessageState, reason: MessageReason | None
    ) -> None:
        """Change where a message stands."""
        values = {"message": message_id, "state": state.value, "reason": reason.value if reason else None}
        await conn.execute(_DECIDE, values)

    async def add_statement(self, conn: AsyncConnection, message_id: UUID, number: int, head: Statement) -> None:
        """Keep a statement of the message."""
        values = {name: getattr(head, name) for name in head.__struct_fields__ if name not in {"told", "message_id"}}
        values |= {"kind": head.kind.value, "message_id": message_id, "number": number}
        with unreadable_if_unkeepable():
            await conn.execute(_ADD_STATEMENT, values)

    async def add_lines(self, conn: AsyncConnection, message_id: UUID, lines: Sequence[NumberedLine]) -> None:
        """Keep lines of the message."""
        if not lines:
            return
        columns: dict[str, Any] = {
            "statement": [one.statement for one in lines],
            "number": [one.line.number for one in lines],
            "side": [one.line.side.value for one in lines],
            "amount_kopecks": [one.line.amount_kopecks for one in lines],
            "booked_on": [one.line.booked_on for one in lines],
            "bank_id": [one.bank_id for one in lines],
            "end_to_end_id": [one.line.end_to_end_id for one in lines],
            "payer_account": [one.line.payer.account for one in lines],
            "payer_name": [one.line.payer.name for one in lines],
            "payee_account": [one.line.payee.account for one in lines],
            "purpose": [one.line.purpose for one in lines],
            "pending": [one.line.pending for one in lines],
            "payer_bic": [one.line.payer.bic for one in lines],
            "document_number": [one.line.document_number for one in lines],
            "document_on": [one.line.document_on for one in lines],
        }
        with unreadable_if_unkeepable():
            await conn.execute(_ADD_LINES, {"message": message_id, **columns})

    async def statements(self, conn: AsyncConnection, message_id: UUID) -> list[Statement]:
        """The statements of a message, without told totals."""
        return [_statement(row) for row in await conn.execute(_STATEMENTS, {"message": message_id})]

    async def previous(self, conn: AsyncConnection, account: str) -> PreviousStatement | None:
        """The latest statement of the account that was taken in."""
        row = (await conn.execute(_PREVIOUS, {"account": account})).one_or_none()
        return None if row is None else PreviousStatement(row.sequence_number, row.closing_kopecks)

    async def list_credits(self, conn: AsyncConnection, message_id: UUID) -> None:
        """Put the booked credits of a notice at the end of the bank's list. The lock is held."""
        await conn.execute(_LIST_CREDITS, {"message": message_id})

    async def list_waiting(self, conn: AsyncConnection, limit: int) -> list[IncomingMessage]:
        """Messages that wait for a statement before them or for the end of their matching, in the order of days."""
        return [_message(row) for row in await conn.execute(_WAITING, {"limit": limit})]

    async def note_sizes(self, conn: AsyncConnection) -> None:
        """After many lines or payments came: tell the planner how many there are now."""
        await conn.execute(SIZES)

    async def match(self, conn: AsyncConnection, message_id: UUID) -> None:
        """Match the open lines with known credits and withdrawals; what no debit explains is marked so."""
        for statement in MATCHING:
            await conn.execute(statement, {"message": message_id})

    async def list_open_credits(self, conn: AsyncConnection, message_id: UUID, limit: int) -> list[NumberedLine]:
        """Credits that are not known yet, in order."""
        rows = await conn.execute(_OPEN, {"message": message_id, "limit": limit})
        return [_line(row) for row in rows]

    async def settle(
        self, conn: AsyncConnection, message_id: UUID, lines: Sequence[tuple[NumberedLine, LineResult]]
    ) -> None:
        """Note what became of lines, with the payment that now has their id."""
        values = {
            "message": message_id,
            "statement": [one.statement for one, _ in lines],
            "number": [one.line.number for one, _ in lines],
            "result": [result.value for _, result in lines],
        }
        await conn.execute(_SETTLE, values)

    async def mark_doubled(self, conn: AsyncConnection, message_id: UUID) -> None:
        """Mark the lines whose payment or withdrawal another line has stated before."""
        for statement in DOUBLED:
            await conn.execute(statement, {"message": message_id})

    async def results(self, conn: AsyncConnection, message_id: UUID) -> dict[LineResult, int]:
        """How many lines have which result."""
        rows = await conn.execute(_RESULTS, {"message": message_id})
        return {LineResult(row.result): row.lines for row in rows}


def _values(message: IncomingMessage) -> dict[str, Any]:
    values = {name: getattr(message, name) for name in message.__struct_fields__ if name != "signature"}
    return values | {
        "signature_outcome": message.signature.outcome.value,
        "signature_reasons": ",".join(message.signature.reasons),
        "state": message.state.value,
        "reason": message.reason.value if message.reason else None,
        "deviations": msgspec.json.encode(message.deviations).decode(),
    }


def _message(row: Any) -> IncomingMessage:
    reasons = tuple(filter(None, row.signature_reasons.split(",")))
    return IncomingMessage(
        message_id=UUID(str(row.message_id)),
        raw_sha256=row.raw_sha256,
        raw_bytes=row.raw_bytes,
        format=row.format,
        told_id=row.told_id,
        content_sha256=row.content_sha256,
        signature=SignatureVerdict(SignatureOutcome(row.signature_outcome), reasons),
        signature_sha256=row.signature_sha256,
        state=MessageState(row.state),
        reason=None if row.reason is None else MessageReason(row.reason),
        statement_count=row.statement_count,
        line_count=row.line_count,
        deviation_count=row.deviation_count,
        deviations=msgspec.json.decode(row.deviations, type=tuple[Deviation, ...]),
        received_by=row.received_by,
    )


def _statement(row: Any) -> Statement:
    values = {name: value for name, value in row._mapping.items() if name in Statement.__struct_fields__}
    del values["message_id"]
    return Statement(message_id="", **{**values, "kind": StatementKind(row.kind)})


def _line(row: Any) -> NumberedLine:
    line = StatementLine(
        number=row.number,
        side=Side(row.side),
        amount_kopecks=row.amount_kopecks,
        booked_on=row.booked_on,
        end_to_end_id=row.end_to_end_id,
        payer=Party(name=row.payer_name, account=row.payer_account),
        purpose=row.purpose,
    )
    return NumberedLine(row.statement, line, row.bank_id)
