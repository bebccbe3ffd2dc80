"""Parties that questionnaires name – owners, heads, representatives, beneficiaries – and that are screened too."""

from alembic import op

revision = "0007"
down_revision = "0006"

_STATEMENTS = (
    # A pseudonym and whose it is; who it is stands in the questionnaire and in `screening_client`.
    """
    CREATE TABLE kyc_party (
        party_id uuid PRIMARY KEY REFERENCES screening_client DEFERRABLE INITIALLY DEFERRED,
        case_id uuid NOT NULL REFERENCES kyc_case,
        participant_id uuid NOT NULL,
        roles text[] NOT NULL CHECK (cardinality(roles) > 0)
    )
    """,
    "CREATE INDEX kyc_party_by_case ON kyc_party (case_id)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
