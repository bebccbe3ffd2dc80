"""Whose asset each is, as the published decision told: its issuer does not take units of it against money."""

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE issuer_of_asset (
            asset_id uuid PRIMARY KEY,
            participant_id uuid NOT NULL,
            told_at timestamptz NOT NULL
        )
        """
    )
