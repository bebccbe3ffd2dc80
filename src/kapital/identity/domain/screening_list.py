"""List versions (версии перечней): each load of a list is one, with its hash, source, time and count."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kapital.identity.domain.problems import MakerAndCheckerMustDiffer
from kapital.identity.domain.screening import ListEntry, ListSource, Particulars
from kapital.identity.domain.screening_hit import Listed, Measure
from kapital.identity.domain.states import LIST_VERSION, ListVersionState


@dataclass(slots=True, kw_only=True)
class ListVersion:
    """A version. Shape: `number` counts the loads of a list from 1; `changed_count` is known once it is in force."""

    version_id: UUID
    source: ListSource
    number: int
    format: str
    file_sha256: str
    file_bytes: int
    list_date: str | None
    entry_count: int
    entries_before: int
    deviation_count: int
    state: ListVersionState
    loaded_by: str
    loaded_at: datetime
    changed_count: int | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None
    rescreened_at: datetime | None = None

    def decide(self, on: str, *, officer_id: str, reason: str, now: datetime) -> None:
        """Approve or reject a held version (`on` is "approved" or "rejected").

        Raises: WrongState, MakerAndCheckerMustDiffer – in this order of precedence.
        """
        target = LIST_VERSION.step(self.state, on).target
        if officer_id == self.loaded_by:
            raise MakerAndCheckerMustDiffer
        self.state = target
        self.decided_by, self.decided_at, self.decision_reason = officer_id, now, reason

    def supersede(self) -> None:
        """End because a later version comes into force. Raises: WrongState."""
        self.state = LIST_VERSION.step(self.state, "superseded").target


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An entry in force with its place."""

    listed: Listed
    entry: ListEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenedClient:
    """A client whose particulars are compared with the lists. Personal data."""

    participant_id: UUID
    particulars: Particulars
    particulars_sha256: str
    measure: Measure
    recorded_by: str
    recorded_at: datetime
