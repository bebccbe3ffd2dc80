"""The issuer's money for a payment is set aside before its first part."""

from alembic import op

revision = "0016"
down_revision = "0015"

_STATEMENTS = (
    "ALTER TABLE corporate_action ADD COLUMN reserved_kopecks bigint CHECK (reserved_kopecks >= 0)",
    # What is called for and not begun is set aside as all that follows; what is being paid ends as it began, and what
    # of it is refused gets its amount when nothing of it is on its way any more (`reserve_payouts`).
    """
    UPDATE corporate_action SET reserved_kopecks = total_kopecks - paid_kopecks
    WHERE state IN ('funding_called', 'underfunded', 'grace') AND NOT EXISTS (SELECT FROM payout_part AS p
        WHERE p.action_id = corporate_action.action_id AND p.state = 'instructed')
    """,
    """
    CREATE INDEX corporate_action_reserve ON corporate_action (action_id) WHERE reserved_kopecks > 0
        AND state IN ('cancelled', 'defaulted', 'funding_called', 'underfunded', 'grace')
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
