"""What operators and their machines look at: health and metrics; and the icon of all pages."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from litestar import Response, get
from litestar.datastructures import CacheControlHeader, State
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from kapital.contracts import platform as contract
from kapital.platform.database import Database, Databases
from kapital.platform.http.access import PUBLIC
from kapital.platform.problems import problem_of
from kapital.platform.telemetry import exposed, measure_databases

PING_TIMEOUT_S: Final = 3.0
Stopped = Callable[[], bool]
"""Says whether a part of the process has stopped by a fault. Asked at every look at the health: it must not wait."""


async def _answers(database: Database) -> bool:
    try:
        async with asyncio.timeout(PING_TIMEOUT_S):
            await database.ping()
    except Exception as error:
        if problem_of(error) is None:
            raise
        return False
    return True


@get("/health", opt=PUBLIC)
async def health(state: State) -> Response[contract.Health]:
    """200 when every database answers and every part works, 503 when one does not; names only, no addresses."""
    databases: Databases = state["databases"]
    parts: Mapping[str, Stopped] = state["parts"]
    names = databases.names
    answers = await asyncio.gather(*(_answers(databases.get(name)) for name in names))
    stopped = {name: asked() for name, asked in parts.items()}
    well = all(answers) and not any(stopped.values())
    body = contract.Health(
        status=contract.HealthStatus.ok if well else contract.HealthStatus.unavailable,
        version=state["settings"].code_version,
        databases={
            name: contract.DatabaseStatus.ok if ok else contract.DatabaseStatus.away
            for name, ok in zip(names, answers, strict=True)
        },
        parts={name: contract.PartStatus.stopped if has else contract.PartStatus.ok for name, has in stopped.items()},
    )
    return Response(body, status_code=200 if well else 503, headers={} if well else {"Retry-After": "2"})


# The framework adds the charset itself. Said twice, Prometheus 3 could not read the header and would refuse the page.
@get("/metrics", opt=PUBLIC, media_type=CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8"))
async def metrics(state: State) -> bytes:
    """Prometheus exposition. Not for the open net: the edge does not pass it on."""
    async with asyncio.timeout(30):
        await measure_databases(state["databases"])
    return generate_latest(exposed())


_ICON: Final = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3"'
    b' fill="#0b5d66"/>'
    b'<path d="M5 3v10M11 3 6 8l5 5" fill="none" stroke="#fff" stroke-width="2"/></svg>'
)


@get("/favicon.ico", opt=PUBLIC, media_type="image/svg+xml", cache_control=CacheControlHeader(max_age=86_400))
async def icon() -> Response[bytes]:
    """The sign of the house, which browsers ask for by themselves."""
    return Response(_ICON, media_type="image/svg+xml")


OPERATION_ROUTES: Final = (health, metrics, icon)
