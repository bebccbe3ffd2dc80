"""The table `kyc_party`: one statement per batch, never per row."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.identity.domain.case_party import CaseParty

_ADD: Final = text(
    """
    INSERT INTO kyc_party (party_id, case_id, participant_id, roles)
    SELECT id, of_case, participant, string_to_array(roles, ',')
    FROM unnest(CAST(:ids AS uuid[]), CAST(:cases AS uuid[]), CAST(:participants AS uuid[]), CAST(:roles AS text[]))
        AS p (id, of_case, participant, roles)
    ON CONFLICT (party_id) DO NOTHING
    """
)
_OF_CASES: Final = text(
    """
    SELECT case_id, party_id FROM kyc_party WHERE case_id = ANY(CAST(:cases AS uuid[])) ORDER BY case_id, party_id
    """
)


class PartyTable:
    """PartyStore on PostgreSQL."""

    async def add(self, conn: AsyncConnection, parties: Sequence[CaseParty]) -> None:
        """Enter parties; one that is there stays as it is."""
        if not parties:
            return
        await conn.execute(
            _ADD,
            {
                "ids": [party.party_id for party in parties],
                "cases": [party.case_id for party in parties],
                "participants": [party.participant_id for party in parties],
                "roles": [",".join(party.roles) for party in parties],
            },
        )

    async def of_cases(self, conn: AsyncConnection, case_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
        """The pseudonyms of the parties of each case that has some."""
        found: dict[UUID, list[UUID]] = {}
        for row in await conn.execute(_OF_CASES, {"cases": list(case_ids)}):
            found.setdefault(UUID(str(row.case_id)), []).append(UUID(str(row.party_id)))
        return found
