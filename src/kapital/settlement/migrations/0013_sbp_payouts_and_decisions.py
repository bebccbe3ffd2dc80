"""Withdrawals by the SBP in parts, money sent back to its payer, and what two persons decide about money."""

from alembic import op

revision = "0013"
down_revision = "0012"

STATEMENTS = (
    # The payee is personal data and stands here only: parts name their withdrawal.
    """
    CREATE TABLE sbp_withdrawal (
        sbp_withdrawal_id uuid PRIMARY KEY,
        wallet_id uuid NOT NULL REFERENCES beneficiary,
        amount_kopecks bigint NOT NULL CHECK (amount_kopecks > 0),
        phone text NOT NULL,
        member_id text NOT NULL,
        requested_by text NOT NULL,
        command_id text NOT NULL,
        requested_at timestamptz NOT NULL,
        UNIQUE (requested_by, command_id)
    )
    """,
    "CREATE INDEX sbp_withdrawal_phone ON sbp_withdrawal (phone, requested_at)",
    "CREATE INDEX sbp_withdrawal_wallet ON sbp_withdrawal (wallet_id, sbp_withdrawal_id)",
    """
    ALTER TABLE withdrawal
        ALTER COLUMN bic DROP NOT NULL,
        ALTER COLUMN account DROP NOT NULL,
        ADD COLUMN sbp_withdrawal_id uuid REFERENCES sbp_withdrawal,
        ADD COLUMN returns_bank_id text,
        ADD CONSTRAINT withdrawal_one_payee CHECK
            ((bic IS NULL) = (account IS NULL) AND num_nonnulls(bic, sbp_withdrawal_id, returns_bank_id) = 1)
    """,
    "CREATE INDEX withdrawal_of_sbp ON withdrawal (sbp_withdrawal_id, item) WHERE sbp_withdrawal_id IS NOT NULL",
    # What goes back leaves the operator's wallet for unidentified money, which is no beneficiary.
    "ALTER TABLE withdrawal DROP CONSTRAINT withdrawal_wallet_id_fkey",
    """
    CREATE TABLE money_decision (
        decision_id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('owner_found', 'sent_back', 'paid_again')),
        payment_id uuid REFERENCES incoming_payment,
        withdrawal_id uuid REFERENCES withdrawal,
        wallet_id uuid REFERENCES beneficiary,
        bic text,
        account text,
        basis text NOT NULL,
        document_sha256 text,
        state text NOT NULL CHECK (state IN ('proposed', 'rejected', 'approved', 'done', 'failed')),
        proposed_by text NOT NULL,
        proposed_at timestamptz NOT NULL,
        decided_by text,
        decided_at timestamptz,
        reason text,
        new_withdrawal_id uuid REFERENCES withdrawal,
        CHECK (decided_by IS NULL OR decided_by <> proposed_by)
    )
    """,
    """
    CREATE UNIQUE INDEX money_decision_of_payment ON money_decision (payment_id)
        WHERE payment_id IS NOT NULL AND state IN ('proposed', 'approved', 'done')
    """,
    """
    CREATE UNIQUE INDEX money_decision_of_withdrawal ON money_decision (withdrawal_id)
        WHERE withdrawal_id IS NOT NULL AND state IN ('proposed', 'approved', 'done', 'failed')
    """,
    "CREATE INDEX money_decision_approved ON money_decision (decision_id) WHERE state = 'approved'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
