"""What two persons decide about a parked message of the bank; objects of such decisions count their changes."""

from alembic import op

from kapital.platform.row_versions import count_changes_of

revision = "0018"
down_revision = "0017"

STATEMENTS = (
    """
    ALTER TABLE incoming_message DROP CONSTRAINT incoming_message_state_check,
        ADD CONSTRAINT incoming_message_state_check
            CHECK (state IN ('taken_in', 'noticed', 'parked', 'refused', 'set_aside'))
    """,
    """
    CREATE TABLE message_decision (
        decision_id uuid PRIMARY KEY,
        message_id uuid NOT NULL REFERENCES incoming_message,
        kind text NOT NULL CHECK (kind IN ('book', 'set_aside')),
        raw_sha256 text NOT NULL CHECK (raw_sha256 ~ '^[0-9a-f]{64}$'),
        parked_for text NOT NULL,
        reason text NOT NULL,
        document_sha256 text CHECK (document_sha256 ~ '^[0-9a-f]{64}$'),
        state text NOT NULL CHECK (state IN ('proposed', 'rejected', 'approved', 'done')),
        proposed_by text NOT NULL,
        proposed_at timestamptz NOT NULL,
        decided_by text,
        decided_at timestamptz,
        CHECK (decided_by IS NULL OR decided_by <> proposed_by),
        CHECK ((state = 'proposed') = (decided_by IS NULL))
    )
    """,
    "CREATE UNIQUE INDEX message_decision_open ON message_decision (message_id) WHERE state <> 'rejected'",
    "CREATE INDEX message_decision_approved ON message_decision (decision_id) WHERE state = 'approved'",
    "CREATE INDEX message_decision_of_message ON message_decision (message_id, decision_id)",
    "CREATE INDEX incoming_message_parked ON incoming_message (message_id) WHERE state = 'parked'",
    # A review has a version of its own; this is the instruction's, as the proposal has seen it.
    "ALTER TABLE dvp_review RENAME COLUMN row_version TO instruction_version",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    count_changes_of(
        op,
        *("incoming_message", "money_decision", "dvp_review", "dvp_batch", "reconciliation_break", "tax_residency"),
    )
