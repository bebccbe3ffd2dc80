"""List versions (версии перечней): each load of a list is one, with its hash, source, time and count."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from kapital.identity.domain.problems import (
    MakerAndCheckerMustDiffer,
    ScreeningMustBeCurrent,
    ScreeningMustBeRecorded,
)
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
    """A client whose particulars are compared with the lists. Personal data.

    Shape: `compared` is the version of each list that it was compared with when it was recorded.
    """

    participant_id: UUID
    particulars: Particulars
    particulars_sha256: str
    measure: Measure
    recorded_by: str
    recorded_at: datetime
    compared: Mapping[ListSource, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """How a client stands to the lists in force. Shape: `compared` the version of each list that the client was
    compared with, `waiting` lists in force that it was not compared with yet.
    """

    measure: Measure
    compared: Mapping[ListSource, int]
    waiting: frozenset[ListSource]
    screened_at: datetime
    particulars_sha256: str


def require_screened(screening: Screening | None, *, required: Collection[ListSource] = ()) -> Screening:
    """Refuse an approval that rests on a person's word alone.

    Law: 115-FZ art. 7(1)(1), (7): a client is checked against the lists before being served.
    Raises: ScreeningMustBeRecorded, ScreeningMustBeCurrent – in this order of precedence.
    """
    if screening is None:
        raise ScreeningMustBeRecorded
    if screening.waiting:
        raise ScreeningMustBeCurrent(facts={"waiting": min(screening.waiting).value})
    if missing := sorted(set(required) - set(screening.compared)):
        raise ScreeningMustBeCurrent(facts={"missing": missing[0].value})
    return screening
