"""The index of a participant's live orders goes: since orders may await their money no statement can use it, for the
states that are asked for are more than those in it. `order_participant` serves them all.
"""

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Apply."""
    op.execute("DROP INDEX subscription_order_live")
