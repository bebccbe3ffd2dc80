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
from kapital.tokenization.domain.states import FIXING, FixingState


class FixingKind(StrEnum):
    """A value of a series on a day, or the outcome of the event of one issue."""

    FIXING = "fixing"
    OUTCOME = "outcome"


class Fixing(msgspec.Struct, frozen=True, kw_only=True):
    """Shape: `series` and `observed_on` for a value, `issue_id` for an outcome; `value` is the text as published."""

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

    def differs_from(self, other: "Fixing") -> bool:
        """Whether it says another thing: "14.0" and "14.00" are one value."""
        if self.kind is FixingKind.OUTCOME:
            return self.value != other.value
        return Decimal(self.value) != Decimal(other.value)

    def decided(self, on: str, *, seen: str, by: str, at: datetime) -> tuple["Fixing", Step[FixingState]]:
        """The value after another person confirmed or rejected it.

        Raises: WrongState, MakerAndCheckerMustDiffer, FixingValueMustMatch.
        """
        step = FIXING.step(self.state, on)
        if by == self.recorded_by:
            raise MakerAndCheckerMustDiffer
        if seen != self.value:
            raise FixingValueMustMatch(facts={"seen": seen[:64], "kept": self.value})
        changes: dict[str, Any] = {"state": step.target, "decided_by": by, "decided_at": at}
        return msgspec.structs.replace(self, version=self.version + 1, **changes), step
