"""Whether a version of the payoff code may compute new issues: proposed by one person, approved by another.

Law: 259-FZ art. 3 (the decision names the smart contract's code [M]); domain.md 4, scenario 65 (a change of the hash
is recorded by two persons). An issue that is published keeps its version, whatever is decided later.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.problems import Family, MakerAndCheckerMustDiffer, Problem, Retry
from kapital.kernel.roles import Role
from kapital.kernel.states import StateMachine, Step
from kapital.tokenization.domain.problems_life import ProposalMustMatch

INSTALLATION: Final = "installation"
"""Who is named for the versions that were in use before approvals were kept."""


class PayoffCodeMustBeApproved(Problem):
    """Two persons have not approved this version of the payoff code. Facts: `code_sha256`, `evaluator_version`."""

    code = "payoff_code_must_be_approved"
    title = "This version of the payoff code is not approved for new issues"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class PayoffCodeChanged(Problem):
    """The file of a version is not the one whose hash decisions name. Facts: `file`, `expected`, `found`."""

    code = "payoff_code_changed"
    title = "The file of the payoff code is not the one that decisions name"
    retry = Retry.NEVER
    family = Family.CONFLICT


class PayoffCodeMustBeNew(Problem):
    """This version is proposed or approved already. Facts: `code_sha256`, `state`."""

    code = "payoff_code_must_be_new"
    title = "This version of the payoff code is proposed or approved already"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class PayoffCodeNotProposed(Problem):
    """Nobody proposed this version. Facts: `code_sha256`."""

    code = "payoff_code_not_proposed"
    title = "No such proposal of a version of the payoff code"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class PayoffCodeState(StrEnum):
    """Where the approval of a version stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


_S = PayoffCodeState
PAYOFF_CODE: Final = StateMachine(
    "payoff_code",
    (
        Step(_S.PROPOSED, "approved", _S.APPROVED, Role.RISK, dual_control=True, guard="hash seen"),
        Step(_S.PROPOSED, "rejected", _S.REJECTED, Role.RISK, dual_control=True, guard="hash seen"),
    ),
    terminal=(_S.APPROVED, _S.REJECTED),
    initial=_S.PROPOSED,
)


class PayoffCode(msgspec.Struct, frozen=True, kw_only=True):
    """The approval of one version of the payoff code.

    `document_sha256` is the report of its examination; None of the versions from before approvals were kept, which
    name `INSTALLATION` and nobody else.
    """

    proposal_id: UUID
    code_sha256: str
    evaluator_version: int
    state: PayoffCodeState
    version: int
    reason: str
    document_sha256: str | None
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None

    @property
    def proposal_sha256(self) -> str:
        """SHA-256 (hex) of what is proposed, in canonical form: what the second person names."""
        content = {
            "proposal_id": str(self.proposal_id),
            "code_sha256": self.code_sha256,
            "evaluator_version": str(self.evaluator_version),
            "reason": self.reason,
            "document_sha256": self.document_sha256,
            "proposed_by": self.proposed_by,
        }
        return sha256_hex(canonical_bytes(content))

    def decided(
        self, *, approve: bool, seen: str, by: str, at: datetime
    ) -> tuple["PayoffCode", Step[PayoffCodeState]]:
        """The approval after another person decided it.

        Raises: WrongState, MakerAndCheckerMustDiffer, ProposalMustMatch.
        """
        step = PAYOFF_CODE.step(self.state, "approved" if approve else "rejected")
        if by == self.proposed_by:
            raise MakerAndCheckerMustDiffer
        if seen != self.proposal_sha256:
            raise ProposalMustMatch
        after = msgspec.structs.replace(
            self, state=step.target, version=self.version + 1, decided_by=by, decided_at=at
        )
        return after, step
