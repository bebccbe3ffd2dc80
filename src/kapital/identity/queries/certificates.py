"""Read model: the certificates bound to a participant; nothing of what stands in them."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import identity as contract
from kapital.identity.domain.problems import KycCaseNotFound
from kapital.kernel.actor import Actor
from kapital.platform import access

ROWS_MAX: Final = 100
_OF: Final = text(
    """
    SELECT certificate_id, participant_id, certificate_sha256, power_sha256 IS NOT NULL AS by_power_of_attorney,
        state, bound_at, valid_until, changed_at
    FROM certificate WHERE participant_id = :id ORDER BY bound_at DESC, certificate_id LIMIT :limit
    """
)


async def list_certificates(
    conn: AsyncConnection, participant_id: UUID, *, actor: Actor
) -> contract.CertificateBindings:
    """The newest 100. Raises: NotPermitted for other staff; KycCaseNotFound for another participant's."""
    about = access.Resource("Certificate", owner=participant_id)
    access.require(actor, "list_certificates", about, hidden=KycCaseNotFound)
    rows = (await conn.execute(_OF, {"id": participant_id, "limit": ROWS_MAX})).mappings()
    return contract.CertificateBindings(
        certificates=[
            contract.CertificateBinding(
                **{
                    **row,
                    "certificate_id": UUID(str(row["certificate_id"])),
                    "participant_id": UUID(str(row["participant_id"])),
                    "state": contract.CertificateState(row["state"]),
                }
            )
            for row in rows
        ]
    )
