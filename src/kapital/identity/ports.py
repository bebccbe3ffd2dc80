"""What the use cases of identity need from outside."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import identity as contract
from kapital.identity.domain.freeze import Freeze
from kapital.identity.domain.freeze_entry import AskedEntry, FollowedHit
from kapital.identity.domain.kyc_case import KycCase
from kapital.identity.domain.screening import ListEntry, ListSource, Match, Particulars
from kapital.identity.domain.screening_hit import Measure, ScreeningHit
from kapital.identity.domain.screening_list import ListVersion, ScreenedClient, StoredEntry


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

    async def lock_approved(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, KycCase]:
        """Read the case whose approval is in force, of each participant that has one; call after `lock_latest`."""
        ...

    async def lock_ended(self, conn: AsyncConnection, *, now: datetime, limit: int) -> list[KycCase]:
        """Read and lock approvals whose term has come, leaving out those that somebody works on."""
        ...

    async def under_measures(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> set[UUID]:
        """Those of the participants whose operations are held or frozen because of a hit."""
        ...

    async def save_identifications(self, conn: AsyncConnection, cases: Sequence[KycCase]) -> None:
        """Write the identification just recorded in each case, and the case's state."""
        ...

    async def save(self, conn: AsyncConnection, cases: Sequence[KycCase]) -> None:
        """Write state and decision of locked cases, in the order given."""
        ...


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
    """The table `screening_client`."""

    async def put(self, conn: AsyncConnection, clients: Sequence[ScreenedClient]) -> None:
        """Enter clients, or replace their particulars; the measure of one that is known stays."""
        ...

    async def all(self, conn: AsyncConnection) -> list[ScreenedClient]:
        """Every client."""
        ...

    async def lock_measures(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, Measure]:
        """Lock clients in the order of their ids and read their measures."""
        ...

    async def save_measures(self, conn: AsyncConnection, measures: Mapping[UUID, Measure]) -> None:
        """Write measures of locked clients."""
        ...


class HitStore(Protocol):
    """The table `screening_hit`."""

    async def raise_new(self, conn: AsyncConnection, hits: Sequence[ScreeningHit]) -> list[ScreeningHit]:
        """Enter hits whose pair was never raised with the same words; return those entered."""
        ...

    async def lock(self, conn: AsyncConnection, hit_id: UUID) -> ScreeningHit | None:
        """Read and lock one hit."""
        ...

    async def save(self, conn: AsyncConnection, hit: ScreeningHit) -> None:
        """Write state and decisions of a locked hit."""
        ...

    async def measures(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, Measure]:
        """The strictest measure of each participant's hits."""
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

FreezeTold = Callable[[Freeze, Sequence[AskedEntry]], contract.Freeze]
"""Says a freeze with its entries in the contract's words."""
