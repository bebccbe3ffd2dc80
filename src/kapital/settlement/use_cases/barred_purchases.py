"""Which purchases of units the decision on their issuance bars, whenever it becomes known."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.problems import Problem
from kapital.settlement.domain.dvp_problems import IssuerMustBuyBackByOffer, TransferMustBeAllowed
from kapital.settlement.ports import Parts
from kapital.settlement.ports.issuers import Purchase


async def why_barred(
    conn: AsyncConnection, parts: Parts, purchases: Collection[Purchase]
) -> dict[Purchase, type[Problem]]:
    """The rule that each barred one of these breaks.

    Law: 259-FZ art. 3 (limits on holders that the decision sets, item 10 [M]); 466-FZ of 15.12.2025.
    """
    closed = await parts.issuers.closed_to_transfer(conn, {asset for asset, _ in purchases})
    barred: dict[Purchase, type[Problem]] = {one: TransferMustBeAllowed for one in purchases if one[0] in closed}
    return barred | dict.fromkeys(await parts.issuers.of_own(conn, purchases), IssuerMustBuyBackByOffer)
