"""Certificates of signatures bound to participants, and the participants' numbers."""

from alembic import op

revision = "0006"
down_revision = "0005"

_STATEMENTS = (
    """
    CREATE TABLE owner_number (
        participant_id uuid NOT NULL,
        name text NOT NULL CHECK (name IN ('inn', 'inn_legal_entity', 'ogrn', 'ogrnip', 'snils')),
        digits text NOT NULL CHECK (digits ~ '^[0-9]{10,15}$'),
        PRIMARY KEY (participant_id, name)
    )
    """,
    """
    CREATE TABLE certificate (
        certificate_id uuid PRIMARY KEY,
        participant_id uuid NOT NULL,
        certificate_sha256 text NOT NULL CHECK (certificate_sha256 ~ '^[0-9a-f]{64}$'),
        encoded bytea NOT NULL,
        power_sha256 text,
        power_signature_sha256 text,
        state text NOT NULL CHECK (state IN ('active', 'suspended', 'revoked', 'expired')),
        valid_until timestamptz NOT NULL,
        bound_by text NOT NULL,
        bound_at timestamptz NOT NULL,
        changed_by text NOT NULL,
        changed_at timestamptz NOT NULL,
        UNIQUE (participant_id, certificate_sha256),
        CHECK ((power_sha256 IS NULL) = (power_signature_sha256 IS NULL))
    )
    """,
    "CREATE INDEX certificate_by_term ON certificate (valid_until) WHERE state IN ('active', 'suspended')",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
