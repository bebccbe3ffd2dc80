"""Puts the parts of the registry together; the only place that chooses adapters."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from litestar.di import Provide

from kapital.custody.api import Custody
from kapital.kernel.clock import Clock
from kapital.ledger.api import Ledger
from kapital.platform.acts.bindings import EVENTS as CERTIFICATE_EVENTS
from kapital.platform.acts.checking import Acts
from kapital.platform.bus import Subscriptions
from kapital.platform.certificate_rules import CertificateRules
from kapital.platform.clock import Tick, Ticks
from kapital.platform.database import Database
from kapital.platform.http import ServiceRoutes
from kapital.platform.ids import new_uuid7
from kapital.platform.rule_book import RuleBookInForce
from kapital.platform.unit_of_work import UnitOfWork
from kapital.registry.adapters.access import AccessTable
from kapital.registry.adapters.holder_disclosures import HolderDisclosureTables
from kapital.registry.adapters.mandates import MandateTable
from kapital.registry.adapters.participants import ParticipantTable
from kapital.registry.adapters.representatives import RepresentativeTable
from kapital.registry.adapters.rule_books import RuleBookTable
from kapital.registry.adapters.secrets import SystemSecrets
from kapital.registry.adapters.staff import StaffTables
from kapital.registry.adapters.statuses import StatusTable
from kapital.registry.adapters.token_verifier import DatabaseTokenVerifier
from kapital.registry.domain.events import REPRESENTATIVE_IDENTIFIED
from kapital.registry.queries.bound import RegistryReads
from kapital.registry.queries.register_extract import register_extract
from kapital.registry.queries.representatives import one_representative
from kapital.registry.reactions import (
    ISSUE_EVENTS,
    KYC_EVENTS,
    on_certificates,
    on_issue_news,
    on_kyc_news,
    on_representatives_identified,
)
from kapital.registry.routes import HANDLERS
from kapital.registry.use_cases.bound import RegistryUseCases
from kapital.registry.use_cases.follow_certificates import CertificateWatch

NAME: Final = "registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryService:
    """The registry of one process. `verifier` is the TokenVerifier that the HTTP application needs."""

    use_cases: RegistryUseCases
    reads: RegistryReads
    verifier: DatabaseTokenVerifier
    routes: ServiceRoutes
    subscriptions: Subscriptions
    ticks: Ticks
    follow_rule_book: Tick
    rule_book: RuleBookInForce
    rule_book_sha256: str | None

    async def start(self) -> None:
        """Enter the first version of the rule book, if there is none; know which one is in force."""
        await self.use_cases.begin_with_rule_book(self.rule_book.version, self.rule_book_sha256)
        for tick in self.ticks:
            await tick(self.reads.clock.now())


def registry_of(
    database: Database,
    clock: Clock,
    *,
    ledger: Ledger,
    custody: Custody,
    operator: str,
    rule_book: RuleBookInForce,
    acts: Acts,
    rule_book_sha256: str | None = None,
    certificates: CertificateRules | None = None,
) -> RegistryService:
    """The registry over its own database and the ledger; without rules no participant needs a certificate."""
    participants, statuses = ParticipantTable(), StatusTable()
    verifier = DatabaseTokenVerifier(database, clock)
    use_cases = RegistryUseCases(
        uow=UnitOfWork(database, clock),
        participants=participants,
        access=AccessTable(),
        staff=StaffTables(),
        secrets=SystemSecrets(),
        new_id=new_uuid7,
        rule_books=RuleBookTable(),
        ledger=ledger,
        custody=custody,
        operator=operator,
        extract_pages=register_extract,
        forget_token=verifier.forget,
        representatives=RepresentativeTable(),
        show_representative=one_representative,
        acts=acts,
        statuses=statuses,
        disclosures=HolderDisclosureTables(),
        mandates=MandateTable(),
    )
    reads = RegistryReads(database=database, clock=clock)
    watch = CertificateWatch(rules=certificates or CertificateRules(), participants=participants)

    async def follow_rule_book(now: datetime) -> None:
        rule_book.become(await use_cases.bring_into_force(now))

    async def expire(now: datetime) -> None:
        await use_cases.expire_applications(now)

    async def expire_representatives(now: datetime) -> None:
        await use_cases.expire_representatives(now)

    async def expire_statuses(now: datetime) -> None:
        await use_cases.expire_statuses(now)

    async def expire_staff_terms(now: datetime) -> None:
        await use_cases.expire_staff_terms(now)

    async def note_overdue(now: datetime) -> None:
        await use_cases.note_overdue_disclosures(now)

    async def follow_certificates(now: datetime) -> None:
        await watch.look_at_everybody(now, uow=use_cases.uow)

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
        subscriptions=[
            (
                KYC_EVENTS,
                partial(on_kyc_news, participants=participants, statuses=statuses, ledger=ledger, watch=watch),
            ),
            (
                (REPRESENTATIVE_IDENTIFIED,),
                partial(on_representatives_identified, representatives=use_cases.representatives),
            ),
            (ISSUE_EVENTS, partial(on_issue_news, participants=participants)),
            (CERTIFICATE_EVENTS, partial(on_certificates, watch=watch)),
        ],
        follow_rule_book=follow_rule_book,
        ticks=(
            follow_rule_book,
            expire,
            expire_representatives,
            expire_statuses,
            expire_staff_terms,
            note_overdue,
            follow_certificates,
        ),
        rule_book=rule_book,
        rule_book_sha256=rule_book_sha256,
    )
