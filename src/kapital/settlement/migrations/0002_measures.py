"""What identity told of measures against participants (115-FZ): a view of others' events."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Only who is under a measure has a row: the table stays small, and most withdrawals find nothing in it.
    op.execute(
        """
        CREATE TABLE participant_measure (
            participant_id uuid PRIMARY KEY,
            measure text NOT NULL CHECK (measure IN ('held', 'frozen')),
            told_at timestamptz NOT NULL
        )
        """
    )
