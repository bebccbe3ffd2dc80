"""The audit copy in plain files: the conformance suite, torn files, and a crash between any two writes."""

import os
from pathlib import Path
from typing import Any

import pytest

from kapital.ledger.adapters.tiles import TilesAudit
from kapital.ledger.domain.problems import AuditDamaged
from kapital.ledger.ports import AuditAdapter
from tests.ledger.audit_conformance import AuditConformance, receipt_of, some_entries


class TestTilesAudit(AuditConformance):
    __test__ = True

    def make(self, place: Path) -> AuditAdapter:
        return TilesAudit(place / "copy")


class Crash(Exception):
    """The power is gone."""


class Fuse:
    """Lets so many steps on the file system pass and then breaks every one, as a process that is gone does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, left: int) -> None:
        self.left = left
        for owner, name in ((Path, "open"), (Path, "replace"), (Path, "chmod"), (Path, "unlink"), (os, "fsync")):
            monkeypatch.setattr(owner, name, self._fused(getattr(owner, name)))

    def _fused(self, real: Any) -> Any:
        def step(*args: Any, **kwargs: Any) -> Any:
            # Reading does not count; a read-only open goes through.
            if real.__name__ == "open" and not (len(args) > 1 and "w" in args[1]):
                return real(*args, **kwargs)
            if self.left <= 0:
                raise Crash(real.__name__)
            self.left -= 1
            return real(*args, **kwargs)

        return step


BATCHES = [(0, 200), (200, 256), (256, 300), (300, 700), (700, 701)]


async def test_a_crash_between_any_two_writes_leaves_a_copy_that_goes_on(tmp_path):
    given = some_entries(0, 701)
    crashes = 0
    for number, (start, stop) in enumerate(BATCHES):
        for steps in range(500):
            folder = tmp_path / f"{number}-{steps}"
            await TilesAudit(folder).append(given[:start])
            with pytest.MonkeyPatch.context() as patched:
                Fuse(patched, steps)
                try:
                    await TilesAudit(folder).append(given[start:stop])
                    broke = False
                except Crash:
                    broke, crashes = True, crashes + 1
            reopened = TilesAudit(folder)
            if broke:
                held = await reopened.health()
                assert held in (receipt_of(given[:start]), receipt_of(given[:stop])), (number, steps)
                await reopened.verify(receipt_of(given[:start]))
                if start:
                    assert (await reopened.prove(start - 1)).receipt == held
            # The same batch again, or a longer one: both are how a mirror goes on.
            end = stop if steps % 2 else 701
            assert await reopened.append(given[start:end]) == receipt_of(given[:end]), (number, steps)
            assert await TilesAudit(folder).health() == receipt_of(given[:end]), (number, steps)
            if not broke:
                break
        else:
            pytest.fail("the fuse never outlasted the batch")
    assert crashes > 50


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    await TilesAudit(tmp_path).append(some_entries(0, 600))
    return tmp_path


@pytest.mark.parametrize(
    ("file", "fact"),
    [
        ("tile/0/0", {"file": "0"}),
        ("tile/0/2.p/88", {"file": "88"}),
        ("tile/1/0.p/2", {"file": "2"}),
        ("entries/0.jsonl", {"file": "entries/0.jsonl"}),
        ("entries/2.jsonl", {"file": "entries/2.jsonl"}),
    ],
)
async def test_a_torn_file_is_found_and_named(folder, file, fact):
    path = folder / file
    content = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(AuditDamaged) as found:
        await TilesAudit(folder).health()
    assert fact.items() <= found.value.facts.items()


@pytest.mark.parametrize("content", ["", "x", "6 00", "6e2"])
async def test_a_torn_size_is_found_and_nothing_is_appended(folder, content):
    (folder / "size").write_text(content)
    for act in (TilesAudit(folder).health(), TilesAudit(folder).append(some_entries(600, 601))):
        with pytest.raises(AuditDamaged) as found:
            await act
        assert found.value.facts == {"file": "size"}


@pytest.mark.parametrize("file", ["tile/0/1", "tile/0/2.p/88", "tile/1/0.p/2", "entries/1.jsonl"])
async def test_a_lost_file_is_found(folder, file):
    (folder / file).unlink()
    with pytest.raises(AuditDamaged):
        await TilesAudit(folder).health()


async def test_a_changed_bit_in_any_tile_or_entry_is_found(folder):
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "size"):
        whole = path.read_bytes()
        changed = bytearray(whole)
        changed[len(whole) // 3] ^= 1
        path.chmod(0o644)
        path.write_bytes(changed)
        if ".p" in str(path) and path.name not in ("88", "2"):
            continue  # an earlier width of a partial tile, which counts no more
        with pytest.raises(AuditDamaged):
            await TilesAudit(folder).health()
        path.write_bytes(whole)
    assert await TilesAudit(folder).health() == receipt_of(some_entries(0, 600))


async def test_complete_files_are_read_only_and_partial_tiles_give_way_to_the_full_one(folder):
    for file in ("tile/0/0", "tile/0/1", "entries/0.jsonl", "entries/1.jsonl"):
        assert (folder / file).stat().st_mode & 0o222 == 0, file
    await TilesAudit(folder).append(some_entries(600, 768))
    assert (folder / "tile/0/2").stat().st_mode & 0o222 == 0
    assert not list((folder / "tile/0/2.p").glob("*"))
