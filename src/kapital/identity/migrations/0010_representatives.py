"""Representatives by the register: told by the registry, compared with the lists, identified by their documents."""

from alembic import op

revision = "0010"
down_revision = "0009"

_STATEMENTS = (
    # A representative by the register is a party of its participant and of no case.
    "ALTER TABLE kyc_party ALTER COLUMN case_id DROP NOT NULL",
    # Name and numbers are personal data, as those of participants.
    """
    CREATE TABLE kyc_representative (
        representative_id uuid PRIMARY KEY,
        participant_id uuid NOT NULL,
        name text NOT NULL,
        inn text NOT NULL,
        snils text,
        told_at timestamptz NOT NULL,
        screened_at timestamptz,
        ended_at timestamptz
    )
    """,
    "CREATE INDEX kyc_representative_of ON kyc_representative (participant_id) WHERE ended_at IS NULL",
    """
    CREATE INDEX kyc_representative_waiting ON kyc_representative (told_at)
        WHERE screened_at IS NULL AND ended_at IS NULL
    """,
    """
    CREATE TABLE representative_identification (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        representative_id uuid NOT NULL REFERENCES kyc_representative,
        identified_at timestamptz NOT NULL,
        identified_by text NOT NULL,
        person jsonb NOT NULL,
        document_sha256 text NOT NULL CHECK (document_sha256 ~ '^[0-9a-f]{64}$')
    )
    """,
    "CREATE INDEX representative_identification_of ON representative_identification (representative_id)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
