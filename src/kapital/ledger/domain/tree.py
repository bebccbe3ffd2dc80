"""The growing Merkle log as tiles of 256 hashes (RFC 9162 §2.1, C2SP tlog-tiles).

A tile (level, number) holds up to 256 hashes; hash `i` at level L is the root of 256^L leaves. Only the last
tile of a level is partial, so an append touches a handful of tiles however long the log is.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from kapital.verify.rfc9162 import EMPTY_ROOT, node_hash

TILE_WIDTH: Final = 256
HASH_SIZE: Final = 32


class Tile(NamedTuple):
    """Part of one level of the tree: `hashes` is the concatenation of 1 to 256 hashes of 32 bytes."""

    level: int
    number: int
    hashes: bytes


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a power of two of hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def split(hashes: bytes) -> list[bytes]:
    """Cut a tile's bytes into its hashes."""
    return [hashes[i : i + HASH_SIZE] for i in range(0, len(hashes), HASH_SIZE)]


class GrowingTree:
    """The right edge of the log: one partial tile a level. Enough to append and to know the root."""

    def __init__(self, size: int, partial: Iterable[Tile]) -> None:
        self.size = size
        self._edge: list[list[bytes]] = []
        for tile in sorted(partial):
            while len(self._edge) <= tile.level:
                self._edge.append([])
            self._edge[tile.level] = split(tile.hashes)

    def append(self, leaves: Sequence[bytes]) -> list[Tile]:
        """Add leaf hashes and return every tile that changed, complete or partial."""
        changed: list[Tile] = []
        first, coming, level = self.size, list(leaves), 0
        self.size += len(coming)
        while coming:
            if level == len(self._edge):
                self._edge.append([])
            edge = self._edge[level]
            index = first // TILE_WIDTH
            edge += coming
            roots = []
            while len(edge) >= TILE_WIDTH:
                full, edge = edge[:TILE_WIDTH], edge[TILE_WIDTH:]
                changed.append(Tile(level, index, b"".join(full)))
                roots.append(fold(full))
                index += 1
            if edge:
                changed.append(Tile(level, index, b"".join(edge)))
            self._edge[level] = edge
            first, coming, level = first // TILE_WIDTH, roots, level + 1
        return changed

    def edge(self) -> list[Tile]:
        """Return the partial tile of each level that has one."""
        return [
            Tile(level, (self.size >> 8 * level) // TILE_WIDTH, b"".join(hashes))
            for level, hashes in enumerate(self._edge)
            if hashes
        ]

    def root(self) -> bytes:
        """Return the RFC 9162 root of all leaves so far."""
        # From the lowest level up, each row of leftovers folds into the row above it.
        carry: bytes | None = None
        for edge in self._edge:
            stack = list(edge) if carry is None else [*edge, carry]
            carry = ragged_root(stack) if stack else None
        return EMPTY_ROOT if carry is None else carry


def ragged_root(hashes: Sequence[bytes]) -> bytes:
    """Return the RFC 9162 root over any positive number of subtree hashes; only the last may be incomplete."""
    if len(hashes) == 1:
        return hashes[0]
    cut = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(ragged_root(hashes[:cut]), ragged_root(hashes[cut:]))


def right_edge(size: int) -> list[tuple[int, int]]:
    """Return (level, index) of each partial tile of a log of `size` leaves."""
    wanted, level = [], 0
    while size:
        if size % TILE_WIDTH:
            wanted.append((level, size // TILE_WIDTH))
        size, level = size // TILE_WIDTH, level + 1
    return wanted
