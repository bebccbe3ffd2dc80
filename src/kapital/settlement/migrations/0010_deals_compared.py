"""Parts of instructions by the entry that settled them: the comparison of the register with our tables looks so."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("CREATE INDEX dvp_part_entry ON dvp_part (entry_seq)")
