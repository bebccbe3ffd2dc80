"""What the use cases of the registry need from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import registry as contract
from kapital.contracts.registry import RegisterExtract
from kapital.kernel.actor import Actor
from kapital.kernel.roles import Role
from kapital.platform.signatures.certificates import INN, INN_LEGAL_ENTITY, OGRN, OGRNIP
from kapital.registry.domain.access import TokenSubjectKind
from kapital.registry.domain.holder_disclosure import DisclosedHolder, HolderDisclosure
from kapital.registry.domain.mandate import Mandate
from kapital.registry.domain.participant import Application, ParticipantKind
from kapital.registry.domain.representative import Representative, RepresentativeSaid
from kapital.registry.domain.rule_book import RuleBook
from kapital.registry.domain.staff_change import StaffChange
from kapital.registry.domain.standing import Closing, Participant
from kapital.registry.domain.states import WalletProfile
from kapital.registry.domain.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """A participant about to be entered: standing, application, and the salt of its audit hashes."""

    participant: Participant
    application: Application
    hash_salt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """A wallet (кошелёк) that the ledger has opened with entry `entry_seq` at `opened_at`."""

    wallet_id: UUID
    participant_id: UUID
    profile: WalletProfile
    entry_seq: int
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMember:
    """A member of staff under a pseudonym, with the term held last; `valid_until` None: without an end."""

    staff_id: UUID
    roles: frozenset[Role]
    ended_at: datetime | None = None
    valid_until: datetime | None = None

    def holds_at(self, now: datetime) -> bool:
        """Whether the roles are held now."""
        return self.ended_at is None and (self.valid_until is None or now < self.valid_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """What is kept of a token; the secret is not."""

    token_id: UUID
    token_sha256: bytes
    subject_kind: TokenSubjectKind
    subject_id: UUID
    roles: frozenset[Role]
    expires_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """By what a power of attorney names a participant: personal data. `version` of the participant's row."""

    kind: str
    inn: str
    ogrn: str | None
    version: int


def numbers_of(principal: Principal) -> dict[str, str]:
    """The participant's numbers as a certificate and a power of attorney name them."""
    is_person = principal.kind in (ParticipantKind.NATURAL_PERSON, ParticipantKind.SOLE_PROPRIETOR)
    numbers = {INN if is_person else INN_LEGAL_ENTITY: principal.inn}
    if principal.ogrn is not None:
        numbers[OGRNIP if is_person else OGRN] = principal.ogrn
    return numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPower:
    """A power of attorney that was found good: its number, and the hashes under which its files are kept."""

    number: str
    sha256: str
    signature_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRepresentative:
    """A representative about to be entered."""

    representative: Representative
    said: RepresentativeSaid
    power: KeptPower | None
    appointed_by: str


class RepresentativeStore(Protocol):
    """The table `representative`."""

    async def principal(self, conn: AsyncConnection, participant_id: UUID) -> Principal | None:
        """What a power of attorney must say of the participant."""
        ...

    async def count_living(self, conn: AsyncConnection, participant_id: UUID) -> int:
        """How many act for a participant; exact while the participant is locked."""
        ...

    async def add(self, conn: AsyncConnection, new: NewRepresentative) -> bool:
        """Enter one; False when the person acts for the participant already."""
        ...

    async def find(self, conn: AsyncConnection, representative_id: UUID) -> Representative | None:
        """Read one without locking it."""
        ...

    async def lock(self, conn: AsyncConnection, representative_id: UUID) -> Representative | None:
        """Read and lock one."""
        ...

    async def lock_living(self, conn: AsyncConnection, participant_id: UUID) -> list[Representative]:
        """Read and lock all who act for a participant."""
        ...

    async def lock_due(self, conn: AsyncConnection, *, now: datetime, limit: int) -> list[Representative]:
        """Lock those whose term has come, leaving out those that another process is at."""
        ...

    async def save_ends(
        self, conn: AsyncConnection, ended: Sequence[Representative], *, by: str, reference: str | None
    ) -> None:
        """Write the ends of locked representatives."""
        ...

    async def note_identified(self, conn: AsyncConnection, identified: Mapping[UUID, datetime]) -> None:
        """Note since when representatives that have not ended are identified."""
        ...


class MandateStore(Protocol):
    """The table `mandate`."""

    async def count_living(self, conn: AsyncConnection, principal_id: UUID, *, now: datetime) -> int:
        """How many of a principal wait or are in force; exact while the participant is locked."""
        ...

    async def add(self, conn: AsyncConnection, one: Mandate, *, by: str, act_sha256: str | None) -> bool:
        """Enter one; False when another between the two is living. One whose term is over makes room."""
        ...

    async def find(self, conn: AsyncConnection, mandate_id: UUID) -> Mandate | None:
        """Read one without locking it."""
        ...

    async def lock(self, conn: AsyncConnection, mandate_id: UUID) -> Mandate | None:
        """Read and lock one; participants are locked before."""
        ...

    async def lock_living(
        self, conn: AsyncConnection, participant_ids: Sequence[UUID], *, now: datetime
    ) -> list[Mandate]:
        """Read and lock all that wait or are in force between any of these and anybody."""
        ...

    async def save_accepted(self, conn: AsyncConnection, one: Mandate, *, by: str, act_sha256: str | None) -> None:
        """Write the acceptance of a locked mandate."""
        ...

    async def save_ends(self, conn: AsyncConnection, ended: Sequence[Mandate], *, by: str) -> None:
        """Write the ends of locked mandates."""
        ...


class StatusStore(Protocol):
    """The table `participant_status`. What a participant holds changes only while the participant is locked."""

    async def row_version(self, conn: AsyncConnection, status_id: UUID) -> int:
        """The version of the status; 0 without one."""
        ...

    async def propose(self, conn: AsyncConnection, status: Status) -> bool:
        """Enter a proposal; False when one for the same status waits already."""
        ...

    async def save(self, conn: AsyncConnection, statuses: Sequence[Status]) -> None:
        """Enter new statuses and write what became of old ones."""
        ...

    async def find(self, conn: AsyncConnection, status_id: UUID) -> Status | None:
        """Read one."""
        ...

    async def held_by(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, list[Status]]:
        """What each of these participants holds; every id has a list."""
        ...

    async def due(self, conn: AsyncConnection, *, now: datetime, limit: int) -> list[UUID]:
        """Participants of whom a held status has come to its end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosedTotals:
    """What has come of a nominee's answer: the hash of each part, how many lines, how many units."""

    parts: Mapping[int, str]
    lines: int
    units: int


class HolderDisclosureStore(Protocol):
    """The tables `holder_disclosure`, `disclosed_part` and `disclosed_holder`."""

    async def row_version(self, conn: AsyncConnection, disclosure_id: UUID) -> int:
        """The version of the request; 0 without one."""
        ...

    async def add(self, conn: AsyncConnection, one: HolderDisclosure) -> None:
        """Enter a request."""
        ...

    async def count_open(self, conn: AsyncConnection, participant_id: UUID) -> int:
        """How many requests of a nominee wait; exact while the participant is locked."""
        ...

    async def lock(self, conn: AsyncConnection, disclosure_id: UUID) -> HolderDisclosure | None:
        """Read and lock one."""
        ...

    async def lock_due(self, conn: AsyncConnection, *, now: datetime, limit: int) -> list[HolderDisclosure]:
        """Lock those whose term has come, leaving out those that another process is at."""
        ...

    async def save(self, conn: AsyncConnection, changed: Sequence[HolderDisclosure]) -> None:
        """Write what became of locked requests."""
        ...

    async def put_part(
        self,
        conn: AsyncConnection,
        disclosure_id: UUID,
        part: int,
        lines: Sequence[DisclosedHolder],
        *,
        sha256: str,
        is_last: bool,
    ) -> None:
        """Keep a part in the place of what came under its number; after the last one there is none."""
        ...

    async def totals(self, conn: AsyncConnection, disclosure_id: UUID) -> DisclosedTotals:
        """What has come of the answer."""
        ...


class ParticipantStore(Protocol):
    """The tables `participant`, `participant_change` and `wallet`."""

    async def add(self, conn: AsyncConnection, entrants: Sequence[Entrant], *, now: datetime) -> set[UUID]:
        """Enter those whose kind and taxpayer number no living participant has; return the ids entered.

        Of two in one batch with the same number the first is entered. Safe against other batches at once.
        """
        ...

    async def lock(self, conn: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Participant]:
        """Read and lock those that exist, in the order of their ids, so that two batches cannot deadlock."""
        ...

    async def save(self, conn: AsyncConnection, changed: Sequence[Participant], *, now: datetime) -> None:
        """Write the standing of locked participants."""
        ...

    async def add_wallets(self, conn: AsyncConnection, wallets: Sequence[Wallet]) -> None:
        """Enter opened wallets."""
        ...

    async def lock_undecided(self, conn: AsyncConnection, *, before: datetime, limit: int) -> list[Participant]:
        """Lock undecided applications registered at or before an instant that no other process is at."""
        ...

    async def ask_closing(self, conn: AsyncConnection, closing: Closing) -> None:
        """Keep a request to close."""
        ...

    async def end_closing(self, conn: AsyncConnection, participant_id: UUID) -> None:
        """Forget a request that was refused."""
        ...

    async def closing(self, conn: AsyncConnection, participant_id: UUID) -> Closing | None:
        """The request to close that stands."""
        ...

    async def close_wallet(self, conn: AsyncConnection, participant_id: UUID, *, seq: int, at: datetime) -> None:
        """Note the ledger entry that closed the wallet."""
        ...

    async def kind(self, conn: AsyncConnection, participant_id: UUID) -> str:
        """What a participant is in law."""
        ...

    async def person(self, conn: AsyncConnection, participant_id: UUID) -> tuple[str, contract.RegisteredPerson]:
        """What a participant is in law, and who: personal data."""
        ...

    async def note_issues(self, conn: AsyncConnection, news: Sequence[dict[str, Any]]) -> None:
        """Take in whose an issue is (`issuer`) and in which `state`; what news does not tell stays."""
        ...

    async def live_issues(self, conn: AsyncConnection, participant_id: UUID) -> int:
        """How many published decisions of an issuer are not at their end."""
        ...

    async def signing(self, conn: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
        """Those of the participants to whom a certificate is bound that may sign."""
        ...

    async def unlike_certificates(self, conn: AsyncConnection, *, required: bool, limit: int) -> list[UUID]:
        """Who has a wallet and is restricted for want of a certificate when not to be, or the other way round."""
        ...


class Accepting(NamedTuple):
    """Who accepts which version, by whom, with what consent, and which file of a signed act proves it."""

    participant_id: UUID
    rule_book: RuleBook
    accepted_by: str
    personal_data_consent: bool
    act_file_sha256: str | None = None


class RuleBookStore(Protocol):
    """The tables `rule_book` and `rule_book_acceptance`."""

    async def in_force(self, conn: AsyncConnection) -> RuleBook:
        """The version in force; locked against its end until the transaction is over."""
        ...

    async def add(self, conn: AsyncConnection, rule_book: RuleBook) -> bool:
        """Enter a version; False when its name is taken."""
        ...

    async def begin_with(self, conn: AsyncConnection, rule_book: RuleBook) -> bool:
        """Enter the first version, if there is none in force; True when this call did it."""
        ...

    async def lock(self, conn: AsyncConnection, version: str) -> RuleBook | None:
        """Read and lock a version."""
        ...

    async def lock_due(self, conn: AsyncConnection, *, on: date) -> list[RuleBook]:
        """Lock the agreed versions whose day has come, the earliest first."""
        ...

    async def lock_in_force(self, conn: AsyncConnection) -> RuleBook:
        """Read and lock the version in force, to end it."""
        ...

    async def save(self, conn: AsyncConnection, rule_book: RuleBook) -> None:
        """Write the state of a locked version."""
        ...

    async def accept(self, conn: AsyncConnection, acceptances: Sequence[Accepting], *, now: datetime) -> set[UUID]:
        """Keep acceptances; return the participants for whom it is new."""
        ...


class AccessStore(Protocol):
    """The table `access_token`."""

    async def row_version(self, conn: AsyncConnection, token_id: UUID) -> int:
        """The version of the token; 0 without one."""
        ...

    async def add_token(self, conn: AsyncConnection, token: AccessToken, *, issued_by: str, now: datetime) -> None:
        """Enter a token."""
        ...

    async def lock_token(self, conn: AsyncConnection, token_id: UUID) -> AccessToken | None:
        """Read and lock a token by its public id."""
        ...

    async def revoke_token(self, conn: AsyncConnection, token_id: UUID, *, revoked_by: str, now: datetime) -> None:
        """Note that the token opens nothing from `now` on."""
        ...

    async def revoke_tokens_of(
        self, conn: AsyncConnection, subject_ids: Sequence[UUID], *, revoked_by: str, now: datetime
    ) -> list[bytes]:
        """Revoke every live token of these subjects; return their SHA-256."""
        ...

    async def revoke_roles(
        self, conn: AsyncConnection, lost: Sequence[tuple[UUID, Role]], *, revoked_by: str, now: datetime
    ) -> list[bytes]:
        """Revoke live tokens with a role that a participant lost, its own and its representatives'."""
        ...


class StaffStore(Protocol):
    """The tables `staff`, `staff_term` and `staff_change`."""

    async def add(self, conn: AsyncConnection, member: StaffMember, *, registered_by: str, now: datetime) -> bool:
        """Enter a member of staff with the first term; False when the id is taken."""
        ...

    async def find(self, conn: AsyncConnection, staff_id: UUID) -> StaffMember | None:
        """The member with the last term, if registered; neither changes while this transaction lasts."""
        ...

    async def lock(self, conn: AsyncConnection, staff_id: UUID) -> StaffMember | None:
        """Read and lock the member, if registered."""
        ...

    async def end(
        self, conn: AsyncConnection, staff_id: UUID, *, reference: str, ended_by: str, now: datetime
    ) -> None:
        """Note the end of a locked member and of its term."""
        ...

    async def next_term(self, conn: AsyncConnection, change: StaffChange, *, now: datetime) -> None:
        """Let a locked member hold from now on what the change says."""
        ...

    async def end_due(self, conn: AsyncConnection, *, now: datetime, limit: int) -> list[StaffMember]:
        """End terms whose end has come, leaving out members that another process is at; what was held."""
        ...

    async def propose(self, conn: AsyncConnection, change: StaffChange) -> bool:
        """Enter a proposal; False when one of the same member waits."""
        ...

    async def find_change(self, conn: AsyncConnection, change_id: UUID) -> StaffChange | None:
        """A proposal and what came of it; decided on only while its member is locked."""
        ...

    async def change_version(self, conn: AsyncConnection, change_id: UUID) -> int:
        """The version of the proposal's row; 0 without one."""
        ...

    async def save_change(self, conn: AsyncConnection, change: StaffChange) -> None:
        """Write the decision."""
        ...


class ExtractPages(Protocol):
    """The read model of the register at an instant (`queries.register_extract`)."""

    async def __call__(
        self,
        conn: AsyncConnection,
        *,
        actor: Actor,
        now: datetime,
        at: datetime | None = None,
        after: UUID | None = None,
        limit: int = 100,
    ) -> RegisterExtract:
        """A page, in the order of ids."""
        ...


class ShownRepresentative(Protocol):
    """The read model of one representative (`queries.representatives`), for the answer to an act upon it."""

    async def __call__(self, conn: AsyncConnection, representative_id: UUID) -> contract.Representative:
        """One that is known to be there, with its name."""
        ...


class SecretSource(Protocol):
    """Where secrets are drawn."""

    def draw(self, count: int) -> bytes:
        """`count` unpredictable bytes."""
        ...
