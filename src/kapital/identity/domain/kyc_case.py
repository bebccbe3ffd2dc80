"""The case (дело об идентификации): one identification of one participant, and its decision."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from kapital.identity.domain.parameters import valid_until_of
from kapital.identity.domain.problems import (
    CaseNotAwaitingIdentification,
    DecisionNamesAnotherIdentification,
    MakerAndCheckerMustDiffer,
    QualifiedStatusNeedsEvidence,
    ScreeningHitCannotBeApproved,
)
from kapital.identity.domain.states import KYC_CASE, CaseState
from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.problems import InvariantBroken, ensure


class InvestorCategory(StrEnum):
    """Whether the participant is a qualified investor (квалифицированный инвестор)."""

    QUALIFIED = "qualified"
    UNQUALIFIED = "unqualified"


class DocumentKind(StrEnum):
    """What the participant was identified by."""

    PASSPORT_RF = "passport_rf"
    PASSPORT_FOREIGN = "passport_foreign"
    RESIDENCE_PERMIT = "residence_permit"
    EGRUL_EXTRACT = "egrul_extract"
    EGRIP_EXTRACT = "egrip_extract"


class ScreeningResult(StrEnum):
    """What the recording person attests to have found in the lists."""

    CLEAR = "clear"
    HIT = "hit"


class KycOutcome(StrEnum):
    """What the deciding person says."""

    APPROVED = "approved"
    REJECTED = "rejected"


class Identification(msgspec.Struct, frozen=True, kw_only=True):
    """What was recorded, by whom and when. Its canonical bytes are what the second person decides on."""

    case_id: UUID
    participant_id: UUID
    document_kind: DocumentKind
    document_sha256: str
    category: InvestorCategory
    category_evidence_reference: str | None
    screening_list_version: str
    screening_result: ScreeningResult
    identified_by: str
    identified_at: datetime

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) over the RFC 8785 form."""
        return sha256_hex(canonical_bytes(self))


IDENTIFIABLE: Final = frozenset({CaseState.APPROVED, CaseState.EXPIRED, CaseState.SUPERSEDED})
"""States of the latest case after which an identification opens a new one: a renewal."""


@dataclass(slots=True, kw_only=True)
class KycCase:
    """A case. Shape: `number` counts a participant's cases from 1."""

    case_id: UUID
    participant_id: UUID
    number: int
    opened_at: datetime
    state: CaseState = CaseState.OPENED
    identification: Identification | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_basis: str | None = None
    valid_until: datetime | None = None

    def record(self, identification: Identification) -> None:
        """Take in what a person recorded. Raises: CaseNotAwaitingIdentification, QualifiedStatusNeedsEvidence."""
        ensure(identification.case_id == self.case_id, "an identification belongs to its case")
        if self.state is not CaseState.OPENED:
            raise CaseNotAwaitingIdentification(facts={"state": self.state.value})
        qualified = identification.category is InvestorCategory.QUALIFIED
        if qualified and identification.category_evidence_reference is None:
            raise QualifiedStatusNeedsEvidence
        self._step("identification_recorded")
        self.identification = identification

    def decide(
        self, outcome: KycOutcome, *, identification_sha256: str, basis: str, officer_id: str, now: datetime
    ) -> None:
        """Approve or reject what another person recorded.

        Raises: WrongState, MakerAndCheckerMustDiffer, DecisionNamesAnotherIdentification,
        ScreeningHitCannotBeApproved – in this order of precedence.
        """
        KYC_CASE.step(self.state, outcome.value)
        recorded = self.recorded
        if recorded.identified_by == officer_id:
            raise MakerAndCheckerMustDiffer
        if recorded.sha256 != identification_sha256:
            facts = {"named": identification_sha256, "recorded": recorded.sha256}
            raise DecisionNamesAnotherIdentification(facts=facts)
        if outcome is KycOutcome.APPROVED:
            if recorded.screening_result is ScreeningResult.HIT:
                raise ScreeningHitCannotBeApproved(facts={"screening_list_version": recorded.screening_list_version})
            self.valid_until = valid_until_of(now)
        self._step(outcome.value)
        self.decided_by, self.decided_at, self.decision_basis = officer_id, now, basis

    def supersede(self) -> None:
        """End an approval because a renewal was decided. Raises: WrongState."""
        self._step("superseded")

    def expire(self, *, now: datetime) -> None:
        """End an approval whose term has come. Raises: WrongState."""
        ensure(self.valid_until is not None and self.valid_until <= now, "only a term that ended expires")
        self._step("term_ended")

    @property
    def recorded(self) -> Identification:
        """The identification of a case that has one."""
        if self.identification is None:
            raise InvariantBroken(f"case {self.case_id} has no identification in state {self.state}")
        return self.identification

    def _step(self, on: str) -> None:
        self.state = KYC_CASE.step(self.state, on).target


def may_open_renewal(latest: KycCase) -> bool:
    """Whether a new identification opens a new case after `latest`.

    After an approval, ended or not: a renewal. A rejected renewal may be tried again, for the participant
    lives on restricted; a rejected first case may not, for the participant was rejected with it and must
    apply anew.
    """
    return latest.state in IDENTIFIABLE or (latest.state is CaseState.REJECTED and latest.number > 1)
