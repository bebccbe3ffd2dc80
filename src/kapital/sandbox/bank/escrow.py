"""Money of clients that the bank blocks for sellers: held once, and released or cancelled once. Sums in kopecks.

Promise: what clients have, what is blocked and what left to other accounts together stay what was put in. Every
change locks the account's row first, so there is one order of changes, and is told as a notice in its transaction.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import bank_nominal_account as contract
from kapital.contracts.bank_nominal_account import EscrowHoldState as State
from kapital.kernel.requisites import account_is_valid
from kapital.sandbox.bank.escrow_notices import tell_change
from kapital.sandbox.bank.payouts import LOCK_ACCOUNT, Behaviour, Treatment
from kapital.sandbox.bank.problems import BankHoldNotFound, BankIdTaken, BankRequestInvalid, BankStateRefuses

_PUT_IN: Final = text(
    """
    INSERT INTO client (bic, account, balance_kopecks, closed) VALUES (:bic, :account, :amount, :closed)
    ON CONFLICT (bic, account) DO UPDATE
    SET balance_kopecks = client.balance_kopecks + excluded.balance_kopecks, closed = excluded.closed
    """
)
_CLIENT: Final = text(
    """
    SELECT balance_kopecks, closed,
        (SELECT coalesce(sum(held_kopecks), 0)::bigint FROM escrow_hold
         WHERE payer_bic = :bic AND payer_account = :account) AS on_hold
    FROM client WHERE bic = :bic AND account = :account
    """
)
_TAKE: Final = text(
    """
    UPDATE client SET balance_kopecks = balance_kopecks - :amount
    WHERE bic = :bic AND account = :account AND NOT closed AND balance_kopecks >= :amount
    """
)
# Who is paid need not be a client before: the account is then at another bank, and its row stands for that one.
_PAY: Final = text(
    """
    INSERT INTO client (bic, account, balance_kopecks) VALUES (:bic, :account, :amount)
    ON CONFLICT (bic, account) DO UPDATE SET balance_kopecks = client.balance_kopecks + excluded.balance_kopecks
    WHERE NOT client.closed
    """
)
# Back to the payer also when its account is closed: the bank owes it to its former client.
_GIVE_BACK: Final = text(
    "UPDATE client SET balance_kopecks = balance_kopecks + :amount WHERE bic = :bic AND account = :account"
)
_GET: Final = text("SELECT * FROM escrow_hold WHERE hold_id = :id")
_ADD: Final = text(
    """
    INSERT INTO escrow_hold (hold_id, payer_bic, payer_account, payee_bic, payee_account, amount_kopecks,
        held_kopecks, state, reason, enquiries_left, end_reason)
    VALUES (:id, :payer_bic, :payer_account, :payee_bic, :payee_account, :amount, :held, :state, :reason, :enquiries,
        :end_reason)
    """
)
_CHANGE: Final = text(
    """
    UPDATE escrow_hold
    SET state = :state, reason = :reason, held_kopecks = :held, enquiries_left = :enquiries, end_reason = :end_reason,
        payee_bic = :payee_bic, payee_account = :payee_account, number = number + 1
    WHERE hold_id = :id
    """
)
_LOOKED: Final = text("UPDATE escrow_hold SET enquiries_left = enquiries_left - 1 WHERE hold_id = :id")


async def fund_client(conn: AsyncConnection, wanted: contract.FundClient) -> contract.BankClient:
    """Put money on a client's account; say whether it is closed."""
    await conn.execute(LOCK_ACCOUNT)
    closed = bool(wanted.closed)
    await conn.execute(_PUT_IN, {**_of(wanted.account), "amount": wanted.amount_kopecks, "closed": closed})
    row = (await conn.execute(_CLIENT, _of(wanted.account))).one()
    return contract.BankClient(
        account=wanted.account, balance_kopecks=row.balance_kopecks, on_hold_kopecks=row.on_hold, closed=row.closed
    )


async def place_escrow_hold(
    conn: AsyncConnection, wanted: contract.PlaceEscrowHold, now: datetime, treatment: Treatment | None
) -> contract.EscrowHold:
    """Block money of the payer. Raises: BankRequestInvalid, BankIdTaken."""
    for side in (wanted.payer, wanted.payee):
        if not account_is_valid(side.account, bic=side.bic):
            raise BankRequestInvalid("the control key of the account does not fit the BIC", {"reason": "account_key"})
    await conn.execute(LOCK_ACCOUNT)
    known = (await conn.execute(_GET, {"id": wanted.hold_id})).one_or_none()
    if known is not None:
        if known.amount_kopecks is not None and _content(known) != _asked(wanted):
            raise BankIdTaken(f"hold {wanted.hold_id} is another one")
        return _hold(known)
    state, reason = State.held, None
    if treatment is not None and treatment.behaviour is Behaviour.PENDING:
        state = State.pending
    elif treatment is not None:
        state, reason = State.refused, treatment.reason or "refused_by_bank"
    elif not await _take(conn, _of(wanted.payer), wanted.amount_kopecks):
        state, reason = State.refused, "insufficient_funds"
    values = {
        "id": wanted.hold_id,
        **_sides(wanted.payer, wanted.payee),
        "amount": wanted.amount_kopecks,
        "held": wanted.amount_kopecks if state is State.held else 0,
        "state": state.value,
        "reason": reason,
        **_ending(treatment if state is State.pending else None),
    }
    await conn.execute(_ADD, values)
    return await _told(conn, wanted.hold_id, now)


async def get_escrow_hold(conn: AsyncConnection, hold_id: str, now: datetime) -> contract.EscrowHold:
    """What became of a hold; what was pending for long enough ends here. Raises: BankHoldNotFound."""
    await conn.execute(LOCK_ACCOUNT)
    row = await _row(conn, hold_id)
    if row.enquiries_left is not None:
        if row.enquiries_left > 0:
            await conn.execute(_LOOKED, {"id": hold_id})
            return _hold(row)
        if row.state == State.pending:
            await _end_pending(conn, row)
        else:
            await _end_releasing(conn, row)
        return await _told(conn, hold_id, now)
    return _hold(row)


async def release_escrow_hold(
    conn: AsyncConnection,
    hold_id: str,
    payee: contract.PayeeAccount,
    now: datetime,
    treatment: Treatment | None,
) -> contract.EscrowHold:
    """Pay what is blocked, once. Raises: BankRequestInvalid, BankHoldNotFound, BankStateRefuses."""
    if not account_is_valid(payee.account, bic=payee.bic):
        raise BankRequestInvalid("the control key of the account does not fit the BIC", {"reason": "account_key"})
    await conn.execute(LOCK_ACCOUNT)
    row = await _row(conn, hold_id)
    if row.state in {State.releasing, State.released}:
        return _hold(row)
    if row.state not in {State.held, State.release_rejected}:
        raise BankStateRefuses(f"hold {hold_id} is {row.state}", {"state": row.state})
    if treatment is not None and treatment.behaviour is Behaviour.PENDING:
        changed = {"state": State.releasing, "reason": None, "held": row.held_kopecks, **_ending(treatment)}
    elif treatment is not None:
        changed = _rejected(row, treatment.reason or "rejected_by_bank")
    else:
        changed = await _pay(conn, row, _of(payee))
    await _change(conn, row, changed | {"payee_bic": payee.bic, "payee_account": payee.account})
    return await _told(conn, hold_id, now)


async def cancel_escrow_hold(conn: AsyncConnection, hold_id: str, now: datetime) -> contract.EscrowHold:
    """Give the money back; a hold never seen is cancelled for the time when it comes. Raises: BankStateRefuses."""
    await conn.execute(LOCK_ACCOUNT)
    row = (await conn.execute(_GET, {"id": hold_id})).one_or_none()
    if row is None:
        nobody = dict.fromkeys(("payer_bic", "payer_account", "payee_bic", "payee_account", "amount", "reason"))
        values = {"id": hold_id, **nobody, "held": 0, "state": State.cancelled.value, **_ending(None)}
        await conn.execute(_ADD, values)
        return await _told(conn, hold_id, now)
    if row.state in {State.cancelled, State.refused}:
        return _hold(row)
    if row.state in {State.releasing, State.released}:
        raise BankStateRefuses(f"hold {hold_id} is {row.state}", {"state": row.state})
    payer = {"bic": row.payer_bic, "account": row.payer_account}
    await conn.execute(_GIVE_BACK, {**payer, "amount": row.held_kopecks})
    await _change(conn, row, {"state": State.cancelled, "reason": None, "held": 0, **_ending(None)})
    return await _told(conn, hold_id, now)


async def _end_pending(conn: AsyncConnection, row: Any) -> None:
    reason = row.end_reason
    payer = {"bic": row.payer_bic, "account": row.payer_account}
    if reason is None and not await _take(conn, payer, row.amount_kopecks):
        reason = "insufficient_funds"
    held = row.amount_kopecks if reason is None else 0
    state = State.held if reason is None else State.refused
    await _change(conn, row, {"state": state, "reason": reason, "held": held, **_ending(None)})


async def _end_releasing(conn: AsyncConnection, row: Any) -> None:
    payee = {"bic": row.payee_bic, "account": row.payee_account}
    ended = _rejected(row, row.end_reason) if row.end_reason else await _pay(conn, row, payee)
    await _change(conn, row, ended)


async def _pay(conn: AsyncConnection, row: Any, payee: dict[str, str]) -> dict[str, Any]:
    paid = (await conn.execute(_PAY, {**payee, "amount": row.held_kopecks})).rowcount == 1
    if not paid:
        return _rejected(row, "account_closed")
    return {"state": State.released, "reason": None, "held": 0, **_ending(None)}


def _rejected(row: Any, reason: str) -> dict[str, Any]:
    return {"state": State.release_rejected, "reason": reason, "held": row.held_kopecks, **_ending(None)}


async def _change(conn: AsyncConnection, row: Any, changed: dict[str, Any]) -> None:
    payee = {"payee_bic": row.payee_bic, "payee_account": row.payee_account}
    await conn.execute(_CHANGE, {"id": row.hold_id, **payee, **changed, "state": changed["state"].value})


async def _take(conn: AsyncConnection, payer: dict[str, str], amount_kopecks: int) -> bool:
    return (await conn.execute(_TAKE, {**payer, "amount": amount_kopecks})).rowcount == 1


async def _row(conn: AsyncConnection, hold_id: str) -> Any:
    row = (await conn.execute(_GET, {"id": hold_id})).one_or_none()
    if row is None:
        raise BankHoldNotFound(f"no hold {hold_id}")
    return row


async def _told(conn: AsyncConnection, hold_id: str, now: datetime) -> contract.EscrowHold:
    hold = _hold(await _row(conn, hold_id))
    await tell_change(conn, hold, now)
    return hold


def _hold(row: Any) -> contract.EscrowHold:
    return contract.EscrowHold(
        hold_id=row.hold_id,
        amount_kopecks=row.amount_kopecks,
        state=State(row.state),
        reason=row.reason,
        number=row.number,
    )


def _ending(treatment: Treatment | None) -> dict[str, Any]:
    return {
        "enquiries": treatment.enquiries if treatment else None,
        "end_reason": treatment.reason if treatment else None,
    }


def _of(account: contract.PayeeAccount) -> dict[str, str]:
    return {"bic": account.bic, "account": account.account}


def _sides(payer: contract.PayeeAccount, payee: contract.PayeeAccount) -> dict[str, str]:
    return {
        "payer_bic": payer.bic,
        "payer_account": payer.account,
        "payee_bic": payee.bic,
        "payee_account": payee.account,
    }


def _content(row: Any) -> tuple[Any, ...]:
    # A release may have named another payee since.
    return (row.payer_bic, row.payer_account, row.amount_kopecks)


def _asked(wanted: contract.PlaceEscrowHold) -> tuple[Any, ...]:
    return (wanted.payer.bic, wanted.payer.account, wanted.amount_kopecks)
