"""Payments that are late: shares of too little money, what stays due, interest; the lock of a window in default."""

from alembic import op

revision = "0019"
down_revision = "0018"

_STATEMENTS = (
    """
    ALTER TABLE corporate_action
        ADD COLUMN arrears jsonb,
        ADD COLUMN rest_of uuid UNIQUE REFERENCES corporate_action,
        ADD COLUMN share_kopecks bigint CHECK (share_kopecks BETWEEN 0 AND total_kopecks),
        ADD COLUMN late_on date,
        ADD COLUMN late_kopecks bigint NOT NULL DEFAULT 0 CHECK (late_kopecks >= 0),
        ADD CHECK (late_on IS NULL OR arrears IS NOT NULL)
    """,
    """
    CREATE INDEX issue_to_lock ON issue (window_at)
        WHERE state = 'technical_default' AND transfer_lock AND locked_at IS NULL
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
