"""Read model: full rescreenings, for supervision."""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import identity as contract
from kapital.identity.domain.screening_run import ScreeningRun, next_due_at
from kapital.identity.ports import RunStore
from kapital.kernel.actor import Actor
from kapital.platform import access

RunRows = Callable[[Any], ScreeningRun]
"""Makes the run of a row of `screening_run`."""

_RUNS: Final = text("SELECT * FROM screening_run ORDER BY started_at DESC, run_id DESC LIMIT :limit")


async def list_screening_runs(
    conn: AsyncConnection, *, actor: Actor, runs: RunStore, run_of: RunRows, limit: int = 100
) -> contract.ScreeningRunPage:
    """The newest runs, and when the next begins. Shape: `limit` 1 to 1,000. Raises: NotPermitted."""
    access.require(actor, "list_screening_runs")
    last = await runs.last_began_at(conn)
    return contract.ScreeningRunPage(
        runs=[_told(run_of(row)) for row in await conn.execute(_RUNS, {"limit": limit})],
        next_due_at=None if last is None else next_due_at(last),
    )


def _told(run: ScreeningRun) -> contract.ScreeningRun:
    return contract.ScreeningRun(
        run_id=run.run_id,
        started_at=run.started_at,
        finished_at=run.finished_at,
        clients=run.clients,
        new_hits=run.new_hits,
        lists=[
            contract.ListInForce(source=contract.ListSource(one.source.value), number=one.number)
            for one in sorted(run.lists)
        ],
    )
