"""The whole life of a participant: kinds, freeze, closing, rule books with acceptances, issues of issuers."""

from alembic import op

revision = "0002"
down_revision = "0001"

_STATES = (
    "'applied','identifying','screening','review','approved','active',"
    "'restricted','frozen','closing','closed','rejected','expired'"
)

_STATEMENTS = (
    """
    ALTER TABLE participant
        DROP CONSTRAINT participant_kind_check,
        DROP CONSTRAINT participant_state_check,
        ADD COLUMN ogrn text CHECK (ogrn ~ '^([0-9]{13}|[0-9]{15})$'),
        ADD COLUMN snils text CHECK (snils ~ '^[0-9]{11}$'),
        ADD COLUMN frozen_from text,
        ADD COLUMN closing_asked_by text,
        ADD COLUMN closing_asked_at timestamptz,
        ADD COLUMN closing_basis text
    """,
    f"""
    ALTER TABLE participant
        ADD CONSTRAINT participant_kind_check
            CHECK (kind IN ('natural_person', 'sole_proprietor', 'legal_entity', 'foreign_entity')),
        ADD CONSTRAINT participant_state_check CHECK (state IN ({_STATES})),
        ADD CONSTRAINT participant_frozen_check CHECK ((state = 'frozen') = (frozen_from IS NOT NULL)),
        ADD CONSTRAINT participant_closing_check CHECK (
            (closing_asked_by IS NULL) = (closing_asked_at IS NULL)
            AND (closing_asked_by IS NULL) = (closing_basis IS NULL)
        )
    """,
    "ALTER TABLE participant_change DROP CONSTRAINT participant_change_state_check",
    f"""
    ALTER TABLE participant_change
        ADD CONSTRAINT participant_change_state_check CHECK (state IN ({_STATES}))
    """,
    "DROP INDEX participant_living",
    """
    CREATE UNIQUE INDEX participant_living ON participant (kind, inn)
        WHERE state NOT IN ('rejected', 'closed', 'expired')
    """,
    "ALTER TABLE wallet DROP CONSTRAINT wallet_profile_check",
    """
    ALTER TABLE wallet
        ADD CONSTRAINT wallet_profile_check CHECK (profile IN ('client_self', 'client_managed', 'issuer', 'nominee')),
        ADD COLUMN closed_seq bigint UNIQUE CHECK (closed_seq > entry_seq),
        ADD COLUMN closed_at timestamptz,
        ADD CONSTRAINT wallet_closed_check CHECK ((closed_seq IS NULL) = (closed_at IS NULL))
    """,
    """
    CREATE TABLE rule_book (
        version text PRIMARY KEY CHECK (length(version) BETWEEN 1 AND 64),
        document_sha256 text CHECK (document_sha256 ~ '^[0-9a-f]{64}$'),
        state text NOT NULL CHECK (state IN
            ('draft', 'sent_to_cbr', 'agreed', 'effective', 'superseded', 'withdrawn')),
        effective_on date NOT NULL,
        effective_at timestamptz,
        drafted_by text NOT NULL,
        drafted_at timestamptz NOT NULL
    )
    """,
    # One version in force, whatever two processes do at the same instant.
    "CREATE UNIQUE INDEX rule_book_in_force ON rule_book (state) WHERE state = 'effective'",
    "CREATE INDEX rule_book_due ON rule_book (effective_on) WHERE state = 'agreed'",
    """
    CREATE TABLE rule_book_acceptance (
        participant_id uuid NOT NULL REFERENCES participant,
        version text NOT NULL,
        document_sha256 text,
        accepted_at timestamptz NOT NULL,
        accepted_by text NOT NULL,
        PRIMARY KEY (participant_id, version)
    )
    """,
    """
    INSERT INTO rule_book_acceptance (participant_id, version, accepted_at, accepted_by)
    SELECT participant_id, rule_book_version, registered_at, 'machine:migration' FROM participant
    """,
    """
    CREATE TRIGGER rule_book_acceptance_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rule_book_acceptance
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    # A view of tokenization's events: which decisions an issuer still has to perform.
    """
    CREATE TABLE issuer_issue (
        issue_id uuid PRIMARY KEY,
        participant_id uuid,
        state text
    )
    """,
    "CREATE INDEX issuer_issue_of ON issuer_issue (participant_id)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
