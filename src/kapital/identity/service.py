"""Puts the parts of identity together; the only place that chooses adapters."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from litestar.di import Provide

from kapital.identity.adapters.cases import CaseTable
from kapital.identity.domain.events import PARTICIPANT_REGISTERED
from kapital.identity.queries.bound import IdentityReads
from kapital.identity.reactions import open_cases
from kapital.identity.routes import HANDLERS
from kapital.identity.use_cases.bound import IdentityUseCases
from kapital.kernel.clock import Clock
from kapital.platform.bus import Subscriptions
from kapital.platform.clock import Ticks
from kapital.platform.database import Database
from kapital.platform.http import ServiceRoutes
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import UnitOfWork

NAME: Final = "identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityService:
    """Identity of one process."""

    use_cases: IdentityUseCases
    reads: IdentityReads
    routes: ServiceRoutes
    subscriptions: Subscriptions
    ticks: Ticks


def identity_of(database: Database, clock: Clock) -> IdentityService:
    """Identity over its own database."""
    cases = CaseTable()
    use_cases = IdentityUseCases(uow=UnitOfWork(database, clock), cases=cases, new_id=new_uuid7)
    reads = IdentityReads(database=database, clock=clock)

    async def expire(now: datetime) -> None:
        await use_cases.expire_cases(now)

    return IdentityService(
        use_cases=use_cases,
        reads=reads,
        routes=ServiceRoutes(
            name=NAME,
            handlers=HANDLERS,
            dependencies={
                "identity": Provide(lambda: use_cases, sync_to_thread=False),
                "identity_reads": Provide(lambda: reads, sync_to_thread=False),
            },
        ),
        subscriptions=[((PARTICIPANT_REGISTERED,), partial(open_cases, cases=cases))],
        ticks=(expire,),
    )
