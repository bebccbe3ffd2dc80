"""Pages of issues, their documents, signatures, history and sums."""

from alembic import op

from kapital.platform.migrations_base import create_platform_tables

revision = "0001"
down_revision = None

_STATEMENTS = (
    """
    CREATE TABLE issue_page (
        issue_id uuid PRIMARY KEY,
        number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
        code text NOT NULL,
        title text NOT NULL,
        issuer_name text NOT NULL,
        issuer_inn text NOT NULL,
        issuer_ogrn text NOT NULL,
        issuer_participant_id uuid NOT NULL,
        right_kind text NOT NULL,
        decision_sha256 text NOT NULL CHECK (decision_sha256 ~ '^[0-9a-f]{64}$'),
        quantity_min bigint NOT NULL,
        quantity_max bigint NOT NULL,
        price_kopecks bigint NOT NULL,
        placement_start_at timestamptz NOT NULL,
        placement_end_at timestamptz NOT NULL,
        published_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE page_document (
        issue_id uuid NOT NULL REFERENCES issue_page,
        place integer NOT NULL,
        sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
        name text NOT NULL,
        media_type text NOT NULL,
        bytes bigint NOT NULL,
        PRIMARY KEY (issue_id, place)
    )
    """,
    "CREATE INDEX page_document_hash ON page_document (sha256)",
    """
    CREATE TABLE page_signature (
        issue_id uuid NOT NULL REFERENCES issue_page,
        place integer NOT NULL,
        key_name text NOT NULL,
        algorithm text NOT NULL,
        signature_b64 text NOT NULL,
        public_key_b64 text NOT NULL,
        PRIMARY KEY (issue_id, place)
    )
    """,
    # No foreign key: the events of two producers may come in either order.
    """
    CREATE TABLE page_event (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event_id uuid NOT NULL UNIQUE,
        issue_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('state', 'payout_delayed')),
        value text NOT NULL,
        at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX page_event_of_issue ON page_event (issue_id, kind, number)",
    """
    CREATE TABLE page_total (
        issue_id uuid NOT NULL,
        topic text NOT NULL CHECK
            (topic IN ('allocation_decided', 'allocation_settled', 'payout_instructed', 'payout_settled')),
        subject_id uuid NOT NULL,
        part integer NOT NULL,
        parts integer NOT NULL,
        kind text NOT NULL,
        lines bigint NOT NULL,
        units bigint NOT NULL,
        paid_kopecks bigint NOT NULL,
        refunded_kopecks bigint NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (issue_id, topic, subject_id, part)
    )
    """,
)


def upgrade() -> None:
    create_platform_tables(op)
    for statement in _STATEMENTS:
        op.execute(statement)
