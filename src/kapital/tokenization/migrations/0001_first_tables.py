"""Issues, decisions, orders, corporate actions, recorded values, and what is known of investors."""

from alembic import op

from kapital.platform.migrations_base import create_platform_tables

revision = "0001"
down_revision = None

_STATEMENTS = (
    # A view of others' events: may be dropped and rebuilt from them.
    """
    CREATE TABLE investor (
        participant_id uuid PRIMARY KEY,
        kind text,
        state text,
        wallet_id uuid UNIQUE,
        category text,
        kyc_valid_until timestamptz,
        changed_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE issue (
        issue_id uuid PRIMARY KEY,
        issuer_participant_id uuid NOT NULL,
        issuer_wallet_id uuid,
        code text NOT NULL UNIQUE,
        title text NOT NULL,
        state text NOT NULL,
        version bigint NOT NULL,
        decision_version integer NOT NULL,
        decision_sha256 text NOT NULL,
        drafted_by text NOT NULL,
        quantity_min bigint NOT NULL,
        quantity_max bigint NOT NULL,
        min_order_units bigint NOT NULL,
        max_order_units bigint NOT NULL,
        lot bigint NOT NULL,
        price_kopecks bigint NOT NULL,
        placement_start_at timestamptz NOT NULL,
        placement_end_at timestamptz NOT NULL,
        when_full text NOT NULL,
        orders_revocable boolean NOT NULL,
        qualified_only boolean NOT NULL,
        investor_kinds text[] NOT NULL,
        accepted_orders bigint NOT NULL DEFAULT 0 CHECK (accepted_orders >= 0),
        accepted_units bigint NOT NULL DEFAULT 0 CHECK (accepted_units >= 0),
        accepted_kopecks bigint NOT NULL DEFAULT 0 CHECK (accepted_kopecks >= 0),
        allocated_units bigint NOT NULL DEFAULT 0 CHECK (allocated_units <= quantity_max),
        paid_kopecks bigint NOT NULL DEFAULT 0,
        published_at timestamptz,
        closed_at timestamptz,
        window_at timestamptz,
        transfer_lock boolean NOT NULL,
        locked_at timestamptz
    )
    """,
    "CREATE INDEX issue_to_open ON issue (placement_start_at) WHERE state = 'published'",
    """
    CREATE INDEX issue_to_close ON issue (placement_end_at)
        WHERE state IN ('placement_open', 'placement_suspended')
    """,
    "CREATE INDEX issue_to_redeem ON issue (window_at) WHERE state = 'circulating'",
    "CREATE INDEX issue_issuer ON issue (issuer_participant_id, issue_id)",
    """
    CREATE TABLE decision_version (
        issue_id uuid NOT NULL REFERENCES issue,
        decision_version integer NOT NULL,
        sha256 text NOT NULL,
        terms bytea NOT NULL,
        faults jsonb NOT NULL,
        drafted_by text NOT NULL,
        drafted_at timestamptz NOT NULL,
        PRIMARY KEY (issue_id, decision_version)
    )
    """,
    # What was drafted stays as it was drafted; another text is another version.
    """
    CREATE FUNCTION decision_version_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a version of a decision is never changed or deleted';
    END $$
    """,
    """
    CREATE TRIGGER decision_version_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON decision_version
        FOR EACH STATEMENT EXECUTE FUNCTION decision_version_is_immutable()
    """,
    """
    CREATE TABLE review (
        issue_id uuid NOT NULL,
        decision_version integer NOT NULL,
        role text NOT NULL,
        reviewer_id text NOT NULL,
        verdict text NOT NULL CHECK (verdict IN ('accept', 'return')),
        decision_sha256 text NOT NULL,
        note text,
        reviewed_at timestamptz NOT NULL,
        PRIMARY KEY (issue_id, decision_version, role),
        UNIQUE (issue_id, decision_version, reviewer_id),
        FOREIGN KEY (issue_id, decision_version) REFERENCES decision_version
    )
    """,
    """
    CREATE TABLE decision_signature (
        issue_id uuid NOT NULL,
        decision_version integer NOT NULL,
        party text NOT NULL CHECK (party IN ('issuer', 'operator')),
        signature_kind text NOT NULL,
        key_name text NOT NULL,
        algorithm text NOT NULL,
        signature bytea NOT NULL,
        public_key bytea NOT NULL,
        signed_by text NOT NULL,
        signed_at timestamptz NOT NULL,
        PRIMARY KEY (issue_id, decision_version, party),
        FOREIGN KEY (issue_id, decision_version) REFERENCES decision_version
    )
    """,
    # No foreign key to issue: an order row is written while the issue row may be locked by an acceptance.
    """
    CREATE TABLE subscription_order (
        order_id uuid PRIMARY KEY,
        issue_id uuid NOT NULL,
        participant_id uuid NOT NULL,
        wallet_id uuid,
        units bigint NOT NULL CHECK (units > 0),
        reserved_kopecks bigint NOT NULL CHECK (reserved_kopecks >= 0),
        state text NOT NULL,
        version bigint NOT NULL,
        actor_id text NOT NULL,
        command_id text NOT NULL,
        item integer NOT NULL,
        fingerprint text NOT NULL,
        created_at timestamptz NOT NULL,
        reserve_seq bigint,
        reserved_at timestamptz,
        accepted_at timestamptz,
        release_due boolean NOT NULL DEFAULT false,
        release_seq bigint,
        refusal_code text,
        refusal_detail text,
        refusal_facts jsonb,
        entry_seq bigint,
        UNIQUE (actor_id, command_id, item)
    )
    """,
    "CREATE INDEX order_participant ON subscription_order (participant_id, order_id)",
    "CREATE INDEX order_issue ON subscription_order (issue_id, state)",
    "CREATE INDEX order_undecided ON subscription_order (issue_id, order_id) WHERE state = 'checked'",
    "CREATE INDEX order_release_due ON subscription_order (order_id) WHERE release_due",
    """
    CREATE TABLE fill (
        order_id uuid PRIMARY KEY REFERENCES subscription_order,
        issue_id uuid NOT NULL REFERENCES issue,
        part integer NOT NULL,
        units bigint NOT NULL CHECK (units >= 0),
        pay_kopecks bigint NOT NULL CHECK (pay_kopecks >= 0),
        refund_kopecks bigint NOT NULL CHECK (refund_kopecks >= 0)
    )
    """,
    """
    CREATE TABLE corporate_action (
        action_id uuid PRIMARY KEY,
        issue_id uuid NOT NULL REFERENCES issue,
        number integer NOT NULL,
        kind text NOT NULL,
        nominal_on date NOT NULL,
        pay_on date NOT NULL,
        pay_by_on date NOT NULL,
        record_at timestamptz NOT NULL,
        fixing_at timestamptz NOT NULL,
        pay_at timestamptz NOT NULL,
        grace_until_at timestamptz NOT NULL,
        overdue_at timestamptz NOT NULL,
        needs jsonb NOT NULL,
        needs_outcome boolean NOT NULL,
        state text NOT NULL,
        version bigint NOT NULL,
        explanation text,
        record_size bigint,
        holders bigint NOT NULL DEFAULT 0,
        total_kopecks bigint NOT NULL DEFAULT 0,
        paid_kopecks bigint NOT NULL DEFAULT 0 CHECK (paid_kopecks <= total_kopecks),
        parts integer NOT NULL DEFAULT 0,
        UNIQUE (issue_id, number)
    )
    """,
    """
    CREATE INDEX action_live ON corporate_action (state, fixing_at)
        WHERE state NOT IN ('closed', 'defaulted', 'cancelled')
    """,
    """
    CREATE TABLE payout_part (
        action_id uuid NOT NULL REFERENCES corporate_action,
        part integer NOT NULL,
        state text NOT NULL CHECK (state IN ('waiting', 'instructed', 'refused', 'settled')),
        amount_kopecks bigint NOT NULL,
        PRIMARY KEY (action_id, part)
    )
    """,
    """
    CREATE TABLE payout_line (
        action_id uuid NOT NULL,
        part integer NOT NULL,
        line integer NOT NULL,
        wallet_id uuid NOT NULL,
        position text NOT NULL,
        units bigint NOT NULL,
        amount_kopecks bigint NOT NULL CHECK (amount_kopecks >= 0),
        extinguish_units bigint NOT NULL CHECK (extinguish_units >= 0),
        PRIMARY KEY (action_id, part, line),
        FOREIGN KEY (action_id, part) REFERENCES payout_part
    )
    """,
    """
    CREATE TABLE fixing (
        fixing_id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('fixing', 'outcome')),
        series text,
        observed_on date,
        issue_id uuid REFERENCES issue,
        value text NOT NULL,
        state text NOT NULL,
        version bigint NOT NULL,
        evidence text NOT NULL,
        document_sha256 text,
        recorded_by text NOT NULL,
        recorded_at timestamptz NOT NULL,
        decided_by text,
        decided_at timestamptz,
        CHECK (decided_by IS NULL OR decided_by <> recorded_by),
        CHECK ((kind = 'fixing') = (series IS NOT NULL AND observed_on IS NOT NULL AND issue_id IS NULL))
    )
    """,
    """
    CREATE UNIQUE INDEX fixing_value ON fixing (series, observed_on)
        WHERE kind = 'fixing' AND state <> 'rejected'
    """,
    "CREATE UNIQUE INDEX fixing_outcome ON fixing (issue_id) WHERE kind = 'outcome' AND state <> 'rejected'",
)


def upgrade() -> None:
    create_platform_tables(op)
    for statement in _STATEMENTS:
        op.execute(statement)
