"""One account, its credits and the notices about them, payouts, and the script of misbehaviour."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
    CREATE TABLE account (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        balance_kopecks bigint NOT NULL DEFAULT 0 CHECK (balance_kopecks >= 0),
        last_credit bigint NOT NULL DEFAULT 0,
        last_notice bigint NOT NULL DEFAULT 0,
        down boolean NOT NULL DEFAULT false
    )
    """,
    "INSERT INTO account DEFAULT VALUES",
    """
    CREATE TABLE credit (
        bank_id text PRIMARY KEY,
        amount_kopecks bigint NOT NULL CHECK (amount_kopecks > 0),
        purpose text NOT NULL,
        payer_account text NOT NULL,
        payer_name text NOT NULL,
        credited_at timestamptz NOT NULL
    )
    """,
    # What the bank tells of a credit; normally once and truly.
    """
    CREATE TABLE notice (
        cursor bigint PRIMARY KEY,
        bank_id text NOT NULL,
        amount_kopecks bigint NOT NULL,
        purpose text NOT NULL,
        payer_account text NOT NULL,
        payer_name text NOT NULL,
        credited_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE payout (
        reference text PRIMARY KEY,
        amount_kopecks bigint NOT NULL CHECK (amount_kopecks > 0),
        bic text NOT NULL,
        account text NOT NULL,
        purpose text NOT NULL,
        state text NOT NULL CHECK (state IN ('pending', 'executed', 'rejected')),
        reason text,
        received_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE script (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        account text,
        behaviour text NOT NULL,
        reason text,
        times_left integer NOT NULL CHECK (times_left >= 0)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
