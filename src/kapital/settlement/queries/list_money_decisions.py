"""Decisions about money, newest first (staff)."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.settlement.contract_forms import shown_decision
from kapital.settlement.ports import Parts


async def list_money_decisions(
    conn: AsyncConnection,
    parts: Parts,
    actor: Actor,
    *,
    state: contract.MoneyDecisionState | None,
    before: UUID | None,
    limit: int,
) -> contract.MoneyDecisionPage:
    """A page. Raises: NotPermitted."""
    access.require(actor, "list_money_decisions")
    found = await parts.decisions.page(conn, state=state.value if state else None, before=before, limit=limit)
    return contract.MoneyDecisionPage(money_decisions=[shown_decision(one) for one in found])
