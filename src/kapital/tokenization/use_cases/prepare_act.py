"""The act that a participant signs for a command: made from the command alone, kept nowhere."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.platform.acts.form import Act, Wording, act_of
from kapital.platform.acts.problems import ActMustBeOne
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.order_acts import wording_of_orders
from kapital.tokenization.use_cases.sign_decision import wording_of_signing
from kapital.tokenization.use_cases.withdraw_orders import wording_of_withdrawal


async def prepare_act(
    conn: AsyncConnection,
    parts: Parts,
    actor: Actor,
    *,
    idempotency_key: str,
    made_at: datetime,
    orders: Sequence[tuple[UUID, int]] | None,
    withdraw_order_ids: Sequence[UUID] | None,
    decision: tuple[UUID, str] | None,
) -> Act:
    """The act of exactly one of the three commands. Raises: NotPermitted, ActMustBeOne."""
    access.require(actor, "prepare_act")
    if sum(one is not None for one in (orders, withdraw_order_ids, decision)) != 1:
        raise ActMustBeOne
    wording: Wording
    if decision is not None:
        wording = wording_of_signing(*decision)
    else:
        if orders is not None:
            issues = await parts.issues.read(conn, {issue_id for issue_id, _ in orders})
            wording = wording_of_orders(orders, issues)
        else:
            wording = wording_of_withdrawal(withdraw_order_ids or ())
    return act_of(wording, actor=actor, idempotency_key=idempotency_key, made_at=made_at)
