"""Clients' own accounts, money blocked on them for sellers, and what the bank tells of it."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    """
    CREATE TABLE client (
        bic text NOT NULL,
        account text NOT NULL,
        balance_kopecks bigint NOT NULL DEFAULT 0 CHECK (balance_kopecks >= 0),
        closed boolean NOT NULL DEFAULT false,
        PRIMARY KEY (bic, account)
    )
    """,
    # Of a hold that was cancelled before the bank saw it nothing but the id is known. `held_kopecks`: blocked now.
    """
    CREATE TABLE escrow_hold (
        hold_id text PRIMARY KEY,
        payer_bic text,
        payer_account text,
        payee_bic text,
        payee_account text,
        amount_kopecks bigint CHECK (amount_kopecks > 0),
        held_kopecks bigint NOT NULL DEFAULT 0 CHECK (held_kopecks IN (0, amount_kopecks)),
        state text NOT NULL CHECK (state IN
            ('pending', 'held', 'refused', 'releasing', 'release_rejected', 'released', 'cancelled')),
        reason text,
        number integer NOT NULL DEFAULT 1,
        enquiries_left integer,
        end_reason text,
        CHECK (amount_kopecks IS NOT NULL OR state = 'cancelled')
    )
    """,
    # Without a cursor: held back until the next one is told.
    """
    CREATE TABLE escrow_notice (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        cursor bigint UNIQUE,
        notice_id text NOT NULL,
        hold_id text NOT NULL,
        number integer NOT NULL,
        state text NOT NULL,
        at timestamptz NOT NULL
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
