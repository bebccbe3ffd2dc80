"""A page tells early ends, outcomes and exchanges too."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE page_event DROP CONSTRAINT page_event_kind_check")
    op.execute(
        "ALTER TABLE page_event ADD CONSTRAINT page_event_kind_check"
        " CHECK (kind IN ('state', 'payout_delayed', 'action_announced', 'outcome', 'exchange'))"
    )
