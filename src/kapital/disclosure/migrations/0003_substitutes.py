"""A page tells too what stands in for a value that its source did not give."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE page_event DROP CONSTRAINT page_event_kind_check")
    op.execute(
        "ALTER TABLE page_event ADD CONSTRAINT page_event_kind_check"
        " CHECK (kind IN ('state', 'payout_delayed', 'action_announced', 'outcome', 'exchange', 'substitute'))"
    )
