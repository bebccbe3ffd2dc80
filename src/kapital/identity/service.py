"""Puts the parts of identity together; the only place that chooses adapters."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from litestar.di import Provide

from kapital.identity.adapters.aml_message_table import AmlMessageTable, message_of
from kapital.identity.adapters.cases import CaseTable
from kapital.identity.adapters.certificate_table import CertificateTable
from kapital.identity.adapters.clamd import ClamdScanner, NoScanner
from kapital.identity.adapters.dossier_tables import DelegationTable, DocumentTable, DossierTables
from kapital.identity.adapters.doubt_table import DoubtTable
from kapital.identity.adapters.freeze_tables import FreezeTables, freeze_of
from kapital.identity.adapters.hit_tables import ClientTable, HitTable, hit_of
from kapital.identity.adapters.list_tables import ListTables
from kapital.identity.adapters.no_objects import NoObjects
from kapital.identity.adapters.party_table import PartyTable
from kapital.identity.adapters.registered_person_table import RegisteredPersonTable
from kapital.identity.adapters.representative_table import RepresentativeTable
from kapital.identity.adapters.run_table import RunTable, run_of
from kapital.identity.adapters.screener import IndexedScreener
from kapital.identity.adapters.screenings import ScreeningsOfTables
from kapital.identity.domain.events import (
    PARTICIPANT_REGISTERED,
    REPRESENTATIVE_APPOINTED,
    REPRESENTATIVE_ENDED,
    WALLET_OPENED,
)
from kapital.identity.domain.screening import ListSource
from kapital.identity.ports import KycPolicy, MalwareScanner, Objects
from kapital.identity.queries.bound import DossierReads, FreezeReads, IdentityReads, ScreeningReads
from kapital.identity.queries.kyc_dossier import DossierParts
from kapital.identity.reactions import follow_representatives, keep_persons, keep_wallets, open_cases
from kapital.identity.routes import HANDLERS
from kapital.identity.use_cases.bound import DossierUseCases, IdentityUseCases, ScreeningUseCases
from kapital.identity.use_cases.certificates import CertificateUseCases
from kapital.identity.use_cases.doubting import Doubting
from kapital.identity.use_cases.draft_messages import Drafting
from kapital.identity.use_cases.freezing import FreezingUseCases
from kapital.identity.use_cases.screening_parties import PartyScreening
from kapital.kernel.calendar import russian_calendar
from kapital.kernel.clock import Clock
from kapital.ledger.api import Ledger
from kapital.platform.acts.checking import Acts
from kapital.platform.bus import Subscriptions
from kapital.platform.certificate_rules import CertificateRules
from kapital.platform.clock import Ticks
from kapital.platform.database import Database
from kapital.platform.http import ServiceRoutes
from kapital.platform.ids import new_uuid7
from kapital.platform.settings import Settings
from kapital.platform.unit_of_work import UnitOfWork

NAME: Final = "identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityService:
    """Identity of one process."""

    use_cases: IdentityUseCases
    reads: IdentityReads
    certificates: CertificateUseCases
    dossiers: DossierUseCases
    dossier_reads: DossierReads
    screening: ScreeningUseCases
    screening_reads: ScreeningReads
    freezing: FreezingUseCases
    freeze_reads: FreezeReads
    routes: ServiceRoutes
    subscriptions: Subscriptions
    ticks: Ticks

    async def start(self, now: datetime) -> None:
        """Enter in the register what a process that died had decided to freeze, before anything else is served.

        Raises: FreezeRefusedByRegister after everything else was entered; the next tick tries again.
        """
        await self.freezing.tick(now)


def identity_of(
    database: Database,
    clock: Clock,
    *,
    ledger: Ledger,
    acts: Acts,
    objects: Objects | None = None,
    scanner: MalwareScanner | None = None,
    policy: KycPolicy | None = None,
    required_lists: frozenset[ListSource] = frozenset(),
) -> IdentityService:
    """Identity over its own database, a ledger in which it freezes, and the checks of signatures.

    Without a scanner documents stay unchecked, and the policy says if that will do; without an object store none is
    taken. `required_lists` must be in force before anybody is approved.
    """
    objects = objects or NoObjects()
    lists, clients, runs = ListTables(), ClientTable(), RunTable()
    cases, dossiers, documents, delegations = CaseTable(), DossierTables(), DocumentTable(), DelegationTable()
    doubts, persons, bindings = DoubtTable(), RegisteredPersonTable(), CertificateTable()
    representatives = RepresentativeTable()
    uow = UnitOfWork(database, clock)
    screener = IndexedScreener()
    drafting = Drafting(messages=AmlMessageTable(), clients=clients, calendar=russian_calendar(), new_id=new_uuid7)
    parties = PartyScreening(
        parties=PartyTable(),
        persons=persons,
        lists=lists,
        clients=clients,
        hits=HitTable(),
        screener=screener,
        drafting=drafting,
        new_id=new_uuid7,
    )
    doubting = Doubting(
        cases=cases,
        doubts=doubts,
        parties=parties.parties,
        representatives=representatives,
        calendar=russian_calendar(),
    )
    policy = policy or KycPolicy()
    use_cases = IdentityUseCases(
        uow=uow,
        cases=cases,
        dossiers=dossiers,
        delegations=delegations,
        parties=parties,
        policy=policy,
        doubting=doubting,
        persons=persons,
        certificates=bindings,
        representatives=representatives,
        screenings=ScreeningsOfTables(clients, lists),
        required_lists=required_lists,
        new_id=new_uuid7,
    )
    files = DossierUseCases(
        uow=uow,
        cases=cases,
        dossiers=dossiers,
        documents=documents,
        delegations=delegations,
        parties=parties,
        persons=persons,
        certificates=bindings,
        objects=objects,
        scanner=scanner or NoScanner(),
        policy=policy,
        new_id=new_uuid7,
    )
    file_reads = DossierReads(
        database=database,
        parts=DossierParts(rows=cases, dossiers=dossiers, documents=documents, objects=objects, doubts=doubts),
        agreements=delegations,
    )
    reads = IdentityReads(database=database, clock=clock)
    certificates = CertificateUseCases(uow=uow, certificates=bindings, persons=persons, acts=acts, new_id=new_uuid7)
    freezes = FreezeTables()
    freezing = FreezingUseCases(
        uow=UnitOfWork(database, clock),
        freezes=freezes,
        clients=ClientTable(),
        hits=HitTable(),
        ledger=ledger,
        new_id=new_uuid7,
    )
    freeze_reads = FreezeReads(database=database, freezes=freezes, freeze_of=freeze_of)
    screening = ScreeningUseCases(
        uow=UnitOfWork(database, clock),
        lists=lists,
        clients=clients,
        hits=HitTable(),
        screener=screener,
        persons=persons,
        runs=runs,
        drafting=drafting,
        doubting=doubting,
        new_id=new_uuid7,
        freezing=freezing,
    )
    screening_reads = ScreeningReads(
        database=database, clock=clock, hit_of=hit_of, message_of=message_of, runs=runs, run_of=run_of
    )

    async def rescreen(now: datetime) -> None:
        await screening.rescreen_clients(now)

    async def check(now: datetime) -> None:
        await files.check_documents(now)

    async def rescreen_everybody(now: datetime) -> None:
        await screening.rescreen_all(now)

    async def expire_certificates(now: datetime) -> None:
        await certificates.expire_certificates(now)

    async def screen_representatives(_now: datetime) -> None:
        await use_cases.screen_representatives()

    async def expire(now: datetime) -> None:
        await use_cases.expire_cases(now)

    return IdentityService(
        use_cases=use_cases,
        reads=reads,
        dossiers=files,
        dossier_reads=file_reads,
        certificates=certificates,
        screening=screening,
        screening_reads=screening_reads,
        freezing=freezing,
        freeze_reads=freeze_reads,
        routes=ServiceRoutes(
            name=NAME,
            handlers=HANDLERS,
            dependencies={
                "identity": Provide(lambda: use_cases, sync_to_thread=False),
                "identity_reads": Provide(lambda: reads, sync_to_thread=False),
                "dossiers": Provide(lambda: files, sync_to_thread=False),
                "dossier_reads": Provide(lambda: file_reads, sync_to_thread=False),
                "certificates": Provide(lambda: certificates, sync_to_thread=False),
                "screening": Provide(lambda: screening, sync_to_thread=False),
                "screening_reads": Provide(lambda: screening_reads, sync_to_thread=False),
                "freezing": Provide(lambda: freezing, sync_to_thread=False),
                "freeze_reads": Provide(lambda: freeze_reads, sync_to_thread=False),
            },
        ),
        subscriptions=[
            ((PARTICIPANT_REGISTERED,), partial(open_cases, cases=cases)),
            ((PARTICIPANT_REGISTERED,), partial(keep_persons, persons=persons, objects=objects)),
            (
                (REPRESENTATIVE_APPOINTED, REPRESENTATIVE_ENDED),
                partial(
                    follow_representatives,
                    representatives=representatives,
                    objects=objects,
                    clients=clients,
                    hits=HitTable(),
                ),
            ),
            ((WALLET_OPENED,), partial(keep_wallets, freezes=freezes)),
        ],
        ticks=(
            expire,
            rescreen,
            rescreen_everybody,
            check,
            freezing.tick,
            expire_certificates,
            screen_representatives,
            screening_reads.tell_overdue_hits,
        ),
    )


def scanner_of(settings: Settings) -> MalwareScanner:
    """The scanner that the settings name, or the one that says that there is none."""
    return NoScanner() if settings.clamd_address is None else ClamdScanner(address=settings.clamd_address)


def kyc_policy_of(settings: Settings) -> KycPolicy:
    """What the operator has chosen."""
    return KycPolicy(
        unchecked_documents_allowed=settings.unchecked_documents_allowed,
        simplified_from=settings.simplified_identification_from,
        attested_until=settings.attested_identification_until,
        certificates=CertificateRules(settings.certificate_required),
        months_low=settings.kyc_refresh_months_low,
        months_medium=settings.kyc_refresh_months_medium,
        months_high=settings.kyc_refresh_months_high,
    )
