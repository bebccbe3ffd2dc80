"""Top-ups by QR code, which credit came by which code, and raw messages of the bank over HTTP."""

from alembic import op

revision = "0012"
down_revision = "0011"

STATEMENTS = (
    """
    CREATE TABLE sbp_top_up (
        top_up_id uuid PRIMARY KEY,
        wallet_id uuid NOT NULL REFERENCES beneficiary,
        amount_kopecks bigint NOT NULL CHECK (amount_kopecks > 0),
        requested_by text NOT NULL,
        command_id text NOT NULL,
        requested_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        qr_id text UNIQUE,
        link text,
        CHECK ((qr_id IS NULL) = (link IS NULL)),
        UNIQUE (requested_by, command_id)
    )
    """,
    "ALTER TABLE incoming_payment ADD COLUMN qr_id text",
    "CREATE INDEX incoming_payment_qr ON incoming_payment (qr_id) WHERE qr_id IS NOT NULL",
    """
    CREATE TABLE bank_http_message (
        channel text NOT NULL CHECK (channel IN ('answer', 'call_back')),
        raw_sha256 text NOT NULL,
        signature_outcome text NOT NULL CHECK (signature_outcome IN
            ('valid', 'invalid', 'absent', 'stale', 'not_checked')),
        raw_bytes bigint NOT NULL,
        first_at timestamptz NOT NULL,
        last_at timestamptz NOT NULL,
        times bigint NOT NULL DEFAULT 1,
        PRIMARY KEY (raw_sha256, channel, signature_outcome)
    )
    """,
    """
    CREATE INDEX bank_http_message_refused ON bank_http_message (first_at)
        WHERE signature_outcome IN ('invalid', 'absent', 'stale')
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
