"""The register of users, their wallets, the staff and the access tokens."""

from alembic import op

from kapital.platform.migrations_base import create_platform_tables

revision = "0001"
down_revision = None

_STATES = (
    "'applied','identifying','screening','review','approved','active',"
    "'restricted','frozen','closing','closed','rejected'"
)

_STATEMENTS = (
    # `name` and `inn` are personal data and are kept in no other table; audit keeps SHA-256(hash_salt +
    # content).
    f"""
    CREATE TABLE participant (
        participant_id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('natural_person', 'sole_proprietor', 'legal_entity')),
        name text NOT NULL CHECK (length(name) BETWEEN 1 AND 500),
        inn text NOT NULL CHECK (inn ~ '^([0-9]{{10}}|[0-9]{{12}})$'),
        hash_salt bytea NOT NULL CHECK (octet_length(hash_salt) = 32),
        roles text[] NOT NULL CHECK (cardinality(roles) > 0),
        rule_book_version text NOT NULL,
        state text NOT NULL CHECK (state IN ({_STATES})),
        restrictions text[] NOT NULL DEFAULT '{{}}',
        restricted_by text,
        registered_at timestamptz NOT NULL,
        version bigint NOT NULL CHECK (version > 0),
        CHECK ((restricted_by IS NOT NULL) = ('officer' = ANY (restrictions)))
    )
    """,
    # One living participant per kind and number: who was rejected or has left may apply anew.
    """
    CREATE UNIQUE INDEX participant_living ON participant (kind, inn)
        WHERE state NOT IN ('rejected', 'closed')
    """,
    "CREATE INDEX participant_by_state ON participant (state, participant_id)",
    # Each state with the instant from which it held: the register at any past instant.
    f"""
    CREATE TABLE participant_change (
        participant_id uuid NOT NULL REFERENCES participant,
        version bigint NOT NULL,
        state text NOT NULL CHECK (state IN ({_STATES})),
        changed_at timestamptz NOT NULL,
        PRIMARY KEY (participant_id, version)
    )
    """,
    """
    CREATE TABLE wallet (
        wallet_id uuid PRIMARY KEY,
        participant_id uuid NOT NULL UNIQUE REFERENCES participant,
        profile text NOT NULL CHECK (profile IN ('client_self', 'client_managed', 'issuer')),
        entry_seq bigint NOT NULL UNIQUE CHECK (entry_seq >= 0),
        opened_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE staff (
        staff_id uuid PRIMARY KEY,
        roles text[] NOT NULL CHECK (cardinality(roles) > 0),
        registered_at timestamptz NOT NULL,
        registered_by text NOT NULL
    )
    """,
    """
    CREATE TABLE access_token (
        token_id uuid PRIMARY KEY,
        token_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(token_sha256) = 32),
        subject_kind text NOT NULL CHECK (subject_kind IN ('participant', 'staff')),
        subject_id uuid NOT NULL,
        roles text[] NOT NULL CHECK (cardinality(roles) > 0),
        issued_at timestamptz NOT NULL,
        issued_by text NOT NULL,
        expires_at timestamptz NOT NULL CHECK (expires_at > issued_at),
        revoked_at timestamptz,
        revoked_by text,
        CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
    )
    """,
)


def upgrade() -> None:
    create_platform_tables(op)
    for statement in _STATEMENTS:
        op.execute(statement)
