"""What a bank that keeps shares of beneficiaries was told, and what it still has to be told."""

from alembic import op

revision = "0016"
down_revision = "0015"

STATEMENTS = (
    # How far the register's entries are in the queue. No row: no bank was ever told.
    "CREATE TABLE bank_share_walk (one boolean PRIMARY KEY DEFAULT true CHECK (one), next_seq bigint NOT NULL)",
    # `owed_kopecks`: plus has to receive at the bank by deals, minus has to give.
    """
    CREATE TABLE bank_share_holder (
        wallet_id uuid PRIMARY KEY,
        scoring text NOT NULL DEFAULT 'unnamed'
            CHECK (scoring IN ('unnamed', 'in_progress', 'succeeded', 'failed')),
        scoring_reasons text[] NOT NULL DEFAULT '{}',
        owed_kopecks bigint NOT NULL DEFAULT 0,
        tried_at timestamptz NOT NULL,
        refused_at timestamptz,
        changed_at timestamptz NOT NULL
    )
    """,
    """
    CREATE INDEX bank_share_holder_to_ask ON bank_share_holder (scoring, tried_at)
        WHERE scoring IN ('unnamed', 'in_progress')
    """,
    "CREATE INDEX bank_share_holder_failed ON bank_share_holder (wallet_id) WHERE scoring = 'failed'",
    "CREATE INDEX bank_share_holder_owed ON bank_share_holder (wallet_id) WHERE owed_kopecks <> 0",
    """
    CREATE TABLE bank_share_order (
        order_id uuid PRIMARY KEY,
        number bigint GENERATED ALWAYS AS IDENTITY,
        kind text NOT NULL CHECK (kind IN ('distribution', 'deal')),
        state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'told', 'cancelled')),
        incoming_id text,
        entry_seq bigint,
        reason text,
        created_at timestamptz NOT NULL,
        tried_at timestamptz,
        changed_at timestamptz NOT NULL,
        CHECK ((kind = 'distribution') = (incoming_id IS NOT NULL)),
        CHECK ((kind = 'distribution') = (entry_seq IS NOT NULL)),
        CHECK (kind = 'deal' OR state <> 'cancelled')
    )
    """,
    "CREATE UNIQUE INDEX bank_share_order_of_payment ON bank_share_order (incoming_id) WHERE incoming_id IS NOT NULL",
    "CREATE INDEX bank_share_order_waiting ON bank_share_order (kind, tried_at, number) WHERE state = 'waiting'",
    """
    CREATE TABLE bank_share_line (
        order_id uuid NOT NULL REFERENCES bank_share_order,
        wallet_id uuid NOT NULL REFERENCES bank_share_holder,
        amount_kopecks bigint NOT NULL CHECK (amount_kopecks <> 0),
        PRIMARY KEY (order_id, wallet_id)
    )
    """,
    "CREATE INDEX bank_share_line_of_wallet ON bank_share_line (wallet_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
