"""The tables `kyc_representative` and `representative_identification`: one statement per batch, never per row."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.identity.domain.representative import AppointedRepresentative, RepresentativeIdentification

_COLUMNS: Final = "representative_id, participant_id, name, inn, snils"
_NOTE: Final = text(
    f"""
    INSERT INTO kyc_representative ({_COLUMNS}, told_at)
    SELECT id, participant, name, inn, snils, CAST(:now AS timestamptz)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:participants AS uuid[]), CAST(:names AS text[]), CAST(:inns AS text[]),
        CAST(:snilses AS text[])) AS r (id, participant, name, inn, snils)
    ORDER BY id ON CONFLICT DO NOTHING
    """  # noqa: S608 - a constant of this module
)
_END: Final = text(
    """
    UPDATE kyc_representative k SET ended_at = e.at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:instants AS timestamptz[])) AS e (id, at)
    WHERE k.representative_id = e.id AND k.ended_at IS NULL
    """
)
_LOCK_WAITING: Final = text(
    f"""
    SELECT {_COLUMNS} FROM kyc_representative WHERE screened_at IS NULL AND ended_at IS NULL
    ORDER BY told_at LIMIT :limit FOR UPDATE SKIP LOCKED
    """  # noqa: S608 - a constant of this module
)
_LOCK: Final = text(
    f"""
    SELECT {_COLUMNS} FROM kyc_representative WHERE representative_id = :id AND ended_at IS NULL FOR UPDATE
    """  # noqa: S608 - a constant of this module
)
_SCREENED: Final = text(
    "UPDATE kyc_representative SET screened_at = :now WHERE representative_id = ANY(CAST(:ids AS uuid[]))"
)
_LIVING: Final = text(
    """
    SELECT participant_id, representative_id FROM kyc_representative
    WHERE participant_id = ANY(CAST(:participants AS uuid[])) AND ended_at IS NULL ORDER BY representative_id
    """
)
_IDENTIFY: Final = text(
    """
    INSERT INTO representative_identification
        (representative_id, identified_at, identified_by, person, document_sha256)
    VALUES (:representative_id, :identified_at, :identified_by, CAST(:person AS jsonb), :document_sha256)
    """
)


class RepresentativeTable:
    """RepresentativeStore on PostgreSQL."""

    async def note(self, conn: AsyncConnection, appointed: Sequence[AppointedRepresentative], now: datetime) -> None:
        """Keep who was appointed; who was told of before stays."""
        await conn.execute(
            _NOTE,
            {
                "ids": [one.representative_id for one in appointed],
                "participants": [one.participant_id for one in appointed],
                "names": [one.name for one in appointed],
                "inns": [one.inn for one in appointed],
                "snilses": [one.snils for one in appointed],
                "now": now,
            },
        )

    async def end(self, conn: AsyncConnection, ended: Mapping[UUID, datetime]) -> None:
        """Note who acts no more, and since when."""
        await conn.execute(_END, {"ids": list(ended), "instants": list(ended.values())})

    async def lock_waiting(self, conn: AsyncConnection, *, limit: int) -> list[AppointedRepresentative]:
        """Who is not compared with the lists yet, locked, leaving out those that somebody works on."""
        return [_appointed(row) for row in await conn.execute(_LOCK_WAITING, {"limit": limit})]

    async def lock(self, conn: AsyncConnection, representative_id: UUID) -> AppointedRepresentative | None:
        """Read and lock one that has not ended."""
        row = (await conn.execute(_LOCK, {"id": representative_id})).one_or_none()
        return None if row is None else _appointed(row)

    async def note_screened(self, conn: AsyncConnection, ids: Collection[UUID], now: datetime) -> None:
        """Note that these were compared with the lists."""
        await conn.execute(_SCREENED, {"ids": list(ids), "now": now})

    async def living(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
        """Who acts for each of the participants that has somebody."""
        found: dict[UUID, list[UUID]] = {}
        for row in await conn.execute(_LIVING, {"participants": list(participant_ids)}):
            found.setdefault(UUID(str(row.participant_id)), []).append(UUID(str(row.representative_id)))
        return found

    async def identify(self, conn: AsyncConnection, said: RepresentativeIdentification) -> None:
        """Enter an identification beside the earlier ones."""
        values = {name: getattr(said, name) for name in said.__struct_fields__}
        await conn.execute(_IDENTIFY, values | {"person": msgspec.json.encode(said.person).decode()})


def _appointed(row: Any) -> AppointedRepresentative:
    return AppointedRepresentative(
        representative_id=UUID(str(row.representative_id)),
        participant_id=UUID(str(row.participant_id)),
        name=row.name,
        inn=row.inn,
        snils=row.snils,
    )
