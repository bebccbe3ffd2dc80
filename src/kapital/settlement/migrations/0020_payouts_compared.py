"""Payouts to holders and their tax are compared with the register's entries one by one."""

from alembic import op

revision = "0020"
down_revision = "0018"

STATEMENTS = (
    # A wallet whose units lie in several positions is paid by an entry for each: these are all but the last of them,
    # which the row of `payout` names.
    """
    CREATE TABLE payout_line (
        entry_seq bigint PRIMARY KEY,
        action_id uuid NOT NULL,
        part integer NOT NULL,
        wallet_id uuid NOT NULL,
        net_kopecks bigint NOT NULL CHECK (net_kopecks >= 0),
        tax_kopecks bigint NOT NULL CHECK (tax_kopecks >= 0),
        extinguished_units bigint NOT NULL CHECK (extinguished_units >= 0),
        FOREIGN KEY (action_id, part, wallet_id) REFERENCES payout
    )
    """,
    "CREATE INDEX payout_line_of ON payout_line (action_id, part, wallet_id)",
    # Summarizing: it keeps the second writing of a payout beside the first (HOT), as an ordinary index would not.
    "CREATE INDEX payout_entry ON payout USING brin (entry_seq) WITH (autosummarize = on)",
    "CREATE INDEX tax_correction_entry ON tax_correction (entry_seq) WHERE entry_seq IS NOT NULL",
    # Of payouts from before this revision the entries of single positions are not known: they were compared by sums.
    "ALTER TABLE ledger_walk ADD COLUMN payouts_from bigint NOT NULL DEFAULT 0",
    """
    UPDATE ledger_walk SET payouts_from = greatest(next_seq, (SELECT coalesce(max(entry_seq) + 1, 0) FROM (
        SELECT entry_seq FROM payout UNION ALL SELECT entry_seq FROM tax_correction) AS known))
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
