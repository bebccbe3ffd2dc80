"""Delivery-versus-payment instructions: what is asked, agreed to and kept (the words are those of T2S)."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.calendar import moscow_day
from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.settlement.domain.dvp_problems import DvpBatchMalformed
from kapital.settlement.domain.escrow import EscrowAccounts
from kapital.settlement.domain.states import DVP, DvpState

BATCH_MAX: Final = 1_000
LINKS_MAX: Final = 10
"""Links that one instruction may name when it is instructed."""

PRIORITY_NORMAL: Final = 4
"""T2S: 1 reserved, 2 top, 3 high, 4 normal; a smaller number is tried first."""


class Rail(StrEnum):
    """Where the cash leg is: shares of the nominal account, or money that the bank holds in escrow."""

    NOMINAL = "nominal"
    ESCROW = "escrow"


class LinkKind(StrEnum):
    """T2S links: after or before another instruction has settled, or with it, all or none."""

    AFTER = "after"
    BEFORE = "before"
    WITH = "with"


class BatchState(StrEnum):
    """Where a batch stands; both ends are final."""

    INSTRUCTED = "instructed"
    APPROVED = "approved"
    REJECTED = "rejected"


class LinkAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A link to the instruction with this reference, of the same batch or kept earlier."""

    kind: LinkKind
    reference: str


class DvpItem(msgspec.Struct, frozen=True, kw_only=True):
    """One instruction as it is asked for: units of the seller against money of the buyer.

    Shape: `intended_on` is the intended settlement date (Moscow), `cut_off_at` the instant of that day until which it
    is tried; `is_partial_allowed` is the partial settlement indicator; `escrow` comes with the escrow rail.
    """

    reference: str
    asset_id: UUID
    issue_id: UUID
    seller_wallet_id: UUID
    buyer_wallet_id: UUID
    units: int
    amount_kopecks: int
    rail: Rail
    is_held: bool
    priority: int
    is_partial_allowed: bool
    intended_on: date
    cut_off_at: datetime
    links: tuple[LinkAsked, ...] = ()
    escrow: EscrowAccounts | None = None


class DvpInstruction(msgspec.Struct, frozen=True, kw_only=True):
    """An instruction as it is kept.

    `reason`: the code of the last try that failed. `end_code`: why it ended without being settled whole.
    `entry_seq`: the last ledger entry that moved units of it. `settling_*`: what the ledger is being asked to enter.
    """

    instruction_id: UUID
    batch_id: UUID
    item: int
    reference: str
    asset_id: UUID
    issue_id: UUID
    seller_wallet_id: UUID
    buyer_wallet_id: UUID
    units: int
    amount_kopecks: int
    rail: Rail
    is_held: bool
    priority: int
    is_partial_allowed: bool
    intended_on: date
    cut_off_at: datetime
    state: DvpState
    settled_units: int = 0
    settled_kopecks: int = 0
    settling_id: UUID | None = None
    settling_units: int | None = None
    settling_kopecks: int | None = None
    reason: str | None = None
    end_code: str | None = None
    entry_seq: int | None = None
    row_version: int = 1
    changed_at: datetime


class DvpMove(msgspec.Struct, frozen=True, kw_only=True):
    """A step of one instruction, made only if it is still in `source`. What is None stays as it is."""

    instruction_id: UUID
    source: DvpState
    target: DvpState
    reason: str | None = None
    end_code: str | None = None
    entry_seq: int | None = None


class DvpLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link as it is kept: `instruction_id` settles after, or with, `other_id`."""

    instruction_id: UUID
    kind: LinkKind
    other_id: UUID


class DvpBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Up to 1,000 instructions that a second person approves by their one hash, or rejects."""

    batch_id: UUID
    content_sha256: str
    state: BatchState
    instructions: int
    instructed_by: str
    instructed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None


def content_sha256_of(items: Sequence[DvpItem]) -> str:
    """What the second person approves: SHA-256 of the RFC 8785 text of all instructions, in their order."""
    return sha256_hex(canonical_bytes({"dvp_instructions": list(items)}))


def check_items(items: Sequence[DvpItem], now: datetime) -> None:
    """The rules that need nothing but the batch itself. Raises: DvpBatchMalformed (facts: `reason`, `item`)."""
    if not 1 <= len(items) <= BATCH_MAX:
        raise DvpBatchMalformed(facts={"reason": "count_out_of_range", "count": len(items), "limit": BATCH_MAX})
    seen: set[str] = set()
    for place, item in enumerate(items):
        if (reason := _fault(item, now)) is None and item.reference in seen:
            reason = "reference_repeated"
        if reason is not None:
            raise DvpBatchMalformed(facts={"reason": reason, "item": place})
        seen.add(item.reference)


def _fault(item: DvpItem, now: datetime) -> str | None:
    linked = [link.reference for link in item.links]
    faults = {
        "parties_must_differ": item.seller_wallet_id == item.buyer_wallet_id,
        "cut_off_must_be_of_the_intended_day": moscow_day(item.cut_off_at) != item.intended_on,
        "cut_off_must_be_ahead": item.cut_off_at <= now,
        "partial_settlement_is_of_the_nominal_rail": item.is_partial_allowed and item.rail is not Rail.NOMINAL,
        "escrow_accounts_come_with_the_escrow_rail": (item.escrow is None) is (item.rail is Rail.ESCROW),
        "account_key_must_match": item.escrow is not None and not item.escrow.are_valid,
        "too_many_links": len(linked) > LINKS_MAX,
        "link_to_itself": item.reference in linked,
        "link_repeated": len(set(linked)) != len(linked),
    }
    return next((reason for reason, is_so in faults.items() if is_so), None)


def ending(instruction: DvpInstruction, on: str, end_code: str) -> DvpMove:
    """How an instruction that waits is ended, by a person or by its cut-off.

    Nothing of it entered: it is rolled back. A part entered: that stays, and the rest lapses.
    Raises: WrongState.
    """
    if instruction.settled_units:
        target = DVP.step(instruction.state, "rest_lapsed").target
    elif instruction.rail is Rail.ESCROW:
        target = DVP.step(instruction.state, on).target  # its units may be locked: the escrow process undoes that
    else:
        target = DVP.step(DVP.step(instruction.state, on).target, "all_undone").target
    return DvpMove(
        instruction_id=instruction.instruction_id, source=instruction.state, target=target, end_code=end_code
    )


def directed(kind: LinkKind, one: UUID, other: UUID) -> DvpLink:
    """A link as it is kept: BEFORE is AFTER of the other, WITH names the smaller id first."""
    if kind is LinkKind.AFTER:
        return DvpLink(instruction_id=one, kind=kind, other_id=other)
    if kind is LinkKind.BEFORE:
        return DvpLink(instruction_id=other, kind=LinkKind.AFTER, other_id=one)
    first, second = sorted((one, other))
    return DvpLink(instruction_id=first, kind=kind, other_id=second)
