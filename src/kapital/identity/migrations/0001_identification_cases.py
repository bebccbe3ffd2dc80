"""Identification cases and what was recorded in them."""

from alembic import op

from kapital.platform.migrations_base import create_platform_tables

revision = "0001"
down_revision = None

_STATEMENTS = (
    """
    CREATE TABLE kyc_case (
        case_id uuid PRIMARY KEY,
        participant_id uuid NOT NULL,
        number integer NOT NULL CHECK (number > 0),
        state text NOT NULL
            CHECK (state IN ('opened', 'identified', 'approved', 'rejected', 'expired', 'superseded')),
        opened_at timestamptz NOT NULL,
        decided_by text,
        decided_at timestamptz,
        decision_basis text,
        valid_until timestamptz,
        UNIQUE (participant_id, number),
        CHECK ((state IN ('opened', 'identified')) = (decided_at IS NULL)),
        CHECK ((decided_by IS NULL) = (decided_at IS NULL) AND (decision_basis IS NULL) = (decided_at IS
        NULL)), CHECK ((state IN ('approved', 'expired', 'superseded')) = (valid_until IS NOT NULL))
    )
    """,
    # Two guards that no code may undo: one approval at a time, one case in work at a time.
    "CREATE UNIQUE INDEX kyc_case_one_approval ON kyc_case (participant_id) WHERE state = 'approved'",
    """
    CREATE UNIQUE INDEX kyc_case_one_in_work ON kyc_case (participant_id)
        WHERE state IN ('opened', 'identified')
    """,
    "CREATE INDEX kyc_case_by_state ON kyc_case (state, case_id)",
    "CREATE INDEX kyc_case_by_term ON kyc_case (valid_until) WHERE state = 'approved'",
    """
    CREATE TABLE identification (
        case_id uuid PRIMARY KEY REFERENCES kyc_case,
        document_kind text NOT NULL,
        document_sha256 text NOT NULL CHECK (document_sha256 ~ '^[0-9a-f]{64}$'),
        category text NOT NULL CHECK (category IN ('qualified', 'unqualified')),
        category_evidence_reference text,
        screening_list_version text NOT NULL,
        screening_result text NOT NULL CHECK (screening_result IN ('clear', 'hit')),
        identified_by text NOT NULL,
        identified_at timestamptz NOT NULL,
        identification_sha256 text NOT NULL CHECK (identification_sha256 ~ '^[0-9a-f]{64}$'),
        CHECK (category = 'unqualified' OR category_evidence_reference IS NOT NULL)
    )
    """,
)


def upgrade() -> None:
    create_platform_tables(op)
    for statement in _STATEMENTS:
        op.execute(statement)
