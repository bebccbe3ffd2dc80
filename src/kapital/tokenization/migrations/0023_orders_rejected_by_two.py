"""Accepted orders that two persons reject: which order, and by which reason of the list."""

from alembic import op

revision = "0023"
down_revision = "0022"

_STATEMENTS = (
    "ALTER TABLE issue_proposal ADD COLUMN order_id uuid REFERENCES subscription_order, ADD COLUMN reason_code text",
    """
    ALTER TABLE issue_proposal ADD CHECK (
        (kind = 'reject_order') = (order_id IS NOT NULL) AND (kind = 'reject_order') = (reason_code IS NOT NULL)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
