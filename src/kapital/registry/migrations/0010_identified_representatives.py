"""Since when a representative is identified and compared with the lists: before that it gets no access token."""

from alembic import op

revision = "0010"
down_revision = "0009"

_STATEMENTS = ("ALTER TABLE representative ADD COLUMN identified_at timestamptz",)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
