"""What the decision's fallback puts in the place of a missing value: a row of its own, bound to the issue."""

from alembic import op

revision = "0021"
down_revision = "0020"

_STATEMENTS = (
    """
    ALTER TABLE fixing
        ADD COLUMN taken_series text,
        ADD COLUMN taken_from_on date,
        ADD COLUMN reason text
    """,
    # Both checks were written without a name and got these from PostgreSQL.
    "ALTER TABLE fixing DROP CONSTRAINT fixing_kind_check",
    "ALTER TABLE fixing DROP CONSTRAINT fixing_check1",
    """
    ALTER TABLE fixing
        ADD CONSTRAINT fixing_kind_check CHECK (kind IN ('fixing', 'outcome', 'substitute')),
        ADD CONSTRAINT fixing_names_what_it_is_of CHECK (
            (kind <> 'outcome') = (series IS NOT NULL AND observed_on IS NOT NULL)
            AND (kind = 'fixing') = (issue_id IS NULL)),
        ADD CONSTRAINT fixing_substitute_has_source CHECK (
            (kind = 'substitute') = (taken_series IS NOT NULL AND taken_from_on IS NOT NULL)
            AND (kind <> 'substitute' OR reason IS NOT NULL))
    """,
    """
    CREATE UNIQUE INDEX fixing_substitute ON fixing (issue_id, series, observed_on)
        WHERE kind = 'substitute' AND state <> 'rejected'
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
