"""Decisions of the access policies on changes: allowed with its effect, or refused."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE access_decision (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            recorded_at timestamptz NOT NULL,
            actor_id text NOT NULL,
            action text NOT NULL,
            allowed boolean NOT NULL,
            request jsonb NOT NULL,
            subjects jsonb NOT NULL,
            determined_by text[] NOT NULL,
            policies_sha256 text NOT NULL,
            correlation_id text NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX access_decision_refused ON access_decision (id) WHERE NOT allowed")
    op.execute("CREATE INDEX access_decision_correlation ON access_decision (correlation_id)")
    # A database without the tables of a service (the sandbox's) has no such function yet.
    op.execute(
        """
        CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
        END
        $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER access_decision_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access_decision
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """
    )
