"""Tick: settle the allocations that waited for their issuer's wallet, once it is not frozen any more."""

from typing import Final

from kapital.ledger.api import AssetKind, SetFreeze
from kapital.platform.telemetry import ALLOCATIONS_WAITING
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.entries import MONEY
from kapital.settlement.use_cases.settle_allocation import settle_allocation

PER_WALLET: Final = 20


async def settle_waiting(parts: Parts) -> None:
    """Go on with what waits for a wallet whose freezes let money in again; show how many parts wait.

    Promise: as `settle_allocation`; each part in a transaction of its own, so one that fails holds up none before it.
    Law: 115-FZ art. 7(1)(6): nobody's money goes to whose property is frozen.
    """
    async with parts.uow.begin() as tx:
        waited_for = await parts.jobs.issuers_waited_for(tx.conn)
    ALLOCATIONS_WAITING.set(sum(waited_for.values()))
    if not waited_for:
        return
    frozen = {
        found.freeze.wallet
        for found in await parts.ledger.freezes(sorted(waited_for))
        if _keeps_money_out(found.freeze)
    }
    for wallet in sorted(waited_for.keys() - frozen):
        async with parts.uow.begin() as tx:
            waiting = await parts.jobs.waiting(tx.conn, wallet, PER_WALLET)
        for decided in waiting:
            async with parts.uow.begin() as tx:
                await settle_allocation(parts, tx, decided)


def _keeps_money_out(freeze: SetFreeze) -> bool:
    of_money = freeze.asset in (None, MONEY) and freeze.kind in (None, AssetKind.MONEY)
    return freeze.credits_stopped and of_money
