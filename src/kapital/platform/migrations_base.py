"""The tables every service database has: outbox, inbox, cursors, dead letters, replies, audit.

Called by each service's first revision: `create_platform_tables(op)`.
"""

from typing import Any, Final

_STATEMENTS: Final = (
    # `position` is given after the commit, by one relay at a time (see platform.outbox): it is the order of delivery.
    # The id is drawn inside the transaction and may become visible after a higher one.
    """
    CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        position bigint UNIQUE,
        event_id uuid NOT NULL UNIQUE,
        type text NOT NULL,
        aggregate_id text NOT NULL,
        aggregate_version bigint,
        occurred_at timestamptz NOT NULL,
        correlation_id text NOT NULL,
        causation_id text,
        data jsonb NOT NULL
    )
    """,
    "CREATE INDEX outbox_waiting ON outbox (id) WHERE position IS NULL",
    "CREATE TABLE outbox_head (one boolean PRIMARY KEY DEFAULT true CHECK (one), position bigint NOT NULL)",
    "INSERT INTO outbox_head (position) VALUES (0)",
    """
    CREATE TABLE inbox (
        consumer text NOT NULL,
        event_id uuid NOT NULL,
        done_at timestamptz NOT NULL,
        PRIMARY KEY (consumer, event_id)
    )
    """,
    """
    CREATE TABLE bus_cursor (
        consumer text NOT NULL,
        producer text NOT NULL,
        position bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (consumer, producer)
    )
    """,
    """
    CREATE TABLE dead_letter (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        consumer text NOT NULL,
        producer text NOT NULL,
        position bigint NOT NULL,
        event_id uuid NOT NULL,
        type text NOT NULL,
        aggregate_id text NOT NULL,
        event jsonb NOT NULL,
        state text NOT NULL CHECK (state IN ('failed', 'behind', 'retry', 'skip_proposed', 'resolved', 'skipped')),
        code text NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        parked_at timestamptz NOT NULL,
        closed_at timestamptz,
        skip_proposed_by text,
        skip_approved_by text,
        skip_reason text,
        CHECK (state <> 'skipped' OR skip_approved_by <> skip_proposed_by),
        UNIQUE (consumer, event_id)
    )
    """,
    """
    CREATE INDEX dead_letter_open ON dead_letter (consumer, producer, aggregate_id, position)
        WHERE state NOT IN ('resolved', 'skipped')
    """,
    """
    CREATE TABLE reply (
        actor_id text NOT NULL,
        command_id text NOT NULL,
        fingerprint text NOT NULL,
        body bytea,
        first_used_at timestamptz NOT NULL,
        PRIMARY KEY (actor_id, command_id)
    )
    """,
    """
    CREATE TABLE audit_event (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        recorded_at timestamptz NOT NULL,
        action text NOT NULL,
        subject text NOT NULL,
        actor_id text NOT NULL,
        basis jsonb,
        before jsonb,
        after jsonb,
        correlation_id text NOT NULL
    )
    """,
    "CREATE INDEX audit_event_subject ON audit_event (subject, id)",
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END
    $$
    """,
    """
    CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)


def create_platform_tables(op: Any) -> None:
    """Create the tables; `op` is `alembic.op`. The trigger function `refuse_change()` may guard the service's
    own append-only tables too."""
    for statement in _STATEMENTS:
        op.execute(statement)
