"""One table whose rows are Structs with an optimistic version: read, insert and update, always a set at a time."""

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import CursorResult, RowMapping, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.problems import StaleVersion

T = TypeVar("T", bound=msgspec.Struct)


ALIKE_FROM: Final = 100
"""From so many rows on, what all of them have alike travels once. Fewer go whole, so that a statement stays prepared
whatever a few rows happen to have alike."""


class VersionedTable(Generic[T]):
    """Shape: `columns` maps each field of the Struct to its SQL type, in the order of the Struct."""

    def __init__(self, struct: type[T], name: str, key: str, columns: Mapping[str, str]) -> None:
        self.struct, self.name, self.key = struct, name, key
        self.columns = ", ".join(columns)
        self._json = [column for column, kind in columns.items() if kind == "jsonb"]
        self._uuids = [column for column, kind in columns.items() if kind == "uuid"]
        self._kinds = dict(columns)
        self._select_of = lru_cache(maxsize=128)(self._select_statement)
        self._insert_of = lru_cache(maxsize=128)(self._insert_statement)
        self._update_of = lru_cache(maxsize=128)(self._update_statement)

    async def insert(self, conn: AsyncConnection, rows: Sequence[T]) -> set[UUID]:
        """Insert rows and return the keys of those that were not there."""
        if not rows:
            return set()
        sent = _sent(rows, tuple(self._kinds), self._json)
        result = await conn.execute(self._insert_of(sent.own, sent.alike), sent.values)
        return set(result.scalars())  # the driver's UUIDs are equal to ours and hash alike

    async def update(
        self, conn: AsyncConnection, rows: Sequence[T], changed: Iterable[str] | None = None, *, steps: int = 1
    ) -> None:
        """Write the version of each row that so many steps lead to: the columns that were `changed`, or all.

        Raises: StaleVersion if any was changed by another meanwhile.
        """
        if not rows:
            return
        columns = set(self._kinds if changed is None else changed) | {self.key, "version"}
        sent = _sent(rows, tuple(sorted(columns)), self._json)
        result = await conn.execute(self._update_of(sent.own, sent.alike), {**sent.values, "steps": steps})
        if result.rowcount != len(rows):
            raise StaleVersion(facts={"rows": len(rows), "changed": result.rowcount})

    def _insert_statement(self, own: tuple[str, ...], alike: tuple[str, ...]) -> TextClause:
        return text(
            f"INSERT INTO {self.name} ({self.columns}) SELECT {self.columns} FROM {self._rows_given(own, alike)}"  # noqa: S608 - names of our tables and columns only; values are bound
            f" ON CONFLICT DO NOTHING RETURNING {self.key}"
        )

    def _update_statement(self, own: tuple[str, ...], alike: tuple[str, ...]) -> TextClause:
        taken = {name: f"{table}.{name}" for table, names in (("r", own), ("a", alike)) for name in names}
        changes = ", ".join(f"{name} = {value}" for name, value in taken.items() if name != self.key)
        return text(
            f"UPDATE {self.name} SET {changes} FROM {self._rows_given(own, alike)}"  # noqa: S608 - names of our tables and columns only; values are bound
            f" WHERE {self.name}.{self.key} = {taken[self.key]}"
            f" AND {self.name}.version = {taken['version']} - CAST(:steps AS bigint)"
        )

    def _rows_given(self, own: tuple[str, ...], alike: tuple[str, ...]) -> str:
        """The rows sent, as what follows FROM: `r` holds what is a row's own, `a` what they have alike."""
        # Not `jsonb`: whole rows are only read once, and to make a tree of them first costs a sixth of the insert.
        rows = f"json_to_recordset(CAST(:rows AS json)) AS r({self._typed(own)})"
        return f"{rows}, json_to_record(CAST(:alike AS json)) AS a({self._typed(alike)})" if alike else rows

    def _typed(self, names: Iterable[str]) -> str:
        return ", ".join(f"{name} {self._kinds[name]}" for name in names)

    async def select(self, conn: AsyncConnection, tail: str, values: Mapping[str, Any]) -> list[T]:
        """Read the rows of `tail` (WHERE, ORDER BY, LIMIT, FOR …), a constant of this package.

        `ids` that are asked for by name and are none find nothing, without a statement.
        """
        if "ids" in values and not values["ids"]:
            return []
        return [self._read(row) for row in await conn.execute(self._select_of(tail), values)]

    def _select_statement(self, tail: str) -> TextClause:
        return text(f"SELECT {self.columns} FROM {self.name} {tail}")  # noqa: S608 - names of our tables and columns only; values are bound

    def _read(self, row: Sequence[Any]) -> T:
        # By kind of column and not by looking at each value: a placement that closes reads 20,000 rows.
        values = dict(zip(self._kinds, row, strict=True))
        for name in self._uuids:
            values[name] = plain(values[name])
        for name in self._json:
            if isinstance(values[name], str):
                values[name] = msgspec.json.decode(values[name])
        return msgspec.convert(values, self.struct)


class _Sent(NamedTuple):
    """Rows as a statement takes them: columns that are each row's own, and those that all have alike, as JSON."""

    own: tuple[str, ...]
    alike: tuple[str, ...]
    values: dict[str, str]


def _sent(rows: Sequence[Any], names: tuple[str, ...], documents: Container[str]) -> _Sent:
    """The named columns of rows, split. `documents` are columns of JSON: equal ones may differ, as `1` and `true` do,
    so they are alike only where all are None.

    PostgreSQL reads what is alike once: to read it for each of a thousand orders was a third of what an insert cost.
    """
    columns = dict(zip(names, zip(*map(attrgetter(*names), rows), strict=True), strict=True))
    own = names
    if (count := len(rows)) >= ALIKE_FROM:
        differ = (
            name
            for name, column in columns.items()
            if column.count(column[0]) < count or (name in documents and column[0] is not None)
        )
        own = tuple(differ) or names[:1]  # rows that are one and the same are still so many rows
    alike = tuple(name for name in names if name not in own)
    each = [dict(zip(own, row, strict=True)) for row in zip(*(columns[name] for name in own), strict=True)]
    values = {"rows": _json_text(each)}
    if alike:
        values["alike"] = _json_text({name: columns[name][0] for name in alike})
    return _Sent(own, alike, values)


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


def _json_text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
