"""Frozen wallets: what each entry left of a freeze. Derived from the entries, as accounts are."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # Rows are only added: the last of a wallet and freeze is in force unless it stops nothing. The wallet may not be
    # open yet, so it refers to no table.
    op.execute(
        """
        CREATE TABLE wallet_freeze (
            seq       bigint NOT NULL,
            wallet    uuid NOT NULL,
            freeze_id uuid NOT NULL,
            asset     uuid,
            kind      text CHECK (kind IN ('units', 'money')),
            stops     smallint NOT NULL CHECK (stops BETWEEN 0 AND 3), -- 1 debits, 2 credits
            allowance bigint NOT NULL,
            PRIMARY KEY (wallet, freeze_id, seq)
        )
        """
    )
