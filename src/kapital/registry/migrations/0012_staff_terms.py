"""Roles of staff have dates: each change is proposed by one person and made by another."""

from alembic import op

from kapital.platform.row_versions import count_changes_of

revision = "0012"
down_revision = "0011"

_STATEMENTS = (
    """
    CREATE TABLE staff_change (
        change_id uuid PRIMARY KEY,
        staff_id uuid NOT NULL REFERENCES staff,
        roles text[] NOT NULL CHECK (cardinality(roles) > 0),
        valid_until timestamptz,
        basis_reference text NOT NULL CHECK (length(basis_reference) BETWEEN 1 AND 200),
        state text NOT NULL CHECK (state IN ('proposed', 'made', 'refused')),
        proposed_by text NOT NULL,
        proposed_at timestamptz NOT NULL,
        decided_by text,
        decided_at timestamptz,
        CHECK ((state = 'proposed') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)),
        CHECK (decided_by <> proposed_by AND decided_by <> CAST(staff_id AS text))
    )
    """,
    "CREATE UNIQUE INDEX staff_change_proposed ON staff_change (staff_id) WHERE state = 'proposed'",
    # What a member holds, from when to when: `valid_until` as it was said, `ended_at` when something else came.
    """
    CREATE TABLE staff_term (
        staff_id uuid NOT NULL REFERENCES staff,
        number integer NOT NULL CHECK (number > 0),
        roles text[] NOT NULL CHECK (cardinality(roles) > 0),
        valid_from timestamptz NOT NULL,
        valid_until timestamptz CHECK (valid_until > valid_from),
        ended_at timestamptz CHECK (ended_at >= valid_from),
        change_id uuid REFERENCES staff_change,
        PRIMARY KEY (staff_id, number),
        CHECK ((number = 1) = (change_id IS NULL))
    )
    """,
    "CREATE UNIQUE INDEX staff_term_open ON staff_term (staff_id) WHERE ended_at IS NULL",
    "CREATE INDEX staff_term_due ON staff_term (valid_until) WHERE ended_at IS NULL",
    """
    INSERT INTO staff_term (staff_id, number, roles, valid_from, ended_at)
    SELECT staff_id, 1, roles, registered_at, ended_at FROM staff
    """,
    "ALTER TABLE staff DROP COLUMN roles",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
    count_changes_of(op, "staff_change")
