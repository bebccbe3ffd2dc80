"""Assets on hold: what a check found damaged is not moved until a clean check lets it go."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Lifted holds stay: they tell what was found and when. `generation` is the head's after the hold was set.
    op.execute(
        """
        CREATE TABLE hold (
            asset      uuid NOT NULL,
            reason     text NOT NULL,
            held_at    timestamptz NOT NULL,
            generation bigint NOT NULL,
            lifted_at  timestamptz,
            PRIMARY KEY (asset, generation)
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX hold_in_force ON hold (asset) WHERE lifted_at IS NULL")
    # `legs` is derived from the body, and an entry that touched a damaged account keeps what it read there: a rebuild
    # must be able to make legs again. What is hashed stays insert-only.
    op.execute("DROP TRIGGER entry_is_insert_only ON entry")
    op.execute(
        """
        CREATE TRIGGER entry_is_insert_only BEFORE UPDATE OF seq, id, body OR DELETE OR TRUNCATE ON entry
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_entry_change()
        """
    )
