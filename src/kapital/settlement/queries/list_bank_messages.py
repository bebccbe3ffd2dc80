"""Messages of the bank, newest first, and one of them – without names and purposes of payers."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.contracts.base import unset_if_none
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.settlement.domain.bank_message import Deviation
from kapital.settlement.domain.incoming_message import MessageReason, MessageState
from kapital.settlement.domain.message_decision import why_not_bookable
from kapital.settlement.domain.message_decision_problems import BankMessageNotFound
from kapital.settlement.message_forms import shown_message_decision
from kapital.settlement.ports import MessageParts, Parts

STATEMENTS_MAX: Final = 1_000
DECISIONS_MAX: Final = 100
_COLUMNS: Final = (
    "message_id, format, left(told_id, 200) AS told_id, raw_sha256, raw_bytes, signature_outcome, state, reason, "
    "statement_count, line_count, deviation_count, received_by, received_at"
)
_LIST: Final = text(
    f"""
    SELECT {_COLUMNS} FROM incoming_message
    WHERE (CAST(:state AS text) IS NULL OR state = :state) AND (CAST(:reason AS text) IS NULL OR reason = :reason)
        AND (CAST(:before AS uuid) IS NULL OR message_id < :before)
    ORDER BY message_id DESC LIMIT :limit
    """  # noqa: S608 - constants of this module; values are bound
)
_SHOWN: Final = text(f"SELECT {_COLUMNS} FROM incoming_message WHERE message_id = :id")  # noqa: S608 - constants of this module; values are bound
# A sum that no 64 bits hold is shown as the largest that they do: such a message is never booked.
_SUM: Final = (
    "least(coalesce(sum(l.amount_kopecks) FILTER (WHERE l.side = '{side}'), 0), 9223372036854775807)::bigint"
)
_STATEMENTS: Final = text(
    f"""
    SELECT s.number, s.kind, left(s.account, 64) AS account, left(s.currency, 8) AS currency, s.sequence_number,
        s.from_on, s.to_on, s.opening_kopecks, s.closing_kopecks,
        count(*) FILTER (WHERE l.side = 'credit') AS credit_lines, {_SUM.format(side="credit")} AS credit_kopecks,
        count(*) FILTER (WHERE l.side = 'debit') AS debit_lines, {_SUM.format(side="debit")} AS debit_kopecks
    FROM bank_statement AS s
        LEFT JOIN bank_statement_line AS l ON l.message_id = s.message_id AND l.statement = s.number
    WHERE s.message_id = :id
    GROUP BY s.message_id, s.number ORDER BY s.number LIMIT :limit
    """  # noqa: S608 - constants of this module; values are bound
)


async def list_bank_messages(
    conn: AsyncConnection,
    actor: Actor,
    *,
    state: contract.BankMessageState | None,
    reason: contract.BankMessageReason | None,
    before: UUID | None,
    limit: int,
) -> contract.BankMessagePage:
    """A page. Raises: NotPermitted."""
    access.require(actor, "list_bank_messages")
    values = {"state": state and state.value, "reason": reason and reason.value, "before": before, "limit": limit}
    return contract.BankMessagePage(bank_messages=[_message(row) for row in await conn.execute(_LIST, values)])


async def get_bank_message(
    conn: AsyncConnection, parts: Parts, more: MessageParts, actor: Actor, message_id: UUID
) -> contract.BankMessageView:
    """One message, with whether two persons may book it. Raises: NotPermitted, BankMessageNotFound."""
    access.require(actor, "get_bank_message")
    shown = (await conn.execute(_SHOWN, {"id": message_id})).one_or_none()
    kept = await more.messages.get(conn, message_id)
    if shown is None or kept is None:
        raise BankMessageNotFound
    unbookable: MessageReason | None = None
    if kept.state is MessageState.PARKED:
        unbookable = why_not_bookable(
            kept,
            await more.messages.statements(conn, message_id),
            account=more.account,
            is_content_booked=await parts.message_decisions.is_content_booked(conn, kept),
        )
    statements = await conn.execute(_STATEMENTS, {"id": message_id, "limit": STATEMENTS_MAX})
    results = await more.messages.results(conn, message_id)
    decisions = await parts.message_decisions.of_message(conn, message_id, DECISIONS_MAX)
    return contract.BankMessageView(
        message=_message(shown),
        statements=[_statement(row) for row in statements],
        deviations=[_deviation(one) for one in kept.deviations],
        results=[
            contract.BankLineResultCount(result=contract.BankLineResult(result.value), lines=lines)
            for result, lines in sorted(results.items())
        ],
        unbookable=unset_if_none(None if unbookable is None else contract.BankMessageReason(unbookable.value)),
        decisions=[shown_message_decision(one) for one in decisions],
    )


def _message(row: Any) -> contract.BankMessage:
    return contract.BankMessage(
        message_id=UUID(str(row.message_id)),
        format=row.format,
        told_id=row.told_id,
        raw_sha256=row.raw_sha256,
        raw_bytes=row.raw_bytes,
        signature=contract.BankMessageSignature(row.signature_outcome),
        state=contract.BankMessageState(row.state),
        reason=unset_if_none(row.reason and contract.BankMessageReason(row.reason)),
        statement_count=row.statement_count,
        line_count=row.line_count,
        deviation_count=row.deviation_count,
        received_by=row.received_by,
        received_at=row.received_at,
    )


def _statement(row: Any) -> contract.BankStatement:
    told = {
        name: unset_if_none(getattr(row, name))
        for name in ("sequence_number", "from_on", "to_on", "opening_kopecks", "closing_kopecks")
    }
    return contract.BankStatement(
        number=row.number,
        kind=contract.BankStatementKind(row.kind),
        account=row.account,
        currency=row.currency,
        credit_lines=row.credit_lines,
        credit_kopecks=row.credit_kopecks,
        debit_lines=row.debit_lines,
        debit_kopecks=row.debit_kopecks,
        **told,
    )


def _deviation(one: Deviation) -> contract.BankMessageDeviation:
    return contract.BankMessageDeviation(where=one.where, code=one.code, grave=one.grave)
