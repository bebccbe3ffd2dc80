"""Which versions of the payoff code two persons approved, and which calendar planned the days of an action.

The two versions that were in use before approvals were kept go on: published issues name them.
"""

from alembic import op

revision = "0022"
down_revision = "0021"

_IN_USE = (
    (1, "2f7a3070fc38a18e4d4d8f68f2eb3314aac28a8edca9ff0a813ee17d418b8bc3"),
    (2, "37c0ce63e2f5808215b1a94e7911bfd658a82558e3a6136e0afbf30296592ff8"),
)
_STATEMENTS = (
    """
    CREATE TABLE payoff_code (
        proposal_id uuid PRIMARY KEY,
        code_sha256 text NOT NULL,
        evaluator_version integer NOT NULL,
        state text NOT NULL CHECK (state IN ('proposed', 'approved', 'rejected')),
        version bigint NOT NULL,
        reason text NOT NULL,
        document_sha256 text,
        proposed_by text NOT NULL,
        proposed_at timestamptz NOT NULL,
        decided_by text,
        decided_at timestamptz,
        CHECK (decided_by IS NULL OR decided_by <> proposed_by),
        CHECK (state <> 'approved' OR decided_by IS NOT NULL OR proposed_by = 'installation')
    )
    """,
    "CREATE UNIQUE INDEX payoff_code_open ON payoff_code (code_sha256) WHERE state <> 'rejected'",
    *(
        f"""
        INSERT INTO payoff_code
            (proposal_id, code_sha256, evaluator_version, state, version, reason, proposed_by, proposed_at)
        VALUES ('01932f6a-0000-7000-8000-00000000000{number}', '{code}', {number}, 'approved', 1,
            'in use before approvals were kept', 'installation', now())
        """  # noqa: S608 - constants of this file
        for number, code in _IN_USE
    ),
    "ALTER TABLE corporate_action ADD COLUMN calendar_sha256 text",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
