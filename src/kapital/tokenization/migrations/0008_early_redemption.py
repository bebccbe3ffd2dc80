"""Early redemption: what an early action knows, and the instructions of holders whose units it ends."""

from alembic import op

revision = "0008"
down_revision = "0007"

_STATEMENTS = (
    "ALTER TABLE corporate_action ADD COLUMN early jsonb",
    # Few issues end early: the schedule looks at these actions only.
    "CREATE INDEX action_early ON corporate_action (issue_id, state) WHERE early IS NOT NULL",
    """
    CREATE TABLE redemption_instruction (
        instruction_id uuid PRIMARY KEY,
        action_id uuid NOT NULL REFERENCES corporate_action,
        issue_id uuid NOT NULL,
        participant_id uuid NOT NULL,
        wallet_id uuid NOT NULL,
        units bigint NOT NULL CHECK (units > 0),
        state text NOT NULL,
        version bigint NOT NULL,
        actor_id text NOT NULL,
        command_id text NOT NULL,
        fingerprint text NOT NULL,
        created_at timestamptz NOT NULL,
        act_file_sha256 text,
        lock_seq bigint,
        locked_at timestamptz,
        refusal_code text,
        refusal_facts jsonb,
        taken_units bigint NOT NULL DEFAULT 0,
        release_units bigint NOT NULL DEFAULT 0,
        release_seq bigint,
        UNIQUE (actor_id, command_id),
        CHECK (taken_units BETWEEN 0 AND units AND release_units BETWEEN 0 AND units)
    )
    """,
    "CREATE INDEX instruction_action ON redemption_instruction (action_id, state)",
    "CREATE INDEX instruction_participant ON redemption_instruction (participant_id, instruction_id)",
    "CREATE INDEX instruction_asked ON redemption_instruction (instruction_id) WHERE state = 'asked'",
    """
    CREATE INDEX instruction_release_due ON redemption_instruction (instruction_id)
        WHERE release_units > 0 AND release_seq IS NULL
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
