"""Screening: list versions and their entries, the clients looked for, hits and their decisions."""

from alembic import op

revision = "0002"
down_revision = "0001"

_SOURCES = (
    "'rosfinmonitoring_terror', 'rosfinmonitoring_proliferation', 'rosfinmonitoring_mvk', 'un', 'ofac_sdn', 'eu', "
    "'opensanctions'"
)
_STATEMENTS = (
    f"""
    CREATE TABLE screening_list_version (
        version_id uuid PRIMARY KEY,
        source text NOT NULL CHECK (source IN ({_SOURCES})),
        number integer NOT NULL CHECK (number > 0),
        format text NOT NULL,
        file_sha256 text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{{64}}$'),
        file_bytes bigint NOT NULL,
        list_date text,
        entry_count integer NOT NULL CHECK (entry_count > 0),
        entries_before integer NOT NULL,
        changed_count integer,
        deviation_count integer NOT NULL,
        deviations jsonb NOT NULL,
        state text NOT NULL CHECK (state IN ('held', 'in_force', 'rejected', 'superseded')),
        loaded_by text NOT NULL,
        loaded_at timestamptz NOT NULL,
        decided_by text,
        decided_at timestamptz,
        decision_reason text,
        rescreened_at timestamptz,
        UNIQUE (source, number),
        CHECK (decided_by IS NULL OR decided_by <> loaded_by),
        CHECK ((decided_by IS NULL) = (decided_at IS NULL) AND (decided_by IS NULL) = (decision_reason IS NULL))
    )
    """,
    # Guards that no code may undo: one version of a list in force.
    "CREATE UNIQUE INDEX screening_one_in_force ON screening_list_version (source) WHERE state = 'in_force'",
    # An entry is kept once for as long as its words stay the same: versions [from_number, to_number).
    """
    CREATE TABLE screening_entry (
        entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        source text NOT NULL,
        uid text NOT NULL,
        entry_sha256 text NOT NULL,
        content jsonb NOT NULL,
        from_number integer NOT NULL,
        to_number integer CHECK (to_number > from_number)
    )
    """,
    "CREATE UNIQUE INDEX screening_entry_in_force ON screening_entry (source, uid) WHERE to_number IS NULL",
    "CREATE INDEX screening_entry_by_version ON screening_entry (source, from_number)",
    # What a held version would bring; emptied by the decision.
    """
    CREATE TABLE screening_staged (
        version_id uuid NOT NULL REFERENCES screening_list_version DEFERRABLE INITIALLY DEFERRED,
        uid text NOT NULL,
        entry_sha256 text NOT NULL,
        content jsonb NOT NULL,
        PRIMARY KEY (version_id, uid)
    )
    """,
    """
    CREATE TABLE screening_client (
        participant_id uuid PRIMARY KEY,
        particulars_sha256 text NOT NULL,
        particulars jsonb NOT NULL,
        measure text NOT NULL CHECK (measure IN ('free', 'held', 'frozen')),
        recorded_by text NOT NULL,
        recorded_at timestamptz NOT NULL
    )
    """,
    f"""
    CREATE TABLE screening_hit (
        hit_id uuid PRIMARY KEY,
        participant_id uuid NOT NULL REFERENCES screening_client,
        source text NOT NULL CHECK (source IN ({_SOURCES})),
        list_number integer NOT NULL,
        entry_uid text NOT NULL,
        entry_sha256 text NOT NULL,
        particulars_sha256 text NOT NULL,
        purpose text NOT NULL CHECK (purpose IN ('sanctions', 'pep')),
        grade text NOT NULL CHECK (grade IN ('exact', 'fuzzy')),
        score_ppm integer NOT NULL CHECK (score_ppm BETWEEN 0 AND 1000000),
        reasons jsonb NOT NULL,
        state text NOT NULL CHECK (state IN ('suspected', 'frozen', 'pep', 'false_positive', 'released')),
        raised_at timestamptz NOT NULL,
        decide_by timestamptz,
        proposed_by text,
        proposed_at timestamptz,
        proposal_reason text,
        decided_by text,
        decided_at timestamptz,
        decision_reason text,
        CHECK (state NOT IN ('false_positive', 'released')
            OR (proposed_by IS NOT NULL AND decided_by <> proposed_by)),
        CHECK (state <> 'frozen' OR purpose = 'sanctions')
    )
    """,
    # A pair that was decided is not raised again while neither the entry nor the client's particulars change.
    """
    CREATE UNIQUE INDEX screening_hit_pair
        ON screening_hit (participant_id, source, entry_uid, entry_sha256, particulars_sha256)
    """,
    "CREATE INDEX screening_hit_open ON screening_hit (state, hit_id)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
