"""Placement by a live quote and continuous placement: the corridor, the greatest price of an order, the quotes."""

from alembic import op

revision = "0010"
down_revision = "0009"

_STATEMENTS = (
    "ALTER TABLE issue ADD COLUMN quote_min_kopecks bigint",
    "ALTER TABLE issue ADD COLUMN quote_max_kopecks bigint",
    "ALTER TABLE issue ADD COLUMN fill_every_s integer CHECK (fill_every_s >= 0)",
    "ALTER TABLE issue ADD COLUMN fill_at timestamptz",
    "ALTER TABLE issue ADD COLUMN allocation_parts integer NOT NULL DEFAULT 0",
    # Issues that were allocated before are told of in parts of 1,000 lines, and are never told of again.
    """
    CREATE INDEX issue_to_fill ON issue (fill_at)
        WHERE fill_every_s IS NOT NULL AND state IN ('placement_open', 'placement_suspended')
    """,
    "ALTER TABLE subscription_order ADD COLUMN max_price_kopecks bigint CHECK (max_price_kopecks > 0)",
    """
    CREATE TABLE quote (
        issue_id uuid NOT NULL REFERENCES issue,
        number integer NOT NULL CHECK (number > 0),
        value text NOT NULL,
        price_kopecks bigint NOT NULL CHECK (price_kopecks > 0),
        quoted_at timestamptz NOT NULL,
        valid_until timestamptz NOT NULL CHECK (valid_until > quoted_at),
        published_by text NOT NULL,
        published_at timestamptz NOT NULL CHECK (published_at >= quoted_at),
        PRIMARY KEY (issue_id, number)
    )
    """,
    # What was published stays as it was published.
    """
    CREATE FUNCTION quote_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a published quote is never changed or deleted';
    END $$
    """,
    """
    CREATE TRIGGER quote_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON quote
        FOR EACH STATEMENT EXECUTE FUNCTION quote_is_immutable()
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
