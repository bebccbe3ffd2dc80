"""Makes a race happen for sure: all runners wait at one lock, then start together."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from sqlalchemy import text

from kapital.platform.database import Database
from tests.waiting import NEVER_S

_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def race(database: Database, lock: str, *runners: Coroutine[Any, Any, Any], **values: Any) -> list[Any]:
    """Hold `lock` until every runner waits for a lock, let go, and return results and exceptions in order."""
    async with database.engine.connect() as holder:
        await holder.execute(text(lock), values)
        running = [asyncio.create_task(runner) for runner in runners]
        async with asyncio.timeout(NEVER_S):
            while True:
                async with database.connect() as conn:
                    waiting = (await conn.execute(_WAITING)).scalar_one()
                if waiting + sum(task.done() for task in running) >= len(running):
                    break
                await asyncio.sleep(0.01)
        await holder.rollback()
    return await asyncio.gather(*running, return_exceptions=True)
