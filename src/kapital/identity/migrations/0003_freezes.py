"""Freezes, what each step of one entered in the register, and the wallets of participants."""

from alembic import op

revision = "0003"
down_revision = "0002"

_STATEMENTS = (
    """
    CREATE TABLE participant_wallet (
        wallet_id uuid PRIMARY KEY,
        participant_id uuid NOT NULL
    )
    """,
    "CREATE INDEX participant_wallet_of ON participant_wallet (participant_id)",
    """
    CREATE TABLE property_freeze (
        freeze_id uuid PRIMARY KEY,
        participant_id uuid NOT NULL,
        reach jsonb NOT NULL,
        basis jsonb NOT NULL,
        hit_id uuid UNIQUE REFERENCES screening_hit,
        source text,
        list_number integer,
        state text NOT NULL CHECK (state IN ('proposed', 'active', 'partially_released', 'released', 'rejected')),
        reason text NOT NULL,
        made_by text NOT NULL,
        made_at timestamptz NOT NULL,
        step integer NOT NULL,
        allowance_kopecks bigint NOT NULL,
        decided_by text,
        decided_at timestamptz,
        decision_reason text,
        release jsonb,
        CHECK ((hit_id IS NULL) = (source IS NULL) AND (hit_id IS NULL) = (list_number IS NULL)),
        CHECK ((state IN ('proposed', 'rejected')) = (step = 0))
    )
    """,
    "CREATE INDEX freeze_of ON property_freeze (participant_id)",
    "CREATE INDEX freeze_by_state ON property_freeze (state, freeze_id)",
    # What is asked of the register for one wallet. `freeze_step` and `wallet_id` name the entry: its id is derived.
    """
    CREATE TABLE freeze_entry (
        freeze_id uuid NOT NULL REFERENCES property_freeze,
        wallet_id uuid NOT NULL,
        step integer NOT NULL CHECK (step > 0),
        n bigint GENERATED ALWAYS AS IDENTITY,
        actor text NOT NULL,
        document_sha256 text,
        asset_id uuid,
        kind text CHECK (kind IN ('units', 'money')),
        debits_stopped boolean NOT NULL,
        credits_stopped boolean NOT NULL,
        allowance_kopecks bigint NOT NULL,
        asked_at timestamptz NOT NULL,
        entry_seq bigint,
        refusal text,
        swept boolean NOT NULL DEFAULT false,
        PRIMARY KEY (freeze_id, wallet_id, step),
        CHECK (entry_seq IS NULL OR refusal IS NULL)
    )
    """,
    """
    CREATE INDEX freeze_entry_open ON freeze_entry (n)
        WHERE refusal IS NULL AND (entry_seq IS NULL OR NOT (swept OR debits_stopped OR credits_stopped))
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
