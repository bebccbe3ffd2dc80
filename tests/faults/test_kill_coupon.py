"""kill -9 in the middle of a coupon, again and again: every holder is paid once, to the kopeck. Scenario 68."""

import asyncio
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import msgspec
import pytest

from kapital.background import work_in_background
from kapital.bench.coupon import due, paid_to_holders, prepare_elsewhere, until_paid
from kapital.bench.coupon_issue import Prepared, first_action
from kapital.invariants import check_invariants
from kapital.platform.postgres import EmbeddedPostgres
from tests.faults.coupon_process import PREPARED
from tests.places import quick_folder
from tests.waiting import until

HOLDERS = 2_500
DEATHS = 6
_PROGRESS = (
    "SELECT (SELECT count(*) FROM payout_line) + (SELECT count(*) FROM payout_part WHERE state = 'settled') * 60"
)


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="kapital-test-", dir=quick_folder()))
    yield made
    server = EmbeddedPostgres(made)
    if server.postmaster_pid() is not None:
        server.start()
        server.stop()
    shutil.rmtree(made, ignore_errors=True)


class Payment:
    """One coupon, and the processes that die over it."""

    def __init__(self, folder: Path, prepared: Prepared) -> None:
        self.folder, self.prepared = folder, prepared
        self.server = EmbeddedPostgres(folder)

    async def progress(self) -> int:
        """Lines listed, and lines of parts settled; 0 while the server is not there yet."""
        with suppress(OSError, asyncpg.PostgresError):
            connection = await asyncpg.connect(self.server.dsn("kapital_tokenization"))
            try:
                return int(await connection.fetchval(_PROGRESS))
            finally:
                await connection.close()
        return 0

    async def die_at(self, mark: int) -> int | None:
        """Let a process work until so much is done, and kill it; its exit status if it was faster."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.coupon_process", str(self.folder)
        )
        try:

            async def there() -> bool:
                return process.returncode is not None or await self.progress() >= mark

            await until(there, what=f"{mark} lines of progress")
        finally:
            ended = process.returncode
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        return ended


async def test_a_coupon_killed_again_and_again_pays_every_holder_once(folder: Path) -> None:
    seed = int(os.environ.get("KAPITAL_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"KAPITAL_TEST_SEED={seed}")
    chance = random.Random(seed)
    prepared = await asyncio.to_thread(prepare_elsewhere, folder, HOLDERS)
    (folder / PREPARED).write_bytes(msgspec.json.encode(prepared))
    payment = Payment(folder, prepared)
    # Two deaths while the list is taken, the others while it is paid.
    marks = sorted(
        [chance.randint(1, HOLDERS - 100) for _ in range(2)]
        + [chance.randint(HOLDERS, 2 * HOLDERS - 600) for _ in range(DEATHS - 2)]
    )

    for mark in marks:
        assert await payment.die_at(mark) is None, "the process had done all its work before it died"

    async with due(folder, prepared) as kapital:
        before = await first_action(kapital, prepared.issue_id)
        assert before.state.value != "closed"
        working = asyncio.create_task(work_in_background(kapital))
        await until_paid(kapital, prepared, working)
        working.cancel()
        await asyncio.wait([working])
        action = await first_action(kapital, prepared.issue_id)
        assert await paid_to_holders(kapital, prepared) == prepared.total_kopecks
        assert (action.holders, action.total_kopecks) == (HOLDERS, prepared.total_kopecks)
        assert action.paid_kopecks == action.total_kopecks
        found = await check_invariants(kapital)
        assert found.findings == []
        for service in ("tokenization", "settlement"):
            async with kapital.databases.get(service).connect() as conn:
                letters = (await conn.exec_driver_sql("SELECT count(*) FROM dead_letter")).scalar_one()
                assert letters == 0
