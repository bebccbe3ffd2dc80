"""Credits that a statement told without the bank's ids are found by what was paid."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX incoming_payment_nameless ON incoming_payment (amount_kopecks, payer_account) "
        "WHERE bank_id LIKE 'L-%'"
    )
