"""How far the list of holders of an action is taken: page by page, so that a dead process is gone on from."""

from alembic import op

revision = "0012"
down_revision = "0011"

_STATEMENTS = (
    """
    CREATE TABLE record_list (
        action_id uuid PRIMARY KEY REFERENCES corporate_action,
        record_size bigint NOT NULL,
        after_wallet uuid,
        holders bigint NOT NULL,
        total_kopecks bigint NOT NULL CHECK (total_kopecks >= 0),
        parts integer NOT NULL
    )
    """,
    "CREATE INDEX payout_part_open ON payout_part (action_id, part) WHERE state <> 'settled'",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
