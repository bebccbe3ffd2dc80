"""What the HTTP interface keeps: answers by key, beneficiaries with their shares, holds, deals, faults, messages."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
    CREATE TABLE reply (
        key text PRIMARY KEY,
        request_sha256 text NOT NULL,
        status integer NOT NULL,
        answer bytea NOT NULL
    )
    """,
    """
    CREATE TABLE beneficiary (
        beneficiary_id text PRIMARY KEY,
        kind text NOT NULL,
        resident boolean NOT NULL,
        name text NOT NULL,
        inn text,
        scoring_reasons text[] NOT NULL,
        scored_at timestamptz NOT NULL,
        amount_kopecks bigint NOT NULL DEFAULT 0 CHECK (amount_kopecks >= 0),
        on_hold_kopecks bigint NOT NULL DEFAULT 0 CHECK (on_hold_kopecks BETWEEN 0 AND amount_kopecks)
    )
    """,
    """
    CREATE TABLE distribution (
        bank_id text PRIMARY KEY REFERENCES credit,
        shares jsonb NOT NULL
    )
    """,
    """
    CREATE TABLE hold (
        hold_id text PRIMARY KEY,
        beneficiary_id text NOT NULL REFERENCES beneficiary,
        amount_kopecks bigint NOT NULL CHECK (amount_kopecks > 0),
        state text NOT NULL CHECK (state IN ('active', 'released'))
    )
    """,
    """
    CREATE TABLE deal (
        deal_id text PRIMARY KEY,
        state text NOT NULL CHECK (state IN ('draft', 'accepted', 'completed', 'cancelled')),
        deponents jsonb NOT NULL,
        recipients jsonb NOT NULL
    )
    """,
    """
    ALTER TABLE payout
        ADD COLUMN kind text NOT NULL DEFAULT 'regular' CHECK (kind IN ('regular', 'tax', 'fee')),
        ADD COLUMN beneficiary_id text REFERENCES beneficiary,
        ADD COLUMN tax jsonb,
        ADD COLUMN enquiries_left integer,
        ADD COLUMN end_reason text
    """,
    # A notice that is told after the next one.
    """
    CREATE TABLE held_notice (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        bank_id text NOT NULL,
        amount_kopecks bigint NOT NULL,
        purpose text NOT NULL,
        payer_account text NOT NULL,
        payer_name text NOT NULL,
        credited_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE fault (
        number integer PRIMARY KEY,
        script text NOT NULL,
        point text NOT NULL,
        kind text NOT NULL,
        step jsonb NOT NULL,
        skip_left integer NOT NULL CHECK (skip_left >= 0),
        times_left integer NOT NULL CHECK (times_left >= 0),
        met integer NOT NULL DEFAULT 0,
        until timestamptz
    )
    """,
    """
    CREATE TABLE message (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL,
        operation text NOT NULL,
        target text NOT NULL,
        request text NOT NULL,
        status integer,
        answer text NOT NULL,
        fault text
    )
    """,
    "ALTER TABLE account ADD COLUMN clock_skew_s double precision NOT NULL DEFAULT 0",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
