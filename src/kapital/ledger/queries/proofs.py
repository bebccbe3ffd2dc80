"""RFC 9162 proofs out of tiles: §2.1.3.1 inclusion, §2.1.4.1 consistency. A proof reads a few tiles of any log."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from kapital.kernel.problems import ensure
from kapital.ledger.domain.problems import ProofRangeInvalid
from kapital.ledger.domain.tree import TILE_WIDTH, Tile, split
from kapital.verify.rfc9162 import EMPTY_ROOT, node_hash

_LEVEL_BITS: Final = 8
_CACHED_TILES: Final = 512

Span = tuple[int, int]  # leaves [start, stop)


# Tiles that are not there are left out of the answer.
TileSource = Callable[[Sequence[tuple[int, int]]], Awaitable[Iterable[Tile]]]


class ProofReader:
    """Builds proofs; keeps full tiles, which never change, with their inner nodes."""

    def __init__(self) -> None:
        self._full: dict[tuple[int, int], list[list[bytes]]] = {}

    async def inclusion(self, tiles: TileSource, seqs: Sequence[int], size: int) -> list[list[bytes]]:
        """Return the proof of each entry in the log of `size` entries. Raises ProofRangeInvalid."""
        if any(not 0 <= seq < size for seq in seqs):
            raise ProofRangeInvalid(facts={"size": size})
        return await self._hashes(tiles, [inclusion_path(seq, size) for seq in seqs])

    async def consistency(self, tiles: TileSource, old: int, new: int) -> list[bytes]:
        """Return the proof that the log of `new` entries begins with the log of `old`. Raises ProofRangeInvalid."""
        if not 0 < old <= new:
            raise ProofRangeInvalid(facts={"old": old, "new": new})
        return (await self._hashes(tiles, [consistency_path(old, new)]))[0]

    async def root(self, tiles: TileSource, size: int) -> bytes:
        """Return the root of the first `size` entries."""
        return (await self._hashes(tiles, [[(0, size)]]))[0][0] if size else EMPTY_ROOT

    async def _hashes(self, source: TileSource, paths: Sequence[Sequence[Span]]) -> list[list[bytes]]:
        wanted = {span for path in paths for span in path}
        nodes = {node for span in wanted for node in complete_nodes(span)}
        tiles = await self._load(source, {_tile_of(*node) for node in nodes})
        known = {node: _node(tiles, *node) for node in nodes}
        spans = {span: _join([known[node] for node in complete_nodes(span)]) for span in wanted}
        return [[spans[span] for span in path] for path in paths]

    async def _load(
        self, source: TileSource, wanted: set[tuple[int, int]]
    ) -> dict[tuple[int, int], list[list[bytes]]]:
        found = {tile: self._full[tile] for tile in wanted if tile in self._full}
        missing = [tile for tile in wanted if tile not in found]
        if missing:
            for level, index, hashes in await source(missing):
                found[level, index] = rows = inner_rows(split(hashes))
                if len(rows[0]) == TILE_WIDTH:
                    self._remember((level, index), rows)
            ensure(wanted <= found.keys(), f"tiles (level, index) are missing: {sorted(wanted - found.keys())}")
        return found

    def forget(self) -> None:
        """Let go of what is kept: the tiles were made anew."""
        self._full.clear()

    def _remember(self, tile: tuple[int, int], rows: list[list[bytes]]) -> None:
        if len(self._full) >= _CACHED_TILES:
            self._full.pop(next(iter(self._full)))
        self._full[tile] = rows


def inclusion_path(seq: int, size: int) -> list[Span]:
    """Return the leaf ranges whose hashes prove entry `seq`, from the leaf up."""
    path: list[Span] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split_point(stop - start)
        if seq < middle:
            path.append((middle, stop))
            stop = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency_path(old: int, new: int) -> list[Span]:
    """Return the leaf ranges whose hashes prove that `old` entries are the beginning of `new`."""
    path: list[Span] = []
    start, stop, whole = 0, new, True
    while old != stop - start:
        middle = _split_point(stop - start)
        if old <= middle:
            path.append((start + middle, stop))
            stop = start + middle
        else:
            path.append((start, start + middle))
            start, old, whole = start + middle, old - middle, False
    if not whole:
        path.append((start, stop))
    return path[::-1]


def complete_nodes(span: Span) -> list[tuple[int, int]]:
    """Cut a range of a proof into complete subtrees (height, index), the largest first."""
    nodes: list[tuple[int, int]] = []
    start, stop = span
    while start < stop:
        height = (stop - start).bit_length() - 1
        nodes.append((height, start >> height))
        start += 1 << height
    return nodes


def inner_rows(hashes: list[bytes]) -> list[list[bytes]]:
    """Return a tile's hashes and, above them, every inner node that is complete."""
    rows = [hashes]
    while len(rows[-1]) > 1:
        below = rows[-1]
        rows.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])
    return rows


def _split_point(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1


def _tile_of(height: int, index: int) -> tuple[int, int]:
    level, inner = divmod(height, _LEVEL_BITS)
    return level, (index << inner) // TILE_WIDTH


def _node(tiles: dict[tuple[int, int], list[list[bytes]]], height: int, index: int) -> bytes:
    level, inner = divmod(height, _LEVEL_BITS)
    width = TILE_WIDTH >> inner
    return tiles[level, index // width][inner][index % width]


def _join(hashes: Iterable[bytes]) -> bytes:
    """Hash complete subtrees of falling size into the one root over them."""
    *left, root = hashes
    for hashed in reversed(left):
        root = node_hash(hashed, root)
    return root
