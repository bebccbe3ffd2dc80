"""Technical netting: sets of gross instructions that settle together though none of them could alone.

The problem in general (the largest set with no negative balance) is NP-hard; two searches with bounds are made. A
small set around one instruction, which takes what it lacks from whoever brings it, the first in the queue first: it
finds the circles A sells to B, B to C, C to A. Then all at once, taking out the last of those who overdraw an account
until nobody does: it finds what is woven too thickly for the first.
"""

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

GROUP_MAX: Final = 250
"""Instructions that one ledger transaction takes: four postings each, 1,000 at most."""

_SMALL_MAX: Final = 40
_STEPS_PER_SET: Final = 500
_STEPS_AT_LEAST: Final = 20_000
"""A small set is of so many instructions; so many are tried for one set, and for all (and one more for each)."""

_Account = int
"""An account of the plan, by its number: the plan counts the same ones often, and a number hashes fast."""


@dataclass(slots=True, frozen=True)
class Candidate:
    """An instruction or a WITH set: its place in the queue, how many instructions it is, and what it changes."""

    place: int
    size: int
    changes: dict[_Account, int]

    def short(self, balances: Mapping[_Account, int]) -> _Account | None:
        """The first account that has not what this takes from it."""
        for account, change in self.changes.items():
            if change < 0 and balances.get(account, 0) + change < 0:
                return account
        return None


def with_hope(candidates: Mapping[int, Candidate], balances: Mapping[_Account, int]) -> set[int]:
    """The places of those whose lacks the others could fill if all of them settled; the rest cannot be netted."""
    brought: dict[_Account, int] = defaultdict(int)
    takers: dict[_Account, list[int]] = defaultdict(list)
    for place, one in candidates.items():
        for account, change in one.changes.items():
            if change > 0:
                brought[account] += change
            elif change < 0:
                takers[account].append(place)
    hopeful = set(candidates)
    look = list(candidates)
    while look:
        place = look.pop()
        if place not in hopeful:
            continue
        one = candidates[place]
        if all(
            balances.get(account, 0) + brought[account] + change >= 0
            for account, change in one.changes.items()
            if change < 0
        ):
            continue
        hopeful.remove(place)
        for account, change in one.changes.items():
            if change > 0:
                brought[account] -= change
                look += [taker for taker in takers[account] if taker in hopeful]
    return hopeful


class SmallSets:
    """The search for a small set around one candidate, among these; bounded in all by `steps`."""

    def __init__(self, candidates: Mapping[int, Candidate]) -> None:
        self._candidates = candidates
        self._bringing: dict[_Account, list[int]] = defaultdict(list)
        self._steps = _STEPS_AT_LEAST + len(candidates)
        for place in sorted(candidates):
            for account, change in candidates[place].changes.items():
                if change > 0:
                    self._bringing[account].append(place)

    def around(self, place: int, is_open: Container[int], balances: Mapping[_Account, int]) -> list[int]:
        """The places of a set with this one that needs no more than is there; empty when none was found."""
        if self._steps <= 0:
            return []
        search = _Search(self._candidates, self._bringing, is_open, balances, min(self._steps, _STEPS_PER_SET))
        found = search.complete_with(place)
        self._steps -= search.taken
        return found


class _Search:
    def __init__(
        self,
        candidates: Mapping[int, Candidate],
        bringing: Mapping[_Account, Sequence[int]],
        is_open: Container[int],
        balances: Mapping[_Account, int],
        steps: int,
    ) -> None:
        self._candidates, self._bringing, self._open = candidates, bringing, is_open
        self._balances, self._steps = balances, steps
        self._chosen: dict[int, None] = {}
        self._net: dict[_Account, int] = {}
        self._size = 0
        self.taken = 0

    def complete_with(self, place: int) -> list[int]:
        """This one and what it needs, and what those need, or nothing."""
        self._add(place, 1)
        return sorted(self._chosen) if self._size <= _SMALL_MAX and self._complete() else []

    def _complete(self) -> bool:
        lacking = next((a for a, net in self._net.items() if net < 0 and self._balances.get(a, 0) + net < 0), None)
        if lacking is None:
            return True
        for place in self._bringing.get(lacking, ()):
            if place in self._chosen or place not in self._open:
                continue
            if self.taken >= self._steps:
                return False
            self.taken += 1
            if self._size + self._candidates[place].size > _SMALL_MAX:
                continue
            self._add(place, 1)
            if self._complete():
                return True
            self._add(place, -1)
        return False

    def _add(self, place: int, sign: int) -> None:
        one = self._candidates[place]
        if sign > 0:
            self._chosen[place] = None
        else:
            del self._chosen[place]
        self._size += sign * one.size
        for account, change in one.changes.items():
            self._net[account] = self._net.get(account, 0) + sign * change


def largest_sets(candidates: Mapping[int, Candidate], balances: Mapping[_Account, int]) -> list[list[int]]:
    """What is left when, of those who overdraw an account, the last in the queue is taken out until nobody does.

    Shape: each set shares no account with another, and is one that a ledger transaction takes; the first set first.
    """
    net: dict[_Account, int] = defaultdict(int)
    takers: dict[_Account, list[int]] = defaultdict(list)
    for place in sorted(candidates):
        for account, change in candidates[place].changes.items():
            net[account] += change
            if change < 0:
                takers[account].append(place)
    left = dict.fromkeys(sorted(candidates))
    look = [account for account in takers if balances.get(account, 0) + net[account] < 0]
    while look:
        account = look.pop()
        while balances.get(account, 0) + net[account] < 0:
            place = takers[account].pop()
            if place not in left:
                continue
            del left[place]
            for touched, change in candidates[place].changes.items():
                net[touched] -= change
                if change > 0 and balances.get(touched, 0) + net[touched] < 0:
                    look.append(touched)
    sets = _connected([candidates[place] for place in left])
    return [found for found in sets if sum(candidates[place].size for place in found) <= GROUP_MAX]


def _connected(candidates: Sequence[Candidate]) -> list[list[int]]:
    """Those that share an account, directly or through others, together; each list and all of them in order."""
    root: dict[int, int] = {one.place: one.place for one in candidates}

    def top(place: int) -> int:
        while root[place] != place:
            root[place] = place = root[root[place]]
        return place

    owner: dict[_Account, int] = {}
    for one in candidates:
        for account in one.changes:
            first, second = top(owner.setdefault(account, one.place)), top(one.place)
            root[max(first, second)] = min(first, second)
    sets: dict[int, list[int]] = defaultdict(list)
    for place in sorted(root):
        sets[top(place)].append(place)
    return list(sets.values())
