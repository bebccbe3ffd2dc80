"""The register of record: entries, accounts, tiles, checkpoints."""

from importlib.resources import files

from alembic import op

from kapital.platform.migrations_base import create_platform_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_platform_tables(op)
    # The driver takes one statement at a time; a line of dashes separates them in the file.
    for statement in files("kapital.ledger.migrations").joinpath("schema.sql").read_text().split("\n\n--;\n\n"):
        op.execute(statement)
