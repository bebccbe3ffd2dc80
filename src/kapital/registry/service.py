"""Puts the parts of the registry together; the only place that chooses adapters."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from litestar.di import Provide

from kapital.kernel.clock import Clock
from kapital.ledger.api import Ledger
from kapital.platform.bus import Subscriptions
from kapital.platform.database import Database
from kapital.platform.http import ServiceRoutes
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import UnitOfWork
from kapital.registry.adapters.access import AccessTable
from kapital.registry.adapters.participants import ParticipantTable
from kapital.registry.adapters.secrets import SystemSecrets
from kapital.registry.adapters.token_verifier import DatabaseTokenVerifier
from kapital.registry.domain.events import KYC_DECIDED, KYC_EXPIRED
from kapital.registry.queries.bound import RegistryReads
from kapital.registry.reactions import on_kyc_news
from kapital.registry.routes import HANDLERS
from kapital.registry.use_cases.bound import RegistryUseCases

NAME: Final = "registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryService:
    """The registry of one process. `verifier` is the TokenVerifier that the HTTP application needs."""

    use_cases: RegistryUseCases
    reads: RegistryReads
    verifier: DatabaseTokenVerifier
    routes: ServiceRoutes
    subscriptions: Subscriptions


def registry_of(database: Database, clock: Clock, *, ledger: Ledger, rule_book_version: str) -> RegistryService:
    """The registry over its own database and the ledger."""
    participants = ParticipantTable()
    verifier = DatabaseTokenVerifier(database, clock)
    use_cases = RegistryUseCases(
        uow=UnitOfWork(database, clock),
        participants=participants,
        access=AccessTable(),
        secrets=SystemSecrets(),
        new_id=new_uuid7,
        rule_book_version=rule_book_version,
        forget_token=verifier.forget,
    )
    reads = RegistryReads(database=database, clock=clock)
    return RegistryService(
        use_cases=use_cases,
        reads=reads,
        verifier=verifier,
        routes=ServiceRoutes(
            name=NAME,
            handlers=HANDLERS,
            dependencies={
                "registry": Provide(lambda: use_cases, sync_to_thread=False),
                "registry_reads": Provide(lambda: reads, sync_to_thread=False),
            },
        ),
        subscriptions=[((KYC_DECIDED, KYC_EXPIRED), partial(on_kyc_news, participants=participants, ledger=ledger))],
    )
