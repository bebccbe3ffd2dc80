"""The review (проверка) of an accepted order whose certificate does not stand any more when the placement ends.

Law: 63-FZ art. 11 (2) (a signature is judged by the moment of signing); domain.md 4, scenario 21.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.problems import MakerAndCheckerMustDiffer
from kapital.kernel.roles import Role
from kapital.kernel.states import StateMachine, Step
from kapital.tokenization.domain.problems import OrderReviewMustMatch, SignatureMustHold


class ReviewState(StrEnum):
    """Where the check of one act before settlement stands."""

    WAITING = "waiting"
    PASSED = "passed"
    HELD = "held"
    PROPOSED = "proposed"
    GOES_ON = "goes_on"
    NOT_ALLOCATED = "not_allocated"


class ReviewVerdict(StrEnum):
    """What two persons may decide."""

    GO_ON = "go_on"
    NOT_ALLOCATE = "not_allocate"


_R = ReviewState
ORDER_REVIEW: Final = StateMachine(
    "order_review",
    (
        Step(_R.WAITING, "passed", _R.PASSED, Role.SCHEDULER, guard="the certificate stands"),
        Step(_R.WAITING, "held", _R.HELD, Role.SCHEDULER, guard="revoked or suspended since, or not valid"),
        Step(_R.HELD, "proposed", _R.PROPOSED, Role.COMPLIANCE, guard="go on only where the signature holds"),
        Step(_R.PROPOSED, "returned", _R.HELD, Role.COMPLIANCE, dual_control=True, guard="hash seen"),
        Step(_R.PROPOSED, "let_go", _R.GOES_ON, Role.COMPLIANCE, dual_control=True, guard="hash seen"),
        Step(_R.PROPOSED, "barred", _R.NOT_ALLOCATED, Role.COMPLIANCE, dual_control=True, guard="hash seen"),
    ),
    terminal=(_R.PASSED, _R.GOES_ON, _R.NOT_ALLOCATED),
    initial=_R.WAITING,
)


class ActToReview(msgspec.Struct, frozen=True, kw_only=True):
    """An act behind accepted orders of an issue; `file_sha256` names its file."""

    issue_id: UUID
    actor_id: str
    command_id: str
    participant_id: UUID
    file_sha256: str


class OrderReview(msgspec.Struct, frozen=True, kw_only=True):
    """The check of one act in one issue; it covers every accepted order that the act placed there.

    `signature_holds`: the signature was made while its certificate stood. `revoked_at`: when it was revoked since.
    `file_sha256` names the file of this check in the object store.
    """

    review_id: UUID
    issue_id: UUID
    actor_id: str
    command_id: str
    participant_id: UUID
    state: ReviewState
    version: int
    signature_holds: bool
    reasons: str
    revoked_at: datetime | None
    signed_at: datetime
    file_sha256: str
    checked_at: datetime
    verdict: ReviewVerdict | None = None
    reason: str | None = None
    proposed_by: str | None = None
    proposed_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None

    @property
    def proposal_sha256(self) -> str | None:
        """SHA-256 (hex) of the proposal in canonical form, which the second person names; None without one."""
        if self.verdict is None:
            return None
        proposal = {
            "review_id": str(self.review_id),
            "file_sha256": self.file_sha256,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "proposed_by": self.proposed_by,
        }
        return sha256_hex(canonical_bytes(proposal))

    def moved(self, on: str, **changes: Any) -> tuple["OrderReview", Step[ReviewState]]:
        """The review after one step. Raises: WrongState."""
        step = ORDER_REVIEW.step(self.state, on)
        return msgspec.structs.replace(self, state=step.target, version=self.version + 1, **changes), step

    def proposed(
        self, verdict: ReviewVerdict, reason: str, *, by: str, at: datetime
    ) -> tuple["OrderReview", Step[ReviewState]]:
        """The review with what one person proposes. Raises: WrongState, SignatureMustHold."""
        after, step = self.moved("proposed", verdict=verdict, reason=reason, proposed_by=by, proposed_at=at)
        if verdict is ReviewVerdict.GO_ON and not self.signature_holds:
            raise SignatureMustHold(facts={"reasons": self.reasons})
        return after, step

    def decided(self, *, confirm: bool, seen: str, by: str, at: datetime) -> tuple["OrderReview", Step[ReviewState]]:
        """The review after another person confirmed the proposal, or returned it.

        Raises: WrongState, MakerAndCheckerMustDiffer, OrderReviewMustMatch.
        """
        on = "returned"
        if confirm:
            on = "let_go" if self.verdict is ReviewVerdict.GO_ON else "barred"
        after, step = self.moved(on, decided_by=by, decided_at=at)
        if by == self.proposed_by:
            raise MakerAndCheckerMustDiffer
        if seen != self.proposal_sha256:
            raise OrderReviewMustMatch
        return after, step
