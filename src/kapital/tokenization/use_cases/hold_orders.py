"""Open orders of who came under a measure (115-FZ) are held, and let go when it ends."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from kapital.kernel.actor import machine_actor
from kapital.kernel.roles import Role
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.investor import FREE
from kapital.tokenization.ports import Parts

_AML: Final = machine_actor(Role.SCHEDULER)


async def hold_orders(tx: Transaction, parts: Parts, measures: Mapping[UUID, str]) -> None:
    """Write down which open orders a measure holds or lets go.

    A held order keeps its state, its place in the queue and its reserve: the holder sees nothing new (no tipping
    off), may not withdraw it, and at the close it is allocated only if the measure has ended. What holds it is the
    measure itself, looked at by `why_orders_stay` and `why_ineligible`; there is no second flag that could differ.
    Law: 115-FZ art. 4, 7(1)(6), 7(10); scenario 25.
    """
    if not measures:
        return
    for order_id, participant_id in await parts.orders.live_of(tx.conn, list(measures)):
        measure = measures[participant_id]
        step = "order_let_go" if measure == FREE else "order_held"
        await tx.audit.append(f"tokenization.{step}", order_id, _AML, after={"measure": measure})
