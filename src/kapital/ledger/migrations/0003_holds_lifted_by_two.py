"""A hold is lifted by two persons: who proposed it, who decided it, and why stay with the hold."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # Holds that a clean check lifted by itself, before this rule, name nobody.
    op.execute(
        """
        ALTER TABLE hold
            ADD COLUMN lift_proposed_by text,
            ADD COLUMN lift_proposed_at timestamptz,
            ADD COLUMN lifted_by        text,
            ADD COLUMN lift_reason      text,
            ADD CONSTRAINT hold_lifted_by_two CHECK (
                lifted_by IS NULL OR (lift_proposed_by IS NOT NULL AND lifted_by <> lift_proposed_by)
            )
        """
    )
