"""A full disk: told as such, nothing half done, and the ledger goes on by itself when there is room again."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kapital.ledger.api import Basis, BasisKind, Committed, OpenWallet
from kapital.platform.ids import new_uuid7
from kapital.platform.problems import StorageFull
from tests.faults.conftest import require_each_once
from tests.ledger.words import RUB, at, move, top_up, tx

WALLETS = [new_uuid7() for _ in range(2)]


def run(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 12 MB that the server may write to."""
    folder = Path(tempfile.mkdtemp(prefix="kapital-disk-", dir="/tmp"))
    if os.geteuid() or not run("mount", "-t", "tmpfs", "-o", "size=12m,mode=0777", "tmpfs", str(folder)):
        folder.rmdir()
        pytest.skip("no right to mount a small file system here")
    folder.chmod(0o777)
    yield folder
    run("umount", "-l", str(folder))
    shutil.rmtree(folder, ignore_errors=True)


async def test_a_full_disk_is_told_and_the_ledger_goes_on_when_there_is_room(ledger, sql, postgres, small_disk):
    place = small_disk / "space"
    place.mkdir(mode=0o700)
    owner = (postgres.data / "PG_VERSION").stat()
    os.chown(place, owner.st_uid, owner.st_gid)
    await sql.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
    try:
        await sql.execute("ALTER TABLE entry SET TABLESPACE small")
        await ledger.post([tx(*(OpenWallet(w) for w in WALLETS))])
        await ledger.post([tx(*top_up(WALLETS[0], 10**9))])
        told: dict[object, int] = {}
        full = None
        while full is None:
            batch = [
                tx(*move(RUB, *WALLETS, 1), basis=Basis(BasisKind.ORDER, "x" * 200, os.urandom(32).hex()))
                for _ in range(500)
            ]
            before = await ledger.size()
            try:
                told |= {a.id: a.seq for a in await ledger.post(batch) if isinstance(a, Committed)}
            except StorageFull as problem:
                full = problem
            assert len(told) < 100_000
        assert full.code == "storage_full"
        assert await ledger.size() == before
        await require_each_once(sql, told)
        assert (await ledger.check()).findings == []
        with pytest.raises(StorageFull):  # and again, without harm
            await ledger.post(batch)
        assert run("mount", "-o", "remount,size=48m", str(small_disk))
        answers = await ledger.post(batch)
        assert [a.seq for a in answers if isinstance(a, Committed)] == list(range(before, before + 500))
        assert await ledger.balances([at(RUB, WALLETS[1])]) == [len(told) + 500]
        assert (await ledger.check()).findings == []
    finally:
        await sql.execute("ALTER TABLE entry SET TABLESPACE pg_default")
        await sql.execute("DROP TABLESPACE small")
