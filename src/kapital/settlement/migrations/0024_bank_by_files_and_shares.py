"""What is asked of a bank's files is bound to its newest days; what a bank refuses of shares ends."""

from alembic import op

revision = "0024"
down_revision = "0023"

STATEMENTS = (
    # The balance of a bank by files: what was booked, and which orders ended, since the newest statement's last day.
    # No index of lines by their days: a statement of many lines is booked no slower for it.
    "CREATE INDEX incoming_message_noticed ON incoming_message (received_at) WHERE state = 'noticed'",
    "CREATE INDEX bank_file_order_ended ON bank_file_order (ended_at) WHERE state = 'executed'",
    "DROP INDEX bank_file_order_executed",
    "ALTER TABLE bank_share_holder RENAME COLUMN refused_at TO rests_until",
    # Shares are compared a stretch at a time.
    "ALTER TABLE bank_share_walk ADD COLUMN compared_to text",
    # A payment that the bank does not find is told no more: the check that said otherwise.
    "ALTER TABLE bank_share_order DROP CONSTRAINT bank_share_order_check2",
    "UPDATE bank_share_holder SET rests_until = rests_until + interval '1 minute' WHERE rests_until IS NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
