"""Whether the decision lets holders pass units on (порядок обращения), as it was told with its publication."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    # None for decisions that were told of before: nothing is barred by them here.
    op.execute(
        """
        ALTER TABLE issuer_of_asset ADD COLUMN transfer_policy text
            CHECK (transfer_policy IN ('free', 'eligible_only', 'issuer_consent', 'forbidden'))
        """
    )
