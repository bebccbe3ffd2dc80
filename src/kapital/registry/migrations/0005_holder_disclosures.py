"""Nominee holders are asked for whom they hold, and name them."""

from alembic import op

revision = "0005"
down_revision = "0004"

_STATEMENTS = (
    """
    CREATE TABLE holder_disclosure (
        disclosure_id uuid PRIMARY KEY,
        participant_id uuid NOT NULL REFERENCES participant,
        issue_id uuid NOT NULL,
        as_of timestamptz NOT NULL,
        due_at timestamptz NOT NULL CHECK (due_at > asked_at),
        units_held bigint NOT NULL CHECK (units_held >= 0),
        basis_reference text NOT NULL CHECK (length(basis_reference) BETWEEN 1 AND 500),
        asked_by text NOT NULL,
        asked_at timestamptz NOT NULL CHECK (asked_at >= as_of),
        state text NOT NULL CHECK (state IN ('asked', 'overdue', 'answered')),
        answered_at timestamptz,
        lines bigint,
        content_sha256 text CHECK (content_sha256 ~ '^[0-9a-f]{64}$'),
        CHECK ((state = 'answered') = (answered_at IS NOT NULL AND lines IS NOT NULL AND content_sha256 IS NOT NULL))
    )
    """,
    "CREATE INDEX holder_disclosure_of ON holder_disclosure (participant_id, disclosure_id)",
    "CREATE INDEX holder_disclosure_due ON holder_disclosure (due_at) WHERE state = 'asked'",
    """
    CREATE TABLE disclosed_part (
        disclosure_id uuid NOT NULL REFERENCES holder_disclosure,
        part integer NOT NULL CHECK (part BETWEEN 1 AND 100),
        part_sha256 text NOT NULL CHECK (part_sha256 ~ '^[0-9a-f]{64}$'),
        PRIMARY KEY (disclosure_id, part)
    )
    """,
    # Personal data of who is no participant: nothing but this table holds them.
    """
    CREATE TABLE disclosed_holder (
        disclosure_id uuid NOT NULL,
        part integer NOT NULL,
        line integer NOT NULL CHECK (line BETWEEN 1 AND 1000),
        kind text NOT NULL CHECK (kind IN ('natural_person', 'sole_proprietor', 'legal_entity', 'foreign_entity')),
        name text NOT NULL CHECK (length(name) BETWEEN 1 AND 500),
        inn text CHECK (inn ~ '^([0-9]{10}|[0-9]{12})$'),
        ogrn text CHECK (ogrn ~ '^([0-9]{13}|[0-9]{15})$'),
        snils text CHECK (snils ~ '^[0-9]{11}$'),
        other_number text CHECK (length(other_number) BETWEEN 1 AND 64),
        is_nominee boolean NOT NULL,
        units bigint NOT NULL CHECK (units > 0),
        PRIMARY KEY (disclosure_id, part, line),
        FOREIGN KEY (disclosure_id, part) REFERENCES disclosed_part ON DELETE CASCADE
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
