"""Whose money lies on the nominal account, as a bank keeps it beside the register (Civil Code art. 860.1–860.6).

A wallet is a beneficiary. The bank learns of an entry in one of three ways: a payment that came is distributed, a
payout names its beneficiary, everything else is a deal of those who give with those who receive.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.problems import ensure
from kapital.settlement.domain.incoming import NAMELESS, UNIDENTIFIED_WALLET

SIDE_MAX: Final = 1_000
"""Beneficiaries on one side of a deal, as the contract of the bank has it."""
SCORING_FAILED: Final = "bank_scoring_failed"
"""Why money that is ready to leave stays: the bank does not serve its beneficiary."""
OF_SCORING: Final = "scoring"
"""How the bank's reason against a deal begins when it does not serve who gives or receives."""
OF_REFUSAL: Final = "refused"
"""What stands against both sides of a deal that the bank does not take: perhaps it knows one of them no longer."""
RESTS: Final = timedelta(minutes=1)
"""So long nothing is planned for a beneficiary whose money the bank did not find."""
RESTS_REFUSED: Final = timedelta(minutes=10)
"""So long nothing is planned for the two of a deal that the bank does not take."""


class Scoring(StrEnum):
    """What the bank thinks of a beneficiary (скоринг)."""

    UNNAMED = "unnamed"  # not told to the bank yet
    IN_PROGRESS = "in_progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Scored(msgspec.Struct, frozen=True):
    """The bank's word on a beneficiary; `reasons` are its codes, without personal data."""

    scoring: Scoring
    reasons: tuple[str, ...] = ()


class BankShare(msgspec.Struct, frozen=True, kw_only=True):
    """A beneficiary in the bank's list: its money there, that on hold included."""

    beneficiary_id: str
    scored: Scored
    amount_kopecks: int


class Stretch(msgspec.Struct, frozen=True):
    """Beneficiaries in the order of their ids, above `after` and up to `last`; None: from the first, to the end."""

    after: str | None = None
    last: str | None = None

    def has(self, beneficiary_id: str) -> bool:
        """Whether a beneficiary is one of them."""
        return (self.after or "") < beneficiary_id and (self.last is None or beneficiary_id <= self.last)


class OrderKind(StrEnum):
    """By what the bank is told."""

    DISTRIBUTION = "distribution"  # a payment that came is this beneficiary's
    DEAL = "deal"  # money changes its beneficiary


class ShareLine(msgspec.Struct, frozen=True):
    """One beneficiary of an order: plus receives, minus gives."""

    wallet_id: UUID
    amount_kopecks: int


class ShareOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the bank has to be told; its content never changes. `incoming_id`: the bank's id of the payment."""

    order_id: UUID
    kind: OrderKind
    lines: tuple[ShareLine, ...]
    incoming_id: str | None = None

    @property
    def reference(self) -> str:
        """The name under which the bank knows it."""
        return self.order_id.hex

    def deponents(self) -> dict[str, int]:
        """Who gives how much."""
        return {beneficiary_of(one.wallet_id): -one.amount_kopecks for one in self.lines if one.amount_kopecks < 0}

    def recipients(self) -> dict[str, int]:
        """Who receives how much."""
        return {beneficiary_of(one.wallet_id): one.amount_kopecks for one in self.lines if one.amount_kopecks > 0}


class DealState(StrEnum):
    """Where a deal stands at the bank. COMPLETED and CANCELLED are final."""

    NOT_FOUND = "not_found"  # the bank never saw it
    DRAFT = "draft"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REFUSED = "refused"  # the bank does not take it


class DealStatus(msgspec.Struct, frozen=True):
    """The bank's answer about a deal. `reasons`: what stands against a draft (`scoring:<id>`, `money:<id>`); the code
    of a refusal."""

    state: DealState
    reasons: tuple[str, ...] = ()


class Came(msgspec.Struct, frozen=True):
    """An entry: a payment came, and it is this wallet's. `decision_id` names two persons' decision instead of it."""

    seq: int
    wallet_id: UUID
    amount_kopecks: int
    bank_id: str | None = None
    decision_id: UUID | None = None


class Moved(msgspec.Struct, frozen=True):
    """An entry: money changed its wallet; the changes sum to zero."""

    changes: Mapping[UUID, int]


class Untold(msgspec.Struct, frozen=True):
    """An entry that no call of the bank can tell; the comparison of shares shows it as a break."""

    seq: int


def effect_of(
    seq: int, reference: str, bank_kopecks: int, changes: Iterable[tuple[UUID, int]]
) -> Came | Moved | Untold | None:
    """What the bank has to be told of an entry, or None.

    `bank_kopecks`: what came to the bank by it, in kopecks; `changes`: each change of a wallet's money, whatever its
    position. Of a payout the bank knows already: it paid. Money of an unknown owner is nobody's at the bank too.
    """
    net: dict[UUID, int] = {}
    for wallet, amount in changes:
        net[wallet] = net.get(wallet, 0) + amount
    net = {wallet: amount for wallet, amount in net.items() if amount}
    ensure(sum(net.values()) == bank_kopecks, "money in an entry does not sum to zero")
    has_one_owner = len(net) == 1
    unknown = net.pop(UNIDENTIFIED_WALLET, 0)
    kind, _, of = reference.partition("/")
    match kind:
        case "bank_credit" if bank_kopecks > 0 and has_one_owner:
            if net and of.startswith(NAMELESS):
                return Untold(seq)  # the bank has no such id
            return next((Came(seq, wallet, amount, bank_id=of) for wallet, amount in net.items()), None)
        case "withdrawal" if bank_kopecks < 0 and has_one_owner:
            return None
        case "money_decision" if bank_kopecks == 0 and unknown < 0 and len(net) == 1:
            ((wallet, amount),) = net.items()
            return Came(seq, wallet, amount, decision_id=UUID(of))
        case _ if bank_kopecks == 0 and not unknown:
            return Moved(net) if net else None
        case _:
            return Untold(seq)


def plan_deals(owed: Mapping[UUID, int], *, side_max: int = SIDE_MAX) -> list[tuple[ShareLine, ...]]:
    """Deals by which the bank catches up; `owed`: plus has to receive at the bank, minus has to give, in kopecks.

    Promise: as much is given as received in each; together nobody gives or receives more than is owed, and either
    all who give or all who receive have nothing left; at most `side_max` on a side. The same question has the same
    answer.
    """
    ordered = sorted(owed.items())
    give = [(wallet, -amount) for wallet, amount in ordered if amount < 0]
    take = [(wallet, amount) for wallet, amount in ordered if amount > 0]
    deals: list[tuple[ShareLine, ...]] = []
    gives: dict[UUID, int] = {}
    takes: dict[UUID, int] = {}
    while give and take:
        amount = min(give[-1][1], take[-1][1])
        _pass(give, gives, amount)
        _pass(take, takes, amount)
        ended = not (give and take)
        if ended or _is_full(gives, give, side_max) or _is_full(takes, take, side_max):
            lines = [ShareLine(wallet, -amount) for wallet, amount in gives.items()]
            deals.append((*lines, *(ShareLine(wallet, amount) for wallet, amount in takes.items())))
            gives, takes = {}, {}
    return deals


def halves_of(order: ShareOrder) -> list[tuple[ShareLine, ...]]:
    """The same money in deals of half as many on a side, none for a deal of two.

    So is found for whose sake a bank does not take a deal, and the others wait no longer.
    """
    sides = max(len(order.deponents()), len(order.recipients()))
    if sides == 1:
        return []
    return plan_deals({one.wallet_id: one.amount_kopecks for one in order.lines}, side_max=sides // 2)


def _is_full(side: Mapping[UUID, int], left: Sequence[tuple[UUID, int]], side_max: int) -> bool:
    """Whether the next one would be one too many."""
    return len(side) == side_max and left[-1][0] not in side


def _pass(left: list[tuple[UUID, int]], passed: dict[UUID, int], amount: int) -> None:
    wallet, of = left.pop()
    passed[wallet] = passed.get(wallet, 0) + amount
    if of > amount:
        left.append((wallet, of - amount))


def differences(
    at_bank: Mapping[str, int], registered: Mapping[UUID, int], owed: Mapping[UUID, int]
) -> dict[str, int]:
    """What each beneficiary has at the bank above the register, in kopecks, without those that agree.

    `registered`: all money of each wallet; `owed`: what of it the bank has not been told.
    """
    expected = {
        beneficiary_of(wallet): registered.get(wallet, 0) - owed.get(wallet, 0)
        for wallet in registered.keys() | owed.keys()
        if wallet != UNIDENTIFIED_WALLET
    }
    found = {one: at_bank.get(one, 0) - expected.get(one, 0) for one in at_bank.keys() | expected.keys()}
    return {one: difference for one, difference in found.items() if difference}


def against(reasons: Sequence[str]) -> dict[str, str]:
    """The beneficiaries that stand against a deal, each with the bank's word (`scoring` or `money`)."""
    named = [reason.partition(":") for reason in reversed(reasons)]
    return {beneficiary: word for word, _, beneficiary in named if beneficiary}


def beneficiary_of(wallet_id: UUID) -> str:
    """The id under which the bank knows the owner of a wallet: a pseudonym."""
    return str(wallet_id)


def wallet_of(beneficiary_id: str | None) -> UUID | None:
    """The wallet whose owner the bank knows under an id; None where it is nobody of ours."""
    try:
        wallet = UUID(beneficiary_id or "")
    except ValueError:
        return None
    return wallet if beneficiary_of(wallet) == beneficiary_id else None
