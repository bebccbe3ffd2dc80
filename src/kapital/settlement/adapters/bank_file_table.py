"""Tables bank_file_order and bank_file_credit, and what the statements taken in say about orders and the balance."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.calendar import MOSCOW
from kapital.settlement.domain.bank_files import Document, OrderStanding, day_of_document, document_reference
from kapital.settlement.domain.bank_message import PaymentState, PaymentStatus
from kapital.settlement.domain.incoming import NAMELESS, BankCredit
from kapital.settlement.domain.incoming_message import MessageState
from kapital.settlement.domain.payout_account import PayoutAccount

# A debit that the bank has booked about an order: by our reference, else by the document as it was printed.
_BOOKED: Final = """
    EXISTS (SELECT FROM bank_statement_line AS l JOIN incoming_message AS m USING (message_id)
        WHERE l.side = 'debit' AND l.end_to_end_id = o.reference AND NOT l.pending
            AND l.amount_kopecks = o.amount_kopecks AND m.state IN ({states}))
    OR EXISTS (SELECT FROM bank_statement_line AS l JOIN incoming_message AS m USING (message_id)
        WHERE l.side = 'debit' AND l.end_to_end_id = '' AND l.payee_account = o.payee_account
            AND l.document_on = o.drawn_on AND ltrim(l.document_number, '0') = o.number::text AND NOT l.pending
            AND l.amount_kopecks = o.amount_kopecks AND m.state IN ({states}))
"""
_TOLD: Final = _BOOKED.format(states="'taken_in', 'noticed'")
# A debit that was found to be the withdrawal of an order by its sum and account alone.
_STATED: Final = """
    EXISTS (SELECT FROM bank_statement_line AS l JOIN incoming_message AS m USING (message_id)
        WHERE l.side = 'debit' AND NOT l.pending AND m.state = 'taken_in' AND l.withdrawal_id
            = CASE WHEN o.reference ~ '^[0-9a-f]{32}$' THEN CAST(o.reference AS uuid) END)
"""
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtext('settlement bank file orders'))")
_HAS_ORDERS: Final = text("SELECT EXISTS (SELECT FROM bank_file_order)")
_NUMBER: Final = text("SELECT coalesce(max(number), 0) + 1 FROM bank_file_order WHERE drawn_on = :drawn_on")
_ADD: Final = text(
    """
    INSERT INTO bank_file_order (reference, number, drawn_on, amount_kopecks, payee_bic, payee_account,
        returns_bank_id, purpose, file_name, content, written_at)
    VALUES (:reference, :number, :drawn_on, :amount_kopecks, :payee_bic, :payee_account, :returns_bank_id, :purpose,
        :file_name, :content, :now)
    """
)
_FIND: Final = f"""
    SELECT reference, amount_kopecks, payee_bic, payee_account, returns_bank_id, purpose, file_name, content,
        staged_at IS NOT NULL AS staged, handed_at IS NOT NULL AS handed, reason,
        CASE WHEN state = 'pending' AND ({_TOLD}) THEN 'executed' ELSE state END AS state
    FROM bank_file_order AS o WHERE reference = :reference
"""  # noqa: S608 - constants of this module; values are bound
_STANDING: Final = text(
    f"""
    SELECT reference, CASE WHEN state = 'pending' AND ({_TOLD}) THEN 'executed' ELSE state END AS state
    FROM bank_file_order AS o WHERE reference = ANY(CAST(:references AS text[])) ORDER BY reference FOR UPDATE OF o
    """  # noqa: S608 - constants of this module; values are bound
)
_OF_DAYS: Final = text(
    """
    SELECT reference, number, drawn_on, amount_kopecks, payee_account FROM bank_file_order
    WHERE drawn_on = ANY(CAST(:days AS date[]))
    """
)
_STAGED: Final = text("UPDATE bank_file_order SET staged_at = :now WHERE reference = :reference")
_HANDED: Final = text("UPDATE bank_file_order SET handed_at = :now WHERE reference = :reference")
_STATES: Final = text(
    "SELECT raw_sha256, state FROM incoming_message WHERE raw_sha256 = ANY(CAST(:hashes AS text[]))"
)
_END: Final = text(
    """
    UPDATE bank_file_order AS o SET state = e.state, reason = e.reason, ended_by = :message, ended_at = :now
    FROM unnest(CAST(:references AS text[]), CAST(:states AS text[]), CAST(:reasons AS text[]))
        AS e (reference, state, reason)
    WHERE o.reference = e.reference AND o.state = 'pending'
    """
)
_CREDITS: Final = text(
    """
    SELECT f.cursor, l.bank_id, l.amount_kopecks, l.purpose, l.payer_account, l.payer_name, l.booked_on
    FROM bank_file_credit AS f JOIN bank_statement_line AS l USING (message_id, statement, number)
    WHERE f.cursor > :after ORDER BY f.cursor LIMIT :limit
    """
)
_ACCOUNT: Final = "CASE l.side WHEN 'credit' THEN l.payer_account ELSE l.payee_account END AS account"
_AHEAD: Final = "10 days"
"""No notice tells of a booking that is further ahead, whatever holidays lie between."""
# The balance as the bank's own messages tell it. The newest statement has all that was booked before its last day:
# what came later, or never, about those days changes nothing. Of that day (it may have been drawn up before the day
# was over) and of later ones count what notices and words about orders told and it does not have, each once. A line
# without the bank's id is the notice of equal content: the same money told twice is a difference, not a balance.
_BALANCE: Final = text(
    f"""
    WITH newest AS (
        SELECT s.message_id, s.number, s.closing_kopecks, coalesce(s.to_on,
            (SELECT max(l.booked_on) FROM bank_statement_line AS l
                WHERE l.message_id = s.message_id AND l.statement = s.number),
            CAST(m.received_at AT TIME ZONE 'Europe/Moscow' AS date)) AS day
        FROM bank_statement AS s JOIN incoming_message AS m USING (message_id)
        WHERE s.account = :account AND s.kind = 'statement' AND m.state = 'taken_in'
        ORDER BY s.to_on DESC NULLS LAST, s.sequence_number DESC NULLS LAST, m.received_at DESC, s.number DESC LIMIT 1
    ), told AS (
        SELECT m.received_at, l.bank_id, l.side, l.amount_kopecks, l.booked_on, l.purpose, {_ACCOUNT}
        FROM newest JOIN incoming_message AS m ON m.state = 'noticed'
                AND m.received_at >= CAST(newest.day AS timestamp) AT TIME ZONE 'Europe/Moscow' - interval '{_AHEAD}'
            JOIN bank_statement_line AS l ON l.message_id = m.message_id AND l.booked_on >= newest.day
        WHERE NOT l.pending
    ), noticed AS (
        SELECT DISTINCT ON (side, bank_id) * FROM told
        WHERE NOT EXISTS (SELECT FROM bank_statement_line AS k JOIN incoming_message AS n USING (message_id)
            WHERE n.state = 'taken_in' AND k.side = told.side AND k.bank_id = told.bank_id)
        ORDER BY side, bank_id, received_at
    ), nameless AS (
        SELECT l.side, l.amount_kopecks, l.booked_on, l.purpose, {_ACCOUNT}, count(*) AS lines
        FROM newest JOIN bank_statement AS s ON s.account = :account AND s.kind = 'statement'
                AND (s.to_on >= newest.day OR (s.message_id, s.number) = (newest.message_id, newest.number))
            JOIN incoming_message AS m ON m.message_id = s.message_id AND m.state = 'taken_in'
            JOIN bank_statement_line AS l ON l.message_id = s.message_id AND l.statement = s.number
                AND l.booked_on >= newest.day
        WHERE l.bank_id LIKE '{NAMELESS}%' AND NOT l.pending
            AND NOT EXISTS (SELECT FROM told WHERE told.side = l.side AND told.bank_id = l.bank_id)
        GROUP BY 1, 2, 3, 4, 5
    ), placed AS (
        SELECT *, row_number() OVER (PARTITION BY side, amount_kopecks, booked_on, purpose, account
            ORDER BY bank_id) AS place
        FROM noticed
    )
    SELECT (SELECT closing_kopecks FROM newest)
        + (SELECT coalesce(sum(CASE side WHEN 'credit' THEN 1 ELSE -1 END * amount_kopecks), 0)
            FROM placed LEFT JOIN nameless USING (side, amount_kopecks, booked_on, purpose, account)
            WHERE place > coalesce(lines, 0))
        - (SELECT coalesce(sum(o.amount_kopecks), 0)
            FROM newest JOIN bank_file_order AS o
                ON o.ended_at >= CAST(newest.day AS timestamp) AT TIME ZONE 'Europe/Moscow'
            WHERE o.state = 'executed' AND NOT ({_TOLD}) AND NOT ({_STATED})) AS kopecks,
        EXISTS (SELECT FROM incoming_message AS m JOIN bank_statement_line AS l USING (message_id)
            WHERE m.state = 'taken_in' AND m.lines_compared_at IS NULL AND l.result = 'open') AS in_work
    """  # noqa: S608 - constants of this module; values are bound
)
_PAYER_OF: Final = text(
    """
    SELECT l.payer_account, l.payer_bic, l.payer_name
    FROM bank_statement_line AS l JOIN incoming_message AS m USING (message_id)
    WHERE l.bank_id = :bank_id AND l.side = 'credit' AND m.state IN ('taken_in', 'noticed')
    ORDER BY m.received_at, l.statement, l.number LIMIT 1
    """
)
_OWNER_OF: Final = text(
    """
    SELECT l.payer_name FROM bank_statement_line AS l JOIN incoming_message AS m USING (message_id)
    WHERE l.payer_account = :account AND l.payer_bic = :bic AND l.side = 'credit' AND l.payer_name <> ''
        AND m.state IN ('taken_in', 'noticed')
    ORDER BY m.received_at DESC LIMIT 1
    """
)


class KeptOrder(msgspec.Struct, frozen=True):
    """An order that was written, with its bytes. `staged`, `handed`: how far its file is noted to be."""

    reference: str
    amount_kopecks: int
    payee_bic: str
    payee_account: str
    returns_bank_id: str | None
    purpose: str
    file_name: str
    content: bytes
    staged: bool
    handed: bool
    reason: str | None
    state: PaymentState


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that is to be kept."""

    reference: str
    number: int
    drawn_on: date
    amount_kopecks: int
    payee_bic: str
    payee_account: str
    returns_bank_id: str | None
    purpose: str
    file_name: str
    content: bytes


class BankFileTable:
    """Implements `ports.FileOrders`, and keeps for `FilesBank` what it wrote."""

    async def named(self, conn: AsyncConnection, references: Collection[str]) -> Mapping[str, str]:
        """Our references of orders that a format names by their documents."""
        days = {day for reference in references if (day := day_of_document(reference)) is not None}
        rows = (await conn.execute(_OF_DAYS, {"days": sorted(days)})).all()
        found = {
            document_reference(
                Document(row.drawn_on, str(row.number), row.amount_kopecks, row.payee_account)
            ): row.reference
            for row in rows
        }
        return {reference: found[reference] for reference in references if reference in found}

    async def standing(self, conn: AsyncConnection, references: Collection[str]) -> Mapping[str, OrderStanding]:
        """How the known orders stand, locked until the commit."""
        rows = await conn.execute(_STANDING, {"references": sorted(references)})
        return {row.reference: OrderStanding(PaymentState(row.state)) for row in rows}

    async def end(
        self, conn: AsyncConnection, statuses: Sequence[PaymentStatus], message_id: UUID, now: datetime
    ) -> None:
        """Note the ends of orders that had none."""
        values = {
            "references": [one.reference for one in statuses],
            "states": [one.state.value for one in statuses],
            "reasons": [one.reason for one in statuses],
        }
        await conn.execute(_END, {**values, "message": message_id, "now": now})

    async def states(self, conn: AsyncConnection, raw_sha256: Collection[str]) -> dict[str, MessageState]:
        """Where the messages with these hashes stand, by hash."""
        rows = await conn.execute(_STATES, {"hashes": sorted(raw_sha256)})
        return {row.raw_sha256: MessageState(row.state) for row in rows}

    async def find(self, conn: AsyncConnection, reference: str, *, lock: bool = False) -> KeptOrder | None:
        """The order of a reference; `lock`: nobody else lays its file down before the commit."""
        query = text(_FIND + " FOR UPDATE OF o" if lock else _FIND)
        row = (await conn.execute(query, {"reference": reference})).one_or_none()
        return None if row is None else msgspec.convert(dict(row._mapping), KeptOrder)

    async def has_orders(self, conn: AsyncConnection) -> bool:
        """Whether an order was ever written."""
        return bool((await conn.execute(_HAS_ORDERS)).scalar_one())

    async def next_number(self, conn: AsyncConnection, drawn_on: date) -> int:
        """The number of the day that no order has; others that ask wait for the commit."""
        await conn.execute(_LOCK)
        return int((await conn.execute(_NUMBER, {"drawn_on": drawn_on})).scalar_one())

    async def add(self, conn: AsyncConnection, order: NewOrder, now: datetime) -> None:
        """Keep a new order; its reference twice is an error."""
        await conn.execute(_ADD, {**msgspec.structs.asdict(order), "now": now})

    async def note_staged(self, conn: AsyncConnection, reference: str, now: datetime) -> None:
        """Note that the file lies whole in our part of the folder."""
        await conn.execute(_STAGED, {"reference": reference, "now": now})

    async def note_handed(self, conn: AsyncConnection, reference: str, now: datetime) -> None:
        """Note that the file was laid before the bank."""
        await conn.execute(_HANDED, {"reference": reference, "now": now})

    async def credits(self, conn: AsyncConnection, after_cursor: int, limit: int) -> list[BankCredit]:
        """Credits of notices after a place in the list; each as of the start of its day in Moscow."""
        rows = await conn.execute(_CREDITS, {"after": after_cursor, "limit": limit})
        return [_credit(row) for row in rows]

    async def balance(self, conn: AsyncConnection, account: str) -> tuple[int | None, bool]:
        """The balance in kopecks, None without a statement; and whether a statement is being taken in."""
        row = (await conn.execute(_BALANCE, {"account": account})).one()
        return None if row.kopecks is None else int(row.kopecks), bool(row.in_work)

    async def payer_of(self, conn: AsyncConnection, bank_id: str) -> tuple[PayoutAccount, str] | None:
        """The account and the name of who paid a credit; None where no message of files told of it."""
        row = (await conn.execute(_PAYER_OF, {"bank_id": bank_id})).one_or_none()
        return None if row is None else (PayoutAccount(bic=row.payer_bic, account=row.payer_account), row.payer_name)

    async def owner_of(self, conn: AsyncConnection, account: PayoutAccount) -> str:
        """The name of who paid from an account last; empty where nobody did."""
        row = await conn.execute(_OWNER_OF, {"bic": account.bic, "account": account.account})
        return str(row.scalar_one_or_none() or "")


def _credit(row: Any) -> BankCredit:
    return BankCredit(
        cursor=row.cursor,
        bank_id=row.bank_id,
        amount_kopecks=row.amount_kopecks,
        purpose=row.purpose,
        payer_account=row.payer_account,
        payer_name=row.payer_name,
        credited_at=datetime.combine(row.booked_on, time(), MOSCOW).astimezone(UTC),
    )
