"""A payout is written twice, planned and paid: half-empty pages keep the second version beside the first (HOT)."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("ALTER TABLE payout SET (fillfactor = 50)")
