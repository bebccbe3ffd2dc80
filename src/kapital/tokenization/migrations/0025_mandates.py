"""Orders that a broker places by a mandate of its principal; what of a mandate's day is used."""

from alembic import op

revision = "0025"
down_revision = "0024"

_STATEMENTS = (
    # As the registry told of them.
    """
    CREATE TABLE mandate (
        mandate_id uuid PRIMARY KEY,
        participant_id uuid NOT NULL,
        broker_id uuid NOT NULL,
        powers text[] NOT NULL,
        order_limit_kopecks bigint NOT NULL,
        day_limit_kopecks bigint NOT NULL,
        valid_from timestamptz NOT NULL,
        valid_until timestamptz NOT NULL,
        changed_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX mandate_between ON mandate (broker_id, participant_id)",
    # A view of the orders: may be dropped and summed up again from them.
    """
    CREATE TABLE mandate_use (
        mandate_id uuid NOT NULL REFERENCES mandate,
        used_on date NOT NULL,
        kopecks bigint NOT NULL,
        PRIMARY KEY (mandate_id, used_on)
    )
    """,
    # `broker_id` without `mandate_id`: refused, for there was no mandate. Such an order is none of the principal's.
    """
    ALTER TABLE subscription_order
        ADD COLUMN broker_id uuid,
        ADD COLUMN mandate_id uuid REFERENCES mandate,
        ADD COLUMN mandate_kopecks bigint NOT NULL DEFAULT 0 CHECK (mandate_kopecks >= 0),
        ADD COLUMN mandate_on date,
        ADD CHECK (mandate_id IS NULL OR broker_id IS NOT NULL),
        ADD CHECK (mandate_kopecks = 0 OR (mandate_id IS NOT NULL AND mandate_on IS NOT NULL))
    """,
    "CREATE INDEX order_broker ON subscription_order (broker_id, order_id) WHERE broker_id IS NOT NULL",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
