"""Candidates: an index of folded names by their three-sign pieces, in memory, on sparse matrices.

A name is a row, a piece a column weighed by its rarity. How much two names have in common is the weight of their
common pieces over the weight of the lighter one: so a surname with initials finds the full name, in any order.
Measured against labelled spellings; see docs/explanation/screening.md.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kapital.identity.domain.legal_forms import without_abbreviations, without_forms, without_requisites
from kapital.identity.domain.name_habits import given_name, spelled_otherwise
from kapital.identity.domain.name_spelling import folded
from kapital.identity.domain.name_spelling import words as words_of
from kapital.identity.domain.problems import ScreeningEngineMissing
from kapital.identity.domain.screening import Particulars, SubjectKind
from kapital.kernel.names import is_cyrillic

COLUMNS: Final = 1 << 20
COMMON_PERCENT: Final = 45
"""Percent of the weight of the lighter name from which on two are worth comparing."""
COMMON_PERCENT_CYRILLIC: Final = 65
"""The same when one of the two is Cyrillic: folding leaves less to chance there."""
FREQUENT_PERCENT: Final = 4
"""A piece that so many percent of the names hold tells nothing and is left out …"""
FREQUENT_FROM: Final = 2_000
"""… in an index of at least so many names."""
ACRONYM_WORDS_MIN: Final = 3
_QUERIES_AT_ONCE: Final = 64


def _latin(name: str) -> str:
    try:
        from normality import ascii_text
    except ImportError as error:
        raise ScreeningEngineMissing(f"{error.name} is not installed") from error
    return str(ascii_text(name))


def _numeric() -> tuple[Any, Any]:
    try:
        import numpy as np
        from scipy import sparse
    except ImportError as error:
        raise ScreeningEngineMissing(f"{error.name} is not installed") from error
    return np, sparse


def rows_of(name: str, kind: SubjectKind) -> Iterator[tuple[int, ...]]:
    """The rows of a name: as it is; in Latin letters when it is of a third script; an organisation's initials."""
    words = folded(name)
    if kind is SubjectKind.PERSON:
        words = tuple(form for word in words_of(name) if (form := given_name(word)))
        yield pieces_of(words)
        for otherwise in spelled_otherwise(words_of(name)):
            yield pieces_of(otherwise)
    else:
        words = without_abbreviations(without_forms(without_requisites(words)))
        yield pieces_of(words)
        if len(words) >= ACRONYM_WORDS_MIN:
            yield pieces_of(("".join(word[0] for word in words),))
        if any(len(word) == 1 for word in words):
            yield pieces_of(("".join(word for word in words if len(word) == 1), *(w for w in words if len(w) > 1)))
    if not "".join(words).isascii():
        yield pieces_of(folded(_latin(name)))


def pieces_of(words: Iterable[str]) -> tuple[int, ...]:
    """The columns of folded words: first letters, beginnings, and every three signs of each."""
    found = set()
    for word in words:
        found.add(f"^{word[0]}")
        if len(word) > 1:  # Of an initial the letter is all that a whole name has too.
            padded = f"^{word}$"
            found.update(padded[at : at + 3] for at in range(len(padded) - 2))
    return tuple(sorted(zlib.crc32(piece.encode()) % COLUMNS for piece in found))


@dataclass(frozen=True, slots=True)
class _Query:
    number: int
    pieces: tuple[int, ...]
    cyrillic: bool


class NameIndex:
    """An index over items, each with any number of names. Built once; find as often as wanted, from any thread."""

    def __init__(self, items: Iterable[Particulars]) -> None:
        numpy, sparse = _numeric()
        columns: list[int] = []
        ends: list[int] = [0]
        owners: list[int] = []
        cyrillic: list[bool] = []
        for number, item in enumerate(items):
            for name in item.names:
                for pieces in rows_of(name, item.kind):
                    columns.extend(pieces)
                    ends.append(len(columns))
                    owners.append(number)
                    cyrillic.append(is_cyrillic(name))
        self.names = len(owners)
        self._cyrillic = numpy.asarray(cyrillic, dtype=bool)
        self._owners = numpy.asarray(owners, dtype=numpy.int64)
        count = numpy.bincount(numpy.asarray(columns, dtype=numpy.int64), minlength=COLUMNS)
        weight = numpy.log1p(self.names / numpy.maximum(count, 1)).astype(numpy.float32)
        if self.names >= FREQUENT_FROM:
            weight[count * 100 > self.names * FREQUENT_PERCENT] = 0
        self._weight = weight
        data = weight[columns] if columns else numpy.zeros(0, dtype=numpy.float32)
        rows = sparse.csr_matrix((data, columns, ends), shape=(self.names, COLUMNS))
        self._row_weight = numpy.asarray(rows.multiply(rows).sum(axis=1)).ravel()
        self._columns = rows.T.tocsr()

    def find(self, wanted: Sequence[Particulars]) -> Iterator[tuple[int, int]]:
        """Pairs (number in `wanted`, number of an item) worth comparing, each once."""
        queries = [
            _Query(number, pieces, is_cyrillic(name))
            for number, item in enumerate(wanted)
            for name in item.names
            for pieces in rows_of(name, item.kind)
        ]
        seen: set[tuple[int, int]] = set()
        for start in range(0, len(queries), _QUERIES_AT_ONCE):
            for pair in self._find(queries[start : start + _QUERIES_AT_ONCE]):
                if pair not in seen:
                    seen.add(pair)
                    yield pair

    def _find(self, queries: Sequence[_Query]) -> Iterator[tuple[int, int]]:
        numpy, sparse = _numeric()
        if self.names == 0:
            return
        columns = [column for query in queries for column in query.pieces]
        ends = numpy.cumsum([0, *(len(query.pieces) for query in queries)])
        asked = sparse.csr_matrix((self._weight[columns], columns, ends), shape=(len(queries), COLUMNS))
        asked_weight = numpy.asarray(asked.multiply(asked).sum(axis=1)).ravel()
        asked.eliminate_zeros()
        common = (asked @ self._columns).tocoo()
        lighter = numpy.minimum(asked_weight[common.row], self._row_weight[common.col])
        cyrillic = numpy.asarray([query.cyrillic for query in queries], dtype=bool)
        needed = numpy.where(
            cyrillic[common.row] | self._cyrillic[common.col], COMMON_PERCENT_CYRILLIC, COMMON_PERCENT
        )
        enough = common.data * 100 >= lighter * needed
        numbers = numpy.asarray([query.number for query in queries], dtype=numpy.int64)
        pairs = numpy.stack((numbers[common.row[enough]], self._owners[common.col[enough]]), axis=1)
        yield from zip(*numpy.unique(pairs, axis=0).T.tolist(), strict=True)
