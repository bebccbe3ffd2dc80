"""Keys, how they are locked, and the log of signatures."""

from alembic import op

from kapital.platform.migrations_base import create_platform_tables

revision = "0001"
down_revision = None

_STATEMENTS = (
    """
    CREATE TABLE key_encryption (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        source text NOT NULL CHECK (source IN ('passphrase', 'key_file')),
        salt bytea NOT NULL,
        scrypt_n integer NOT NULL,
        scrypt_r integer NOT NULL,
        scrypt_p integer NOT NULL,
        check_value bytea NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE key (
        key_id uuid PRIMARY KEY,
        name text NOT NULL UNIQUE COLLATE "C" CHECK (length(name) BETWEEN 1 AND 128),
        profile text NOT NULL CHECK (profile IN ('anchor', 'issuer', 'operator')),
        public_key bytea NOT NULL CHECK (length(public_key) = 32),
        sealed bytea,
        state text NOT NULL CHECK
            (state IN ('generated', 'active', 'suspended', 'rotating', 'retired', 'compromised', 'revoked')),
        version integer NOT NULL CHECK (version >= 1),
        resume_requested_by text,
        created_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        CHECK (sealed IS NOT NULL OR state = 'revoked'),
        CHECK (resume_requested_by IS NULL OR state = 'suspended')
    )
    """,
    """
    CREATE TABLE signature_log (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        key_id uuid NOT NULL REFERENCES key,
        message_sha256 bytea NOT NULL CHECK (length(message_sha256) = 32),
        message_bytes integer NOT NULL CHECK (message_bytes >= 0),
        purpose text NOT NULL,
        actor text NOT NULL,
        signed_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX signature_log_of_key ON signature_log (key_id, number)",
    """
    CREATE TRIGGER signature_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON signature_log
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)


def upgrade() -> None:
    create_platform_tables(op)
    for statement in _STATEMENTS:
        op.execute(statement)
