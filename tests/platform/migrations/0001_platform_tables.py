from alembic import op

from kapital.platform.migrations_base import create_platform_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_platform_tables(op)
    op.execute("CREATE TABLE effect (n bigint GENERATED ALWAYS AS IDENTITY, label text NOT NULL, who text)")
