"""Payouts by the SBP, and payments that go back."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("ALTER TABLE payout DROP CONSTRAINT payout_kind_check")
    kinds = "'regular', 'tax', 'fee', 'sbp', 'return'"
    op.execute(f"ALTER TABLE payout ADD CONSTRAINT payout_kind_check CHECK (kind IN ({kinds}))")
