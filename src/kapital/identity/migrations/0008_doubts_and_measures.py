"""Doubts about identifications; measures of participants whose particulars nobody recorded."""

from alembic import op

revision = "0008"
down_revision = "0007"

_STATEMENTS = (
    """
    CREATE TABLE kyc_doubt (
        case_id uuid PRIMARY KEY REFERENCES kyc_case,
        participant_id uuid NOT NULL,
        reason text NOT NULL,
        recorded_by text NOT NULL,
        recorded_at timestamptz NOT NULL,
        valid_until_before timestamptz NOT NULL,
        valid_until timestamptz NOT NULL CHECK (valid_until <= valid_until_before)
    )
    """,
    "CREATE INDEX kyc_doubt_of ON kyc_doubt (participant_id, recorded_at)",
    # A measure may be of somebody who was never looked for in a list: frozen by hand, or held for an owner.
    """
    CREATE TABLE participant_measure (
        participant_id uuid PRIMARY KEY,
        measure text NOT NULL CHECK (measure IN ('free', 'held', 'frozen'))
    )
    """,
    "INSERT INTO participant_measure SELECT participant_id, measure FROM screening_client",
    "ALTER TABLE screening_client DROP COLUMN measure",
    "CREATE INDEX kyc_party_of ON kyc_party (participant_id)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
