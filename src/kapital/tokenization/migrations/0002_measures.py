"""What identity told of measures against a participant (115-FZ): a column of the view of others' events."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE investor ADD COLUMN measure text CHECK (measure IN ('free', 'held', 'frozen'))")
    # The orders of one participant that are under way, when a measure comes or ends.
    op.execute(
        "CREATE INDEX subscription_order_live ON subscription_order (participant_id, order_id) "
        "WHERE state IN ('checked', 'accepted')"
    )
