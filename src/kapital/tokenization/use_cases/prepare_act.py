"""The act that a participant signs for a command: made from the command alone, kept nowhere."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.platform.acts.form import Act, Wording, act_of
from kapital.platform.acts.problems import ActMustBeOne
from kapital.tokenization.domain.act_texts import OrderLine
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.call_units import OfferTerms, wording_of_call, wording_of_offer
from kapital.tokenization.use_cases.end_placement import wording_of_placement_end
from kapital.tokenization.use_cases.exchange_units import wording_of_exchange
from kapital.tokenization.use_cases.instruct_redemption import wording_of_instruction
from kapital.tokenization.use_cases.issue_proposals import wording_of_cancellation
from kapital.tokenization.use_cases.order_acts import wording_of_orders
from kapital.tokenization.use_cases.sign_decision import wording_of_signing
from kapital.tokenization.use_cases.withdraw_instruction import wording_of_instruction_withdrawal
from kapital.tokenization.use_cases.withdraw_orders import wording_of_withdrawal


class LifeCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command on an issue in its life whose act is asked for; exactly one field is given."""

    call: tuple[UUID, int, int | None] | None = None
    offer: OfferTerms | None = None
    instruction: tuple[UUID, int] | None = None
    withdrawal: UUID | None = None
    cancellation: tuple[UUID, str] | None = None
    exchange: tuple[UUID, str] | None = None
    placement_end: tuple[UUID, str] | None = None

    def given(self) -> int:
        """How many are."""
        return sum(one is not None for one in msgspec.structs.astuple(self))


async def prepare_act(
    conn: AsyncConnection,
    parts: Parts,
    actor: Actor,
    *,
    idempotency_key: str,
    made_at: datetime,
    orders: Sequence[OrderLine] | None,
    withdraw_order_ids: Sequence[UUID] | None,
    decision: tuple[UUID, str] | None,
    life: LifeCommand | None = None,
) -> Act:
    """The act of exactly one of the commands. Raises: NotPermitted, ActMustBeOne."""
    access.require(actor, "prepare_act")
    of_life = life.given() if life else 0
    if sum(one is not None for one in (orders, withdraw_order_ids, decision)) + of_life != 1:
        raise ActMustBeOne
    if life is not None and of_life:
        wording = await _life_wording(conn, parts, life)
        return act_of(wording, actor=actor, idempotency_key=idempotency_key, made_at=made_at)
    if decision is not None:
        wording = wording_of_signing(*decision)
    else:
        if orders is not None:
            issues = await parts.issues.read(conn, {order.issue_id for order in orders})
            wording = wording_of_orders(orders, issues)
        else:
            wording = wording_of_withdrawal(withdraw_order_ids or ())
    return act_of(wording, actor=actor, idempotency_key=idempotency_key, made_at=made_at)


async def _life_wording(conn: AsyncConnection, parts: Parts, life: LifeCommand) -> Wording:
    if life.call is not None:
        return wording_of_call(*life.call)
    if life.offer is not None:
        return wording_of_offer(life.offer)
    if life.instruction is not None:
        return await wording_of_instruction(conn, parts, *life.instruction)
    if life.withdrawal is not None:
        return wording_of_instruction_withdrawal(life.withdrawal)
    if life.cancellation is not None:
        return wording_of_cancellation(*life.cancellation)
    if life.exchange is not None:
        return wording_of_exchange(*life.exchange)
    if life.placement_end is not None:
        return wording_of_placement_end(*life.placement_end)
    raise ActMustBeOne
