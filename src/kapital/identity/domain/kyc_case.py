"""The case (дело об идентификации): one identification of one participant, and its decision."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from kapital.identity.domain.dossier import IdentificationMethod, ReviewReason
from kapital.identity.domain.parameters import MonthsByRisk, valid_until_of
from kapital.identity.domain.problems import (
    CaseNotAwaitingIdentification,
    DecisionNamesAnotherIdentification,
    MakerAndCheckerMustDiffer,
    QualifiedStatusNeedsEvidence,
    ScreeningHitCannotBeApproved,
)
from kapital.identity.domain.risk import RiskLevel
from kapital.identity.domain.states import KYC_CASE, CaseState
from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.problems import InvariantBroken, StaleVersion, ensure


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
    """What was recorded, by whom and when. Its canonical bytes are what the second person decides on.

    Shape: the members that may be unset came later; unset, they are no part of the canonical bytes, so that what was
    recorded before keeps its hash. `dossier_sha256` covers questionnaire, documents, owners and risk.
    """

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
    method: IdentificationMethod | UnsetType = UNSET
    dossier_sha256: str | UnsetType = UNSET
    risk_level: RiskLevel | UnsetType = UNSET
    review_reasons: tuple[ReviewReason, ...] | UnsetType = UNSET
    filled_by: str | UnsetType = UNSET

    @property
    def names_pep(self) -> bool:
        """Whether a public official was told of or found when it was recorded."""
        return self.review_reasons is not UNSET and ReviewReason.PUBLIC_OFFICIAL in self.review_reasons

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
    version: int = 1
    identification: Identification | None = None
    endorsed_by: str | None = None
    endorsed_at: datetime | None = None
    endorsement_basis: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_basis: str | None = None
    valid_until: datetime | None = None

    def require_version(self, version: int | None) -> None:
        """Return if the caller read this version, or names none. Raises: StaleVersion."""
        if version is not None and version != self.version:
            raise StaleVersion(facts={"version": self.version})

    def require_open(self) -> None:
        """Return if it awaits an identification. Raises: CaseNotAwaitingIdentification."""
        if self.state is not CaseState.OPENED:
            raise CaseNotAwaitingIdentification(facts={"state": self.state.value})

    def require_category(self, category: InvestorCategory, evidence_reference: str | None) -> None:
        """Raises: QualifiedStatusNeedsEvidence."""
        if category is InvestorCategory.QUALIFIED and evidence_reference is None:
            raise QualifiedStatusNeedsEvidence

    def record(self, identification: Identification) -> None:
        """Take in what a person recorded. Raises: CaseNotAwaitingIdentification, QualifiedStatusNeedsEvidence."""
        ensure(identification.case_id == self.case_id, "an identification belongs to its case")
        self.require_open()
        self.require_category(identification.category, identification.category_evidence_reference)
        self._step("identification_recorded")
        self.identification = identification

    def decide(
        self,
        outcome: KycOutcome,
        *,
        identification_sha256: str,
        basis: str,
        officer_id: str,
        now: datetime,
        months: MonthsByRisk,
        is_listed_pep: bool = False,
        under_measure: bool = False,
    ) -> None:
        """Approve or reject what others recorded; of a public official the first approval is an endorsement.

        `under_measure`: screening holds or has frozen the participant now.
        Raises: WrongState, MakerAndCheckerMustDiffer, DecisionNamesAnotherIdentification,
        ScreeningHitCannotBeApproved – in this order of precedence.
        """
        approves = outcome is KycOutcome.APPROVED
        needs_senior = self.identification is not None and (self.identification.names_pep or is_listed_pep)
        endorses = approves and needs_senior and self.state is CaseState.IDENTIFIED
        on = "endorsed" if endorses else outcome.value
        KYC_CASE.step(self.state, on)
        recorded = self.recorded
        if officer_id in (recorded.identified_by, recorded.filled_by, self.endorsed_by):
            raise MakerAndCheckerMustDiffer
        self._require_same(identification_sha256)
        if approves and recorded.screening_result is ScreeningResult.HIT:
            raise ScreeningHitCannotBeApproved(facts={"screening_list_version": recorded.screening_list_version})
        if approves and under_measure:
            raise ScreeningHitCannotBeApproved
        if endorses:
            self._step(on)
            self.endorsed_by, self.endorsed_at, self.endorsement_basis = officer_id, now, basis
            return
        if approves:
            self.valid_until = valid_until_of(now, months=_months(months, recorded.risk_level))
        self._step(on)
        self.decided_by, self.decided_at, self.decision_basis = officer_id, now, basis

    def shorten(self, until: datetime, *, identification_sha256: str) -> None:
        """Let an approval hold no longer than `until`; one that ends earlier stays as it is.

        Raises: WrongState, DecisionNamesAnotherIdentification – in this order of precedence.
        """
        KYC_CASE.step(self.state, "doubted")
        self._require_same(identification_sha256)
        self._step("doubted")
        ensure(self.valid_until is not None, "an approval has a term")
        self.valid_until = min(until, self.valid_until or until)

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

    def _require_same(self, identification_sha256: str) -> None:
        if (recorded := self.recorded.sha256) != identification_sha256:
            facts = {"named": identification_sha256, "recorded": recorded}
            raise DecisionNamesAnotherIdentification(facts=facts)

    def _step(self, on: str) -> None:
        self.state = KYC_CASE.step(self.state, on).target
        self.version += 1


def _months(months: MonthsByRisk, level: RiskLevel | UnsetType) -> int:
    # Recorded before risk was computed: as what is known of such a client would give.
    return months.medium if level is UNSET else int(getattr(months, level.value))


def may_open_renewal(latest: KycCase) -> bool:
    """Whether a new identification opens a new case after `latest`.

    After an approval, ended or not: a renewal. A rejected renewal may be tried again, for the participant
    lives on restricted; a rejected first case may not, for the participant was rejected with it and must
    apply anew.
    """
    return latest.state in IDENTIFIABLE or (latest.state is CaseState.REJECTED and latest.number > 1)
