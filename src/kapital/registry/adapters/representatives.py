"""The table `representative`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.registry.domain.representative import Representative, RepresentativeEnd, RepresentativeKind
from kapital.registry.ports import NewRepresentative, Principal

_COLUMNS: Final = """
    r.representative_id, r.participant_id, r.kind, r.powers, r.valid_from, r.valid_until, r.identified_at,
    r.ended_at, r."end"
"""
_PRINCIPAL: Final = text("SELECT kind, inn, ogrn, version FROM participant WHERE participant_id = :id")
_COUNT: Final = text("SELECT count(*) FROM representative WHERE participant_id = :id AND ended_at IS NULL")
_ADD: Final = text(
    """
    INSERT INTO representative (representative_id, participant_id, kind, name, inn, snils, powers, basis_reference,
        power_number, power_sha256, power_signature_sha256, valid_from, valid_until, appointed_by)
    VALUES (:id, :participant, :kind, :name, :inn, :snils, :powers, :basis, :number, :sha256, :signature, :since,
        :until, :by)
    ON CONFLICT (participant_id, inn) WHERE ended_at IS NULL DO NOTHING
    """
)
_FIND: Final = text(f"SELECT {_COLUMNS} FROM representative r WHERE r.representative_id = :id")  # noqa: S608
_LOCK: Final = text(f"SELECT {_COLUMNS} FROM representative r WHERE r.representative_id = :id FOR UPDATE")  # noqa: S608
_LOCK_LIVING: Final = text(
    f"""
    SELECT {_COLUMNS} FROM representative r WHERE r.participant_id = :id AND r.ended_at IS NULL
    ORDER BY r.representative_id FOR UPDATE
    """  # noqa: S608 - a constant of this module
)
_LOCK_DUE: Final = text(
    f"""
    SELECT {_COLUMNS} FROM representative r WHERE r.ended_at IS NULL AND r.valid_until <= :now
    ORDER BY r.valid_until LIMIT :limit FOR UPDATE SKIP LOCKED
    """  # noqa: S608 - a constant of this module
)
_SAVE: Final = text(
    """
    UPDATE representative r SET ended_at = e.at, "end" = e.how, ended_by = :by, end_reference = :reference
    FROM unnest(CAST(:ids AS uuid[]), CAST(:instants AS timestamptz[]), CAST(:ends AS text[])) AS e (id, at, how)
    WHERE r.representative_id = e.id AND r.ended_at IS NULL
    """
)
_IDENTIFIED: Final = text(
    """
    UPDATE representative r SET identified_at = i.at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:instants AS timestamptz[])) AS i (id, at)
    WHERE r.representative_id = i.id AND r.ended_at IS NULL
    """
)


class RepresentativeTable:
    """RepresentativeStore on PostgreSQL."""

    async def principal(self, conn: AsyncConnection, participant_id: UUID) -> Principal | None:
        """What a power of attorney must say of the participant."""
        row = (await conn.execute(_PRINCIPAL, {"id": participant_id})).one_or_none()
        if row is None:
            return None
        return Principal(kind=row.kind, inn=row.inn, ogrn=row.ogrn, version=row.version)

    async def count_living(self, conn: AsyncConnection, participant_id: UUID) -> int:
        """How many act for a participant."""
        return int((await conn.execute(_COUNT, {"id": participant_id})).scalar_one())

    async def add(self, conn: AsyncConnection, new: NewRepresentative) -> bool:
        """Enter one; False when the person acts for the participant already."""
        one, said, power = new.representative, new.said, new.power
        values = {
            "id": one.representative_id,
            "participant": one.participant_id,
            "kind": one.kind.value,
            "name": said.name,
            "inn": said.inn,
            "snils": said.snils,
            "powers": sorted(one.powers),
            "basis": said.basis_reference,
            "number": power and power.number,
            "sha256": power and power.sha256,
            "signature": power and power.signature_sha256,
            "since": one.valid_from,
            "until": one.valid_until,
            "by": new.appointed_by,
        }
        return (await conn.execute(_ADD, values)).rowcount == 1

    async def find(self, conn: AsyncConnection, representative_id: UUID) -> Representative | None:
        """Read one without locking it."""
        row = (await conn.execute(_FIND, {"id": representative_id})).one_or_none()
        return None if row is None else _representative(row)

    async def lock(self, conn: AsyncConnection, representative_id: UUID) -> Representative | None:
        """Read and lock one."""
        row = (await conn.execute(_LOCK, {"id": representative_id})).one_or_none()
        return None if row is None else _representative(row)

    async def lock_living(self, conn: AsyncConnection, participant_id: UUID) -> list[Representative]:
        """Read and lock all who act for a participant."""
        return [_representative(row) for row in await conn.execute(_LOCK_LIVING, {"id": participant_id})]

    async def lock_due(self, conn: AsyncConnection, *, now: datetime, limit: int) -> list[Representative]:
        """Lock those whose term has come, leaving out those that another process is at."""
        return [_representative(row) for row in await conn.execute(_LOCK_DUE, {"now": now, "limit": limit})]

    async def save_ends(
        self, conn: AsyncConnection, ended: Sequence[Representative], *, by: str, reference: str | None
    ) -> None:
        """Write the ends of locked representatives."""
        if ended:
            values = {
                "ids": [one.representative_id for one in ended],
                "instants": [one.ended_at for one in ended],
                "ends": [one.end for one in ended],
                "by": by,
                "reference": reference,
            }
            await conn.execute(_SAVE, values)

    async def note_identified(self, conn: AsyncConnection, identified: Mapping[UUID, datetime]) -> None:
        """Note since when representatives that have not ended are identified."""
        await conn.execute(_IDENTIFIED, {"ids": list(identified), "instants": list(identified.values())})


def _representative(row: Any) -> Representative:
    return Representative(
        representative_id=UUID(str(row.representative_id)),
        participant_id=UUID(str(row.participant_id)),
        kind=RepresentativeKind(row.kind),
        powers=frozenset(row.powers),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        identified_at=row.identified_at,
        ended_at=row.ended_at,
        end=None if row.end is None else RepresentativeEnd(row.end),
    )
