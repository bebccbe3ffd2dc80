"""Placements that end before their time: whether the decision knows it, and the instant at which one did. The file in
which the registry named a participant, by which an issuer's number is compared with that of its decision.
"""

from alembic import op

revision = "0024"
down_revision = "0023"

_STATEMENTS = (
    """
    ALTER TABLE issue
        ADD COLUMN closes_when_full boolean NOT NULL DEFAULT false,
        ADD COLUMN issuer_may_end boolean NOT NULL DEFAULT false,
        ADD COLUMN ended_early_at timestamptz,
        ADD CHECK (
            ended_early_at IS NULL OR (ended_early_at < placement_end_at AND (closes_when_full OR issuer_may_end))
        )
    """,
    "DROP INDEX issue_to_close",
    """
    CREATE INDEX issue_to_close ON issue ((coalesce(ended_early_at, placement_end_at)))
        WHERE state IN ('placement_open', 'placement_suspended')
    """,
    # None for whom the registry told of before: nothing is compared.
    "ALTER TABLE investor ADD COLUMN persons_sha256 text CHECK (persons_sha256 ~ '^[0-9a-f]{64}$')",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
