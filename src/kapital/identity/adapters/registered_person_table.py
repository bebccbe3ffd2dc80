"""Who participants are by the register, in the table `kyc_participant`: one statement per batch."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.identity.domain.registered_person import RegisteredPerson

_NOTE: Final = text(
    """
    UPDATE kyc_participant k SET name = p.name, inn = p.inn, ogrn = p.ogrn, snils = p.snils
    FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[]), CAST(:inns AS text[]), CAST(:ogrns AS text[]),
                CAST(:snilses AS text[])) AS p (id, name, inn, ogrn, snils)
    WHERE k.participant_id = p.id AND k.name IS NULL
    """
)
_FIND: Final = text(
    """
    SELECT participant_id, kind, name, inn, ogrn, snils FROM kyc_participant
    WHERE participant_id = ANY(CAST(:ids AS uuid[])) AND name IS NOT NULL
    """
)


class RegisteredPersonTable:
    """RegisteredPersonStore on PostgreSQL."""

    async def note(self, conn: AsyncConnection, persons: Sequence[RegisteredPerson]) -> None:
        """Keep who participants whose kinds are kept are; who was told of before stays."""
        await conn.execute(
            _NOTE,
            {
                "ids": [one.participant_id for one in persons],
                "names": [one.name for one in persons],
                "inns": [one.inn for one in persons],
                "ogrns": [one.ogrn for one in persons],
                "snilses": [one.snils for one in persons],
            },
        )

    async def find(self, conn: AsyncConnection, participant_ids: Collection[UUID]) -> dict[UUID, RegisteredPerson]:
        """Those of the participants of whom the registry told."""
        rows = await conn.execute(_FIND, {"ids": list(participant_ids)})
        found = (
            RegisteredPerson(
                participant_id=UUID(str(row.participant_id)),
                kind=row.kind,
                name=row.name,
                inn=row.inn,
                ogrn=row.ogrn,
                snils=row.snils,
            )
            for row in rows
        )
        return {one.participant_id: one for one in found}
