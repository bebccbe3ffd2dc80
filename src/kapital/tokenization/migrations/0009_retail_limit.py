"""The yearly limit of an unqualified person: what orders count, sums by person and day, who passed the test."""

from alembic import op

revision = "0009"
down_revision = "0008"

_STATEMENTS = (
    "ALTER TABLE investor ADD COLUMN test_passed boolean",
    "ALTER TABLE investor ADD COLUMN test_until timestamptz",
    "ALTER TABLE issue ADD COLUMN retail_limited boolean NOT NULL DEFAULT true",
    "ALTER TABLE subscription_order ADD COLUMN limit_kopecks bigint NOT NULL DEFAULT 0 CHECK (limit_kopecks >= 0)",
    "ALTER TABLE subscription_order ADD COLUMN limit_on date",
    "ALTER TABLE subscription_order ADD CHECK (limit_kopecks = 0 OR limit_on IS NOT NULL)",
    # A view of the orders: may be dropped and summed up again from them.
    """
    CREATE TABLE retail_use (
        participant_id uuid NOT NULL,
        used_on date NOT NULL,
        kopecks bigint NOT NULL,
        PRIMARY KEY (participant_id, used_on)
    )
    """,
    # What was acquired before counts too, by what is known of its investor today.
    """
    UPDATE subscription_order AS o SET
        limit_on = (o.created_at AT TIME ZONE 'Europe/Moscow')::date,
        limit_kopecks = coalesce((SELECT f.pay_kopecks FROM fill f WHERE f.order_id = o.order_id), o.reserved_kopecks)
    FROM investor i
    WHERE i.participant_id = o.participant_id AND i.kind IN ('natural_person', 'sole_proprietor')
        AND i.category IS DISTINCT FROM 'qualified'
        AND o.state IN ('checked', 'awaiting_funds', 'funded', 'accepted', 'allocated', 'partially_allocated',
            'settling', 'settled')
    """,
    """
    INSERT INTO retail_use (participant_id, used_on, kopecks)
    SELECT participant_id, limit_on, sum(limit_kopecks) FROM subscription_order WHERE limit_kopecks > 0
    GROUP BY participant_id, limit_on
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
