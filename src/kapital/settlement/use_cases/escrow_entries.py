"""The ledger entries of the escrow rail: units only; the money is named by the bank's hold.

Of one try the record and the unlocking bear one id, so that only one of them can ever be entered. Law: 259-FZ art. 4.
"""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from kapital.kernel.ids import derive_uuid7
from kapital.ledger.api import AccountKey, Basis, BasisKind, Position, Posting, Transaction
from kapital.settlement.domain.escrow import EscrowInstruction
from kapital.settlement.use_cases.entries import ACTOR

ID_TAKEN: Final = "id_reused_with_other_content"
"""The ledger's code: another entry bears the id."""


def units_lock(one: EscrowInstruction) -> Transaction:
    """Before the bank is asked: seller's units available −, locked +."""
    return _entry(one, derive_uuid7(one.instruction_id, f"escrow_lock/{one.entry_try}"), _available, _locked)


def units_unlock(one: EscrowInstruction) -> Transaction:
    """Undone: locked −, available +."""
    return _entry(one, record_id(one), _locked, _available)


def units_record(one: EscrowInstruction) -> Transaction:
    """The units pass to the buyer (the point of no return), from `locked`; from `available` if not locked."""
    source = _available if one.lock_seq is None else _locked
    return _entry(one, record_id(one), source, _bought, named="dvp/escrow_hold")


def record_id(one: EscrowInstruction) -> UUID:
    """The id of the entry that ends this try."""
    return derive_uuid7(one.instruction_id, f"escrow_record/{one.entry_try}")


_Side = Callable[[EscrowInstruction], AccountKey]


def _entry(
    one: EscrowInstruction, entry_id: UUID, debit: _Side, credit: _Side, *, named: str = "escrow_hold"
) -> Transaction:
    return Transaction(
        id=entry_id,
        actor=ACTOR,
        basis=Basis(kind=BasisKind.SMART_CONTRACT, reference=f"{named}/{one.order.reference}"),
        postings=(Posting(debit(one), -one.units), Posting(credit(one), one.units)),
    )


def _available(one: EscrowInstruction) -> AccountKey:
    return AccountKey(asset=one.asset_id, position=Position.AVAILABLE, wallet=one.seller_wallet_id)


def _locked(one: EscrowInstruction) -> AccountKey:
    return AccountKey(asset=one.asset_id, position=Position.LOCKED, wallet=one.seller_wallet_id)


def _bought(one: EscrowInstruction) -> AccountKey:
    return AccountKey(asset=one.asset_id, position=Position.AVAILABLE, wallet=one.buyer_wallet_id)
