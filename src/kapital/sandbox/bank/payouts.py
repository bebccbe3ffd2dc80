"""Money that leaves the account: once per reference, and what an enquiry finds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.requisites import account_is_valid, treasury_account_is_valid
from kapital.sandbox.bank.problems import BankIdTaken, BankObjectNotFound
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.ports import PayoutState, PayoutStatus


class Behaviour(StrEnum):
    """How the bank treats the next payouts that a line of the script applies to."""

    REJECT = "reject"
    PENDING = "pending"  # takes it and pays only on `work_off`
    SILENT_BEFORE = "silent_before"  # the request is lost on its way: nothing happens
    SILENT_AFTER = "silent_after"  # pays, and the answer is lost on its way back
    REJECT_SILENTLY = "reject_silently"  # rejects, and the answer is lost on its way back


class PayoutOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be paid. `tax`: the fields of a payment to the budget."""

    reference: str
    amount_kopecks: int
    account: PayoutAccount
    purpose: str
    kind: str = "regular"
    beneficiary_id: str | None = None
    tax: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """How a new payout is treated. `enquiries`: so many find it pending; None until somebody works it off."""

    behaviour: Behaviour
    reason: str | None = None
    enquiries: int | None = None


SBP_KOPECKS_MAX: Final = 60_000_000
"""What the bank pays at once by the SBP."""

_SILENT_AFTERWARDS: Final = frozenset({Behaviour.SILENT_AFTER, Behaviour.REJECT_SILENTLY})

LOCK_ACCOUNT: Final = text("SELECT balance_kopecks, clock_skew_s FROM account FOR UPDATE")
_UNDISTRIBUTED: Final = text(
    "SELECT balance_kopecks - (SELECT coalesce(sum(amount_kopecks), 0) FROM beneficiary) FROM account"
)
_FREE_SHARE: Final = text(
    """
    SELECT amount_kopecks - on_hold_kopecks AS free, scored_at > :now AS in_progress, scoring_reasons
    FROM beneficiary WHERE beneficiary_id = :id
    """
)
_SPEND: Final = text("UPDATE account SET balance_kopecks = balance_kopecks - :amount")
_SPEND_SHARE: Final = text(
    "UPDATE beneficiary SET amount_kopecks = amount_kopecks - :amount WHERE beneficiary_id = :id"
)
_GET: Final = text(
    """
    SELECT reference, amount_kopecks, bic, account, purpose, kind, beneficiary_id, tax, state, reason, enquiries_left,
        end_reason
    FROM payout WHERE reference = :reference FOR UPDATE
    """
)
_ADD: Final = text(
    """
    INSERT INTO payout (reference, amount_kopecks, bic, account, purpose, kind, beneficiary_id, tax, state, reason,
        received_at, enquiries_left, end_reason)
    VALUES (:reference, :amount, :bic, :account, :purpose, :kind, :beneficiary_id, CAST(:tax AS jsonb), :state,
        :reason, :now, :enquiries, :end_reason)
    """
)
_NEXT_OF_SCRIPT: Final = text(
    """
    UPDATE script SET times_left = times_left - 1
    WHERE id = (SELECT min(id) FROM script WHERE times_left > 0 AND (account IS NULL OR account = :account))
    RETURNING behaviour, reason
    """
)
_LOOKED: Final = text("UPDATE payout SET enquiries_left = enquiries_left - 1 WHERE reference = :reference")
_END: Final = text("UPDATE payout SET state = :state, reason = :reason WHERE reference = :reference")
_PENDING: Final = text("SELECT reference FROM payout WHERE state = 'pending' ORDER BY reference")


def account_fits(order: PayoutOrder) -> bool:
    """Whether the control key fits the bank. A tax that names the single account goes to one of the Treasury."""
    account, single = order.account, (order.tax or {}).get("receiver_single_account")
    if single is None:
        return account_is_valid(account.account, bic=account.bic)
    return treasury_account_is_valid(account.account, bic=account.bic, single_account=str(single))


async def pay_once(
    conn: AsyncConnection, order: PayoutOrder, *, now: datetime, treatment: Treatment | None = None
) -> tuple[PayoutStatus, bool]:
    """Take an order; the status, and whether the answer gets lost. A request that is lost itself is NOT_FOUND.

    Without `treatment` the script of this process says how. Raises: BankIdTaken, BankObjectNotFound.
    """
    await conn.execute(LOCK_ACCOUNT)
    known = (await conn.execute(_GET, {"reference": order.reference})).one_or_none()
    if known is not None:
        if _order_of(known) != order:
            raise BankIdTaken(f"payout {order.reference} came again with other content")
        return PayoutStatus(PayoutState(known.state), known.reason), False
    if treatment is None:
        line = (await conn.execute(_NEXT_OF_SCRIPT, {"account": order.account.account})).one_or_none()
        treatment = Treatment(behaviour=Behaviour(line.behaviour), reason=line.reason) if line else None
    behaviour = treatment.behaviour if treatment else None
    if behaviour is Behaviour.SILENT_BEFORE:
        return PayoutStatus(PayoutState.NOT_FOUND), True
    status = await _decide(conn, order, treatment, now)
    values = {
        "reference": order.reference,
        "amount": order.amount_kopecks,
        "bic": order.account.bic,
        "account": order.account.account,
        "purpose": order.purpose,
        "kind": order.kind,
        "beneficiary_id": order.beneficiary_id,
        "tax": msgspec.json.encode(order.tax).decode() if order.tax else None,
        "state": status.state.value,
        "reason": status.reason,
        "now": now,
        "enquiries": treatment.enquiries if treatment else None,
        "end_reason": treatment.reason if treatment and behaviour is Behaviour.PENDING else None,
    }
    await conn.execute(_ADD, values)
    if status.state is PayoutState.EXECUTED:
        await _spend(conn, order)
    return status, behaviour in _SILENT_AFTERWARDS


async def enquire(conn: AsyncConnection, reference: str, *, now: datetime) -> tuple[PayoutOrder, PayoutStatus] | None:
    """What became of a payout; one that waits for enquiries ends with the last of them."""
    await conn.execute(LOCK_ACCOUNT)
    row = (await conn.execute(_GET, {"reference": reference})).one_or_none()
    if row is None:
        return None
    order, status = _order_of(row), PayoutStatus(PayoutState(row.state), row.reason)
    if status.state is PayoutState.PENDING and row.enquiries_left is not None:
        if row.enquiries_left > 0:
            await conn.execute(_LOOKED, {"reference": reference})
        else:
            status = await _end(conn, order, reason=row.end_reason, now=now)
    return order, status


async def end_pending(conn: AsyncConnection, *, reject_with: str | None, now: datetime) -> int:
    """End every pending payout: pay it, or reject it with a reason; returns how many."""
    await conn.execute(LOCK_ACCOUNT)
    references = list((await conn.execute(_PENDING)).scalars())
    for reference in references:
        row = (await conn.execute(_GET, {"reference": reference})).one()
        await _end(conn, _order_of(row), reason=reject_with or row.end_reason, now=now)
    return len(references)


async def _end(conn: AsyncConnection, order: PayoutOrder, *, reason: str | None, now: datetime) -> PayoutStatus:
    status = PayoutStatus(PayoutState.REJECTED, reason) if reason else await _decide(conn, order, None, now)
    values = {"reference": order.reference, "state": status.state.value, "reason": status.reason}
    await conn.execute(_END, values)
    if status.state is PayoutState.EXECUTED:
        await _spend(conn, order)
    return status


async def _decide(
    conn: AsyncConnection, order: PayoutOrder, treatment: Treatment | None, now: datetime
) -> PayoutStatus:
    behaviour = treatment.behaviour if treatment else None
    if treatment and behaviour in {Behaviour.REJECT, Behaviour.REJECT_SILENTLY}:
        return PayoutStatus(PayoutState.REJECTED, treatment.reason or "account_closed")
    if order.kind == "sbp" and order.amount_kopecks > SBP_KOPECKS_MAX:
        return PayoutStatus(PayoutState.REJECTED, "sbp_limit_exceeded")
    if order.beneficiary_id is None:
        free = int((await conn.execute(_UNDISTRIBUTED)).scalar_one())
    else:
        row = (await conn.execute(_FREE_SHARE, {"id": order.beneficiary_id, "now": now})).one_or_none()
        if row is None:
            raise BankObjectNotFound(f"no beneficiary {order.beneficiary_id}")
        if row.in_progress or row.scoring_reasons:
            return PayoutStatus(PayoutState.REJECTED, "beneficiary_not_let_through")
        free = int(row.free)
    if free < order.amount_kopecks:
        return PayoutStatus(PayoutState.REJECTED, "insufficient_funds")
    return PayoutStatus(PayoutState.PENDING if behaviour is Behaviour.PENDING else PayoutState.EXECUTED)


async def _spend(conn: AsyncConnection, order: PayoutOrder) -> None:
    await conn.execute(_SPEND, {"amount": order.amount_kopecks})
    if order.beneficiary_id is not None:
        await conn.execute(_SPEND_SHARE, {"amount": order.amount_kopecks, "id": order.beneficiary_id})


def _order_of(row: Any) -> PayoutOrder:
    return PayoutOrder(
        reference=row.reference,
        amount_kopecks=row.amount_kopecks,
        account=PayoutAccount(bic=row.bic, account=row.account),
        purpose=row.purpose,
        kind=row.kind,
        beneficiary_id=row.beneficiary_id,
        tax=row.tax,
    )
