"""Read model: agreements by which banks identify, for staff."""

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import identity as contract
from kapital.identity.contract_forms import delegation
from kapital.identity.ports import DelegationStore
from kapital.kernel.actor import Actor
from kapital.platform import access


async def list_delegations(
    conn: AsyncConnection, *, actor: Actor, agreements: DelegationStore, limit: int = 100
) -> contract.DelegationPage:
    """Agreements, newest first. Shape: `limit` 1 to 1,000. Raises: NotPermitted."""
    access.require(actor, "list_delegations")
    found = await agreements.newest(conn, limit=limit)
    return contract.DelegationPage(delegations=[delegation(one) for one in found])
