"""The version of a row that has none by its own rules: every change of it counts one more.

A recorded decision of the access policies names the version of the row that it looked at (`access.Resource`).
"""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

NO_ROW: Final = 0
"""The version of what does not exist."""

_FUNCTION: Final = """
    CREATE OR REPLACE FUNCTION count_row_version() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.row_version := OLD.row_version + 1;
        RETURN NEW;
    END
    $$
"""


def count_changes_of(op: Any, *tables: str) -> None:
    """Give tables the column `row_version`, counted from 1 by the database; `op` is `alembic.op`."""
    op.execute(_FUNCTION)
    for table in tables:
        op.execute(f"ALTER TABLE {table} ADD COLUMN row_version bigint NOT NULL DEFAULT 1")
        op.execute(
            f"CREATE TRIGGER {table}_row_version BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION count_row_version()"
        )


async def row_version(conn: AsyncConnection, table: str, key: str, name: UUID | int) -> int:
    """The version of the row whose column `key` is `name`; NO_ROW without one. Both names are constants of ours."""
    found = await conn.execute(
        text(f"SELECT row_version FROM {table} WHERE {key} = :name"),  # noqa: S608 - constants of adapters
        {"name": name},
    )
    return int(found.scalar_one_or_none() or NO_ROW)
