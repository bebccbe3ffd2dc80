"""The БИК directory by editions; raw messages of the bank, their statements and lines."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    """
    CREATE TABLE bank_directory_version (
        version_id uuid PRIMARY KEY,
        number integer NOT NULL UNIQUE,
        business_on date NOT NULL,
        file_sha256 text NOT NULL UNIQUE,
        bank_count integer NOT NULL,
        account_count integer NOT NULL,
        restricted_count integer NOT NULL,
        deviation_count integer NOT NULL,
        state text NOT NULL CHECK (state IN ('in_force', 'superseded')),
        loaded_by text NOT NULL,
        loaded_at timestamptz NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX bank_directory_in_force ON bank_directory_version (state) WHERE state = 'in_force'",
    """
    CREATE TABLE bank_directory_bank (
        version_id uuid NOT NULL REFERENCES bank_directory_version,
        bic text NOT NULL,
        name text NOT NULL,
        kind text NOT NULL,
        status text NOT NULL,
        opened_on date,
        closed_on date,
        restrictions text NOT NULL,
        PRIMARY KEY (version_id, bic)
    )
    """,
    # Account numbers repeat, between participants and within one: nothing here is unique.
    """
    CREATE TABLE bank_directory_account (
        version_id uuid NOT NULL,
        bic text NOT NULL,
        account text NOT NULL,
        kind text NOT NULL,
        held_at_bic text NOT NULL,
        status text NOT NULL,
        opened_on date,
        closed_on date,
        restrictions text NOT NULL,
        FOREIGN KEY (version_id, bic) REFERENCES bank_directory_bank
    )
    """,
    "CREATE INDEX bank_directory_account_bank ON bank_directory_account (version_id, bic)",
    """
    CREATE TABLE incoming_message (
        message_id uuid PRIMARY KEY,
        raw_sha256 text NOT NULL UNIQUE,
        raw_bytes bigint NOT NULL,
        format text NOT NULL,
        told_id text NOT NULL,
        content_sha256 text NOT NULL,
        signature_outcome text NOT NULL CHECK (signature_outcome IN ('valid', 'invalid', 'indeterminate', 'absent')),
        signature_sha256 text,
        signature_reasons text NOT NULL,
        state text NOT NULL CHECK (state IN ('taken_in', 'parked', 'refused')),
        reason text,
        statement_count integer NOT NULL,
        line_count integer NOT NULL,
        deviation_count integer NOT NULL,
        deviations text NOT NULL,
        received_by text NOT NULL,
        received_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX incoming_message_told ON incoming_message (told_id) WHERE told_id <> ''",
    "CREATE INDEX incoming_message_content ON incoming_message (content_sha256)",
    """
    CREATE TABLE bank_statement (
        message_id uuid NOT NULL REFERENCES incoming_message,
        number integer NOT NULL,
        statement_id text NOT NULL,
        kind text NOT NULL,
        account text NOT NULL,
        currency text NOT NULL,
        sequence_number bigint,
        from_on date,
        to_on date,
        opening_kopecks bigint,
        closing_kopecks bigint,
        PRIMARY KEY (message_id, number)
    )
    """,
    "CREATE INDEX bank_statement_account ON bank_statement (account, to_on)",
    """
    CREATE TABLE bank_statement_line (
        message_id uuid NOT NULL,
        statement integer NOT NULL,
        number integer NOT NULL,
        side text NOT NULL CHECK (side IN ('credit', 'debit')),
        amount_kopecks bigint NOT NULL,
        booked_on date,
        bank_id text NOT NULL,
        end_to_end_id text NOT NULL,
        payer_account text NOT NULL,
        payer_name text NOT NULL,
        purpose text NOT NULL,
        pending boolean NOT NULL,
        result text NOT NULL DEFAULT 'open' CHECK (result IN
            ('open', 'pending', 'top_up', 'withdrawal', 'booked', 'altered', 'refused', 'unexplained')),
        payment_id uuid,
        withdrawal_id uuid,
        PRIMARY KEY (message_id, statement, number),
        FOREIGN KEY (message_id, statement) REFERENCES bank_statement
    )
    """,
    "CREATE INDEX bank_statement_line_payment ON bank_statement_line (payment_id) WHERE payment_id IS NOT NULL",
    "CREATE INDEX bank_statement_line_bank_id ON bank_statement_line (bank_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
