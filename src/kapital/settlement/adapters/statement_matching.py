"""The statements that match the lines of a message with what is known; each over all lines of the message at once."""

from typing import Final

from sqlalchemy import text

from kapital.settlement.domain.incoming import NAMELESS

MATCHING: Final = tuple(
    map(
        text,
        (
            """
            UPDATE bank_statement_line SET result = 'pending'
            WHERE message_id = :message AND pending AND result = 'open'
            """,
            # Credits, by the bank's id.
            """
            UPDATE bank_statement_line AS l SET payment_id = p.payment_id,
                result = CASE WHEN p.amount_kopecks = l.amount_kopecks THEN 'top_up' ELSE 'altered' END
            FROM incoming_payment AS p
            WHERE l.message_id = :message AND l.result = 'open' AND l.side = 'credit' AND p.bank_id = l.bank_id
            """,
            # Credits without an id of the bank, by what was paid: the n-th of equal ones with the n-th of equal
            # payments that no line names yet.
            f"""
            WITH lines AS (
                SELECT statement, number, amount_kopecks, purpose, payer_account, booked_on,
                    row_number() OVER (PARTITION BY amount_kopecks, purpose, payer_account, booked_on
                        ORDER BY statement, number) AS place
                FROM bank_statement_line
                WHERE message_id = :message AND result = 'open' AND side = 'credit' AND bank_id LIKE '{NAMELESS}%'
            ), payments AS (
                SELECT p.payment_id, p.amount_kopecks, p.purpose, p.payer_account,
                    (p.credited_at AT TIME ZONE 'Europe/Moscow')::date AS booked_on,
                    row_number() OVER (PARTITION BY p.amount_kopecks, p.purpose, p.payer_account,
                        (p.credited_at AT TIME ZONE 'Europe/Moscow')::date ORDER BY p.payment_id) AS place
                FROM incoming_payment AS p
                WHERE p.credited_at >= (SELECT min(booked_on)::timestamp AT TIME ZONE 'Europe/Moscow' FROM lines)
                    AND p.credited_at
                        < (SELECT (max(booked_on) + 1)::timestamp AT TIME ZONE 'Europe/Moscow' FROM lines)
                    AND NOT EXISTS (SELECT FROM bank_statement_line AS k WHERE k.payment_id = p.payment_id)
            )
            UPDATE bank_statement_line AS l SET result = 'top_up', payment_id = p.payment_id
            FROM lines JOIN payments AS p USING (amount_kopecks, purpose, payer_account, booked_on, place)
            WHERE l.message_id = :message AND l.statement = lines.statement AND l.number = lines.number
            """,  # noqa: S608 - a constant; values are bound
            # Debits, by our reference.
            """
            UPDATE bank_statement_line AS l SET withdrawal_id = w.withdrawal_id,
                result = CASE WHEN w.amount_kopecks = l.amount_kopecks THEN 'withdrawal' ELSE 'altered' END
            FROM withdrawal AS w
            WHERE l.message_id = :message AND l.result = 'open' AND l.side = 'debit' AND w.withdrawal_id
                = CASE WHEN l.end_to_end_id ~ '^[0-9a-f]{32}$' THEN CAST(l.end_to_end_id AS uuid) END
            """,
            # Debits of a format that carries no reference, by the document that an order of ours was printed as.
            """
            UPDATE bank_statement_line AS l SET result = 'withdrawal', withdrawal_id = w.withdrawal_id
            FROM bank_file_order AS o JOIN withdrawal AS w ON w.withdrawal_id
                = CASE WHEN o.reference ~ '^[0-9a-f]{32}$' THEN CAST(o.reference AS uuid) END
            WHERE l.message_id = :message AND l.result = 'open' AND l.side = 'debit' AND l.end_to_end_id = ''
                AND o.drawn_on = l.document_on AND o.number::text = ltrim(l.document_number, '0')
                AND o.payee_account = l.payee_account AND o.amount_kopecks = l.amount_kopecks
            """,
            # Other debits without a reference, by sum and account: the n-th of equal ones with the n-th
            # of equal withdrawals that were handed to the bank and that no line names yet.
            """
            WITH lines AS (
                SELECT statement, number, amount_kopecks, payee_account AS account,
                    row_number() OVER (PARTITION BY amount_kopecks, payee_account ORDER BY statement, number) AS place
                FROM bank_statement_line
                WHERE message_id = :message AND result = 'open' AND side = 'debit' AND payee_account <> ''
                    AND end_to_end_id = ''
            ), withdrawals AS (
                SELECT w.withdrawal_id, w.amount_kopecks, w.account,
                    row_number() OVER (PARTITION BY w.amount_kopecks, w.account ORDER BY w.withdrawal_id) AS place
                FROM withdrawal AS w
                WHERE w.state IN ('sent', 'unknown', 'confirmed')
                    AND w.changed_at >= (SELECT min(booked_on)::timestamp AT TIME ZONE 'Europe/Moscow'
                        FROM bank_statement_line WHERE message_id = :message)
                    AND (w.amount_kopecks, w.account) IN (SELECT amount_kopecks, account FROM lines)
                    AND NOT EXISTS (SELECT FROM bank_statement_line AS k WHERE k.withdrawal_id = w.withdrawal_id)
            )
            UPDATE bank_statement_line AS l SET result = 'withdrawal', withdrawal_id = w.withdrawal_id
            FROM lines JOIN withdrawals AS w USING (amount_kopecks, account, place)
            WHERE l.message_id = :message AND l.statement = lines.statement AND l.number = lines.number
            """,
            """
            UPDATE bank_statement_line SET result = 'unexplained'
            WHERE message_id = :message AND result = 'open' AND side = 'debit'
            """,
        ),
    )
)

# The first line about a payment or withdrawal counts, of this message or of one taken in before. Statements follow
# each other without a gap, so a second line is money that the bank's balance has twice. In two statements: one with
# "or" has the planner compare each line of the message with each other one.
_DOUBLED_WITHIN: Final = """
    UPDATE bank_statement_line AS l SET result = 'doubled'
    FROM (
        SELECT statement, number, row_number() OVER (PARTITION BY {of} ORDER BY statement, number) AS place
        FROM bank_statement_line AS k JOIN incoming_message AS m USING (message_id)
        WHERE k.message_id = :message AND m.state = 'taken_in' AND k.{of} IS NOT NULL
            AND k.result NOT IN ('doubled', 'pending')
    ) AS said
    WHERE l.message_id = :message AND (l.statement, l.number) = (said.statement, said.number) AND said.place > 1
        AND l.result IN ({results})
"""
_DOUBLED_BEFORE: Final = """
    UPDATE bank_statement_line AS l SET result = 'doubled'
    FROM (
        SELECT k.{of} FROM bank_statement_line AS k JOIN incoming_message AS m USING (message_id)
        WHERE k.message_id <> :message AND m.state = 'taken_in' AND k.result NOT IN ('doubled', 'pending')
            AND k.{of} IN (SELECT {of} FROM bank_statement_line WHERE message_id = :message AND {of} IS NOT NULL)
        GROUP BY k.{of}
    ) AS said
    WHERE l.message_id = :message AND l.{of} = said.{of} AND l.result IN ({results})
"""
_OF: Final = (("payment_id", "'top_up', 'booked'"), ("withdrawal_id", "'withdrawal'"))
DOUBLED: Final = tuple(
    text(statement.format(of=of, results=results))
    for of, results in _OF
    for statement in (_DOUBLED_BEFORE, _DOUBLED_WITHIN)
)

SIZES: Final = text("ANALYZE bank_statement_line, incoming_payment")
"""Else the planner takes 100,000 new lines for none until the server counts them, and compares each with each."""
