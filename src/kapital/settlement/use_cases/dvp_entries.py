"""The ledger entries of the nominal rail: every id derived from what is settled, so that a repeat meets itself."""

from collections.abc import Sequence
from hashlib import sha256
from operator import attrgetter
from typing import Final
from uuid import UUID

from kapital.kernel.ids import derive_uuid7
from kapital.ledger.api import AccountKey, Basis, BasisKind, Position, Posting, Transaction
from kapital.settlement.domain.dvp_queue import Queued
from kapital.settlement.ports.dvp_queue import Settling
from kapital.settlement.use_cases.entries import ACTOR, money

PER_CALL: Final = 5_000
"""Transactions of one call of the ledger: half of what it takes, so that calls and keeping their answers overlap."""


def settling_id(members: Sequence[Queued]) -> UUID:
    """The id of the ledger transaction that settles these together, as they stand: what is settled of them is in it.

    One portion of one instruction has one id, so the ledger can enter it once only.
    """
    first, *others = members
    if not others:
        return derive_uuid7(first.instruction_id, f"dvp/{first.before_units}")
    names = sorted(f"{one.instruction_id}/{one.before_units}" for one in members)
    return derive_uuid7(first.instruction_id, f"dvp_together/{sha256(','.join(names).encode()).hexdigest()}")


def dvp_entry(parts: Sequence[Settling]) -> Transaction:
    """Units against money, of one instruction or of several that stand or fall together.

    Each instruction stands in it gross, with four postings: a right passes with its record, and a freeze of any party
    is the ledger's to find, also of one whose movements cancel out. Only the balances after the whole entry count.
    They stand in the order of their ids, whatever order the queue had them in: who asks again after a crash asks for
    the same entry, or the register takes it for another one.
    Law: 259-FZ art. 4 (a right passes with the record).
    """
    parts = sorted(parts, key=attrgetter("instruction_id"))
    first, *others = parts
    name = f"dvp_together/{first.settling_id}" if others else f"dvp/{first.instruction_id}"
    agreed = {part.content_sha256 for part in parts}
    return Transaction(
        id=first.settling_id,
        actor=ACTOR,
        # What two persons approved; instructions of several batches are named by the set alone.
        basis=Basis(
            kind=BasisKind.HOLDER_INSTRUCTION,
            reference=name,
            document_sha256=first.content_sha256 if len(agreed) == 1 else None,
        ),
        postings=tuple(posting for part in parts for posting in _postings(part)),
    )


def _postings(part: Settling) -> tuple[Posting, ...]:
    return (
        Posting(AccountKey(asset=part.asset, position=Position.AVAILABLE, wallet=part.seller), -part.units),
        Posting(AccountKey(asset=part.asset, position=Position.AVAILABLE, wallet=part.buyer), part.units),
        Posting(money(part.buyer), -part.kopecks),
        Posting(money(part.seller), part.kopecks),
    )
