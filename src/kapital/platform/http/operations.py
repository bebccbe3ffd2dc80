"""What operators and their machines look at: health and metrics."""

import asyncio
from typing import Final

from litestar import Response, get
from litestar.datastructures import State
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from kapital.contracts import platform as contract
from kapital.platform.database import Database, Databases
from kapital.platform.http.access import PUBLIC
from kapital.platform.problems import problem_of
from kapital.platform.telemetry import REGISTRY, measure_databases

PING_TIMEOUT_S: Final = 3.0


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
    """200 when every database answers, 503 when one is away; names only, no addresses."""
    databases: Databases = state["databases"]
    names = databases.names
    answers = await asyncio.gather(*(_answers(databases.get(name)) for name in names))
    well = all(answers)
    body = contract.Health(
        status=contract.HealthStatus.ok if well else contract.HealthStatus.unavailable,
        version=state["settings"].code_version,
        databases={
            name: contract.DatabaseStatus.ok if ok else contract.DatabaseStatus.away
            for name, ok in zip(names, answers, strict=True)
        },
    )
    return Response(body, status_code=200 if well else 503, headers={} if well else {"Retry-After": "2"})


@get("/metrics", opt=PUBLIC, media_type=CONTENT_TYPE_LATEST)
async def metrics(state: State) -> bytes:
    """Prometheus exposition. Not for the open net: the edge does not pass it on."""
    async with asyncio.timeout(30):
        await measure_databases(state["databases"])
    return generate_latest(REGISTRY)


OPERATION_ROUTES: Final = (health, metrics)
