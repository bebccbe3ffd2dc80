"""A recorded outside value (значение фиксации) or event outcome; it counts once another person confirmed it.

Law: domain.md 2.2 (who confirms: four eyes), 3.6 (fixing 2E when the source is manual).
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from kapital.kernel.problems import MakerAndCheckerMustDiffer
from kapital.kernel.states import Step
from kapital.tokenization.domain.problems import FixingValueMustMatch
from kapital.tokenization.domain.problems_life import ContestTermMustRun
from kapital.tokenization.domain.states import FIXING, FixingState


class FixingKind(StrEnum):
    """A value of a series on a day, the outcome of an issue's event, or what stands in for a value of one issue."""

    FIXING = "fixing"
    OUTCOME = "outcome"
    SUBSTITUTE = "substitute"


class ContestVerdict(StrEnum):
    """What two persons may say of a contested outcome."""

    UPHOLD = "uphold"
    OVERTURN = "overturn"


class Fixing(msgspec.Struct, frozen=True, kw_only=True):
    """Shape: `series` and `observed_on` for a value, `issue_id` for an outcome, all three for a substitute.

    `value` is the text as published. A substitute names the series and the day that its value is taken from;
    `reason` says why the decision's fallback was applied, to a value or to an outcome.
    An outcome may be contested until before `contest_until_at`; `verdict` is what one person said of the contest.
    """

    fixing_id: UUID
    kind: FixingKind
    series: str | None = None
    observed_on: date | None = None
    issue_id: UUID | None = None
    value: str
    state: FixingState
    version: int
    evidence: str
    document_sha256: str | None
    recorded_by: str
    recorded_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    contest_until_at: datetime | None = None
    contested_by: str | None = None
    contested_at: datetime | None = None
    contest_reason: str | None = None
    contest_document_sha256: str | None = None
    verdict: ContestVerdict | None = None
    verdict_by: str | None = None
    taken_series: str | None = None
    taken_from_on: date | None = None
    reason: str | None = None

    def differs_from(self, other: "Fixing") -> bool:
        """Whether it says another thing: "14.0" and "14.00" are one value."""
        if self.kind is FixingKind.OUTCOME:
            return self.value != other.value
        return Decimal(self.value) != Decimal(other.value)

    def contested(
        self, *, reason: str, document_sha256: str | None, by: str, at: datetime
    ) -> tuple["Fixing", Step[FixingState]]:
        """The outcome after somebody contested it in its term. Raises: WrongState, ContestTermMustRun."""
        step = FIXING.step(self.state, "contested")
        if self.contest_until_at is None or at >= self.contest_until_at:
            raise ContestTermMustRun(
                facts={"until": "" if self.contest_until_at is None else self.contest_until_at.isoformat()}
            )
        changes: dict[str, Any] = {
            "contested_by": by,
            "contested_at": at,
            "contest_reason": reason,
            "contest_document_sha256": document_sha256,
        }
        return self._after(step, **changes), step

    def judged(self, verdict: "ContestVerdict", *, seen: str, by: str) -> tuple["Fixing", Step[FixingState] | None]:
        """The contested outcome after a person gave a verdict: decided when another gave the same before.

        Raises: WrongState, MakerAndCheckerMustDiffer, FixingValueMustMatch.
        """
        step = FIXING.step(self.state, "upheld" if verdict is ContestVerdict.UPHOLD else "overturned")
        if by in (self.recorded_by, self.decided_by, self.contested_by):
            raise MakerAndCheckerMustDiffer
        if seen != self.value:
            raise FixingValueMustMatch(facts={"seen": seen[:64], "kept": self.value})
        if verdict is not self.verdict:
            return msgspec.structs.replace(self, version=self.version + 1, verdict=verdict, verdict_by=by), None
        if by == self.verdict_by:
            raise MakerAndCheckerMustDiffer
        return self._after(step), step

    def _after(self, step: Step[FixingState], **changes: Any) -> "Fixing":
        return msgspec.structs.replace(self, version=self.version + 1, state=step.target, **changes)

    def term_over(self) -> tuple["Fixing", Step[FixingState]]:
        """The outcome that nobody contested. Raises: WrongState."""
        step = FIXING.step(self.state, "term_over")
        return self._after(step), step

    def decided(
        self, on: str, *, seen: str, by: str, at: datetime, contest_until_at: datetime | None = None
    ) -> tuple["Fixing", Step[FixingState]]:
        """The value after another person confirmed or rejected it.

        Raises: WrongState, MakerAndCheckerMustDiffer, FixingValueMustMatch.
        """
        step = FIXING.step(self.state, on)
        if by == self.recorded_by:
            raise MakerAndCheckerMustDiffer
        if seen != self.value:
            raise FixingValueMustMatch(facts={"seen": seen[:64], "kept": self.value})
        changes: dict[str, Any] = {"state": step.target, "decided_by": by, "decided_at": at}
        changes |= {"contest_until_at": contest_until_at}
        return msgspec.structs.replace(self, version=self.version + 1, **changes), step
