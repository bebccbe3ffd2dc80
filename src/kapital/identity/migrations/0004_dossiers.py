"""Questionnaires, documents and dossiers of cases; senior approval; agreements on delegated identification."""

from alembic import op

revision = "0004"
down_revision = "0003"

_STATEMENTS = (
    "ALTER TABLE kyc_case ADD COLUMN version integer NOT NULL DEFAULT 1 CHECK (version > 0)",
    "ALTER TABLE kyc_case ADD COLUMN endorsed_by text",
    "ALTER TABLE kyc_case ADD COLUMN endorsed_at timestamptz",
    "ALTER TABLE kyc_case ADD COLUMN endorsement_basis text",
    "ALTER TABLE kyc_case DROP CONSTRAINT kyc_case_state_check",
    "ALTER TABLE kyc_case DROP CONSTRAINT kyc_case_check",
    """
    ALTER TABLE kyc_case ADD CONSTRAINT kyc_case_state_check CHECK (state IN
        ('opened', 'identified', 'awaiting_senior', 'approved', 'rejected', 'expired', 'superseded'))
    """,
    """
    ALTER TABLE kyc_case ADD CONSTRAINT kyc_case_check
        CHECK ((state IN ('opened', 'identified', 'awaiting_senior')) = (decided_at IS NULL))
    """,
    """
    ALTER TABLE kyc_case ADD CONSTRAINT kyc_case_endorsed CHECK (
        (endorsed_by IS NULL) = (endorsed_at IS NULL) AND (endorsed_by IS NULL) = (endorsement_basis IS NULL)
        AND (state <> 'awaiting_senior' OR endorsed_by IS NOT NULL)
        AND (decided_by IS NULL OR endorsed_by IS NULL OR decided_by <> endorsed_by))
    """,
    "DROP INDEX kyc_case_one_in_work",
    """
    CREATE UNIQUE INDEX kyc_case_one_in_work ON kyc_case (participant_id)
        WHERE state IN ('opened', 'identified', 'awaiting_senior')
    """,
    # Null for what was recorded before these were computed.
    """
    ALTER TABLE identification ADD COLUMN method text
        CHECK (method IN ('attested', 'full', 'simplified', 'delegated'))
    """,
    "ALTER TABLE identification ADD COLUMN dossier_sha256 text CHECK (dossier_sha256 ~ '^[0-9a-f]{64}$')",
    "ALTER TABLE identification ADD COLUMN risk_level text CHECK (risk_level IN ('low', 'medium', 'high'))",
    "ALTER TABLE identification ADD COLUMN review_reasons text[]",
    "ALTER TABLE identification ADD COLUMN filled_by text",
    "CREATE TABLE kyc_participant (participant_id uuid PRIMARY KEY, kind text NOT NULL)",
    # Personal data: nobody but this service reads it.
    """
    CREATE TABLE kyc_questionnaire (
        case_id uuid PRIMARY KEY REFERENCES kyc_case,
        content jsonb NOT NULL,
        questionnaire_sha256 text NOT NULL CHECK (questionnaire_sha256 ~ '^[0-9a-f]{64}$'),
        filled_by text NOT NULL,
        filled_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE kyc_dossier (
        case_id uuid PRIMARY KEY REFERENCES kyc_case,
        content jsonb NOT NULL,
        dossier_sha256 text NOT NULL CHECK (dossier_sha256 ~ '^[0-9a-f]{64}$')
    )
    """,
    """
    CREATE TABLE kyc_document (
        document_id uuid PRIMARY KEY,
        case_id uuid NOT NULL REFERENCES kyc_case,
        kind text NOT NULL,
        sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
        media_type text NOT NULL,
        size_bytes integer NOT NULL CHECK (size_bytes > 0),
        verdict text NOT NULL CHECK (verdict IN ('pending', 'clean', 'infected', 'unchecked_no_scanner')),
        attached_by text NOT NULL,
        attached_at timestamptz NOT NULL,
        checked_at timestamptz,
        UNIQUE (case_id, sha256),
        CHECK ((verdict = 'pending') = (checked_at IS NULL))
    )
    """,
    "CREATE INDEX kyc_document_pending ON kyc_document (attached_at) WHERE verdict = 'pending'",
    """
    CREATE TABLE kyc_delegation (
        delegation_id uuid PRIMARY KEY,
        agent_name text NOT NULL,
        agent_bic text NOT NULL,
        number text NOT NULL,
        valid_from date NOT NULL,
        valid_until date NOT NULL CHECK (valid_until >= valid_from),
        notified_on date,
        ended_on date,
        entered_by text NOT NULL,
        entered_at timestamptz NOT NULL,
        version integer NOT NULL CHECK (version > 0)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
