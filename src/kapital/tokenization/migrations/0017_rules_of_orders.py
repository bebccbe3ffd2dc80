"""An order keeps the version of the rule book that its investor had accepted: the deal stands under it."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    # None for orders of before: their records name the version in force when they are made.
    op.execute(
        """
        ALTER TABLE subscription_order
            ADD COLUMN rule_book_version text CHECK (length(rule_book_version) BETWEEN 1 AND 64)
        """
    )
