"""One table whose rows are Structs with an optimistic version: read, insert and update, always a set at a time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import CursorResult, RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.problems import StaleVersion

T = TypeVar("T", bound=msgspec.Struct)


class VersionedTable(Generic[T]):
    """Shape: `columns` maps each field of the Struct to its SQL type, in the order of the Struct."""

    def __init__(self, struct: type[T], name: str, key: str, columns: Mapping[str, str]) -> None:
        self.struct, self.name, self.key = struct, name, key
        self.columns = ", ".join(columns)
        self._json = [column for column, kind in columns.items() if kind == "jsonb"]
        given = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        rows = f"jsonb_to_recordset(CAST(:rows AS jsonb)) AS r({given})"
        # Names come from the constants of this package, never from outside.
        self._insert = text(
            f"INSERT INTO {name} ({self.columns}) SELECT {self.columns} FROM {rows}"  # noqa: S608 - names of our tables and columns only; values are bound
            f" ON CONFLICT DO NOTHING RETURNING {key}"
        )
        changes = ", ".join(f"{column} = r.{column}" for column in columns if column != key)
        self._update = text(
            f"UPDATE {name} SET {changes} FROM {rows}"  # noqa: S608 - names of our tables and columns only; values are bound
            f" WHERE {name}.{key} = r.{key} AND {name}.version = r.version - 1"
        )

    async def insert(self, conn: AsyncConnection, rows: Sequence[T]) -> set[UUID]:
        """Insert rows and return the keys of those that were not there."""
        if not rows:
            return set()
        result = await conn.execute(self._insert, {"rows": _json_text(rows)})
        return {plain(key) for key in result.scalars()}

    async def update(self, conn: AsyncConnection, rows: Sequence[T]) -> None:
        """Write the next version of each row. Raises: StaleVersion if any was changed by another meanwhile."""
        if not rows:
            return
        result = await conn.execute(self._update, {"rows": _json_text(rows)})
        if result.rowcount != len(rows):
            raise StaleVersion(facts={"rows": len(rows), "changed": result.rowcount})

    async def select(self, conn: AsyncConnection, tail: str, values: Mapping[str, Any]) -> list[T]:
        """Read the rows of `tail` (WHERE, ORDER BY, LIMIT, FOR …), a constant of this package."""
        query = f"SELECT {self.columns} FROM {self.name} {tail}"  # noqa: S608 - names of our tables and columns only; values are bound
        return self.read((await conn.execute(text(query), values)).mappings())

    def read(self, rows: Iterable[RowMapping]) -> list[T]:
        """Turn rows into Structs."""
        return [msgspec.convert(as_plain(row, self._json), self.struct) for row in rows]


def as_plain(row: RowMapping, json_columns: Iterable[str] = ()) -> dict[str, Any]:
    """A row with the standard library's UUIDs, and JSON columns as values."""
    values = {name: plain(value) for name, value in row.items()}
    for name in json_columns:
        if isinstance(values[name], str):
            values[name] = msgspec.json.decode(values[name])
    return values


def plain(value: Any) -> Any:
    """The driver has a UUID of its own; what is hashed and compared elsewhere wants the standard one."""
    if isinstance(value, UUID) and type(value) is not UUID:
        return UUID(int=value.int)
    return value


def changed_rows(result: CursorResult[Any]) -> int:
    """How many rows a statement changed."""
    return result.rowcount


def _json_text(rows: Sequence[msgspec.Struct]) -> str:
    return msgspec.json.encode(rows).decode()
