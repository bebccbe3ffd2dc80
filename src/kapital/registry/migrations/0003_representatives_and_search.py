"""Representatives of participants; participants are found by the beginning of a name or number."""

from alembic import op
from sqlalchemy import text

from kapital.registry.domain.search import name_key

revision = "0003"
down_revision = "0002"

_BATCH = 1_000
_NEXT = text("SELECT participant_id, name FROM participant WHERE name_key IS NULL LIMIT :limit")
_FILL = text(
    """
    UPDATE participant p SET name_key = f.key
    FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS text[])) AS f (id, key) WHERE p.participant_id = f.id
    """
)
_STATEMENTS = (
    # Names and numbers are personal data; audit and events carry the pseudonym.
    """
    CREATE TABLE representative (
        representative_id uuid PRIMARY KEY,
        participant_id uuid NOT NULL REFERENCES participant,
        kind text NOT NULL CHECK (kind IN ('sole_executive', 'power_of_attorney')),
        name text NOT NULL CHECK (length(name) BETWEEN 1 AND 500),
        inn text NOT NULL CHECK (inn ~ '^[0-9]{12}$'),
        snils text CHECK (snils ~ '^[0-9]{11}$'),
        powers text[] NOT NULL,
        basis_reference text NOT NULL,
        power_number text,
        power_sha256 text CHECK (power_sha256 ~ '^[0-9a-f]{64}$'),
        power_signature_sha256 text CHECK (power_signature_sha256 ~ '^[0-9a-f]{64}$'),
        valid_from timestamptz NOT NULL,
        valid_until timestamptz CHECK (valid_until > valid_from),
        appointed_by text NOT NULL,
        ended_at timestamptz CHECK (ended_at >= valid_from),
        ended_by text,
        "end" text CHECK ("end" IN ('by_participant', 'by_officer', 'term_over', 'participant_left')),
        end_reference text,
        CHECK ((kind = 'power_of_attorney') = (power_sha256 IS NOT NULL AND cardinality(powers) > 0)),
        CHECK ((ended_at IS NULL) = ("end" IS NULL) AND (ended_at IS NULL) = (ended_by IS NULL))
    )
    """,
    # One person acts for a participant by one set of powers, whatever two processes do at the same instant.
    """
    CREATE UNIQUE INDEX representative_living ON representative (participant_id, inn) WHERE ended_at IS NULL
    """,
    "CREATE INDEX representative_of ON representative (participant_id, representative_id)",
    "CREATE INDEX representative_term ON representative (valid_until) WHERE ended_at IS NULL",
    "ALTER TABLE access_token DROP CONSTRAINT access_token_subject_kind_check",
    """
    ALTER TABLE access_token ADD CONSTRAINT access_token_subject_kind_check
        CHECK (subject_kind IN ('participant', 'staff', 'representative'))
    """,
    "CREATE INDEX access_token_of ON access_token (subject_id) WHERE revoked_at IS NULL",
    "ALTER TABLE participant ADD COLUMN name_key text",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
    connection = op.get_bind()
    while rows := connection.execute(_NEXT, {"limit": _BATCH}).all():
        keys = [name_key(row.name) for row in rows]
        connection.execute(_FILL, {"ids": [row.participant_id for row in rows], "keys": keys})
    op.execute("ALTER TABLE participant ALTER COLUMN name_key SET NOT NULL")
    # In the order of code points: a prefix is then a range.
    for column in ("name_key", "inn", "ogrn"):
        op.execute(f'CREATE INDEX participant_by_{column} ON participant ({column} COLLATE "C")')
