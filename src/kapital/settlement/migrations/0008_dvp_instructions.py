"""Delivery-versus-payment instructions, the batches in which two persons agree to them, links, and entered parts."""

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = (
    """
    CREATE TABLE dvp_batch (
        batch_id uuid PRIMARY KEY,
        content_sha256 text NOT NULL CHECK (content_sha256 ~ '^[0-9a-f]{64}$'),
        state text NOT NULL CHECK (state IN ('instructed', 'approved', 'rejected')),
        instructions integer NOT NULL CHECK (instructions BETWEEN 1 AND 1000),
        instructed_by text NOT NULL,
        instructed_at timestamptz NOT NULL,
        decided_by text,
        decided_at timestamptz,
        CHECK (decided_by IS NULL OR decided_by <> instructed_by),
        CHECK ((state = 'instructed') = (decided_by IS NULL))
    )
    """,
    # `settling_*`: what the ledger is being asked to enter, kept before it is asked. What has one `settling_id`
    # stands or falls together, in one ledger transaction. What was rolled back never moved a unit.
    """
    CREATE TABLE dvp_instruction (
        instruction_id uuid PRIMARY KEY,
        batch_id uuid NOT NULL REFERENCES dvp_batch,
        item integer NOT NULL,
        reference text NOT NULL UNIQUE,
        asset_id uuid NOT NULL,
        issue_id uuid NOT NULL,
        seller_wallet_id uuid NOT NULL,
        buyer_wallet_id uuid NOT NULL CHECK (buyer_wallet_id <> seller_wallet_id),
        units bigint NOT NULL CHECK (units > 0),
        amount_kopecks bigint NOT NULL CHECK (amount_kopecks > 0),
        rail text NOT NULL CHECK (rail IN ('nominal', 'escrow')),
        is_held boolean NOT NULL,
        priority smallint NOT NULL CHECK (priority BETWEEN 1 AND 4),
        is_partial_allowed boolean NOT NULL,
        intended_on date NOT NULL,
        cut_off_at timestamptz NOT NULL,
        state text NOT NULL,
        settled_units bigint NOT NULL DEFAULT 0 CHECK (settled_units BETWEEN 0 AND units),
        settled_kopecks bigint NOT NULL DEFAULT 0 CHECK (settled_kopecks BETWEEN 0 AND amount_kopecks),
        settling_id uuid,
        settling_units bigint CHECK (settling_units BETWEEN 1 AND units - settled_units),
        settling_kopecks bigint CHECK (settling_kopecks BETWEEN 1 AND amount_kopecks - settled_kopecks),
        reason text,
        end_code text,
        entry_seq bigint,
        row_version integer NOT NULL DEFAULT 1,
        changed_at timestamptz NOT NULL,
        CHECK (state <> 'rolled_back' OR settled_units = 0),
        CHECK (state <> 'settled' OR settled_units > 0),
        CHECK ((settling_id IS NULL) = (settling_units IS NULL)),
        CHECK ((settling_id IS NULL) = (settling_kopecks IS NULL)),
        UNIQUE (batch_id, item)
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE INDEX dvp_instruction_due ON dvp_instruction (priority, intended_on, instruction_id)
        WHERE state = 'prechecked' AND NOT is_held
    """,
    "CREATE INDEX dvp_instruction_cut_off ON dvp_instruction (cut_off_at) WHERE state = 'prechecked'",
    """
    CREATE INDEX dvp_instruction_open ON dvp_instruction (state, instruction_id)
        WHERE state NOT IN ('new', 'prechecked', 'settled', 'rolled_back')
    """,
    # BEFORE is kept as AFTER of the other.
    """
    CREATE TABLE dvp_link (
        instruction_id uuid NOT NULL REFERENCES dvp_instruction,
        kind text NOT NULL CHECK (kind IN ('after', 'with')),
        other_id uuid NOT NULL REFERENCES dvp_instruction,
        PRIMARY KEY (instruction_id, kind, other_id),
        CHECK (instruction_id <> other_id)
    )
    """,
    "CREATE INDEX dvp_link_other ON dvp_link (other_id)",
    """
    CREATE TABLE dvp_part (
        instruction_id uuid NOT NULL REFERENCES dvp_instruction,
        settling_id uuid NOT NULL,
        units bigint NOT NULL CHECK (units > 0),
        amount_kopecks bigint NOT NULL CHECK (amount_kopecks > 0),
        entry_seq bigint NOT NULL,
        recorded_at timestamptz NOT NULL,
        PRIMARY KEY (instruction_id, settling_id)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
