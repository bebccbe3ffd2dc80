"""What a member of staff may do has an end."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE staff
            ADD COLUMN ended_at timestamptz CHECK (ended_at >= registered_at),
            ADD COLUMN ended_by text,
            ADD COLUMN end_reference text CHECK (length(end_reference) BETWEEN 1 AND 200),
            ADD CHECK ((ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (end_reference IS NULL))
        """
    )
