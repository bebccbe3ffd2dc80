"""The hit (совпадение): what screening found about one client, and what persons decided on it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from kapital.identity.domain.problems import (
    DecisionNamesAnotherHit,
    MakerAndCheckerMustDiffer,
    ReleaseMustBeProposed,
)
from kapital.identity.domain.screening import (
    DECISION_HOURS,
    Grade,
    ListEffect,
    ListPurpose,
    ListSource,
    Match,
    effect_of,
)
from kapital.identity.domain.states import SCREENING_HIT, HitState
from kapital.kernel.calendar import MOSCOW
from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.problems import ensure


class Measure(StrEnum):
    """What may be done with a participant's property. The strictest of all its hits."""

    FREE = "free"
    HELD = "held"  # operations wait for a person's decision
    FROZEN = "frozen"  # 115-FZ: property is frozen, income goes to a blocked position


@dataclass(slots=True, kw_only=True)
class ScreeningHit:
    """A hit. Shape: `list_number` is the version of the list in which the pair was found."""

    hit_id: UUID
    participant_id: UUID
    source: ListSource
    list_number: int
    entry_uid: str
    entry_sha256: str
    particulars_sha256: str
    purpose: ListPurpose
    grade: Grade
    score_ppm: int
    reasons: tuple[str, ...]
    state: HitState
    raised_at: datetime
    decide_by: datetime | None
    proposed_by: str | None = None
    proposed_at: datetime | None = None
    proposal_reason: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of what was compared and found: a decision names it."""
        return sha256_hex(
            canonical_bytes(
                {
                    "participant_id": self.participant_id,
                    "source": self.source.value,
                    "entry_uid": self.entry_uid,
                    "entry_sha256": self.entry_sha256,
                    "particulars_sha256": self.particulars_sha256,
                    "score_ppm": self.score_ppm,
                    "reasons": list(self.reasons),
                }
            )
        )

    @property
    def measure(self) -> Measure:
        """What this hit alone brings. Who may be a public official is served on meanwhile."""
        if self.state is HitState.FROZEN:
            return Measure.FROZEN
        held = self.state is HitState.SUSPECTED and self.purpose is ListPurpose.SANCTIONS
        return Measure.HELD if held else Measure.FREE

    def is_overdue(self, now: datetime) -> bool:
        """Whether the term for the decision has passed without one."""
        return self.state is HitState.SUSPECTED and self.decide_by is not None and self.decide_by <= now

    def described_anew(self, again: "ScreeningHit") -> bool:
        """Take in that the same pair was found under other words; whether it freezes now and did not before.

        What stands is one hit: it is shown with the reasons of both, is never weakened, and what was proposed on
        fewer words is proposed no more.
        """
        froze = self.state is HitState.FROZEN
        stronger = (again.grade is Grade.EXACT, again.score_ppm) >= (self.grade is Grade.EXACT, self.score_ppm)
        if stronger:
            self.grade, self.score_ppm = again.grade, again.score_ppm
        first, second = (again, self) if stronger else (self, again)
        self.reasons = tuple(dict.fromkeys((*first.reasons, *second.reasons)))
        self.particulars_sha256, self.list_number = again.particulars_sha256, again.list_number
        self.proposed_by = self.proposed_at = self.proposal_reason = None
        if self.state is HitState.SUSPECTED and again.state is HitState.FROZEN:
            # The term of the message to Rosfinmonitoring runs from the measure.
            self.state, self.decide_by, self.raised_at = HitState.FROZEN, None, again.raised_at
        return self.state is HitState.FROZEN and not froze

    def confirm(self, *, hit_sha256: str, officer_id: str, reason: str, now: datetime) -> None:
        """Say that the client is who stands in the list. One officer is enough: this protects, and cannot wait.

        Raises: WrongState, DecisionNamesAnotherHit – in this order of precedence.
        """
        on = "confirmed" if self.purpose is ListPurpose.SANCTIONS else "confirmed_pep"
        target = SCREENING_HIT.step(self.state, on).target
        self._require_same(hit_sha256)
        self.state = target
        self.decided_by, self.decided_at, self.decision_reason = officer_id, now, reason
        self.proposed_by = self.proposed_at = self.proposal_reason = None

    def propose_release(self, *, hit_sha256: str, officer_id: str, reason: str, now: datetime) -> None:
        """Say that the client is somebody else, or that the measure has to end. Nothing changes yet.

        Raises: WrongState, DecisionNamesAnotherHit – in this order of precedence.
        """
        SCREENING_HIT.step(self.state, "released")
        self._require_same(hit_sha256)
        self.proposed_by, self.proposed_at, self.proposal_reason = officer_id, now, reason

    def approve_release(self, *, hit_sha256: str, officer_id: str, reason: str, now: datetime) -> None:
        """Release what another officer proposed to release.

        Raises: WrongState, DecisionNamesAnotherHit, ReleaseMustBeProposed, MakerAndCheckerMustDiffer – in this order
        of precedence.
        """
        target = SCREENING_HIT.step(self.state, "released").target
        self._require_same(hit_sha256)
        if self.proposed_by is None:
            raise ReleaseMustBeProposed
        if self.proposed_by == officer_id:
            raise MakerAndCheckerMustDiffer
        self.state = target
        self.decided_by, self.decided_at, self.decision_reason = officer_id, now, reason

    def _require_same(self, hit_sha256: str) -> None:
        if hit_sha256 != self.sha256:
            raise DecisionNamesAnotherHit(facts={"named": hit_sha256, "recorded": self.sha256})


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An entry in force, and the list that it stands in."""

    source: ListSource
    list_number: int
    uid: str
    sha256: str
    purpose: ListPurpose


def raised(
    hit_id: UUID, participant_id: UUID, *, particulars_sha256: str, listed: Listed, match: Match, now: datetime
) -> ScreeningHit:
    """The hit that a match makes: frozen at once when exact and the list is one that freezes, else suspected.

    Law: 115-FZ art. 7(1)(6) (freezing without delay), domain.md 3.8.
    """
    ensure(match.grade is not Grade.NONE, "a hit is raised on a match")
    freezes = effect_of(listed.source) is ListEffect.FREEZE and listed.purpose is ListPurpose.SANCTIONS
    at_once = freezes and match.grade is Grade.EXACT
    hours = DECISION_HOURS.at(now.astimezone(MOSCOW).date())
    return ScreeningHit(
        hit_id=hit_id,
        participant_id=participant_id,
        source=listed.source,
        list_number=listed.list_number,
        entry_uid=listed.uid,
        entry_sha256=listed.sha256,
        particulars_sha256=particulars_sha256,
        purpose=listed.purpose,
        grade=match.grade,
        score_ppm=match.score_ppm,
        reasons=match.reasons,
        state=HitState.FROZEN if at_once else HitState.SUSPECTED,
        raised_at=now,
        decide_by=None if at_once else now + timedelta(hours=hours),
    )


def strictest(measures: Iterable[Measure]) -> Measure:
    """The measure of a participant with several hits."""
    found = set(measures)
    return next((m for m in (Measure.FROZEN, Measure.HELD) if m in found), Measure.FREE)
