"""What identity told of the limit of a simplified identification: columns of the view of others' events."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("ALTER TABLE investor ADD COLUMN identification_method text")
    op.execute("ALTER TABLE investor ADD COLUMN operation_limit_kopecks bigint CHECK (operation_limit_kopecks >= 0)")
