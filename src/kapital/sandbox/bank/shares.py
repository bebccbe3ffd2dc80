"""The bank's own book of the account: beneficiaries and their shares. All sums in kopecks.

Promise: the shares together are never above the balance, and what is on hold never above a share.
Every change locks the account's row first, so there is one order of changes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import bank_nominal_account as contract
from kapital.kernel.requisites import inn_is_valid
from kapital.sandbox.bank.payouts import LOCK_ACCOUNT
from kapital.sandbox.bank.problems import (
    BankIdTaken,
    BankMoneyInsufficient,
    BankObjectNotFound,
    BankRequestInvalid,
    BankScoringMustSucceed,
)

SCORING_TAKES: Final = timedelta(seconds=1)

_ACCOUNT: Final = text(
    """
    SELECT balance_kopecks, coalesce((SELECT sum(amount_kopecks) FROM beneficiary), 0)::bigint AS distributed,
        coalesce((SELECT sum(on_hold_kopecks) FROM beneficiary), 0)::bigint AS on_hold
    FROM account
    """
)
_CHARGE: Final = text("UPDATE account SET balance_kopecks = balance_kopecks - :amount")
_COLUMNS: Final = (
    "beneficiary_id, kind, resident, name, inn, scoring_reasons, scored_at, amount_kopecks, on_hold_kopecks"
)
_GET: Final = text(f"SELECT {_COLUMNS} FROM beneficiary WHERE beneficiary_id = :id")  # noqa: S608 - constants of this module; values are bound
_GET_MANY: Final = text(f"SELECT {_COLUMNS} FROM beneficiary WHERE beneficiary_id = ANY(:ids)")  # noqa: S608 - constants of this module; values are bound
_LIST: Final = text(
    f"SELECT {_COLUMNS} FROM beneficiary WHERE beneficiary_id > :after ORDER BY beneficiary_id LIMIT :limit"  # noqa: S608 - constants of this module; values are bound
)
_ADD: Final = text(
    """
    INSERT INTO beneficiary (beneficiary_id, kind, resident, name, inn, scoring_reasons, scored_at)
    VALUES (:id, :kind, :resident, :name, :inn, :reasons, :scored_at)
    """
)
_SCORE: Final = text("UPDATE beneficiary SET scoring_reasons = :reasons, scored_at = :now WHERE beneficiary_id = :id")
_MOVE: Final = text(
    """
    UPDATE beneficiary AS b SET amount_kopecks = b.amount_kopecks + moved.amount,
        on_hold_kopecks = b.on_hold_kopecks + moved.hold
    FROM unnest(CAST(:ids AS text[]), CAST(:amounts AS bigint[]), CAST(:holds AS bigint[]))
        AS moved (id, amount, hold)
    WHERE b.beneficiary_id = moved.id
    """
)
_CREDIT: Final = text(
    """
    SELECT c.amount_kopecks, d.shares FROM credit c LEFT JOIN distribution d USING (bank_id) WHERE c.bank_id = :id
    """
)
_DISTRIBUTE: Final = text("INSERT INTO distribution (bank_id, shares) VALUES (:id, CAST(:shares AS jsonb))")


async def get_account(conn: AsyncConnection, now: datetime) -> contract.Account:
    """The account and its money."""
    row = (await conn.execute(_ACCOUNT)).one()
    return contract.Account(
        balance_kopecks=row.balance_kopecks,
        distributed_kopecks=row.distributed,
        on_hold_kopecks=row.on_hold,
        at=now,
    )


async def charge(conn: AsyncConnection, amount_kopecks: int, now: datetime) -> contract.Account:
    """Take money from the account, or give it, without a word. Raises: BankMoneyInsufficient."""
    await conn.execute(LOCK_ACCOUNT)
    account = await get_account(conn, now)
    if account.balance_kopecks - amount_kopecks < account.distributed_kopecks:
        raise BankMoneyInsufficient("that much is not there without an owner")
    await conn.execute(_CHARGE, {"amount": amount_kopecks})
    return await get_account(conn, now)


async def add_beneficiary(
    conn: AsyncConnection, wanted: contract.AddBeneficiary, now: datetime
) -> contract.BankBeneficiary:
    """Name a beneficiary; its scoring ends a second later. Raises: BankIdTaken, BankRequestInvalid."""
    await conn.execute(LOCK_ACCOUNT)
    _require_named(wanted)
    known = (await conn.execute(_GET, {"id": wanted.beneficiary_id})).one_or_none()
    if known is not None:
        same = (known.kind, known.resident, known.name, known.inn) == (
            wanted.kind.value,
            wanted.resident,
            wanted.name,
            wanted.inn,
        )
        if not same:
            raise BankIdTaken(f"beneficiary {wanted.beneficiary_id} is somebody else")
        return _beneficiary(known, now)
    legal = wanted.kind is contract.BeneficiaryKind.legal_entity
    wrong = wanted.inn is not None and not inn_is_valid(wanted.inn, legal_entity=legal)
    values = {
        "id": wanted.beneficiary_id,
        "kind": wanted.kind.value,
        "resident": wanted.resident,
        "name": wanted.name,
        "inn": wanted.inn,
        "reasons": ["inn_control_digits"] if wrong else [],
        "scored_at": now + SCORING_TAKES,
    }
    await conn.execute(_ADD, values)
    return await get_beneficiary(conn, wanted.beneficiary_id, now)


def _require_named(wanted: contract.AddBeneficiary) -> None:
    if wanted.kind is contract.BeneficiaryKind.by_reference:
        if (wanted.resident, wanted.name, wanted.inn) != (None, None, None):
            raise BankRequestInvalid("by reference nothing else is said", {"reason": "by_reference_is_nameless"})
    elif wanted.resident is None or wanted.name is None:
        raise BankRequestInvalid("a beneficiary has a name", {"reason": "name_required"})
    elif wanted.inn is None and wanted.resident:
        raise BankRequestInvalid("a resident has a taxpayer number", {"reason": "inn_required"})


async def score(conn: AsyncConnection, beneficiary_id: str, reasons: Sequence[str], now: datetime) -> None:
    """The bank's people look at a beneficiary: what they find against it, or nothing."""
    await conn.execute(LOCK_ACCOUNT)
    await conn.execute(_SCORE, {"id": beneficiary_id, "reasons": list(reasons), "now": now})


async def get_beneficiary(conn: AsyncConnection, beneficiary_id: str, now: datetime) -> contract.BankBeneficiary:
    """One beneficiary. Raises: BankObjectNotFound."""
    row = (await conn.execute(_GET, {"id": beneficiary_id})).one_or_none()
    if row is None:
        raise BankObjectNotFound(f"no beneficiary {beneficiary_id}")
    return _beneficiary(row, now)


async def list_beneficiaries(
    conn: AsyncConnection, after: str, limit: int, now: datetime
) -> contract.BeneficiaryPage:
    """Beneficiaries in order of their ids."""
    rows = (await conn.execute(_LIST, {"after": after, "limit": limit + 1})).all()
    items = [_beneficiary(row, now) for row in rows[:limit]]
    return contract.BeneficiaryPage(items=items, next_after=items[-1].beneficiary_id if len(rows) > limit else None)


async def distribute(
    conn: AsyncConnection, incoming_id: str, wanted: contract.Distribution, now: datetime
) -> contract.DistributedPayment:
    """Give an incoming payment to its beneficiaries, once.

    Raises: BankObjectNotFound, BankIdTaken, BankRequestInvalid, BankMoneyInsufficient.
    """
    await conn.execute(LOCK_ACCOUNT)
    credit = (await conn.execute(_CREDIT, {"id": incoming_id})).one_or_none()
    if credit is None:
        raise BankObjectNotFound(f"no incoming payment {incoming_id}")
    shares = msgspec.to_builtins(wanted.shares)
    if credit.shares is not None and credit.shares != shares:
        raise BankIdTaken(f"incoming payment {incoming_id} is distributed otherwise")
    if credit.shares is None:
        if sum_of_each_once(wanted.shares) != credit.amount_kopecks:
            raise BankRequestInvalid("the shares are not the sum of the payment", {"reason": "sum_differs"})
        await rows_of(conn, wanted.shares)
        account = await get_account(conn, now)
        if account.distributed_kopecks + credit.amount_kopecks > account.balance_kopecks:
            raise BankMoneyInsufficient("the money of this payment was paid out without an owner")
        await move_money(conn, wanted.shares, amount=1)
        await conn.execute(_DISTRIBUTE, {"id": incoming_id, "shares": msgspec.json.encode(shares).decode()})
    return contract.DistributedPayment(
        incoming_id=incoming_id, amount_kopecks=credit.amount_kopecks, shares=wanted.shares
    )


def sum_of_each_once(shares: Sequence[contract.Share]) -> int:
    """The sum in kopecks. Raises: BankRequestInvalid when a beneficiary is named twice."""
    if len({share.beneficiary_id for share in shares}) < len(shares):
        raise BankRequestInvalid("each beneficiary once", {"reason": "beneficiary_twice"})
    return sum(share.amount_kopecks for share in shares)


async def rows_of(conn: AsyncConnection, shares: Sequence[contract.Share]) -> dict[str, Any]:
    """The beneficiaries of shares by their ids. Raises: BankObjectNotFound."""
    ids = sorted({share.beneficiary_id for share in shares})
    found = {row.beneficiary_id: row for row in await conn.execute(_GET_MANY, {"ids": ids})}
    if missing := [one for one in ids if one not in found]:
        raise BankObjectNotFound(f"no beneficiary {missing[0]}")
    return found


async def reasons_against(conn: AsyncConnection, givers: Sequence[contract.Share], now: datetime) -> list[str]:
    """Why these cannot give that much now, as `scoring:<id>` and `money:<id>`. Raises: BankObjectNotFound."""
    found = await rows_of(conn, givers)
    reasons = [f"scoring:{one.beneficiary_id}" for one in givers if not let_through(found[one.beneficiary_id], now)]
    for one in givers:
        row = found[one.beneficiary_id]
        if row.amount_kopecks - row.on_hold_kopecks < one.amount_kopecks:
            reasons.append(f"money:{one.beneficiary_id}")
    return reasons


def refusal(reason: str) -> BankScoringMustSucceed | BankMoneyInsufficient:
    """The first of the reasons as a refusal."""
    what, _, beneficiary_id = reason.partition(":")
    refused = BankScoringMustSucceed if what == "scoring" else BankMoneyInsufficient
    return refused(f"{what} of {beneficiary_id}", {"beneficiary_id": beneficiary_id})


def let_through(row: Any, now: datetime) -> bool:
    """Whether the bank's scoring of a beneficiary has ended well."""
    return row.scored_at <= now and not row.scoring_reasons


async def move_money(
    conn: AsyncConnection, shares: Sequence[contract.Share], *, amount: int = 0, hold: int = 0
) -> None:
    """Add each sum, times `amount`, to the beneficiary's money, and times `hold` to what is on hold."""
    values = {
        "ids": [share.beneficiary_id for share in shares],
        "amounts": [share.amount_kopecks * amount for share in shares],
        "holds": [share.amount_kopecks * hold for share in shares],
    }
    await conn.execute(_MOVE, values)


def _beneficiary(row: Any, now: datetime) -> contract.BankBeneficiary:
    state = contract.ScoringState
    decided = state.failed if row.scoring_reasons else state.succeeded
    scoring = state.in_progress if row.scored_at > now else decided
    return contract.BankBeneficiary(
        beneficiary_id=row.beneficiary_id,
        kind=contract.BeneficiaryKind(row.kind),
        scoring=scoring,
        scoring_reasons=list(row.scoring_reasons) if scoring is state.failed else [],
        amount_kopecks=row.amount_kopecks,
        on_hold_kopecks=row.on_hold_kopecks,
    )
