"""Each holder's payouts with their tax, what units had cost, who is a tax resident, corrections."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    # What the registry told of participants.
    "CREATE TABLE taxpayer (participant_id uuid PRIMARY KEY, kind text NOT NULL)",
    """
    CREATE TABLE tax_residency (
        residency_id uuid PRIMARY KEY,
        participant_id uuid NOT NULL,
        residency text NOT NULL CHECK (residency IN ('resident', 'non_resident')),
        valid_from date NOT NULL,
        basis text NOT NULL,
        document_sha256 text CHECK (document_sha256 ~ '^[0-9a-f]{64}$'),
        state text NOT NULL CHECK (state IN ('recorded', 'confirmed', 'rejected')),
        recorded_by text NOT NULL,
        recorded_at timestamptz NOT NULL,
        decided_by text,
        decided_at timestamptz,
        CHECK (decided_by IS NULL OR decided_by <> recorded_by),
        CHECK ((state = 'recorded') = (decided_by IS NULL))
    )
    """,
    """
    CREATE INDEX tax_residency_in_force ON tax_residency (participant_id, valid_from)
        WHERE state = 'confirmed'
    """,
    """
    CREATE TABLE unit_lot (
        issue_id uuid NOT NULL,
        wallet_id uuid NOT NULL,
        order_id uuid NOT NULL,
        entry_seq bigint NOT NULL,
        units bigint NOT NULL CHECK (units > 0),
        cost_kopecks bigint NOT NULL CHECK (cost_kopecks >= 0),
        PRIMARY KEY (issue_id, wallet_id, order_id)
    )
    """,
    # `planned`: decided, the ledger was perhaps asked. A row is deleted only when the ledger has refused it.
    """
    CREATE TABLE payout (
        action_id uuid NOT NULL,
        part integer NOT NULL,
        wallet_id uuid NOT NULL,
        issue_id uuid NOT NULL,
        kind text NOT NULL,
        taxpayer_id uuid NOT NULL,
        state text NOT NULL CHECK (state IN ('planned', 'paid')),
        paid_on date NOT NULL,
        tax_year integer NOT NULL,
        gross_kopecks bigint NOT NULL CHECK (gross_kopecks >= 0),
        cost_kopecks bigint NOT NULL CHECK (cost_kopecks >= 0),
        extinguished_units bigint NOT NULL CHECK (extinguished_units >= 0),
        agent text CHECK (agent IN ('operator', 'issuer')),
        base_kopecks bigint NOT NULL CHECK (base_kopecks >= 0),
        tax_kopecks bigint NOT NULL CHECK (tax_kopecks BETWEEN 0 AND gross_kopecks),
        rate_parts jsonb,
        residency text,
        residency_known boolean,
        rule_version text,
        entry_seq bigint,
        PRIMARY KEY (action_id, part, wallet_id),
        CHECK ((state = 'paid') = (entry_seq IS NOT NULL)),
        CHECK (tax_kopecks = 0 OR agent IS NOT NULL)
    )
    """,
    "CREATE INDEX payout_taxpayer ON payout (taxpayer_id, tax_year)",
    "CREATE INDEX payout_wallet ON payout (wallet_id, issue_id)",
    # Append-only: a payment's tax is never changed, it is corrected by another record.
    """
    CREATE TABLE tax_correction (
        correction_id uuid PRIMARY KEY,
        number bigint GENERATED ALWAYS AS IDENTITY,
        action_id uuid NOT NULL,
        part integer NOT NULL,
        wallet_id uuid NOT NULL,
        taxpayer_id uuid NOT NULL,
        tax_year integer NOT NULL,
        residency_id uuid NOT NULL REFERENCES tax_residency,
        agent text NOT NULL CHECK (agent IN ('operator', 'issuer')),
        tax_before_kopecks bigint NOT NULL,
        tax_after_kopecks bigint NOT NULL,
        withheld_before_kopecks bigint NOT NULL,
        rate_parts jsonb NOT NULL,
        residency text NOT NULL,
        rule_version text NOT NULL,
        state text NOT NULL CHECK (state IN ('to_collect', 'collecting', 'collected', 'not_collected', 'recorded')),
        collected_kopecks bigint NOT NULL DEFAULT 0 CHECK (collected_kopecks >= 0),
        entry_seq bigint,
        corrected_on date NOT NULL,
        FOREIGN KEY (action_id, part, wallet_id) REFERENCES payout
    )
    """,
    "CREATE INDEX tax_correction_payout ON tax_correction (action_id, part, wallet_id)",
    "CREATE INDEX tax_correction_taxpayer ON tax_correction (taxpayer_id, tax_year)",
    "CREATE INDEX tax_correction_open ON tax_correction (correction_id) WHERE state IN ('to_collect', 'collecting')",
    "ALTER TABLE reconciliation ADD COLUMN tax_payable_kopecks bigint NOT NULL DEFAULT 0",
    "ALTER TABLE reconciliation DROP COLUMN difference_kopecks",
    """
    ALTER TABLE reconciliation ADD COLUMN difference_kopecks bigint GENERATED ALWAYS AS
        (bank_kopecks - beneficiaries_kopecks - unidentified_kopecks - in_transit_kopecks - tax_payable_kopecks)
        STORED
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
