"""Screener: candidates from the index, then a comparison of each."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from kapital.identity.adapters.name_index import NameIndex
from kapital.identity.adapters.name_matcher import LogicV2Matcher
from kapital.identity.domain.name_agreement import prepare
from kapital.identity.domain.screening import Grade, Identifier, Match, Particulars, SubjectKind
from kapital.identity.domain.screening_list import StoredEntry


@dataclass(frozen=True, slots=True)
class _Index:
    """Names and numbers of a set of particulars."""

    items: tuple[Particulars, ...]
    names: NameIndex
    numbers: dict[str, list[int]]

    @classmethod
    def over(cls, items: Sequence[Particulars]) -> "_Index":
        numbers: dict[str, list[int]] = {}
        for at, item in enumerate(items):
            for identifier in item.identifiers:
                numbers.setdefault(_key(identifier), []).append(at)
        return cls(tuple(items), NameIndex(items), numbers)

    def candidates(self, wanted: Sequence[Particulars]) -> list[tuple[int, int]]:
        """Pairs (number in `wanted`, number of an item) that share a number or much of a name."""
        pairs = set(self.names.find(wanted))
        for at, item in enumerate(wanted):
            for identifier in item.identifiers:
                pairs.update((at, other) for other in self.numbers.get(_key(identifier), ()))
        return sorted(pairs)


def _key(identifier: Identifier) -> str:
    return identifier.value


def _described(clients: Sequence[Particulars]) -> tuple[list[int], list[Particulars]]:
    """Every description of every client, and the number of the client that each is of."""
    pairs = [(at, one) for at, client in enumerate(clients) for one in client.descriptions]
    return [at for at, _ in pairs], [one for _, one in pairs]


def _one_for_each(found: Iterable[tuple[int, int, Match]]) -> list[tuple[int, int, Match]]:
    """One match for each client and entry, ascending, however many descriptions gave one."""
    matches: dict[tuple[int, int], Match] = {}
    for client, entry, match in found:
        there = matches.get((client, entry))
        matches[client, entry] = match if there is None else there.beside(match)
    return [(*pair, match) for pair, match in sorted(matches.items())]


@dataclass(slots=True)
class IndexedScreener:
    """Screener in this process's memory. Safe to share between threads."""

    matcher: LogicV2Matcher = field(default_factory=LogicV2Matcher)
    _key: str | None = None
    _index: _Index | None = None
    _entries: tuple[StoredEntry, ...] = ()
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def screen(
        self, clients: Sequence[Particulars], listed: Sequence[Particulars], *, threshold_ppm: int
    ) -> list[tuple[int, int, Match]]:
        """Every match, ascending. The index is made over the clients: there are more of them than of new entries.

        Raises: ScreeningEngineMissing.
        """
        owners, said = _described(clients)
        pairs = ((one, entry) for entry, one in _Index.over(said).candidates(listed))
        found = (
            (owners[one], entry, match)
            for one, entry in sorted(pairs)
            if (match := self._compare(said[one], listed[entry], threshold_ppm)).grade is not Grade.NONE
        )
        return _one_for_each(found)

    def keep(self, key: str, entries: Sequence[StoredEntry]) -> None:
        """Build and keep the index over the entries of all lists, under a key that names their versions."""
        # No list, no index: an installation without lists needs no engine either.
        for stored in entries:
            if stored.entry.particulars.kind is not SubjectKind.ORGANISATION:
                for name in stored.entry.particulars.names:
                    prepare(name)
        index = _Index.over([stored.entry.particulars for stored in entries]) if entries else None
        with self._lock:
            self._key, self._index, self._entries = key, index, tuple(entries)

    def kept(self, key: str) -> bool:
        """Whether the index of this key is there."""
        return self._key == key

    def screen_kept(
        self, clients: Sequence[Particulars], *, threshold_ppm: int
    ) -> list[tuple[int, StoredEntry, Match]]:
        """Every match of clients with the entries kept; nothing is kept before the first `keep`."""
        with self._lock:
            index, entries = self._index, self._entries
        if index is None:
            return []
        owners, said = _described(clients)
        found = (
            (owners[one], entry, match)
            for one, entry in index.candidates(said)
            if (match := self._compare(said[one], index.items[entry], threshold_ppm)).grade is not Grade.NONE
        )
        return [(client, entries[entry], match) for client, entry, match in _one_for_each(found)]

    def _compare(self, client: Particulars, listed: Particulars, threshold_ppm: int) -> Match:
        return self.matcher.compare(client, listed, threshold_ppm=threshold_ppm)
