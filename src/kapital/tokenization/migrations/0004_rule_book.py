"""Which version of the rule book is in force, and which one each participant has accepted."""

from alembic import op

revision = "0004"
down_revision = "0003"

_STATEMENTS = (
    # A view of the registry's events.
    """
    CREATE TABLE rule_book (
        version text PRIMARY KEY,
        effective_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX rule_book_by_time ON rule_book (effective_at)",
    "ALTER TABLE investor ADD COLUMN rule_book_version text",
    # So far there was one version, accepted by everybody with the application; the audit names it.
    """
    UPDATE investor SET rule_book_version = (
        SELECT basis ->> 'rule_book_version' FROM audit_event
        WHERE basis ->> 'rule_book_version' IS NOT NULL ORDER BY id DESC LIMIT 1
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
