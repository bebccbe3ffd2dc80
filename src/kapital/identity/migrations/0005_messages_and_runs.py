"""Messages on measures applied, full rescreenings, and what each client was compared with."""

from alembic import op

revision = "0005"
down_revision = "0004"

_SOURCES = (
    "'rosfinmonitoring_terror', 'rosfinmonitoring_proliferation', 'rosfinmonitoring_mvk', 'un', 'ofac_sdn', 'eu', "
    "'uk', 'opensanctions'"
)
_STATEMENTS = (
    *(
        statement
        for table in ("screening_list_version", "screening_hit")
        for statement in (
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_source_check",
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_source_check CHECK (source IN ({_SOURCES}))",
        )
    ),
    # The version of each list that a client was compared with when it was recorded; later ones have `rescreened_at`.
    "ALTER TABLE screening_client ADD COLUMN compared jsonb NOT NULL DEFAULT '{}'",
    # Personal data: the content is the file for Rosfinmonitoring.
    """
    CREATE TABLE aml_message (
        message_id uuid PRIMARY KEY,
        hit_id uuid NOT NULL REFERENCES screening_hit,
        number integer NOT NULL CHECK (number > 0),
        participant_id uuid NOT NULL,
        format text NOT NULL,
        content bytea NOT NULL,
        state text NOT NULL CHECK (state IN ('draft', 'approved', 'sent', 'accepted', 'rejected')),
        drafted_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL,
        prepared_by text,
        prepared_at timestamptz,
        approved_by text,
        approved_at timestamptz,
        sent_by text,
        sent_at timestamptz,
        sent_reference text,
        answered_by text,
        answered_at timestamptz,
        answer_reference text,
        UNIQUE (hit_id, number),
        CHECK (state = 'draft' OR (prepared_by IS NOT NULL AND approved_by <> prepared_by)),
        CHECK (state IN ('draft', 'approved') OR sent_reference IS NOT NULL),
        CHECK (state NOT IN ('accepted', 'rejected') OR answer_reference IS NOT NULL)
    )
    """,
    "CREATE INDEX aml_message_due ON aml_message (due_at, message_id)",
    # The evidence that every client was compared with whole lists, and with which versions.
    """
    CREATE TABLE screening_run (
        run_id uuid PRIMARY KEY,
        started_at timestamptz NOT NULL,
        after_client uuid NOT NULL,
        clients bigint NOT NULL CHECK (clients >= 0),
        new_hits bigint NOT NULL CHECK (new_hits >= 0),
        lists jsonb NOT NULL,
        finished_at timestamptz
    )
    """,
    "CREATE UNIQUE INDEX screening_one_run ON screening_run ((true)) WHERE finished_at IS NULL",
    """
    CREATE FUNCTION refuse_change_of_finished_run() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' OR OLD.finished_at IS NOT NULL THEN
            RAISE EXCEPTION 'a finished run of screening is evidence and stays';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER screening_run_stays BEFORE UPDATE OR DELETE ON screening_run
        FOR EACH ROW EXECUTE FUNCTION refuse_change_of_finished_run()
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
