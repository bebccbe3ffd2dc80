"""Roles and statuses of participants have dates, a source and a past."""

from alembic import op

revision = "0004"
down_revision = "0003"

_STATEMENTS = (
    """
    CREATE TABLE participant_status (
        status_id uuid PRIMARY KEY,
        participant_id uuid NOT NULL REFERENCES participant,
        status text NOT NULL CHECK (status IN
            ('investor', 'issuer', 'nominee', 'qualified_by_law', 'qualified_by_recognition')),
        source text NOT NULL CHECK (source IN ('application', 'office', 'identification')),
        state text NOT NULL CHECK (state IN ('proposed', 'held', 'refused', 'ended')),
        basis_reference text NOT NULL CHECK (length(basis_reference) BETWEEN 1 AND 500),
        asked_from timestamptz,
        valid_from timestamptz CHECK (valid_from <= held_at),
        valid_until timestamptz CHECK (valid_until > valid_from),
        recognised_by text CHECK (length(recognised_by) BETWEEN 1 AND 200),
        evidence_sha256 text CHECK (evidence_sha256 ~ '^[0-9a-f]{64}$'),
        proposed_by text NOT NULL,
        proposed_at timestamptz NOT NULL,
        decided_by text,
        held_at timestamptz,
        ended_by text,
        ended_at timestamptz CHECK (ended_at >= valid_from),
        "end" text CHECK ("end" IN ('withdrawn', 'term_over', 'replaced', 'not_confirmed')),
        end_reference text,
        CHECK ((state IN ('held', 'ended')) = (held_at IS NOT NULL) AND (held_at IS NULL) = (valid_from IS NULL)),
        CHECK ((state = 'ended') = (ended_at IS NOT NULL AND ended_by IS NOT NULL AND "end" IS NOT NULL)),
        CHECK (source <> 'office' OR decided_by IS NULL OR decided_by <> proposed_by)
    )
    """,
    # One of a kind at a time, whatever two processes do at the same instant.
    "CREATE UNIQUE INDEX participant_status_held ON participant_status (participant_id, status) WHERE state = 'held'",
    """
    CREATE UNIQUE INDEX participant_status_proposed ON participant_status (participant_id, status)
        WHERE state = 'proposed'
    """,
    "CREATE INDEX participant_status_of ON participant_status (participant_id, proposed_at, status_id)",
    "CREATE INDEX participant_status_term ON participant_status (valid_until) WHERE state = 'held'",
    # Roles were never changed before: each is as old as its participant. A qualified investor found by an earlier
    # identification is not known here; the next one tells of it.
    """
    INSERT INTO participant_status (status_id, participant_id, status, source, state, basis_reference, valid_from,
        proposed_by, proposed_at, decided_by, held_at)
    SELECT gen_random_uuid(), p.participant_id, r.role, 'application', 'held',
        'registry/application/' || p.participant_id, p.registered_at, 'machine:migration', p.registered_at,
        'machine:migration', p.registered_at
    FROM participant p CROSS JOIN LATERAL unnest(p.roles) AS r (role)
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
