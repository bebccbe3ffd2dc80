"""The table `kyc_doubt`."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.identity.domain.doubt import Doubt

_COLUMNS: Final = "case_id, participant_id, reason, recorded_by, recorded_at, valid_until_before, valid_until"
_ADD: Final = text(
    f"""
    INSERT INTO kyc_doubt ({_COLUMNS})
    VALUES (:case_id, :participant_id, :reason, :recorded_by, :recorded_at, :valid_until_before, :valid_until)
    """  # noqa: S608 - a constant of this module
)
_OF_CASE: Final = text(f"SELECT {_COLUMNS} FROM kyc_doubt WHERE case_id = CAST(:id AS uuid)")  # noqa: S608
_LAST: Final = text(
    f"""
    SELECT {_COLUMNS} FROM kyc_doubt WHERE participant_id = CAST(:id AS uuid) ORDER BY recorded_at DESC LIMIT 1
    """  # noqa: S608 - a constant of this module
)


class DoubtTable:
    """DoubtStore on PostgreSQL."""

    async def add(self, conn: AsyncConnection, doubt: Doubt) -> None:
        """Enter a doubt; a case has one at most."""
        await conn.execute(_ADD, {name: getattr(doubt, name) for name in doubt.__struct_fields__})

    async def of_case(self, conn: AsyncConnection, case_id: UUID) -> Doubt | None:
        """The doubt about the approval of a case."""
        return _doubt_of((await conn.execute(_OF_CASE, {"id": case_id})).one_or_none())

    async def last(self, conn: AsyncConnection, participant_id: UUID) -> Doubt | None:
        """The last doubt about an approval of a participant."""
        return _doubt_of((await conn.execute(_LAST, {"id": participant_id})).one_or_none())


def _doubt_of(row: Any) -> Doubt | None:
    if row is None:
        return None
    values = {name: getattr(row, name) for name in Doubt.__struct_fields__}
    return Doubt(**values | {name: UUID(str(values[name])) for name in ("case_id", "participant_id")})
