"""Withheld tax is paid to the budget by a decision of two persons."""

from alembic import op

revision = "0023"
down_revision = "0022"

STATEMENTS = (
    """
    ALTER TABLE money_decision DROP CONSTRAINT money_decision_kind_check, ADD CONSTRAINT money_decision_kind_check
        CHECK (kind IN ('owner_found', 'sent_back', 'paid_again', 'withdrawal_released', 'withdrawal_turned_down',
            'tax_paid')),
        ADD COLUMN budget jsonb,
        ADD CONSTRAINT money_decision_of_tax CHECK ((kind = 'tax_paid') = (budget IS NOT NULL))
    """,
    # Beside the account and the БИК, which are columns as of any payee.
    "ALTER TABLE withdrawal ADD COLUMN budget jsonb CHECK (budget IS NULL OR bic IS NOT NULL)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
