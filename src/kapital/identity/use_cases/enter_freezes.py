"""Use case: bring to the register what freezes ask of it, in the order in which it was asked."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.identity.domain.freeze_entry import AskedEntry
from kapital.identity.domain.problems import FreezeRefusedByRegister
from kapital.identity.ports import FreezeStore
from kapital.kernel.ids import derive_uuid7
from kapital.ledger.api import (
    AccountKey,
    AssetKind,
    Basis,
    BasisKind,
    Committed,
    Ledger,
    Position,
    Posting,
    Refused,
    SetFreeze,
    Transaction,
)
from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import UnitOfWork

PER_CALL: Final = 1_000
STILL_FROZEN: Final = "wallet_debits_frozen"

_log = get_logger(__name__)


async def enter_freezes(*, uow: UnitOfWork, freezes: FreezeStore, ledger: Ledger) -> int:
    """Enter what waits; return how many entries of freezes were made here.

    Promise: what an act has committed is entered once, in order, whatever dies in between: entry ids are derived,
    and the next tick goes on. One process at a time does it. When a wallet's freeze ends, what lay in its blocked
    position comes back to `available`; while another freeze of the wallet is in force it stays until that one ends.
    Raises: FreezeRefusedByRegister after everything else was entered; Unavailable.
    """
    made = 0
    while (count := await _enter_some(uow, freezes, ledger)) is not None:
        made += count
    return made


async def _enter_some(uow: UnitOfWork, freezes: FreezeStore, ledger: Ledger) -> int | None:
    """Enter up to PER_CALL; None when nothing waits."""
    async with uow.begin() as tx:
        if not await freezes.open_entries(tx.conn, 1):
            return None
        await freezes.lock_register(tx.conn)
        found = await freezes.open_entries(tx.conn, PER_CALL)
        waiting = [one for one in found if one.entry_seq is None]
        # The register is called in the transaction that keeps others away: all ids are derived, so a repeat is safe.
        answers = await ledger.post([_transaction(one) for one in waiting]) if waiting else []
        entered = [_noted(one, answer) for one, answer in zip(waiting, answers, strict=True)]
        await freezes.note_entered(tx.conn, entered)
        ended = [one for one in (*found, *entered) if one.lifts and one.entry_seq is not None]
        await _sweep(tx.conn, freezes, ledger, ended)
    refused = [one.refusal for one in entered if one.refusal]
    if refused:
        _log.error("identity.freeze_refused", code=refused[0], count=len(refused))
        raise FreezeRefusedByRegister(facts={"ledger_code": str(refused[0]), "refused": len(refused)})
    return len(entered)


def _noted(one: AskedEntry, answer: Committed | Refused) -> AskedEntry:
    if isinstance(answer, Refused):
        return msgspec.structs.replace(one, refusal=answer.code)
    return msgspec.structs.replace(one, entry_seq=answer.seq)


def _transaction(one: AskedEntry) -> Transaction:
    return Transaction(
        id=one.entry_id,
        actor=one.actor,
        basis=_basis(one),
        freezes=(
            SetFreeze(
                freeze=one.freeze_id,
                wallet=one.wallet_id,
                credits_stopped=one.credits_stopped,
                debits_stopped=one.debits_stopped,
                asset=one.asset_id,
                kind=None if one.kind is None else AssetKind(one.kind),
                debit_allowance=one.allowance_kopecks,
            ),
        ),
    )


def _basis(one: AskedEntry) -> Basis:
    # The reference names the freeze and neither list nor person: the register is read by others too.
    return Basis(
        kind=BasisKind.STATUTE, reference=f"freeze/{one.freeze_id}/{one.step}", document_sha256=one.document_sha256
    )


async def _sweep(conn: AsyncConnection, freezes: FreezeStore, ledger: Ledger, ended: Sequence[AskedEntry]) -> None:
    """Move what lies in the blocked positions back, after the last release of each wallet."""
    last = {one.wallet_id: one for one in sorted(ended, key=lambda one: one.entry_seq or 0)}
    for one in last.values():
        moves = await _back(ledger, one)
        answers = await ledger.post(moves) if moves else []
        refused = [answer.code for answer in answers if isinstance(answer, Refused) and answer.code != STILL_FROZEN]
        if refused:
            raise FreezeRefusedByRegister(facts={"ledger_code": refused[0], "refused": len(refused)})
    await freezes.note_swept(conn, ended)


async def _back(ledger: Ledger, one: AskedEntry) -> list[Transaction]:
    """The moves out of the blocked position, as it stood right after the release: the same for every repeat.

    From that entry on no income goes there, unless another freeze is in force: then these moves are refused.
    """
    keys = [key for key in await ledger.wallet_accounts(one.wallet_id) if key.position is Position.FROZEN]
    balances = await ledger.balances_at(keys, size=(one.entry_seq or 0) + 1) if keys else []
    return [
        Transaction(
            id=derive_uuid7(one.entry_id, f"back/{key.asset}"),
            actor=one.actor,
            basis=_basis(one),
            postings=(
                Posting(key, -balance),
                Posting(AccountKey(key.asset, Position.AVAILABLE, key.wallet), balance),
            ),
        )
        for key, balance in zip(keys, balances, strict=True)
        if balance
    ]
