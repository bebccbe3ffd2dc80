"""A bank that is spoken to by files: orders that were written for it, and the credits that its notices tell."""

from alembic import op

revision = "0017"
down_revision = "0016"

STATEMENTS = (
    "ALTER TABLE incoming_message DROP CONSTRAINT incoming_message_state_check",
    """
    ALTER TABLE incoming_message ADD CONSTRAINT incoming_message_state_check
        CHECK (state IN ('taken_in', 'noticed', 'parked', 'refused'))
    """,
    "ALTER TABLE bank_statement_line ADD COLUMN payer_bic text NOT NULL DEFAULT ''",
    "ALTER TABLE bank_statement_line ADD COLUMN document_number text NOT NULL DEFAULT ''",
    "ALTER TABLE bank_statement_line ADD COLUMN document_on date",
    # What became of an order is asked by our reference, or in a format without one by its document.
    """
    CREATE INDEX bank_statement_line_reference ON bank_statement_line (end_to_end_id)
        WHERE side = 'debit' AND end_to_end_id <> ''
    """,
    """
    CREATE INDEX bank_statement_line_document ON bank_statement_line (payee_account, document_on)
        WHERE side = 'debit' AND end_to_end_id = ''
    """,
    # The bytes are kept before they are laid before the bank: what is laid there again is the same order.
    """
    CREATE TABLE bank_file_order (
        reference text PRIMARY KEY,
        number integer NOT NULL CHECK (number BETWEEN 1 AND 999999),
        drawn_on date NOT NULL,
        amount_kopecks bigint NOT NULL CHECK (amount_kopecks > 0),
        payee_bic text NOT NULL,
        payee_account text NOT NULL,
        returns_bank_id text,
        purpose text NOT NULL,
        file_name text NOT NULL UNIQUE,
        content bytea NOT NULL,
        state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'executed', 'rejected')),
        reason text,
        ended_by uuid REFERENCES incoming_message,
        written_at timestamptz NOT NULL,
        staged_at timestamptz,
        handed_at timestamptz,
        ended_at timestamptz,
        UNIQUE (drawn_on, number)
    )
    """,
    "CREATE INDEX bank_file_order_executed ON bank_file_order (reference) WHERE state = 'executed'",
    """
    CREATE TABLE bank_file_credit (
        cursor bigint PRIMARY KEY,
        message_id uuid NOT NULL,
        statement integer NOT NULL,
        number integer NOT NULL,
        UNIQUE (message_id, statement, number),
        FOREIGN KEY (message_id, statement, number) REFERENCES bank_statement_line
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
