"""What the use cases of identity need from outside."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.identity.domain.aml_message import AmlMessage
from kapital.identity.domain.case_party import CaseParty
from kapital.identity.domain.certificate import Certificate
from kapital.identity.domain.delegation import Delegation
from kapital.identity.domain.dossier import Dossier
from kapital.identity.domain.doubt import Doubt
from kapital.identity.domain.freeze import Freeze
from kapital.identity.domain.freeze_entry import AskedEntry, FollowedHit
from kapital.identity.domain.kyc_case import KycCase
from kapital.identity.domain.kyc_document import DocumentVerdict, KycDocument
from kapital.identity.domain.parameters import KYC_REFRESH_MONTHS, MonthsByRisk
from kapital.identity.domain.questionnaire import Questionnaire
from kapital.identity.domain.registered_person import RegisteredPerson
from kapital.identity.domain.representative import AppointedRepresentative, RepresentativeIdentification
from kapital.identity.domain.screening import ListEntry, ListSource, Match, Particulars
from kapital.identity.domain.screening_hit import Measure, ScreeningHit
from kapital.identity.domain.screening_list import ListVersion, ScreenedClient, Screening, StoredEntry
from kapital.identity.domain.screening_run import ScreeningRun
from kapital.platform.certificate_rules import CertificateRules


class CaseStore(Protocol):
    """The tables `kyc_case` and `identification`."""

    async def open(self, conn: AsyncConnection, cases: Sequence[KycCase]) -> set[UUID]:
        """Enter new cases, except where the participant has a case of that number; return the ids entered."""
        ...

    async def lock_latest(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, KycCase]:
        """Read the latest case of each participant, and lock all of that participant's cases.

        Locked in the order of participant ids, so that two batches cannot deadlock.
        """
        ...

    async def latest(self, conn: AsyncConnection, participant_id: UUID) -> KycCase | None:
        """The latest case of a participant, not locked."""
        ...

    async def lock_approved(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, KycCase]:
        """Read the case whose approval is in force, of each participant that has one; call after `lock_latest`."""
        ...

    async def lock_ended(self, conn: AsyncConnection, *, now: datetime, limit: int) -> list[KycCase]:
        """Read and lock approvals whose term has come, leaving out those that somebody works on."""
        ...

    async def under_measures(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> set[UUID]:
        """Those of the participants who are held or frozen for themselves, whatever their parties are."""
        ...

    async def listed_officials(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> set[UUID]:
        """Those of the participants of whom a hit says that they are public officials."""
        ...

    async def screened(self, conn: AsyncConnection, participant_id: UUID) -> bool:
        """Whether the participant was compared with the lists."""
        ...

    async def lists_in_force(self, conn: AsyncConnection) -> str:
        """The lists in force with the numbers of their versions, `un:3, eu:12`; `none` where there is none."""
        ...

    async def note_kinds(self, conn: AsyncConnection, kinds: Mapping[UUID, str]) -> None:
        """Keep what kind of participant the registry took in."""
        ...

    async def kinds(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, str]:
        """What kind each participant is, of those that are known."""
        ...

    async def save_identifications(self, conn: AsyncConnection, cases: Sequence[KycCase]) -> None:
        """Write the identification just recorded in each case, and the case's state."""
        ...

    async def save(self, conn: AsyncConnection, cases: Sequence[KycCase]) -> None:
        """Write state and decision of locked cases, in the order given."""
        ...


class CertificateStore(Protocol):
    """The tables `certificate` and `owner_number`."""

    async def row_version(self, conn: AsyncConnection, certificate_id: UUID) -> int:
        """The version of the binding; 0 without one."""
        ...

    async def known(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> set[UUID]:
        """Those of the participants that identity knows."""
        ...

    async def questionnaires(
        self, conn: AsyncConnection, participant_ids: Sequence[UUID]
    ) -> dict[UUID, Questionnaire]:
        """The questionnaire last recorded of each participant who has one; what was only filled in is none."""
        ...

    async def lock_numbers(
        self, conn: AsyncConnection, participant_ids: Sequence[UUID]
    ) -> dict[UUID, dict[str, str]]:
        """The numbers kept of each participant; nobody else binds to them until the transaction ends."""
        ...

    async def put_numbers(self, conn: AsyncConnection, numbers: Mapping[UUID, Mapping[str, str]]) -> None:
        """Keep numbers; one that is kept already stays."""
        ...

    async def add(self, conn: AsyncConnection, certificates: Sequence[Certificate]) -> set[UUID]:
        """Insert bindings; return the ids of those that were not there."""
        ...

    async def lock(self, conn: AsyncConnection, certificate_id: UUID) -> Certificate | None:
        """Read and lock one binding."""
        ...

    async def lock_ended(self, conn: AsyncConnection, *, now: datetime, limit: int) -> list[Certificate]:
        """Live bindings whose term has come, locked, leaving out those that somebody works on."""
        ...

    async def save(self, conn: AsyncConnection, certificates: Sequence[Certificate]) -> None:
        """Write the state of locked bindings."""
        ...

    async def signing(self, conn: AsyncConnection, participant_ids: Sequence[UUID], now: datetime) -> set[UUID]:
        """Those of the participants to whom a certificate is bound that may sign now."""
        ...


class CaseRows(Protocol):
    """Reading cases without locks."""

    async def latest(self, conn: AsyncConnection, participant_id: UUID) -> KycCase | None:
        """The latest case of a participant."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledQuestionnaire:
    """A questionnaire with who filled it in and when."""

    case_id: UUID
    questionnaire: Questionnaire
    filled_by: str
    filled_at: datetime


class DossierStore(Protocol):
    """The tables `kyc_questionnaire` and `kyc_dossier`."""

    async def put_questionnaires(self, conn: AsyncConnection, filled: Sequence[FilledQuestionnaire]) -> None:
        """Enter questionnaires, or replace those of the same case."""
        ...

    async def questionnaires(
        self, conn: AsyncConnection, case_ids: Sequence[UUID]
    ) -> dict[UUID, FilledQuestionnaire]:
        """The questionnaires of cases that have one."""
        ...

    async def put_dossiers(self, conn: AsyncConnection, dossiers: Sequence[Dossier]) -> None:
        """Enter dossiers; one of a case is never replaced."""
        ...

    async def find(self, conn: AsyncConnection, case_id: UUID) -> Dossier | None:
        """The dossier of a case."""
        ...


class DoubtStore(Protocol):
    """The table `kyc_doubt`."""

    async def add(self, conn: AsyncConnection, doubt: Doubt) -> None:
        """Enter a doubt; a case has one at most."""
        ...

    async def of_case(self, conn: AsyncConnection, case_id: UUID) -> Doubt | None:
        """The doubt about the approval of a case."""
        ...

    async def last(self, conn: AsyncConnection, participant_id: UUID) -> Doubt | None:
        """The last doubt about an approval of a participant."""
        ...


class RegisteredPersonStore(Protocol):
    """Names and numbers in the table `kyc_participant`."""

    async def note(self, conn: AsyncConnection, persons: Sequence[RegisteredPerson]) -> None:
        """Keep who participants whose kinds are kept are; who was told of before stays."""
        ...

    async def find(self, conn: AsyncConnection, participant_ids: Collection[UUID]) -> dict[UUID, RegisteredPerson]:
        """Those of the participants of whom the registry told."""
        ...


class RepresentativeStore(Protocol):
    """The tables `kyc_representative` and `representative_identification`."""

    async def note(self, conn: AsyncConnection, appointed: Sequence[AppointedRepresentative], now: datetime) -> None:
        """Keep who was appointed; who was told of before stays."""
        ...

    async def end(self, conn: AsyncConnection, ended: Mapping[UUID, datetime]) -> None:
        """Note who acts no more, and since when."""
        ...

    async def lock_waiting(self, conn: AsyncConnection, *, limit: int) -> list[AppointedRepresentative]:
        """Who is not compared with the lists yet, locked, leaving out those that somebody works on."""
        ...

    async def lock(self, conn: AsyncConnection, representative_id: UUID) -> AppointedRepresentative | None:
        """Read and lock one that has not ended."""
        ...

    async def note_screened(self, conn: AsyncConnection, ids: Collection[UUID], now: datetime) -> None:
        """Note that these were compared with the lists."""
        ...

    async def living(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
        """Who acts for each of the participants that has somebody."""
        ...

    async def identify(self, conn: AsyncConnection, said: RepresentativeIdentification) -> None:
        """Enter an identification beside the earlier ones."""
        ...


class PartyStore(Protocol):
    """The table `kyc_party`."""

    async def add(self, conn: AsyncConnection, parties: Sequence[CaseParty]) -> None:
        """Enter parties; one that is there stays as it is."""
        ...

    async def of_cases(self, conn: AsyncConnection, case_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
        """The pseudonyms of the parties of each case that has some."""
        ...


class DocumentStore(Protocol):
    """The table `kyc_document`."""

    async def add(self, conn: AsyncConnection, document: KycDocument) -> KycDocument:
        """Enter a document, or return the one of the same bytes in this case."""
        ...

    async def of_case(self, conn: AsyncConnection, case_id: UUID) -> list[KycDocument]:
        """The documents of a case, in the order in which they were attached."""
        ...

    async def pending(self, conn: AsyncConnection, *, limit: int) -> list[KycDocument]:
        """The oldest documents whose verdict is pending."""
        ...

    async def judge(
        self, conn: AsyncConnection, document_id: UUID, verdict: DocumentVerdict, *, now: datetime
    ) -> KycDocument:
        """Write the verdict of a pending document; one that has a verdict keeps it. Returns what stands."""
        ...


class DelegationStore(Protocol):
    """The table `kyc_delegation`."""

    async def add(self, conn: AsyncConnection, delegation: Delegation) -> None:
        """Enter an agreement."""
        ...

    async def lock(self, conn: AsyncConnection, delegation_id: UUID) -> Delegation | None:
        """Read and lock one agreement."""
        ...

    async def find(self, conn: AsyncConnection, delegation_ids: Sequence[UUID]) -> dict[UUID, Delegation]:
        """Agreements by id."""
        ...

    async def save(self, conn: AsyncConnection, delegation: Delegation) -> None:
        """Write notice, end and version of a locked agreement."""
        ...

    async def newest(self, conn: AsyncConnection, *, limit: int) -> list[Delegation]:
        """Agreements, newest first."""
        ...


class Objects(Protocol):
    """Bytes kept under their hash. Implemented by `platform.objects.ObjectStore`."""

    async def put(self, content: bytes) -> str:
        """Keep bytes; return their SHA-256 (hex)."""
        ...

    async def get(self, key: str) -> bytes:
        """The bytes of a key."""
        ...


class MalwareScanner(Protocol):
    """A scanner for malware. Implemented by `adapters.clamd`."""

    async def scan(self, content: bytes) -> DocumentVerdict:
        """CLEAN, INFECTED or – where there is none – UNCHECKED_NO_SCANNER. Raises: MalwareScannerUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KycPolicy:
    """What the operator has chosen (settings). Months of None: as the law says."""

    unchecked_documents_allowed: bool = False
    simplified_from: date | None = None
    attested_until: date | None = None
    certificates: CertificateRules = field(default_factory=CertificateRules)
    months_low: int | None = None
    months_medium: int | None = None
    months_high: int | None = None

    def allows_simplified(self, on: date) -> bool:
        """Whether somebody may be identified in the simplified way on this day."""
        return self.simplified_from is not None and on >= self.simplified_from

    def allows_attested(self, on: date) -> bool:
        """Whether staff may vouch on this day for a person without a questionnaire."""
        return self.attested_until is None or on <= self.attested_until

    def months_on(self, on: date) -> MonthsByRisk:
        """After how many months an approval of this day ends. Raises: ParameterNotInForce."""
        lawful = KYC_REFRESH_MONTHS.at(on)
        return MonthsByRisk(
            low=self.months_low or lawful.low,
            medium=self.months_medium or lawful.medium,
            high=self.months_high or lawful.high,
        )


class ListFileReader(Protocol):
    """A list file being read; the counts hold when `read` has ended. Implemented by `adapters.lists.files`."""

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of the file."""
        ...

    @property
    def format_name(self) -> str:
        """How the file is written."""
        ...

    @property
    def size(self) -> int:
        """Bytes read."""
        ...

    @property
    def list_date(self) -> str | None:
        """The date that the list itself states."""
        ...

    @property
    def deviations(self) -> Sequence[tuple[str, str]]:
        """(where, code) of what was not as the format says; the first thousand."""
        ...

    @property
    def deviation_count(self) -> int:
        """How many there were."""
        ...

    def read(self) -> Iterator[ListEntry]:
        """The entries. Raises: ListFileUnreadable, ListFileTooLarge, ListFileEmpty."""
        ...


class ListStore(Protocol):
    """The tables `screening_list_version`, `screening_entry` and `screening_staged`."""

    async def row_version(self, conn: AsyncConnection, version_id: UUID) -> int:
        """The version of the row of the list version; 0 without one."""
        ...

    async def lock_lists(self, conn: AsyncConnection, *, changing: bool) -> None:
        """Hold the lists still until the transaction ends; with `changing`, against everybody else."""
        ...

    async def in_force(self, conn: AsyncConnection) -> dict[ListSource, ListVersion]:
        """The version in force of each list."""
        ...

    async def find(self, conn: AsyncConnection, version_id: UUID) -> ListVersion | None:
        """One version."""
        ...

    async def next_number(self, conn: AsyncConnection, source: ListSource) -> int:
        """The number of the next version of a list."""
        ...

    async def stage(self, conn: AsyncConnection, version_id: UUID, entries: Sequence[ListEntry]) -> None:
        """Keep entries of a version that is not in force yet."""
        ...

    async def add(self, conn: AsyncConnection, version: ListVersion, deviations: Sequence[tuple[str, str]]) -> None:
        """Enter a version."""
        ...

    async def save(self, conn: AsyncConnection, version: ListVersion) -> None:
        """Write state, decision and progress of a version."""
        ...

    async def put_in_force(self, conn: AsyncConnection, version: ListVersion) -> int:
        """Make the staged entries the list, ending what is gone or changed; return how many are new or changed."""
        ...

    async def drop_staged(self, conn: AsyncConnection, version_id: UUID) -> None:
        """Forget the staged entries of a version."""
        ...

    async def entries(
        self, conn: AsyncConnection, *, source: ListSource | None = None, from_number: int | None = None
    ) -> list[StoredEntry]:
        """Entries in force: all, or those of a list that one version brought or changed."""
        ...

    async def lock_waiting(self, conn: AsyncConnection) -> ListVersion | None:
        """The oldest version in force that clients were not compared with yet and that nobody else is at, locked."""
        ...


class ClientStore(Protocol):
    """The tables `screening_client` and `participant_measure`."""

    async def put(self, conn: AsyncConnection, clients: Sequence[ScreenedClient]) -> None:
        """Enter clients, or replace their particulars."""
        ...

    async def all(self, conn: AsyncConnection) -> list[ScreenedClient]:
        """Every client."""
        ...

    async def page(self, conn: AsyncConnection, *, after: UUID, limit: int) -> list[ScreenedClient]:
        """Clients with ids above `after`, in the order of ids."""
        ...

    async def read(self, conn: AsyncConnection, participant_ids: Collection[UUID]) -> dict[UUID, ScreenedClient]:
        """Those of the participants who are recorded."""
        ...

    async def parties(self, conn: AsyncConnection, client_ids: Sequence[UUID]) -> set[UUID]:
        """Those of the clients who are parties of a case and no participants."""
        ...

    async def concerned(self, conn: AsyncConnection, client_ids: Collection[UUID]) -> list[UUID]:
        """Whose measures hits of these clients touch: theirs, and of the participants whose parties they are."""
        ...

    async def lock_measures(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, Measure]:
        """Lock measures in the order of ids and read them; who has none yet is free."""
        ...

    async def save_measures(self, conn: AsyncConnection, measures: Mapping[UUID, Measure]) -> None:
        """Write locked measures."""
        ...


class HitStore(Protocol):
    """The table `screening_hit`."""

    async def row_version(self, conn: AsyncConnection, hit_id: UUID) -> int:
        """The version of the hit; 0 without one."""
        ...

    async def raise_new(self, conn: AsyncConnection, hits: Sequence[ScreeningHit]) -> list[ScreeningHit]:
        """Enter hits whose pair was never raised with the same words; of one that stands with others these are added.

        Returns those entered, and those that freeze now and did not before. Call it with the measures of all whom the
        hits concern locked.
        """
        ...

    async def whose(self, conn: AsyncConnection, hit_id: UUID) -> UUID | None:
        """Who was hit, not locked; never changes."""
        ...

    async def lock(self, conn: AsyncConnection, hit_id: UUID) -> ScreeningHit | None:
        """Read and lock one hit."""
        ...

    async def save(self, conn: AsyncConnection, hit: ScreeningHit) -> None:
        """Write state and decisions of a locked hit."""
        ...

    async def measures(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, Measure]:
        """The strictest measure of each participant, by its own hits and freezes and those of its parties."""
        ...


class AmlMessageStore(Protocol):
    """The table `aml_message`."""

    async def row_version(self, conn: AsyncConnection, message_id: UUID) -> int:
        """The version of the message; 0 without one."""
        ...

    async def add(self, conn: AsyncConnection, messages: Sequence[AmlMessage]) -> None:
        """Enter drafts; one that is there for the same hit and number stays."""
        ...

    async def find(self, conn: AsyncConnection, message_id: UUID, *, lock: bool) -> AmlMessage | None:
        """One message."""
        ...

    async def save(self, conn: AsyncConnection, message: AmlMessage) -> None:
        """Write what steps change of a locked message."""
        ...


class RunStore(Protocol):
    """The table `screening_run`."""

    async def lock_open(self, conn: AsyncConnection) -> ScreeningRun | None:
        """The run that goes on, locked; None when there is none or somebody else is at it."""
        ...

    async def last_began_at(self, conn: AsyncConnection) -> datetime | None:
        """When the last run began; before the first, when the first client was recorded; None without clients."""
        ...

    async def begin(self, conn: AsyncConnection, run: ScreeningRun) -> bool:
        """Enter a run, unless one goes on."""
        ...

    async def save(self, conn: AsyncConnection, run: ScreeningRun) -> None:
        """Write the progress of a locked run."""
        ...


class Screenings(Protocol):
    """What approvals ask of screening."""

    async def screening_of(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> Mapping[UUID, Screening]:
        """How each participant stands to the lists in force; no word of who was never recorded.

        Holds the lists still until the transaction ends, so that the word holds at its commit.
        """
        ...


HitRows = Callable[[Any], ScreeningHit]
"""Makes the hit of a row of `screening_hit`."""


class Screener(Protocol):
    """Compares clients with entries. Blocking work: call it in a thread."""

    def screen(
        self, clients: Sequence[Particulars], listed: Sequence[Particulars], *, threshold_ppm: int
    ) -> list[tuple[int, int, Match]]:
        """Every match (number of the client, number of the entry, match), in ascending order.

        Raises: ScreeningEngineMissing.
        """
        ...

    def keep(self, key: str, entries: Sequence[StoredEntry]) -> None:
        """Build and keep the index over the entries of all lists, under a key that names their versions."""
        ...

    def kept(self, key: str) -> bool:
        """Whether the index of this key is there."""
        ...

    def screen_kept(
        self, clients: Sequence[Particulars], *, threshold_ppm: int
    ) -> list[tuple[int, StoredEntry, Match]]:
        """Every match of clients with the entries kept."""
        ...


class FreezeStore(Protocol):
    """The tables `property_freeze`, `freeze_entry` and `participant_wallet`."""

    async def row_version(self, conn: AsyncConnection, freeze_id: UUID) -> int:
        """The version of the freeze; 0 without one."""
        ...

    async def lock_acts(self, conn: AsyncConnection) -> None:
        """Let nobody else freeze, release or open a wallet until the transaction ends."""
        ...

    async def lock_register(self, conn: AsyncConnection) -> None:
        """Let nobody else bring freezes to the register until the transaction ends."""
        ...

    async def find(self, conn: AsyncConnection, freeze_id: UUID) -> Freeze | None:
        """Read and lock one freeze."""
        ...

    async def live(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> list[Freeze]:
        """The freezes in force of these participants."""
        ...

    async def add(self, conn: AsyncConnection, freezes: Sequence[Freeze]) -> None:
        """Enter freezes."""
        ...

    async def save(self, conn: AsyncConnection, freeze: Freeze) -> None:
        """Write state, reach and decisions of a locked freeze."""
        ...

    async def keep_wallets(self, conn: AsyncConnection, owners: Mapping[UUID, UUID]) -> None:
        """Note whose wallets these are (wallet → participant)."""
        ...

    async def wallets(self, conn: AsyncConnection, participant_id: UUID) -> list[UUID]:
        """The wallets of a participant that are known to be open."""
        ...

    async def asked_wallets(self, conn: AsyncConnection, freeze_id: UUID) -> list[UUID]:
        """The wallets for which this freeze has asked something of the register."""
        ...

    async def ask(self, conn: AsyncConnection, entries: Sequence[AskedEntry]) -> None:
        """Keep what is to be entered in the register; what was asked before stays as it was."""
        ...

    async def entries(self, conn: AsyncConnection, freeze_ids: Sequence[UUID]) -> list[AskedEntry]:
        """All that these freezes have asked of the register, in order."""
        ...

    async def open_entries(self, conn: AsyncConnection, limit: int) -> list[AskedEntry]:
        """What the register has not got yet, and released wallets whose blocked position is not emptied; in order."""
        ...

    async def note_entered(self, conn: AsyncConnection, entries: Sequence[AskedEntry]) -> None:
        """Write the numbers, or refusals, of entries."""
        ...

    async def note_swept(self, conn: AsyncConnection, entries: Sequence[AskedEntry]) -> None:
        """Note that the blocked position was emptied after these releases."""
        ...

    async def released_kopecks(self, conn: AsyncConnection, participant_id: UUID, since: datetime) -> int:
        """How much money was let go out of the participant's freezes from this instant on."""
        ...

    async def hits_to_follow(self, conn: AsyncConnection, limit: int) -> list[FollowedHit]:
        """Hits whose freeze is not made yet, or not ended yet."""
        ...


FreezeRows = Callable[[Any], Freeze]
"""Makes the freeze of a row of `property_freeze`."""
