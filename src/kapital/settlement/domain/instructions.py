"""What tokenization instructs, as far as settlement needs it, and the rules that must hold before anything is done.

A breach is not a refusal to be answered but a fault of ours: nothing of the event is done and it stops, visibly.
"""

from collections.abc import Iterable
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.problems import ensure

LINES_MAX = 1_000

_Amount = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
_Part = Annotated[int, msgspec.Meta(ge=1)]


class AllocationLine(msgspec.Struct, frozen=True, kw_only=True):
    """One order: its units, what they cost, what goes back, what was reserved, by which rules it was agreed."""

    order_id: UUID
    wallet_id: UUID
    units: _Amount
    pay_kopecks: _Amount
    refund_kopecks: _Amount
    reserved_kopecks: _Amount
    rule_book_version: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def rules(self) -> str | None:
        """The version of the rule book that the entries of this order name; None for the one in force."""
        return None if self.rule_book_version is msgspec.UNSET else self.rule_book_version


class AllocationDecided(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the outcome of a placement."""

    issue_id: UUID
    outcome: Literal["held", "failed"]
    part: _Part
    parts: _Part
    asset_id: UUID
    issuer_wallet_id: UUID
    lines: Annotated[tuple[AllocationLine, ...], msgspec.Meta(max_length=LINES_MAX)]


class PayoutLine(msgspec.Struct, frozen=True, kw_only=True):
    """One holder's position: the money due and the units that are extinguished with it."""

    wallet_id: UUID
    position: Literal["available", "reserved", "locked", "pledged", "arrested", "frozen"]
    units: _Amount
    amount_kopecks: _Amount
    extinguish_units: _Amount


class PayoutsInstructed(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a corporate action. `debits_stopped`: the unit accounts named are under the transfer lock.

    `payer_position` RESERVED: the money for all parts was set aside before the first; without it, what is available.
    """

    action_id: UUID
    issue_id: UUID
    kind: Literal["coupon", "amortisation", "redemption", "call", "put", "buyback"]
    part: _Part
    parts: _Part
    payer_wallet_id: UUID
    asset_id: UUID
    record_size: _Amount
    lines: Annotated[tuple[PayoutLine, ...], msgspec.Meta(max_length=LINES_MAX)]
    debits_stopped: bool = False
    # Absent it leaves no trace in the hash of the instruction, so one told before there was such a field is the same.
    payer_position: Literal["reserved"] | msgspec.UnsetType = msgspec.UNSET

    @property
    def is_set_aside(self) -> bool:
        """Whether the payer's money for all parts was set aside before the first."""
        return self.payer_position is not msgspec.UNSET


def content_sha256(instruction: msgspec.Struct) -> str:
    """Hash of an instruction, to tell a repeat from another one under the same name."""
    return sha256_hex(canonical_bytes(instruction))


def check_allocation(decided: AllocationDecided) -> None:
    """Raises: InvariantBroken unless every line's money adds up and fits the outcome."""
    ensure(decided.part <= decided.parts, "a part beyond the last one")
    _ensure_distinct((line.order_id for line in decided.lines), "an order stands twice in one part")
    for line in decided.lines:
        paid_and_back = line.pay_kopecks + line.refund_kopecks
        ensure(
            paid_and_back == line.reserved_kopecks,
            f"order {line.order_id}: {paid_and_back} kopecks paid and refunded, {line.reserved_kopecks} reserved",
        )
        ensure(line.reserved_kopecks > 0, f"order {line.order_id}: nothing was reserved")
        ensure(
            (line.units > 0) == (line.pay_kopecks > 0),
            f"order {line.order_id}: units without money or money without",
        )
        ensure(
            decided.outcome == "held" or line.units == 0,
            f"order {line.order_id}: units of a failed placement",
        )


def check_payouts(instructed: PayoutsInstructed) -> None:
    """Raises: InvariantBroken unless every line pays or extinguishes something, and nobody pays itself."""
    ensure(instructed.part <= instructed.parts, "a part beyond the last one")
    _ensure_distinct(
        ((line.wallet_id, line.position) for line in instructed.lines),
        "a holder's position stands twice in one part",
    )
    for line in instructed.lines:
        is_own = line.wallet_id == instructed.payer_wallet_id
        ensure(not is_own or line.amount_kopecks == 0, "the payer would pay itself")
        ensure(line.amount_kopecks + line.extinguish_units > 0, "a line that does nothing")
        ensure(line.extinguish_units <= line.units, "more units extinguished than held")
        ensure(instructed.kind != "coupon" or line.extinguish_units == 0, "a coupon extinguishes nothing")


def _ensure_distinct(keys: Iterable[object], message: str) -> None:
    listed = list(keys)
    ensure(len(set(listed)) == len(listed), message)
