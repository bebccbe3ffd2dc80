"""The escrow rail: whose bank accounts, how far each instruction is at the bank and in the register, and reviews."""

from alembic import op

revision = "0011"
down_revision = "0010"

STATEMENTS = (
    # One row for each instruction of the escrow rail, kept with it. `reference` is the bank's id of the hold.
    """
    CREATE TABLE dvp_escrow (
        instruction_id uuid PRIMARY KEY REFERENCES dvp_instruction,
        reference text NOT NULL UNIQUE,
        buyer_bic text NOT NULL,
        buyer_account text NOT NULL,
        seller_bic text NOT NULL,
        seller_account text NOT NULL,
        release_try integer NOT NULL DEFAULT 1,
        entry_try integer NOT NULL DEFAULT 1,
        lock_seq bigint,
        is_lock_asked boolean NOT NULL DEFAULT false,
        is_unlocked boolean NOT NULL DEFAULT false,
        is_reserve_asked boolean NOT NULL DEFAULT false,
        is_release_sent boolean NOT NULL DEFAULT false,
        is_free_by_statement boolean NOT NULL DEFAULT false,
        bank_state text,
        bank_reason text,
        applied_number integer NOT NULL DEFAULT 0,
        asked_at timestamptz NOT NULL
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE INDEX dvp_instruction_escrow ON dvp_instruction (state)
        WHERE rail = 'escrow' AND state NOT IN ('new', 'settled', 'rolled_back')
    """,
    # What the bank told of a hold; `applied_at` once it and all before it have been acted on.
    """
    CREATE TABLE escrow_notice (
        notice_id text PRIMARY KEY,
        cursor bigint NOT NULL,
        reference text NOT NULL,
        number integer NOT NULL CHECK (number > 0),
        state text NOT NULL,
        told_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL,
        applied_at timestamptz
    )
    """,
    "CREATE INDEX escrow_notice_waiting ON escrow_notice (reference, number) WHERE applied_at IS NULL",
    "CREATE TABLE escrow_cursor (one boolean PRIMARY KEY DEFAULT true CHECK (one), cursor bigint NOT NULL)",
    "INSERT INTO escrow_cursor (cursor) VALUES (0)",
    """
    CREATE TABLE dvp_review (
        review_id uuid PRIMARY KEY,
        instruction_id uuid NOT NULL REFERENCES dvp_instruction,
        row_version integer NOT NULL,
        outcome text NOT NULL CHECK (outcome IN
            ('reserve_found', 'reserve_absent', 'release_again', 'release_found')),
        basis text NOT NULL,
        statement_sha256 text NOT NULL CHECK (statement_sha256 ~ '^[0-9a-f]{64}$'),
        statement_kind text NOT NULL CHECK (statement_kind IN ('bank_message', 'file')),
        seller_bic text,
        seller_account text,
        content_sha256 text NOT NULL CHECK (content_sha256 ~ '^[0-9a-f]{64}$'),
        state text NOT NULL CHECK (state IN ('proposed', 'approved', 'rejected')),
        proposed_by text NOT NULL,
        proposed_at timestamptz NOT NULL,
        decided_by text,
        decided_at timestamptz,
        CHECK (decided_by IS NULL OR decided_by <> proposed_by),
        CHECK ((state = 'proposed') = (decided_by IS NULL)),
        CHECK ((seller_bic IS NULL) = (seller_account IS NULL))
    )
    """,
    "CREATE UNIQUE INDEX dvp_review_open ON dvp_review (instruction_id) WHERE state = 'proposed'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
