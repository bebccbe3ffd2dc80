"""Tables incoming_message, bank_statement and bank_statement_line; lines are matched in a few statements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

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
        end_to_end_id, payer_account, payer_name, purpose, pending)
    SELECT :message, l.* FROM unnest(CAST(:statement AS integer[]), CAST(:number AS integer[]),
        CAST(:side AS text[]), CAST(:amount_kopecks AS bigint[]), CAST(:booked_on AS date[]),
        CAST(:bank_id AS text[]), CAST(:end_to_end_id AS text[]), CAST(:payer_account AS text[]),
        CAST(:payer_name AS text[]), CAST(:purpose AS text[]), CAST(:pending AS boolean[])) AS l
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
_MATCHING: Final = (
    "UPDATE bank_statement_line SET result = 'pending' WHERE message_id = :message AND pending AND result = 'open'",
    # Credits, by the bank's id.
    """
    UPDATE bank_statement_line AS l SET payment_id = p.payment_id,
        result = CASE WHEN p.amount_kopecks = l.amount_kopecks THEN 'top_up' ELSE 'altered' END
    FROM incoming_payment AS p
    WHERE l.message_id = :message AND l.result = 'open' AND l.side = 'credit' AND p.bank_id = l.bank_id
    """,
    # Credits without an id of the bank, by what was paid: the n-th of equal ones with the n-th of equal payments
    # that no line names yet.
    """
    WITH lines AS (
        SELECT statement, number, amount_kopecks, purpose, payer_account, booked_on,
            row_number() OVER (PARTITION BY amount_kopecks, purpose, payer_account, booked_on
                ORDER BY statement, number) AS place
        FROM bank_statement_line
        WHERE message_id = :message AND result = 'open' AND side = 'credit' AND bank_id LIKE 'L-%'
    ), payments AS (
        SELECT p.payment_id, p.amount_kopecks, p.purpose, p.payer_account,
            (p.credited_at AT TIME ZONE 'Europe/Moscow')::date AS booked_on,
            row_number() OVER (PARTITION BY p.amount_kopecks, p.purpose, p.payer_account,
                (p.credited_at AT TIME ZONE 'Europe/Moscow')::date ORDER BY p.payment_id) AS place
        FROM incoming_payment AS p
        WHERE NOT EXISTS (SELECT FROM bank_statement_line AS k WHERE k.payment_id = p.payment_id)
            AND (p.credited_at AT TIME ZONE 'Europe/Moscow')::date
                IN (SELECT booked_on FROM lines)
    )
    UPDATE bank_statement_line AS l SET result = 'top_up', payment_id = p.payment_id
    FROM lines JOIN payments AS p USING (amount_kopecks, purpose, payer_account, booked_on, place)
    WHERE l.message_id = :message AND l.statement = lines.statement AND l.number = lines.number
    """,
    # Debits, by our reference.
    """
    UPDATE bank_statement_line AS l SET withdrawal_id = w.withdrawal_id,
        result = CASE WHEN w.amount_kopecks = l.amount_kopecks THEN 'withdrawal' ELSE 'altered' END
    FROM withdrawal AS w
    WHERE l.message_id = :message AND l.result = 'open' AND l.side = 'debit'
        AND w.withdrawal_id = CASE WHEN l.end_to_end_id ~ '^[0-9a-f]{32}$' THEN CAST(l.end_to_end_id AS uuid) END
    """,
    """
    UPDATE bank_statement_line SET result = 'unexplained'
    WHERE message_id = :message AND result = 'open' AND side = 'debit'
    """,
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

    async def known(self, conn: AsyncConnection, message: IncomingMessage) -> MessageReason | None:
        """Whether its id came with other content before, or its content under another id."""
        row = (await conn.execute(_KNOWN, {"told_id": message.told_id, "content": message.content_sha256})).one()
        if row.altered:
            return MessageReason.ALTERED
        return MessageReason.SAME_CONTENT if row.same_content else None

    async def add(self, conn: AsyncConnection, message: IncomingMessage, now: datetime) -> None:
        """Keep a message; its bytes twice are an error."""
        await conn.execute(_ADD, {**_values(message), "now": now})

    async def complete(self, conn: AsyncConnection, message: IncomingMessage) -> None:
        """Save what was found out about a message that is kept."""
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
        await conn.execute(
            _ADD_STATEMENT, {**values, "kind": head.kind.value, "message_id": message_id, "number": number}
        )

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
            "purpose": [one.line.purpose for one in lines],
            "pending": [one.line.pending for one in lines],
        }
        await conn.execute(_ADD_LINES, {"message": message_id, **columns})

    async def statements(self, conn: AsyncConnection, message_id: UUID) -> list[Statement]:
        """The statements of a message, without told totals."""
        return [_statement(row) for row in await conn.execute(_STATEMENTS, {"message": message_id})]

    async def previous(self, conn: AsyncConnection, account: str) -> PreviousStatement | None:
        """The latest statement of the account that was taken in."""
        row = (await conn.execute(_PREVIOUS, {"account": account})).one_or_none()
        return None if row is None else PreviousStatement(row.sequence_number, row.closing_kopecks)

    async def match(self, conn: AsyncConnection, message_id: UUID) -> None:
        """Match the open lines with known credits and withdrawals; what no debit explains is marked so."""
        for statement in _MATCHING:
            await conn.execute(text(statement), {"message": message_id})

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
    values = {name: value for name, value in row._mapping.items() if name not in {"message_id", "number"}}
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
