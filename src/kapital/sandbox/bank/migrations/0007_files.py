"""The bank by files: orders that were taken, what is to be laid down, and how far notices and statements are."""

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    "ALTER TABLE credit ADD COLUMN statement_number bigint",
    "ALTER TABLE payout ADD COLUMN statement_number bigint",
    """
    CREATE TABLE file_desk (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        account text NOT NULL,
        bic text NOT NULL,
        told_cursor bigint NOT NULL DEFAULT 0,
        statement_number bigint NOT NULL DEFAULT 0,
        closing_kopecks bigint NOT NULL DEFAULT 0,
        open_on date NOT NULL,
        written bigint NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE TABLE file_request (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('statement', 'report'))
    )
    """,
    """
    CREATE TABLE file_order (
        sha256 text PRIMARY KEY,
        name text NOT NULL,
        content bytea NOT NULL,
        taken_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE file_payment (
        reference text PRIMARY KEY,
        message_id text NOT NULL,
        payment_order jsonb NOT NULL,
        told text NOT NULL
    )
    """,
    # A message is due at an instant; one that a script holds back has none until another is said.
    """
    CREATE TABLE file_message (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        kind text NOT NULL,
        content bytea NOT NULL,
        signature bytea NOT NULL,
        due_at timestamptz,
        name text UNIQUE,
        written_at timestamptz
    )
    """,
    "CREATE INDEX file_message_due ON file_message (due_at, id) WHERE written_at IS NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
