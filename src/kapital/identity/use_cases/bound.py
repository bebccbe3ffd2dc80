"""The commands of identity bound to their parts, counted and timed: what routes and other programs call."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kapital.contracts import identity as contract
from kapital.identity.domain.screening import ListSource
from kapital.identity.domain.screening_list import ListVersion
from kapital.identity.ports import (
    CaseStore,
    CertificateStore,
    ClientStore,
    DelegationStore,
    DocumentStore,
    DossierStore,
    HitStore,
    KycPolicy,
    ListStore,
    MalwareScanner,
    Objects,
    RegisteredPersonStore,
    RepresentativeStore,
    RunStore,
    Screener,
    Screenings,
)
from kapital.identity.use_cases import (
    advance_aml_message,
    attach_document,
    complete_case,
    decide_hit,
    decide_kyc,
    decide_list_version,
    expire_cases,
    fill_questionnaire,
    identify_representative,
    load_list,
    record_doubt,
    record_identifications,
    rescreen_all,
    rescreen_clients,
    screen_clients,
    screen_representatives,
)
from kapital.identity.use_cases import delegations as agreements
from kapital.identity.use_cases.doubting import Doubting
from kapital.identity.use_cases.draft_messages import Drafting
from kapital.identity.use_cases.freezing import FreezingUseCases
from kapital.identity.use_cases.screening_parties import PartyScreening
from kapital.platform.telemetry import use_case
from kapital.platform.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityUseCases:
    """Each method is the use case of its name; see there for promises and refusals."""

    uow: UnitOfWork
    cases: CaseStore
    screenings: Screenings
    required_lists: frozenset[ListSource]
    dossiers: DossierStore
    delegations: DelegationStore
    parties: PartyScreening
    policy: KycPolicy
    doubting: Doubting
    persons: RegisteredPersonStore
    certificates: CertificateStore
    representatives: RepresentativeStore
    new_id: Callable[[], UUID]

    async def record_identifications(
        self, cmd: record_identifications.RecordIdentifications
    ) -> contract.RecordIdentificationsResponse:
        """See `use_cases.record_identifications`."""
        async with use_case("identity.record_identifications"):
            return await record_identifications.record_identifications(
                cmd,
                uow=self.uow,
                cases=self.cases,
                dossiers=self.dossiers,
                delegations=self.delegations,
                parties=self.parties,
                persons=self.persons,
                certificates=self.certificates,
                policy=self.policy,
                new_id=self.new_id,
            )

    async def decide_kyc(self, cmd: decide_kyc.DecideKyc) -> contract.DecideKycResponse:
        """See `use_cases.decide_kyc`."""
        async with use_case("identity.decide_kyc"):
            return await decide_kyc.decide_kyc(
                cmd,
                uow=self.uow,
                cases=self.cases,
                policy=self.policy,
                screenings=self.screenings,
                parties=self.parties.parties,
                representatives=self.representatives,
                clients=self.parties.clients,
                hits=self.parties.hits,
                required_lists=self.required_lists,
            )

    async def record_doubt(self, cmd: record_doubt.RecordDoubt) -> contract.IdentificationDoubt:
        """See `use_cases.record_doubt`."""
        async with use_case("identity.record_doubt"):
            return await record_doubt.record_doubt(cmd, uow=self.uow, doubting=self.doubting)

    async def identify_representative(
        self, cmd: identify_representative.IdentifyRepresentative
    ) -> contract.IdentifiedRepresentative:
        """See `use_cases.identify_representative`."""
        async with use_case("identity.identify_representative"):
            return await identify_representative.identify_representative(
                cmd, uow=self.uow, representatives=self.representatives, parties=self.parties
            )

    async def screen_representatives(self) -> int:
        """See `use_cases.screen_representatives`. Not counted: it runs every second and mostly finds nobody."""
        return await screen_representatives.screen_representatives(
            uow=self.uow, representatives=self.representatives, parties=self.parties
        )

    async def expire_cases(self, now: datetime) -> int:
        """See `use_cases.expire_cases`. Not counted: it runs every second and mostly finds nothing."""
        return await expire_cases.expire_cases(now, uow=self.uow, cases=self.cases)


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierUseCases:
    """The use cases of questionnaires, documents and delegation; see there for promises and refusals."""

    uow: UnitOfWork
    cases: CaseStore
    dossiers: DossierStore
    documents: DocumentStore
    delegations: DelegationStore
    parties: PartyScreening
    persons: RegisteredPersonStore
    certificates: CertificateStore
    objects: Objects
    scanner: MalwareScanner
    policy: KycPolicy
    new_id: Callable[[], UUID]

    async def fill_questionnaire(self, cmd: fill_questionnaire.FillQuestionnaire) -> contract.FilledQuestionnaire:
        """See `use_cases.fill_questionnaire`."""
        async with use_case("identity.fill_questionnaire"):
            return await fill_questionnaire.fill_questionnaire(
                cmd,
                uow=self.uow,
                cases=self.cases,
                dossiers=self.dossiers,
                persons=self.persons,
                new_id=self.new_id,
            )

    async def attach_document(self, cmd: attach_document.AttachDocument) -> contract.KycDocument:
        """See `use_cases.attach_document`."""
        async with use_case("identity.attach_document"):
            return await attach_document.attach_document(
                cmd,
                uow=self.uow,
                cases=self.cases,
                documents=self.documents,
                objects=self.objects,
                scanner=self.scanner,
            )

    async def check_documents(self, now: datetime) -> int:
        """See `use_cases.attach_document`. Not counted: it runs every second and mostly finds nothing."""
        return await attach_document.check_documents(
            now, uow=self.uow, documents=self.documents, objects=self.objects, scanner=self.scanner
        )

    async def complete_case(self, cmd: complete_case.CompleteCase) -> contract.RecordedIdentification:
        """See `use_cases.complete_case`."""
        async with use_case("identity.complete_case"):
            return await complete_case.complete_case(
                cmd,
                uow=self.uow,
                cases=self.cases,
                dossiers=self.dossiers,
                documents=self.documents,
                parties=self.parties,
                certificates=self.certificates,
                policy=self.policy,
            )

    async def enter_delegation(self, cmd: agreements.EnterDelegation) -> contract.Delegation:
        """See `use_cases.delegations`."""
        async with use_case("identity.enter_delegation"):
            return await agreements.enter_delegation(
                cmd, uow=self.uow, delegations=self.delegations, new_id=self.new_id
            )

    async def change_delegation(self, cmd: agreements.ChangeDelegation) -> contract.Delegation:
        """See `use_cases.delegations`."""
        async with use_case("identity.change_delegation"):
            return await agreements.change_delegation(cmd, uow=self.uow, delegations=self.delegations)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningUseCases:
    """The use cases of screening; see there for promises and refusals."""

    uow: UnitOfWork
    lists: ListStore
    clients: ClientStore
    hits: HitStore
    screener: Screener
    persons: RegisteredPersonStore
    runs: RunStore
    drafting: Drafting
    doubting: Doubting
    new_id: Callable[[], UUID]
    freezing: FreezingUseCases

    async def load_list(self, cmd: load_list.LoadList) -> ListVersion:
        """See `use_cases.load_list`."""
        async with use_case("identity.load_list"):
            return await load_list.load_list(cmd, uow=self.uow, lists=self.lists, new_id=self.new_id)

    async def decide_list_version(self, cmd: decide_list_version.DecideListVersion) -> contract.ListVersion:
        """See `use_cases.decide_list_version`."""
        async with use_case("identity.decide_list_version"):
            return await decide_list_version.decide_list_version(cmd, uow=self.uow, lists=self.lists)

    async def screen_clients(self, cmd: screen_clients.ScreenClients) -> contract.ScreenClientsResponse:
        """See `use_cases.screen_clients`."""
        async with use_case("identity.screen_clients"):
            answer = await screen_clients.screen_clients(
                cmd,
                uow=self.uow,
                lists=self.lists,
                clients=self.clients,
                hits=self.hits,
                screener=self.screener,
                persons=self.persons,
                drafting=self.drafting,
                new_id=self.new_id,
            )
            # A client without a measure, as most are, has nothing for the register; what a change of words lifts may
            # wait for the tick.
            if any(result.measure is not contract.Measure.free for result in answer.results):
                await self.freezing.follow_hits()
            return answer

    async def rescreen_clients(self, now: datetime) -> int:
        """See `use_cases.rescreen_clients`. Not counted: it runs every second and mostly finds nothing."""
        count = await rescreen_clients.rescreen_clients(
            now,
            uow=self.uow,
            lists=self.lists,
            clients=self.clients,
            hits=self.hits,
            screener=self.screener,
            drafting=self.drafting,
            new_id=self.new_id,
        )
        await self.freezing.follow_hits()
        return count

    async def rescreen_all(self, now: datetime) -> int:
        """See `use_cases.rescreen_all`. Not counted: it runs every second and mostly finds nothing."""
        return await rescreen_all.rescreen_all(
            now,
            uow=self.uow,
            runs=self.runs,
            lists=self.lists,
            clients=self.clients,
            hits=self.hits,
            screener=self.screener,
            drafting=self.drafting,
            new_id=self.new_id,
        )

    async def decide_hit(self, cmd: decide_hit.DecideHit) -> contract.DecidedHit:
        """See `use_cases.decide_hit`."""
        async with use_case("identity.decide_hit"):
            answer = await decide_hit.decide_hit(
                cmd,
                uow=self.uow,
                clients=self.clients,
                hits=self.hits,
                drafting=self.drafting,
                doubting=self.doubting,
            )
            await self.freezing.follow_hits()
            return answer

    async def advance_aml_message(self, cmd: advance_aml_message.AdvanceAmlMessage) -> contract.AmlMessage:
        """See `use_cases.advance_aml_message`."""
        async with use_case("identity.advance_aml_message"):
            return await advance_aml_message.advance_aml_message(
                cmd, uow=self.uow, hits=self.hits, drafting=self.drafting
            )
