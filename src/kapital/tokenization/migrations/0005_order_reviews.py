"""The check of certificates before settlement, and what two persons decide of orders that it holds."""

from alembic import op

revision = "0005"
down_revision = "0004"

_STATEMENTS = (
    # One row for each act behind accepted orders of an issue, from the end of the placement on.
    """
    CREATE TABLE order_review (
        review_id uuid PRIMARY KEY,
        issue_id uuid NOT NULL REFERENCES issue,
        actor_id text NOT NULL,
        command_id text NOT NULL,
        participant_id uuid NOT NULL,
        state text NOT NULL
            CHECK (state IN ('waiting', 'passed', 'held', 'proposed', 'goes_on', 'not_allocated')),
        version bigint NOT NULL,
        signature_holds boolean NOT NULL,
        reasons text NOT NULL,
        revoked_at timestamptz,
        signed_at timestamptz NOT NULL,
        file_sha256 text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
        checked_at timestamptz NOT NULL,
        verdict text CHECK (verdict IN ('go_on', 'not_allocate')),
        reason text,
        proposed_by text,
        proposed_at timestamptz,
        decided_by text,
        decided_at timestamptz,
        UNIQUE (issue_id, actor_id, command_id),
        CHECK (state NOT IN ('goes_on', 'not_allocated') OR decided_by <> proposed_by)
    )
    """,
    "CREATE INDEX order_review_open ON order_review (issue_id) WHERE state IN ('waiting', 'held', 'proposed')",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
