"""Brokers, and what participants let them do: mandates of a principal to a broker."""

from alembic import op

from kapital.platform.row_versions import count_changes_of

revision = "0013"
down_revision = "0012"

_STATEMENTS = (
    "ALTER TABLE participant_status DROP CONSTRAINT participant_status_status_check",
    """
    ALTER TABLE participant_status ADD CONSTRAINT participant_status_status_check CHECK (status IN (
        'investor', 'issuer', 'nominee', 'broker', 'qualified_by_law', 'qualified_by_recognition',
        'investor_test_passed'
    ))
    """,
    # A term that is over needs no writing: `ended_at` is set by somebody's act, or when a new one takes its place.
    """
    CREATE TABLE mandate (
        mandate_id uuid PRIMARY KEY,
        principal_id uuid NOT NULL REFERENCES participant,
        broker_id uuid NOT NULL REFERENCES participant CHECK (broker_id <> principal_id),
        powers text[] NOT NULL CHECK (cardinality(powers) > 0 AND powers <@ ARRAY['place_orders', 'withdraw_orders']),
        order_limit_kopecks bigint NOT NULL CHECK (order_limit_kopecks > 0),
        day_limit_kopecks bigint NOT NULL CHECK (day_limit_kopecks >= order_limit_kopecks),
        valid_until timestamptz NOT NULL CHECK (valid_until > given_at),
        text_sha256 text NOT NULL CHECK (text_sha256 ~ '^[0-9a-f]{64}$'),
        given_by text NOT NULL,
        given_at timestamptz NOT NULL,
        given_act_sha256 text CHECK (given_act_sha256 ~ '^[0-9a-f]{64}$'),
        accepted_by text,
        accepted_at timestamptz CHECK (accepted_at >= given_at),
        accepted_act_sha256 text CHECK (accepted_act_sha256 ~ '^[0-9a-f]{64}$'),
        ended_by text,
        ended_at timestamptz CHECK (ended_at >= given_at),
        "end" text CHECK ("end" IN ('by_principal', 'by_broker', 'term_over', 'participant_left', 'role_lost')),
        CHECK ((accepted_at IS NULL) = (accepted_by IS NULL)),
        CHECK ((ended_at IS NULL) = ("end" IS NULL) AND (ended_at IS NULL) = (ended_by IS NULL))
    )
    """,
    # An order names its principal and no mandate: one at a time holds between the two, whatever two processes do.
    "CREATE UNIQUE INDEX mandate_living ON mandate (principal_id, broker_id) WHERE ended_at IS NULL",
    "CREATE INDEX mandate_of_principal ON mandate (principal_id, mandate_id)",
    "CREATE INDEX mandate_of_broker ON mandate (broker_id, mandate_id)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
    count_changes_of(op, "mandate")
