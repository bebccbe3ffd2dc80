"""Holds on money of beneficiaries, and deals that move it between them. All sums in kopecks."""

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import bank_nominal_account as contract
from kapital.sandbox.bank.payouts import LOCK_ACCOUNT
from kapital.sandbox.bank.problems import BankIdTaken, BankObjectNotFound, BankRequestInvalid, BankStateRefuses
from kapital.sandbox.bank.shares import (
    let_through,
    move_money,
    reasons_against,
    refusal,
    rows_of,
    sum_of_each_once,
)

_GET_HOLD: Final = text("SELECT hold_id, beneficiary_id, amount_kopecks, state FROM hold WHERE hold_id = :id")
_ADD_HOLD: Final = text(
    "INSERT INTO hold (hold_id, beneficiary_id, amount_kopecks, state) VALUES (:id, :beneficiary, :amount, 'active')"
)
_END_HOLD: Final = text("UPDATE hold SET state = 'released' WHERE hold_id = :id")
_GET_DEAL: Final = text("SELECT deal_id, state, deponents, recipients FROM deal WHERE deal_id = :id")
_ADD_DEAL: Final = text(
    """
    INSERT INTO deal (deal_id, state, deponents, recipients)
    VALUES (:id, 'draft', CAST(:deponents AS jsonb), CAST(:recipients AS jsonb))
    """
)
_MOVE_DEAL: Final = text("UPDATE deal SET state = :state WHERE deal_id = :id")


async def place_hold(conn: AsyncConnection, wanted: contract.PlaceHold, now: datetime) -> contract.Hold:
    """Hold free money. Raises: BankIdTaken, BankObjectNotFound, BankScoringMustSucceed, BankMoneyInsufficient."""
    await conn.execute(LOCK_ACCOUNT)
    known = (await conn.execute(_GET_HOLD, {"id": wanted.hold_id})).one_or_none()
    if known is not None:
        if (known.beneficiary_id, known.amount_kopecks) != (wanted.beneficiary_id, wanted.amount_kopecks):
            raise BankIdTaken(f"hold {wanted.hold_id} is another one")
        return _hold(known)
    share = contract.Share(beneficiary_id=wanted.beneficiary_id, amount_kopecks=wanted.amount_kopecks)
    if short := await reasons_against(conn, [share], now):
        raise refusal(short[0])
    await move_money(conn, [share], hold=1)
    values = {"id": wanted.hold_id, "beneficiary": wanted.beneficiary_id, "amount": wanted.amount_kopecks}
    await conn.execute(_ADD_HOLD, values)
    return await get_hold(conn, wanted.hold_id)


async def get_hold(conn: AsyncConnection, hold_id: str) -> contract.Hold:
    """One hold. Raises: BankObjectNotFound."""
    row = (await conn.execute(_GET_HOLD, {"id": hold_id})).one_or_none()
    if row is None:
        raise BankObjectNotFound(f"no hold {hold_id}")
    return _hold(row)


async def release_hold(conn: AsyncConnection, hold_id: str) -> contract.Hold:
    """Give held money back; a released one stays released. Raises: BankObjectNotFound."""
    await conn.execute(LOCK_ACCOUNT)
    hold = await get_hold(conn, hold_id)
    if hold.state is contract.HoldState.active:
        share = contract.Share(beneficiary_id=hold.beneficiary_id, amount_kopecks=hold.amount_kopecks)
        await move_money(conn, [share], hold=-1)
        await conn.execute(_END_HOLD, {"id": hold_id})
    return await get_hold(conn, hold_id)


async def open_deal(conn: AsyncConnection, wanted: contract.OpenDeal, now: datetime) -> contract.Deal:
    """Draft a deal. Raises: BankIdTaken, BankRequestInvalid, BankObjectNotFound."""
    await conn.execute(LOCK_ACCOUNT)
    sides = {"deponents": msgspec.to_builtins(wanted.deponents), "recipients": msgspec.to_builtins(wanted.recipients)}
    known = (await conn.execute(_GET_DEAL, {"id": wanted.deal_id})).one_or_none()
    if known is not None and {"deponents": known.deponents, "recipients": known.recipients} != sides:
        raise BankIdTaken(f"deal {wanted.deal_id} is another one")
    if known is None:
        if sum_of_each_once(wanted.deponents) != sum_of_each_once(wanted.recipients):
            raise BankRequestInvalid("as much is received as is given", {"reason": "sum_differs"})
        await rows_of(conn, [*wanted.deponents, *wanted.recipients])
        values = {name: msgspec.json.encode(side).decode() for name, side in sides.items()}
        await conn.execute(_ADD_DEAL, {"id": wanted.deal_id, **values})
    return await get_deal(conn, wanted.deal_id, now)


async def get_deal(conn: AsyncConnection, deal_id: str, now: datetime) -> contract.Deal:
    """One deal, and what stands against a draft now. Raises: BankObjectNotFound."""
    row = (await conn.execute(_GET_DEAL, {"id": deal_id})).one_or_none()
    if row is None:
        raise BankObjectNotFound(f"no deal {deal_id}")
    deponents = msgspec.convert(row.deponents, list[contract.Share])
    recipients = msgspec.convert(row.recipients, list[contract.Share])
    state = contract.DealState(row.state)
    reasons: list[str] = []
    if state is contract.DealState.draft:
        known = await rows_of(conn, recipients)
        refused = [share.beneficiary_id for share in recipients if not let_through(known[share.beneficiary_id], now)]
        reasons = await reasons_against(conn, deponents, now) + [f"scoring:{one}" for one in refused]
    return contract.Deal(deal_id=deal_id, state=state, deponents=deponents, recipients=recipients, reasons=reasons)


async def move_deal(conn: AsyncConnection, deal_id: str, target: contract.DealState, now: datetime) -> contract.Deal:
    """Accept, complete or cancel a deal; one that is there already stays.

    Raises: BankObjectNotFound, BankStateRefuses, BankScoringMustSucceed, BankMoneyInsufficient.
    """
    await conn.execute(LOCK_ACCOUNT)
    deal = await get_deal(conn, deal_id, now)
    state = contract.DealState
    if deal.state is target:
        return deal
    match deal.state, target:
        case state.draft, state.accepted:
            if deal.reasons:
                raise refusal(deal.reasons[0])
            await move_money(conn, deal.deponents, hold=1)
        case state.accepted, state.completed:
            await move_money(conn, deal.deponents, amount=-1, hold=-1)
            await move_money(conn, deal.recipients, amount=1)
        case state.accepted, state.cancelled:
            await move_money(conn, deal.deponents, hold=-1)
        case state.draft, state.cancelled:
            pass
        case _:
            raise BankStateRefuses(f"deal {deal_id} is {deal.state.value}", {"state": deal.state.value})
    await conn.execute(_MOVE_DEAL, {"id": deal_id, "state": target.value})
    return await get_deal(conn, deal_id, now)


def _hold(row: Any) -> contract.Hold:
    return contract.Hold(
        hold_id=row.hold_id,
        beneficiary_id=row.beneficiary_id,
        amount_kopecks=row.amount_kopecks,
        state=contract.HoldState(row.state),
    )
