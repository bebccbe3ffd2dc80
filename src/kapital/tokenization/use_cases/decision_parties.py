"""What is known here of the parties that a decision names: the numbers that its own must be."""

from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.registry import PersonsFile
from kapital.tokenization.domain.party_faults import KnownParties
from kapital.tokenization.ports import Parts


async def known_parties(conn: AsyncConnection, parts: Parts, issuer_participant_id: UUID) -> KnownParties:
    """The issuer's ИНН by the register of users, and the operator's by the settings; None where it is not known.

    The number is read out of the registry's file and kept nowhere here. Raises: ObjectNotFound.
    """
    issuer = (await parts.investors.read(conn, [issuer_participant_id])).get(issuer_participant_id)
    inn = None
    if issuer is not None and issuer.persons_sha256 is not None:
        file = msgspec.json.decode(await parts.documents.get(issuer.persons_sha256), type=PersonsFile)
        inn = next((said.inn for said in file.persons if said.id == issuer_participant_id), None)
    return KnownParties(issuer_inn=inn, operator_inn=parts.operator_inn or None)
