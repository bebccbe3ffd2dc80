"""QR codes of the Faster Payments System, and calls back that wait for their turn."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    """
    CREATE TABLE sbp_qr (
        order_id text PRIMARY KEY,
        qr_id text NOT NULL UNIQUE,
        amount_kopecks bigint NOT NULL CHECK (amount_kopecks > 0),
        purpose text NOT NULL,
        expires_at timestamptz NOT NULL,
        incoming_id text REFERENCES credit
    )
    """,
    """
    CREATE TABLE webhook (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        body bytea NOT NULL,
        tries integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        ended_at timestamptz
    )
    """,
    "CREATE INDEX webhook_due ON webhook (due_at, id) WHERE ended_at IS NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
