"""Puts the parts of identity together; the only place that chooses adapters."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from litestar.di import Provide

from kapital.identity.adapters.cases import CaseTable
from kapital.identity.adapters.hit_tables import ClientTable, HitTable, hit_of
from kapital.identity.adapters.list_tables import ListTables
from kapital.identity.adapters.screener import IndexedScreener
from kapital.identity.domain.events import PARTICIPANT_REGISTERED
from kapital.identity.queries.bound import IdentityReads, ScreeningReads
from kapital.identity.reactions import open_cases
from kapital.identity.routes import HANDLERS
from kapital.identity.use_cases.bound import IdentityUseCases, ScreeningUseCases
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
    screening: ScreeningUseCases
    screening_reads: ScreeningReads
    routes: ServiceRoutes
    subscriptions: Subscriptions
    ticks: Ticks


def identity_of(database: Database, clock: Clock) -> IdentityService:
    """Identity over its own database."""
    cases = CaseTable()
    use_cases = IdentityUseCases(uow=UnitOfWork(database, clock), cases=cases, new_id=new_uuid7)
    reads = IdentityReads(database=database, clock=clock)
    screening = ScreeningUseCases(
        uow=UnitOfWork(database, clock),
        lists=ListTables(),
        clients=ClientTable(),
        hits=HitTable(),
        screener=IndexedScreener(),
        new_id=new_uuid7,
    )
    screening_reads = ScreeningReads(database=database, hit_of=hit_of)

    async def rescreen(now: datetime) -> None:
        await screening.rescreen_clients(now)

    async def expire(now: datetime) -> None:
        await use_cases.expire_cases(now)

    return IdentityService(
        use_cases=use_cases,
        reads=reads,
        screening=screening,
        screening_reads=screening_reads,
        routes=ServiceRoutes(
            name=NAME,
            handlers=HANDLERS,
            dependencies={
                "identity": Provide(lambda: use_cases, sync_to_thread=False),
                "identity_reads": Provide(lambda: reads, sync_to_thread=False),
                "screening": Provide(lambda: screening, sync_to_thread=False),
                "screening_reads": Provide(lambda: screening_reads, sync_to_thread=False),
            },
        ),
        subscriptions=[((PARTICIPANT_REGISTERED,), partial(open_cases, cases=cases))],
        ticks=(expire, rescreen),
    )
