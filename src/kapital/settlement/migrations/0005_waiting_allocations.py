"""Allocations that wait until their issuer's wallet is not frozen any more, as they were told."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    "ALTER TABLE settlement_job ADD COLUMN waiting jsonb",
    "CREATE INDEX settlement_job_waiting ON settlement_job (subject_id, part) WHERE waiting IS NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
