"""Withdrawals that wait for the approval of two persons, and what these decide."""

from alembic import op

revision = "0014"
down_revision = "0013"

STATEMENTS = (
    """
    ALTER TABLE withdrawal DROP CONSTRAINT withdrawal_state_check, ADD CONSTRAINT withdrawal_state_check
        CHECK (state IN ('requested', 'refused', 'awaiting_approval', 'checked', 'sent', 'unknown', 'rejected',
            're_credited', 'confirmed'))
    """,
    "CREATE INDEX withdrawal_awaiting ON withdrawal (withdrawal_id) WHERE state = 'awaiting_approval'",
    # What an owner withdraws on a day.
    "CREATE INDEX withdrawal_of_day ON withdrawal (wallet_id, requested_at)",
    """
    ALTER TABLE money_decision DROP CONSTRAINT money_decision_kind_check, ADD CONSTRAINT money_decision_kind_check
        CHECK (kind IN ('owner_found', 'sent_back', 'paid_again', 'withdrawal_released', 'withdrawal_turned_down'))
    """,
    # What was released and then came back from the bank may still be paid to new details: an index for each.
    "DROP INDEX money_decision_of_withdrawal",
    """
    CREATE UNIQUE INDEX money_decision_paid_again ON money_decision (withdrawal_id)
        WHERE kind = 'paid_again' AND state IN ('proposed', 'approved', 'done', 'failed')
    """,
    """
    CREATE UNIQUE INDEX money_decision_of_approval ON money_decision (withdrawal_id)
        WHERE kind IN ('withdrawal_released', 'withdrawal_turned_down') AND state IN ('proposed', 'done')
    """,
    "CREATE INDEX money_decision_leaving ON money_decision (new_withdrawal_id) WHERE new_withdrawal_id IS NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
