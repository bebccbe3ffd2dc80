"""Orders that await their money: until when, since when, when the ledger is asked next, whether it was asked."""

from alembic import op

revision = "0018"
down_revision = "0017"

_STATEMENTS = (
    """
    ALTER TABLE subscription_order
        ADD COLUMN funds_until_at timestamptz,
        ADD COLUMN awaited_at timestamptz,
        ADD COLUMN funds_look_at timestamptz,
        ADD COLUMN reserve_asked boolean NOT NULL DEFAULT false,
        ADD CHECK (state <> 'awaiting_funds' OR (funds_until_at IS NOT NULL AND awaited_at IS NOT NULL)),
        ADD CHECK (NOT reserve_asked OR state = 'awaiting_funds')
    """,
    # All of them are small: they hold what waits now, and an order that never waits is in none.
    "CREATE INDEX order_funds_look ON subscription_order (funds_look_at) WHERE state = 'awaiting_funds'",
    "CREATE INDEX order_funds_asked ON subscription_order (order_id) WHERE reserve_asked",
    "CREATE INDEX order_funds_until ON subscription_order (funds_until_at) WHERE state = 'awaiting_funds'",
    "CREATE INDEX order_funds_wallet ON subscription_order (wallet_id) WHERE state = 'awaiting_funds'",
    "CREATE INDEX order_funds_issue ON subscription_order (issue_id) WHERE state = 'awaiting_funds'",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
