"""Beneficiaries, incoming payments, withdrawals, settled instructions, comparisons with the bank."""

from alembic import op

from kapital.platform.migrations_base import create_platform_tables

revision = "0001"
down_revision = None

STATEMENTS = (
    """
    CREATE TABLE beneficiary (
        wallet_id uuid PRIMARY KEY,
        participant_id uuid NOT NULL,
        top_up_code text NOT NULL UNIQUE,
        registered_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX beneficiary_participant ON beneficiary (participant_id)",
    "CREATE TABLE bank_feed (one boolean PRIMARY KEY DEFAULT true CHECK (one), cursor bigint NOT NULL)",
    "INSERT INTO bank_feed (cursor) VALUES (0)",
    """
    CREATE TABLE incoming_payment (
        payment_id uuid PRIMARY KEY,
        bank_id text NOT NULL UNIQUE,
        bank_cursor bigint NOT NULL,
        amount_kopecks bigint NOT NULL CHECK (amount_kopecks > 0),
        purpose text NOT NULL,
        payer_account text NOT NULL,
        payer_name text NOT NULL,
        credited_at timestamptz NOT NULL,
        content_sha256 text NOT NULL,
        state text NOT NULL CHECK (state IN ('received', 'verified', 'matched', 'unidentified', 'returned')),
        wallet_id uuid NOT NULL,
        reason text,
        entry_seq bigint,
        kept_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        CHECK ((state IN ('received', 'verified')) = (entry_seq IS NULL))
    )
    """,
    "CREATE INDEX incoming_payment_content ON incoming_payment (content_sha256)",
    "CREATE INDEX incoming_payment_unbooked ON incoming_payment (payment_id) WHERE state = 'verified'",
    "CREATE INDEX incoming_payment_state ON incoming_payment (state, payment_id)",
    # What the bank told and was not booked. Of an unreadable notice only its place in the bank's list is kept.
    """
    CREATE TABLE refused_notice (
        bank_cursor bigint PRIMARY KEY,
        bank_id text,
        reason text NOT NULL CHECK (reason IN ('altered', 'malformed')),
        seen_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX refused_notice_bank_id ON refused_notice (bank_id)",
    """
    CREATE TABLE withdrawal (
        withdrawal_id uuid PRIMARY KEY,
        requested_by text NOT NULL,
        command_id text NOT NULL,
        item integer NOT NULL,
        wallet_id uuid NOT NULL REFERENCES beneficiary,
        amount_kopecks bigint NOT NULL CHECK (amount_kopecks > 0),
        bic text NOT NULL,
        account text NOT NULL,
        state text NOT NULL CHECK (state IN
            ('requested', 'refused', 'checked', 'sent', 'unknown', 'rejected', 're_credited', 'confirmed')),
        reason text,
        entry_seq bigint,
        requested_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        asked_at timestamptz NOT NULL,
        UNIQUE (requested_by, command_id, item)
    )
    """,
    """
    CREATE INDEX withdrawal_open ON withdrawal (state, asked_at, withdrawal_id)
        WHERE state IN ('requested', 'checked', 'sent', 'unknown', 'rejected')
    """,
    "CREATE INDEX withdrawal_wallet ON withdrawal (wallet_id, withdrawal_id)",
    """
    CREATE TABLE settlement_job (
        kind text NOT NULL CHECK (kind IN ('allocation', 'payouts')),
        subject_id uuid NOT NULL,
        part integer NOT NULL,
        content_sha256 text NOT NULL,
        state text NOT NULL,
        lines integer NOT NULL,
        attempts integer NOT NULL,
        changed_at timestamptz NOT NULL,
        PRIMARY KEY (kind, subject_id, part)
    )
    """,
    """
    CREATE TABLE reconciliation (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        reconciliation_id uuid NOT NULL UNIQUE,
        at timestamptz NOT NULL,
        bank_kopecks bigint NOT NULL,
        beneficiaries_kopecks bigint NOT NULL,
        unidentified_kopecks bigint NOT NULL,
        in_transit_kopecks bigint NOT NULL,
        difference_kopecks bigint GENERATED ALWAYS AS
            (bank_kopecks - beneficiaries_kopecks - unidentified_kopecks - in_transit_kopecks) STORED
    )
    """,
    """
    CREATE TRIGGER reconciliation_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reconciliation
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)


def upgrade() -> None:
    create_platform_tables(op)
    for statement in STATEMENTS:
        op.execute(statement)
