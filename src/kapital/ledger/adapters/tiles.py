"""The `tiles` audit adapter: a copy of the log in plain files that anyone can read and recompute.

Shape, under one folder:
  tile/<L>/<N>         C2SP tlog-tiles: 256 hashes of level L; `tile/<L>/<N>.p/<W>` while it has only W
  entries/<N>.jsonl    the 256 entries of level-0 tile N, one canonical JSON text a line
  size                 how many entries are complete; written last
C2SP's own entry bundles limit an entry to 64 KiB; ours may be larger, and lines can be read with any tool.
A complete file never changes again and is made read-only; put the folder on a file system that forbids more.
"""

import asyncio
import os
import threading
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from kapital.ledger.api import StoredEntry
from kapital.ledger.domain.problems import AuditDamaged, AuditDiverged, AuditGap, EntryNotFound
from kapital.ledger.domain.tree import TILE_WIDTH, GrowingTree, Tile, right_edge
from kapital.ledger.ports import AuditProof, AuditReceipt
from kapital.ledger.queries.proofs import ProofReader
from kapital.verify.rfc9162 import leaf_hash

_READ_ONLY: Final = 0o444
_HASH: Final = 32


class TilesAudit:
    """The log's copy in a folder. One writer at a time; readers at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._proofs = ProofReader()
        self._writing = threading.Lock()
        self._unsynced: set[Path] = set()

    async def append(self, batch: Sequence[StoredEntry]) -> AuditReceipt:
        """Add entries that follow what is there; fsynced when this returns. Raises: AuditGap, AuditDiverged."""
        # In a thread: an event loop that waits for the disk answers nobody.
        return await asyncio.to_thread(self._append, batch)

    def _append(self, batch: Sequence[StoredEntry]) -> AuditReceipt:
        with self._writing:
            return self._append_alone(batch)

    def _append_alone(self, batch: Sequence[StoredEntry]) -> AuditReceipt:
        size = self._size()
        if batch and batch[0].seq > size:
            raise AuditGap(facts={"held": size, "given": batch[0].seq})
        for before, after in pairwise(batch):
            if after.seq != before.seq + 1:
                raise AuditGap(facts={"held": before.seq + 1, "given": after.seq})
        for held, given in zip(self._read(batch[0].seq, size) if batch else [], batch, strict=False):
            if held != given:
                raise AuditDiverged(facts={"seq": given.seq})
        fresh = [entry for entry in batch if entry.seq >= size]
        tree = GrowingTree(size, self._tiles(right_edge(size)))
        if fresh:
            self._write_entries(size, fresh)
            for tile in tree.append([leaf_hash(entry.body) for entry in fresh]):
                self._write_tile(tile)
            self._sync_folders()
            self._replace(self._folder / "size", str(tree.size).encode())
            self._sync_folders()
        return AuditReceipt(tree.size, tree.root())

    async def get(self, start: int, stop: int) -> list[StoredEntry]:
        """Return the entries held with start <= seq < stop."""
        return self._read(start, min(stop, self._size()))

    async def prove(self, seq: int) -> AuditProof:
        """Return the proof of one entry out of the copy. Raises: EntryNotFound, AuditDamaged."""
        size = self._size()
        if not 0 <= seq < size:
            raise EntryNotFound(facts={"seq": seq})
        entry = self._read(seq, seq + 1)[0]
        path = (await self._proofs.inclusion(self._source, [seq], size))[0]
        receipt = AuditReceipt(size, await self._proofs.root(self._source, size))
        return AuditProof(seq, leaf_hash(entry.body), path, receipt)

    async def verify(self, receipt: AuditReceipt) -> None:
        """Check that the copy, cut to the receipt's size, has the receipt's root. Raises: AuditDiverged."""
        size = self._size()
        if receipt.size > size:
            raise AuditDiverged(facts={"held": size, "asked": receipt.size})
        if await self._proofs.root(self._source, receipt.size) != receipt.root:
            raise AuditDiverged(facts={"size": receipt.size})

    async def health(self) -> AuditReceipt:
        """Recompute every tile from the entries. Raises: AuditDamaged, naming the tile or entry file."""
        size = self._size()
        tree = GrowingTree(0, [])
        for start in range(0, size, TILE_WIDTH):
            stop = min(start + TILE_WIDTH, size)
            leaves = [leaf_hash(entry.body) for entry in self._read(start, stop)]
            for tile in tree.append(leaves):
                if len(tile.hashes) == TILE_WIDTH * _HASH:
                    self._require_held(tile)
        for tile in tree.edge():
            self._require_held(tile)
        return AuditReceipt(size, tree.root())

    def _require_held(self, tile: Tile) -> None:
        if self._tile(tile.level, tile.number) != tile.hashes:
            raise AuditDamaged(facts={"level": tile.level, "index": tile.number})

    # --- files ---------------------------------------------------------------------------------------

    def _size(self) -> int:
        try:
            return int((self._folder / "size").read_text())
        except FileNotFoundError:
            return 0
        except ValueError as error:
            raise AuditDamaged(facts={"file": "size"}) from error

    def _read(self, start: int, stop: int) -> list[StoredEntry]:
        found: list[StoredEntry] = []
        for index in range(start // TILE_WIDTH, (max(start, stop) + TILE_WIDTH - 1) // TILE_WIDTH):
            try:
                lines = self._entries_file(index).read_bytes().split(b"\n")[:-1]
            except FileNotFoundError:
                lines = []
            first = index * TILE_WIDTH
            wanted = range(max(start, first), min(stop, first + TILE_WIDTH))
            if wanted and wanted[-1] - first >= len(lines):
                raise AuditDamaged(facts={"file": f"entries/{index}.jsonl", "lines": len(lines)})
            found += [StoredEntry(seq, lines[seq - first]) for seq in wanted]
        return found

    def _write_entries(self, size: int, fresh: Sequence[StoredEntry]) -> None:
        by_file: dict[int, list[StoredEntry]] = {}
        for entry in fresh:
            by_file.setdefault(entry.seq // TILE_WIDTH, []).append(entry)
        for index, added in by_file.items():
            first = index * TILE_WIDTH
            held = self._read(first, size) if first < size else []
            content = b"".join(entry.body + b"\n" for entry in [*held, *added])
            self._replace(self._entries_file(index), content, final=len(held) + len(added) == TILE_WIDTH)

    def _write_tile(self, tile: Tile) -> None:
        count = len(tile.hashes) // _HASH
        full = self._folder / "tile" / str(tile.level) / str(tile.number)
        partial = full.with_name(f"{full.name}.p")
        if count == TILE_WIDTH:
            self._replace(full, tile.hashes, final=True)
            for old in partial.glob("*") if partial.is_dir() else ():
                old.unlink()
        else:
            self._replace(partial / str(count), tile.hashes)

    async def _source(self, wanted: Sequence[tuple[int, int]]) -> Iterable[Tile]:
        return self._tiles(wanted)

    def _tiles(self, wanted: Sequence[tuple[int, int]]) -> list[Tile]:
        return [Tile(level, index, self._tile(level, index)) for level, index in wanted]

    def _tile(self, level: int, index: int) -> bytes:
        full = self._folder / "tile" / str(level) / str(index)
        # As much of the tile as `size` vouches for: a wider one may be left over from a crash, and a full one has
        # taken the partial one's place already.
        width = min((self._size() >> 8 * level) - index * TILE_WIDTH, TILE_WIDTH)
        try:
            return self._whole(full, TILE_WIDTH)[: width * _HASH]
        except FileNotFoundError:
            pass
        try:
            return self._whole(full.with_name(f"{full.name}.p") / str(width), width)
        except FileNotFoundError as error:
            raise AuditDamaged(facts={"level": level, "index": index}) from error

    @staticmethod
    def _whole(path: Path, width: int) -> bytes:
        hashes = path.read_bytes()
        if len(hashes) != width * _HASH:
            raise AuditDamaged(facts={"file": path.name, "bytes": len(hashes)})
        return hashes

    def _entries_file(self, index: int) -> Path:
        return self._folder / "entries" / f"{index}.jsonl"

    def _replace(self, path: Path, content: bytes, *, final: bool = False) -> None:
        """Write whole or not at all: a new file, fsynced, takes the old one's place when `_sync_folders` returns."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.new")
        fresh.unlink(missing_ok=True)  # one left over from a crash may be read-only
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if final:
            fresh.chmod(_READ_ONLY)
        fresh.replace(path)
        self._unsynced.add(path.parent)

    def _sync_folders(self) -> None:
        while self._unsynced:
            folder = os.open(self._unsynced.pop(), os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
