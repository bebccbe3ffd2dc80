"""An investor's category has an end: the registry tells it with the statuses that a participant holds."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # What identity told before stands, without an end, until the registry tells otherwise.
    op.execute("ALTER TABLE investor ADD COLUMN category_until timestamptz")
