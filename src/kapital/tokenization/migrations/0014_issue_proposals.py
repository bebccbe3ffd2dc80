"""Proposals of the operator on issues, decided by two; consents of holders to an exchange."""

from alembic import op

revision = "0014"
down_revision = "0013"

_STATEMENTS = (
    # A placement that two persons stopped does not reopen by itself when an order is withdrawn.
    "ALTER TABLE issue ADD COLUMN stopped_by_operator boolean NOT NULL DEFAULT false",
    """
    CREATE TABLE issue_proposal (
        proposal_id uuid PRIMARY KEY,
        issue_id uuid NOT NULL REFERENCES issue,
        kind text NOT NULL,
        state text NOT NULL,
        version bigint NOT NULL,
        reason text NOT NULL,
        document_sha256 text,
        action_id uuid REFERENCES corporate_action,
        new_issue_id uuid REFERENCES issue,
        units_per_unit bigint CHECK (units_per_unit > 0),
        proposed_by text NOT NULL,
        proposed_at timestamptz NOT NULL,
        consent_by text,
        consent_at timestamptz,
        consent_act_sha256 text,
        decided_by text,
        decided_at timestamptz,
        performed_at timestamptz,
        CHECK (decided_by IS NULL OR decided_by <> proposed_by)
    )
    """,
    "CREATE INDEX issue_proposal_issue ON issue_proposal (issue_id, proposal_id)",
    """
    CREATE TABLE exchange_consent (
        consent_id uuid PRIMARY KEY,
        proposal_id uuid NOT NULL REFERENCES issue_proposal,
        participant_id uuid NOT NULL,
        wallet_id uuid NOT NULL,
        actor_id text NOT NULL,
        command_id text NOT NULL,
        created_at timestamptz NOT NULL,
        version bigint NOT NULL,
        act_file_sha256 text,
        units bigint NOT NULL,
        locked_units bigint NOT NULL,
        clears_flags boolean NOT NULL,
        entry_seq bigint,
        UNIQUE (actor_id, command_id)
    )
    """,
    # One at a time; units that become free later are exchanged by another consent.
    "CREATE UNIQUE INDEX exchange_consent_open ON exchange_consent (proposal_id, wallet_id) WHERE entry_seq IS NULL",
    "CREATE INDEX exchange_consent_due ON exchange_consent (consent_id) WHERE entry_seq IS NULL",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
