"""Changes of dead letters are counted: a decision of the access policies names the version that it was about."""

from alembic import op
from sqlalchemy import text

from kapital.platform.row_versions import count_changes_of

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # A database without the tables of a service (the sandbox's) has no dead letters.
    if op.get_bind().execute(text("SELECT to_regclass('dead_letter') IS NOT NULL")).scalar_one():
        count_changes_of(op, "dead_letter")
