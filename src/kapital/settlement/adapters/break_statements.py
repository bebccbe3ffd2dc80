"""The statements by which breaks are found and explained: each over many rows at once, none over all history.

Lines and absences are looked for in statements that were not compared yet; what was found is looked at again until it
is explained. `:day` is today in Moscow: what a statement lacks is said only of days that are over.
"""

from typing import Final

from sqlalchemy import text

# What our tables have entered in the register for a line with another sum, unless another line has that sum.
_ENTERED: Final = """
    CASE WHEN EXISTS (SELECT FROM bank_statement_line AS k JOIN incoming_message AS o USING (message_id)
            WHERE (k.payment_id = l.payment_id OR k.withdrawal_id = l.withdrawal_id) AND o.state = 'taken_in'
                AND k.result IN ('top_up', 'booked', 'withdrawal')) THEN 0
        WHEN p.entry_seq IS NOT NULL THEN p.amount_kopecks
        WHEN w.state = 'confirmed' THEN w.amount_kopecks ELSE 0 END
"""
_DIFFERS: Final = """
    (l.result IN ('altered', 'doubled', 'refused', 'unexplained')
        OR (l.result IN ('top_up', 'booked') AND p.entry_seq IS NULL)
        OR (l.result = 'withdrawal' AND w.state <> 'confirmed'))
"""
# While withdrawals are not enquired about, what the bank works on may be paid already, and is no break yet. One that
# awaits approval was never told to the bank: if it paid it, that is a break at once.
LINES: Final = text(
    f"""
    INSERT INTO reconciliation_break (kind, subject, difference_kopecks, message_id, statement, line, bank_id,
        payment_id, withdrawal_id, entry_seq, opened_at)
    SELECT CASE l.result WHEN 'altered' THEN 'amount_differs' WHEN 'doubled' THEN 'doubled'
            ELSE 'at_bank_not_in_ledger' END,
        concat_ws('/', 'line', l.message_id, l.statement, l.number),
        CASE l.side WHEN 'credit' THEN 1 ELSE -1 END
            * (l.amount_kopecks - CASE l.result WHEN 'altered' THEN {_ENTERED} ELSE 0 END),
        l.message_id, l.statement, l.number, l.bank_id, l.payment_id, l.withdrawal_id,
        coalesce(p.entry_seq, CASE WHEN w.state = 'confirmed' THEN w.entry_seq END), CAST(:now AS timestamptz)
    FROM incoming_message AS m JOIN bank_statement_line AS l USING (message_id)
        LEFT JOIN incoming_payment AS p USING (payment_id) LEFT JOIN withdrawal AS w USING (withdrawal_id)
    WHERE m.state = 'taken_in' AND m.lines_compared_at IS NULL AND NOT l.pending AND {_DIFFERS}
        AND (CAST(:at_rest AS boolean) OR l.withdrawal_id IS NULL
            OR w.state NOT IN ('requested', 'checked', 'sent', 'unknown'))
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - constants of this module; values are bound
)
LINES_COMPARED: Final = text(
    """
    UPDATE incoming_message SET lines_compared_at = :now WHERE state = 'taken_in' AND lines_compared_at IS NULL
        AND NOT EXISTS (SELECT FROM bank_statement_line AS l WHERE l.message_id = incoming_message.message_id
            AND l.result = 'open')
    """
)
# Statements whose last day is over and which were not asked yet what they lack.
_OVER: Final = """
    bank_statement AS s JOIN incoming_message AS m USING (message_id)
    WHERE m.state = 'taken_in' AND s.kind = 'statement' AND s.absences_compared_at IS NULL
        AND s.to_on < CAST(:day AS date)
"""
_NAMED: Final = """
    EXISTS (SELECT FROM bank_statement_line AS l JOIN incoming_message AS k USING (message_id)
        WHERE k.state = 'taken_in' AND NOT l.pending AND l.{column} = {row}.{column})
"""
_PAYMENT_NAMED: Final = _NAMED.format(column="payment_id", row="p")
_WITHDRAWAL_NAMED: Final = _NAMED.format(column="withdrawal_id", row="w")
_MIDNIGHT: Final = "(CAST({day} AS timestamp) AT TIME ZONE 'Europe/Moscow')"
_FROM, _TO = _MIDNIGHT.format(day="s.from_on"), _MIDNIGHT.format(day="s.to_on + 1")
ABSENT: Final = text(
    f"""
    WITH over AS (SELECT s.message_id, s.number, s.from_on, s.to_on FROM {_OVER} AND s.from_on IS NOT NULL)
    INSERT INTO reconciliation_break (kind, subject, difference_kopecks, message_id, statement, bank_id, payment_id,
        withdrawal_id, entry_seq, opened_at)
    SELECT 'in_ledger_not_at_bank', concat_ws('/', 'payment', p.payment_id), -p.amount_kopecks, s.message_id,
        s.number, p.bank_id, p.payment_id, NULL, p.entry_seq, CAST(:now AS timestamptz)
    FROM over AS s JOIN incoming_payment AS p ON p.credited_at >= {_FROM} AND p.credited_at < {_TO}
    WHERE p.entry_seq IS NOT NULL AND NOT {_PAYMENT_NAMED}
    UNION ALL
    SELECT 'in_ledger_not_at_bank', concat_ws('/', 'withdrawal', w.withdrawal_id), w.amount_kopecks, s.message_id,
        s.number, NULL, NULL, w.withdrawal_id, w.entry_seq, CAST(:now AS timestamptz)
    FROM over AS s JOIN withdrawal AS w ON w.changed_at >= {_FROM} AND w.changed_at < {_TO}
    WHERE w.state = 'confirmed' AND NOT {_WITHDRAWAL_NAMED}
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - constants of this module; values are bound
)
# The first statement that was taken in opens with what came and went before it.
OPENING: Final = text(
    f"""
    WITH first AS (
        SELECT s.message_id, s.number, s.from_on, s.opening_kopecks, s.absences_compared_at
        FROM bank_statement AS s JOIN incoming_message AS m USING (message_id)
        WHERE m.state = 'taken_in' AND s.kind = 'statement'
        ORDER BY s.to_on NULLS LAST, s.sequence_number NULLS LAST, m.received_at, s.number LIMIT 1
    ), found AS (
        SELECT s.message_id, s.number, s.opening_kopecks
            - (SELECT coalesce(sum(p.amount_kopecks), 0) FROM incoming_payment AS p
                WHERE p.credited_at < {_FROM} AND p.state NOT IN ('received', 'verified') AND NOT {_PAYMENT_NAMED})
            + (SELECT coalesce(sum(w.amount_kopecks), 0) FROM withdrawal AS w
                WHERE w.changed_at < {_FROM} AND w.state = 'confirmed' AND NOT {_WITHDRAWAL_NAMED}) AS difference
        FROM first AS s
        WHERE s.absences_compared_at IS NULL AND s.from_on IS NOT NULL AND s.opening_kopecks IS NOT NULL
    )
    INSERT INTO reconciliation_break (kind, subject, difference_kopecks, message_id, statement, opened_at)
    SELECT 'balance_differs', concat_ws('/', 'opening', message_id, number), difference, message_id, number,
        CAST(:now AS timestamptz)
    FROM found WHERE difference <> 0
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - constants of this module; values are bound
)
ABSENCES_COMPARED: Final = text(
    f"""
    UPDATE bank_statement SET absences_compared_at = :now
    WHERE (message_id, number) IN (SELECT s.message_id, s.number FROM {_OVER})
    """  # noqa: S608 - constants of this module; values are bound
)
_EXPLAIN: Final = """
    UPDATE reconciliation_break AS b SET stands = false,
        state = CASE WHEN b.state = 'resolved' THEN b.state ELSE 'explained' END,
        closed_at = coalesce(b.closed_at, :now), explained_by = {by}
"""
_RETURNING: Final = "RETURNING b.break_id, b.kind, b.state"
_LATE: Final = """
    WITH late AS (
        SELECT DISTINCT ON (b.break_id) b.break_id AS of_break,
            concat_ws('/', 'line', l.message_id, l.statement, l.number) AS named
        FROM reconciliation_break AS b
            JOIN bank_statement_line AS l ON l.payment_id = b.payment_id OR l.withdrawal_id = b.withdrawal_id
            JOIN incoming_message AS m ON m.message_id = l.message_id
        WHERE b.stands AND b.kind = 'in_ledger_not_at_bank' AND m.state = 'taken_in' AND NOT l.pending
        ORDER BY b.break_id, l.message_id, l.statement, l.number
    )
"""
EXPLAINED: Final = (
    # A line that was entered after all.
    text(
        _EXPLAIN.format(by="'entry/' || coalesce(p.entry_seq, w.entry_seq)")
        + f"""
        FROM bank_statement_line AS l LEFT JOIN incoming_payment AS p USING (payment_id)
            LEFT JOIN withdrawal AS w USING (withdrawal_id)
        WHERE b.stands AND b.kind = 'at_bank_not_in_ledger' AND (l.message_id, l.statement, l.number)
            = (b.message_id, b.statement, b.line) AND NOT {_DIFFERS} {_RETURNING}
        """
    ),
    # An entry that a late line names.
    text(_LATE + _EXPLAIN.format(by="late.named") + f" FROM late WHERE b.break_id = late.of_break {_RETURNING}"),
)
BOOKS: Final = text(
    """
    INSERT INTO reconciliation_break (kind, subject, difference_kopecks, payment_id, withdrawal_id, entry_seq,
        opened_at)
    SELECT 'books_differ', f.*, CAST(:now AS timestamptz)
    FROM unnest(CAST(:subject AS text[]), CAST(:difference_kopecks AS bigint[]),
        CAST(:payment_id AS uuid[]), CAST(:withdrawal_id AS uuid[]), CAST(:entry_seq AS bigint[])) AS f
    ON CONFLICT DO NOTHING
    """
)
BOOKS_AGREE: Final = text(
    _EXPLAIN.format(by="'entry/' || b.entry_seq")
    + f"""
    WHERE b.stands AND b.kind = 'books_differ' AND b.entry_seq = ANY(CAST(:seqs AS bigint[]))
        AND b.subject <> ALL(CAST(:still AS text[])) {_RETURNING}
    """
)
# What other breaks account for of a difference of sums; deals, payouts and shares move nothing at the bank.
OF_SUMS: Final = text(
    """
    SELECT coalesce(sum(difference_kopecks) FILTER (WHERE subject <> :subject
            AND subject NOT LIKE ALL (ARRAY['deal/%', 'payout/%', 'share/%'])
            AND (:subject <> 'books' OR kind = 'books_differ')), 0)::bigint AS of_rows,
        coalesce(sum(difference_kopecks) FILTER (WHERE subject = :subject AND state = 'resolved'), 0)::bigint
            AS resolved
    FROM reconciliation_break WHERE stands
    """
)
# Another difference than was proposed to be let be is a new question.
SUMS_DIFFER: Final = text(
    """
    INSERT INTO reconciliation_break (kind, subject, difference_kopecks, opened_at)
    VALUES (:kind, :subject, :difference, :now)
    ON CONFLICT (kind, subject) WHERE stands AND NOT (subject IN ('balance', 'books') AND state = 'resolved')
    DO UPDATE SET difference_kopecks = excluded.difference_kopecks, state = 'open', proposed_by = NULL,
        proposed_at = NULL, reason = NULL, document_sha256 = NULL
    WHERE reconciliation_break.difference_kopecks <> excluded.difference_kopecks
    """
)
SUMS_AGREE: Final = text(
    _EXPLAIN.format(by=":by")
    + f"""
    WHERE b.stands AND b.subject = :subject AND (CAST(:all_of_them AS boolean) OR b.state <> 'resolved') {_RETURNING}
    """
)
WALKED: Final = text("SELECT next_seq FROM ledger_walk FOR UPDATE")
WALK_ON: Final = text("UPDATE ledger_walk SET next_seq = :next")
# By the references that the entries have as their basis (`use_cases.entries`).
BANK_ROWS: Final = text(
    """
    SELECT 'bank_credit/' || bank_id AS reference, amount_kopecks AS bank_kopecks, payment_id,
        CAST(NULL AS uuid) AS withdrawal_id
    FROM incoming_payment WHERE bank_id = ANY(CAST(:bank_ids AS text[])) AND state NOT IN ('received', 'verified')
    UNION ALL
    SELECT 'withdrawal/' || withdrawal_id, -amount_kopecks, NULL, withdrawal_id
    FROM withdrawal WHERE withdrawal_id = ANY(CAST(:withdrawals AS uuid[])) AND state = 'confirmed'
    """
)
# On the escrow rail the entry moves units only: the money is at the bank, beside the nominal account.
DEAL_ROWS: Final = text(
    """
    SELECT entry_seq, units, cost_kopecks AS kopecks FROM unit_lot WHERE entry_seq >= :start AND entry_seq < :stop
    UNION ALL
    SELECT p.entry_seq, sum(p.units)::bigint,
        sum(CASE d.rail WHEN 'nominal' THEN p.amount_kopecks ELSE 0 END)::bigint
    FROM dvp_part AS p JOIN dvp_instruction AS d USING (instruction_id)
    WHERE p.entry_seq >= :start AND p.entry_seq < :stop GROUP BY p.entry_seq
    """
)
# The row of a payout names the last of its entries: what the others paid is taken off. What an issuer withholds stays
# its own money.
PAYOUT_ROWS: Final = text(
    """
    SELECT p.entry_seq, p.extinguished_units - coalesce(o.units, 0) AS units,
        p.gross_kopecks - p.tax_kopecks - coalesce(o.net, 0) AS kopecks,
        CASE p.agent WHEN 'operator' THEN p.tax_kopecks ELSE 0 END - coalesce(o.tax, 0) AS tax
    FROM payout AS p LEFT JOIN LATERAL (
        SELECT sum(l.extinguished_units)::bigint AS units, sum(l.net_kopecks)::bigint AS net,
            sum(l.tax_kopecks)::bigint AS tax
        FROM payout_line AS l
        WHERE l.action_id = p.action_id AND l.part = p.part AND l.wallet_id = p.wallet_id
    ) AS o ON true
    WHERE p.entry_seq >= :start AND p.entry_seq < :stop
    UNION ALL
    SELECT entry_seq, extinguished_units, net_kopecks, tax_kopecks FROM payout_line
    WHERE entry_seq >= :start AND entry_seq < :stop
    UNION ALL
    SELECT entry_seq, 0, 0, collected_kopecks FROM tax_correction
    WHERE state = 'collected' AND entry_seq >= :start AND entry_seq < :stop
    """
)
PAYOUTS_FROM: Final = text("SELECT payouts_from FROM ledger_walk")
STANDING_ENTRIES: Final = text(
    """
    SELECT DISTINCT entry_seq FROM reconciliation_break
    WHERE stands AND kind = 'books_differ' AND entry_seq IS NOT NULL ORDER BY 1 LIMIT :limit
    """
)
# Money that was sent back came all the same: what went is a withdrawal.
BOOKS_SUM: Final = text(
    """
    SELECT (SELECT coalesce(sum(amount_kopecks), 0) FROM incoming_payment WHERE state NOT IN ('received', 'verified'))
        - (SELECT coalesce(sum(amount_kopecks), 0) FROM withdrawal WHERE state = 'confirmed') AS kopecks
    """
)
