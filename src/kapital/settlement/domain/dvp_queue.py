"""What of a queue of DvP instructions can be settled with what the parties have. Pure and deterministic.

In the order of the queue: gross, each by itself; then technical netting, sets of which no member could settle alone
and which together need only what is there; then parts, where the partial settlement indicator allows it. After each,
whoever was waiting for what it brought is looked at again. The words are those of T2S.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple
from uuid import UUID

from kapital.settlement.domain.dvp_netting import GROUP_MAX, Candidate, SmallSets, largest_sets, with_hope

UNITS_SHORT: Final = "units_insufficient"
MONEY_SHORT: Final = "money_insufficient"
GROUP_TOO_LARGE: Final = "linked_set_exceeds_limit"

_TRIES_PER_INSTRUCTION: Final = 20
"""How often on average an instruction is looked at in one plan; what is left is looked at in the next one."""

_PER_ASSET: Final = 1 << 32

Account = tuple[UUID | None, UUID]
"""Asset (None: money) and wallet: what the wallet has available."""


class Queued(NamedTuple):
    """What is left to settle of an instruction. `before_units` of `all_units` are settled already."""

    instruction_id: UUID
    seller: UUID
    buyer: UUID
    asset: UUID
    all_units: int
    all_kopecks: int
    before_units: int = 0
    is_partial_allowed: bool = False

    @property
    def units(self) -> int:
        """Units that are left."""
        return self.all_units - self.before_units

    @property
    def kopecks(self) -> int:
        """Kopecks that are left."""
        return self.all_kopecks - price_of(self.before_units, self)


class SettledHow(StrEnum):
    """Gross: by itself. Linked: with those it is linked WITH. Netted: a set found by technical netting."""

    GROSS = "gross"
    LINKED = "linked"
    NETTED = "netted"
    PARTIAL = "partial"


class Part(NamedTuple):
    """What is settled of an instruction: always gross amounts."""

    instruction_id: UUID
    units: int
    kopecks: int


class Settlement(NamedTuple):
    """Parts that are entered in one ledger transaction, all or none."""

    how: SettledHow
    parts: tuple[Part, ...]


@dataclass(slots=True)
class Plan:
    """Settlements in the order in which they are to be entered, and why each other instruction waits."""

    settlements: list[Settlement] = field(default_factory=list)
    reasons: dict[UUID, str] = field(default_factory=dict)


def price_of(units: int, of: Queued) -> int:
    """Kopecks for the first `units` of an instruction: pro rata, rounded down; so the last part takes the rest."""
    return of.all_kopecks * units // of.all_units


def accounts_of(queue: Iterable[Queued]) -> set[Account]:
    """The accounts whose balances a plan rests on: those from which something is to be taken."""
    return {account for one in queue for account in ((one.asset, one.seller), (None, one.buyer))}


def plan_queue(
    queue: Sequence[Queued],
    *,
    balances: Mapping[Account, int],
    groups: Mapping[UUID, UUID],
    blocked: Mapping[UUID, str],
) -> Plan:
    """Decide what settles.

    Shape: `queue` in the order of settlement; `balances` of `accounts_of(queue)` (absent: 0); `groups` gives the
    name of its WITH set to each instruction that has one; `blocked` gives a code to each that may not settle now,
    and with it to its whole set.
    Promise: entered in their order, no settlement overdraws any account; an instruction is settled whole unless it
    is partial; no instruction is in two settlements; the same arguments give the same plan.
    """
    return _Planner(queue, balances, groups, blocked).run()


class _Planner:
    def __init__(
        self,
        queue: Sequence[Queued],
        balances: Mapping[Account, int],
        groups: Mapping[UUID, UUID],
        blocked: Mapping[UUID, str],
    ) -> None:
        self.plan = Plan()
        self.numbers: dict[UUID | None, int] = {None: 0}  # money is the asset with the number 0
        self.balances = {self._account(asset, wallet): have for (asset, wallet), have in balances.items()}
        self.open: dict[int, Candidate] = {}
        self.members: dict[int, list[Queued]] = {}
        self.waiting: dict[int, list[int]] = {}
        self._gather(queue, groups, blocked)
        self.heap = list(self.open)
        heapify(self.heap)
        self.tries = _TRIES_PER_INSTRUCTION * len(queue)

    def run(self) -> Plan:
        self._settle_gross()
        self._settle_netted()
        self._settle_parts()
        for place, candidate in self.open.items():
            short = candidate.short(self.balances)
            reason = MONEY_SHORT if short is not None and short < _PER_ASSET else UNITS_SHORT
            for member in self.members[place]:
                self.plan.reasons[member.instruction_id] = reason
        return self.plan

    def _gather(self, queue: Sequence[Queued], groups: Mapping[UUID, UUID], blocked: Mapping[UUID, str]) -> None:
        """One candidate for each instruction, or for each WITH set, at the place of its first member."""
        of_group: dict[UUID, list[Queued]] = {}
        firsts: list[tuple[int, list[Queued]]] = []
        for place, one in enumerate(queue):
            group = groups.get(one.instruction_id)
            if group is None:
                firsts.append((place, [one]))
            elif group in of_group:
                of_group[group].append(one)
            else:
                of_group[group] = [one]
                firsts.append((place, of_group[group]))
        for place, members in firsts:
            codes = [blocked[one.instruction_id] for one in members if one.instruction_id in blocked]
            if len(members) > GROUP_MAX:
                codes.insert(0, GROUP_TOO_LARGE)
            if codes:
                self.plan.reasons.update((one.instruction_id, codes[0]) for one in members)
                continue
            self.members[place] = members
            self.open[place] = Candidate(place, len(members), self._changes(members))

    def _settle_gross(self) -> None:
        """All that can settle by itself, the first first; again whenever something it lacks has come."""
        heap, is_open, balances, waiting = self.heap, self.open, self.balances, self.waiting
        while heap and self.tries:
            self.tries -= 1
            place = heappop(heap)
            if (candidate := is_open.get(place)) is None:
                continue
            if (short := candidate.short(balances)) is None:
                self._settle([place])
            else:
                waiting.setdefault(short, []).append(place)

    def _settle_netted(self) -> None:
        """Sets that only together have what they need: for each in its order a small one, then the largest ones."""
        hopeful = with_hope(self.open, self.balances)
        search = SmallSets({place: self.open[place] for place in hopeful})
        for place in sorted(hopeful):
            if place in self.open and (found := search.around(place, self.open, self.balances)):
                self._settle(found)
                self._settle_gross()
        hopeful = with_hope(self.open, self.balances)
        for found in largest_sets({place: self.open[place] for place in hopeful}, self.balances):
            self._settle(found)
        self._settle_gross()

    def _settle_parts(self) -> None:
        for place in sorted(self.open):
            if place not in self.open:
                continue
            (one, *others) = self.members[place]
            if others or not one.is_partial_allowed:
                continue
            part = self._largest_part(one)
            if part is None:
                continue
            del self.open[place]
            self._enter(Settlement(SettledHow.PARTIAL, (part,)), self._moved(one, part.units, part.kopecks))
            self._settle_gross()

    def _settle(self, places: Sequence[int]) -> None:
        changes: dict[int, int] = {}
        parts: list[Part] = []
        for place in sorted(places):
            for account, change in self.open.pop(place).changes.items():
                changes[account] = changes.get(account, 0) + change
            parts += [Part(one.instruction_id, one.units, one.kopecks) for one in self.members[place]]
        how = SettledHow.NETTED if len(places) > 1 else SettledHow.LINKED if len(parts) > 1 else SettledHow.GROSS
        self._enter(Settlement(how, tuple(parts)), changes)

    def _enter(self, settlement: Settlement, changes: Mapping[int, int]) -> None:
        self.plan.settlements.append(settlement)
        for account, change in changes.items():
            self.balances[account] = self.balances.get(account, 0) + change
            if change > 0:
                for place in self.waiting.pop(account, ()):
                    heappush(self.heap, place)

    def _account(self, asset: UUID | None, wallet: UUID) -> int:
        numbers = self.numbers
        return numbers.setdefault(asset, len(numbers)) * _PER_ASSET + numbers.setdefault(wallet, len(numbers))

    def _changes(self, members: Sequence[Queued]) -> dict[int, int]:
        if len(members) == 1:
            (one,) = members
            return self._moved(one, one.units, one.kopecks)
        changes: dict[int, int] = {}
        for one in members:
            for account, change in self._moved(one, one.units, one.kopecks).items():
                changes[account] = changes.get(account, 0) + change
        return changes

    def _moved(self, one: Queued, units: int, kopecks: int) -> dict[int, int]:
        numbers = self.numbers
        asset = numbers.setdefault(one.asset, len(numbers)) * _PER_ASSET
        seller, buyer = numbers.setdefault(one.seller, len(numbers)), numbers.setdefault(one.buyer, len(numbers))
        return {asset + seller: -units, buyer: -kopecks, asset + buyer: units, seller: kopecks}

    def _largest_part(self, one: Queued) -> Part | None:
        """The most whole units that the seller has and the buyer can pay; a part moves at least a kopeck."""
        before = price_of(one.before_units, one)
        there = max(self.balances.get(self._account(one.asset, one.seller), 0), 0)
        money = max(self.balances.get(self._account(None, one.buyer), 0), 0)
        # The largest n with floor(all_kopecks * n / all_units) <= before + money.
        payable = ((before + money + 1) * one.all_units - 1) // one.all_kopecks - one.before_units
        units = min(there, payable, one.units - 1)
        if units < 1:
            return None
        kopecks = price_of(one.before_units + units, one) - before
        return Part(one.instruction_id, units, kopecks) if kopecks else None
