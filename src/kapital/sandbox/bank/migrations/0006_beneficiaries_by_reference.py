"""A beneficiary that the bank knows by reference has no name here."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("ALTER TABLE beneficiary ALTER COLUMN resident DROP NOT NULL, ALTER COLUMN name DROP NOT NULL")
