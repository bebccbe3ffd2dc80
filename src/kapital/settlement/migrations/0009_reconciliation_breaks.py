"""Breaks between bank, register and our own books: one row each, with what it names, how it ages and how it ends."""

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS = (
    """
    CREATE TABLE reconciliation_break (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        break_id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
        kind text NOT NULL CHECK (kind IN ('at_bank_not_in_ledger', 'in_ledger_not_at_bank', 'amount_differs',
            'doubled', 'balance_differs', 'books_differ')),
        subject text NOT NULL,
        difference_kopecks bigint NOT NULL,
        message_id uuid REFERENCES incoming_message,
        statement integer,
        line integer,
        bank_id text,
        payment_id uuid,
        withdrawal_id uuid,
        entry_seq bigint,
        state text NOT NULL DEFAULT 'open'
            CHECK (state IN ('open', 'explained', 'resolution_proposed', 'resolved')),
        stands boolean NOT NULL DEFAULT true,
        opened_at timestamptz NOT NULL,
        explained_by text,
        closed_at timestamptz,
        proposed_by text,
        proposed_at timestamptz,
        reason text,
        document_sha256 text CHECK (document_sha256 ~ '^[0-9a-f]{64}$'),
        decided_by text,
        CHECK ((state IN ('explained', 'resolved')) = (closed_at IS NOT NULL)),
        CHECK (state <> 'open' OR (proposed_by IS NULL AND reason IS NULL)),
        CHECK (state <> 'resolved' OR decided_by <> proposed_by),
        CHECK (state <> 'explained' OR NOT stands)
    )
    """,
    # The same finding is one break until it is explained; after that it may come up again. A difference of sums that
    # was resolved stands beside a new one.
    """
    CREATE UNIQUE INDEX reconciliation_break_once ON reconciliation_break (kind, subject)
        WHERE stands AND NOT (subject IN ('balance', 'books') AND state = 'resolved')
    """,
    """
    CREATE INDEX reconciliation_break_open ON reconciliation_break (seq)
        WHERE state IN ('open', 'resolution_proposed')
    """,
    "ALTER TABLE reconciliation ADD COLUMN books_kopecks bigint",
    "ALTER TABLE incoming_message ADD COLUMN lines_compared_at timestamptz",
    """
    CREATE INDEX incoming_message_to_compare ON incoming_message (message_id)
        WHERE state = 'taken_in' AND lines_compared_at IS NULL
    """,
    "ALTER TABLE bank_statement ADD COLUMN absences_compared_at timestamptz",
    """
    CREATE INDEX bank_statement_to_compare ON bank_statement (to_on)
        WHERE kind = 'statement' AND absences_compared_at IS NULL
    """,
    "CREATE INDEX incoming_payment_credited ON incoming_payment (credited_at)",
    "CREATE INDEX withdrawal_confirmed ON withdrawal (changed_at) WHERE state = 'confirmed'",
    "CREATE INDEX unit_lot_entry ON unit_lot (entry_seq)",
    """
    CREATE INDEX bank_statement_line_withdrawal ON bank_statement_line (withdrawal_id)
        WHERE withdrawal_id IS NOT NULL
    """,
    "ALTER TABLE bank_statement_line ADD COLUMN payee_account text NOT NULL DEFAULT ''",
    "ALTER TABLE bank_statement_line DROP CONSTRAINT bank_statement_line_result_check",
    """
    ALTER TABLE bank_statement_line ADD CONSTRAINT bank_statement_line_result_check CHECK (result IN
        ('open', 'pending', 'top_up', 'withdrawal', 'booked', 'altered', 'doubled', 'refused', 'unexplained'))
    """,
    "CREATE TABLE ledger_walk (one boolean PRIMARY KEY DEFAULT true CHECK (one), next_seq bigint NOT NULL)",
    # Lots are known since 0006 only: what was entered before this revision is compared by sums, not row by row.
    """
    INSERT INTO ledger_walk (next_seq) SELECT coalesce(max(entry_seq) + 1, 0) FROM (
        SELECT entry_seq FROM incoming_payment UNION ALL SELECT entry_seq FROM withdrawal
        UNION ALL SELECT entry_seq FROM unit_lot UNION ALL SELECT entry_seq FROM payout) AS known
    """,
    # A difference that stops withdrawals now stops them across the upgrade as well.
    """
    INSERT INTO reconciliation_break (kind, subject, difference_kopecks, opened_at)
    SELECT 'balance_differs', 'balance', difference_kopecks, at FROM reconciliation
    WHERE seq = (SELECT max(seq) FROM reconciliation) AND difference_kopecks <> 0
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
