"""One table whose rows are Structs with an optimistic version: read, insert and update, always a set at a time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import CursorResult, RowMapping, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.problems import StaleVersion

T = TypeVar("T", bound=msgspec.Struct)


class VersionedTable(Generic[T]):
    """Shape: `columns` maps each field of the Struct to its SQL type, in the order of the Struct."""

    def __init__(self, struct: type[T], name: str, key: str, columns: Mapping[str, str]) -> None:
        self.struct, self.name, self.key = struct, name, key
        self.columns = ", ".join(columns)
        self._json = [column for column, kind in columns.items() if kind == "jsonb"]
        self._uuids = [column for column, kind in columns.items() if kind == "uuid"]
        given = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        # Not `jsonb`: whole rows are only read once, and to make a tree of them first costs a sixth of the insert.
        rows = f"json_to_recordset(CAST(:rows AS json)) AS r({given})"
        # Names come from the constants of this package, never from outside.
        self._insert = text(
            f"INSERT INTO {name} ({self.columns}) SELECT {self.columns} FROM {rows}"  # noqa: S608 - names of our tables and columns only; values are bound
            f" ON CONFLICT DO NOTHING RETURNING {key}"
        )
        self._kinds = dict(columns)
        self._selects: dict[str, TextClause] = {}
        self._updates: dict[frozenset[str], TextClause] = {}

    async def insert(self, conn: AsyncConnection, rows: Sequence[T]) -> set[UUID]:
        """Insert rows and return the keys of those that were not there."""
        if not rows:
            return set()
        result = await conn.execute(self._insert, {"rows": _json_text(rows)})
        return set(result.scalars())  # the driver's UUIDs are equal to ours and hash alike

    async def update(
        self, conn: AsyncConnection, rows: Sequence[T], changed: Iterable[str] | None = None, *, steps: int = 1
    ) -> None:
        """Write the version of each row that so many steps lead to: the columns that were `changed`, or all.

        Raises: StaleVersion if any was changed by another meanwhile.
        """
        if not rows:
            return
        columns = frozenset(self._kinds if changed is None else changed) | {self.key, "version"}
        values = [{column: getattr(row, column) for column in columns} for row in rows]
        result = await conn.execute(self._update_of(columns), {"rows": _json_text(values), "steps": steps})
        if result.rowcount != len(rows):
            raise StaleVersion(facts={"rows": len(rows), "changed": result.rowcount})

    def _update_of(self, columns: frozenset[str]) -> TextClause:
        if (known := self._updates.get(columns)) is not None:
            return known
        names = sorted(columns)
        given = ", ".join(f"{column} {self._kinds[column]}" for column in names)
        changes = ", ".join(f"{column} = r.{column}" for column in names if column != self.key)
        statement = text(
            f"UPDATE {self.name} SET {changes}"  # noqa: S608 - names of our tables and columns only; values are bound
            f" FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r({given})"
            f" WHERE {self.name}.{self.key} = r.{self.key}"
            f" AND {self.name}.version = r.version - CAST(:steps AS bigint)"
        )
        self._updates[columns] = statement
        return statement

    async def select(self, conn: AsyncConnection, tail: str, values: Mapping[str, Any]) -> list[T]:
        """Read the rows of `tail` (WHERE, ORDER BY, LIMIT, FOR …), a constant of this package.

        `ids` that are asked for by name and are none find nothing, without a statement.
        """
        if "ids" in values and not values["ids"]:
            return []
        query = self._selects.get(tail)
        if query is None:
            query = text(f"SELECT {self.columns} FROM {self.name} {tail}")  # noqa: S608 - names of our tables and columns only; values are bound
            self._selects[tail] = query
        return [self._read(row) for row in await conn.execute(query, values)]

    def _read(self, row: Sequence[Any]) -> T:
        # By kind of column and not by looking at each value: a placement that closes reads 20,000 rows.
        values = dict(zip(self._kinds, row, strict=True))
        for name in self._uuids:
            values[name] = plain(values[name])
        for name in self._json:
            if isinstance(values[name], str):
                values[name] = msgspec.json.decode(values[name])
        return msgspec.convert(values, self.struct)


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


def _json_text(rows: Sequence[Any]) -> str:
    return msgspec.json.encode(rows).decode()
