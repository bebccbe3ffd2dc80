"""The term in which a confirmed outcome may be contested, and what became of the contest."""

from alembic import op

revision = "0013"
down_revision = "0012"

_STATEMENTS = (
    """
    ALTER TABLE fixing
        ADD COLUMN contest_until_at timestamptz,
        ADD COLUMN contested_by text,
        ADD COLUMN contested_at timestamptz,
        ADD COLUMN contest_reason text,
        ADD COLUMN contest_document_sha256 text,
        ADD COLUMN verdict text CHECK (verdict IN ('uphold', 'overturn')),
        ADD COLUMN verdict_by text
    """,
    "CREATE INDEX fixing_disputable ON fixing (contest_until_at) WHERE state = 'disputable'",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
