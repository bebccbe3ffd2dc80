"""A document of a case (документ дела): what it is, where its bytes are, what the scanner for malware says."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from kapital.identity.domain.kyc_problems import DocumentInfected, DocumentUnchecked

DOCUMENTS_MAX: Final = 30
"""Of one case."""


class KycDocumentKind(StrEnum):
    """What the document is said to be."""

    PASSPORT_RF = "passport_rf"
    PASSPORT_FOREIGN = "passport_foreign"
    RESIDENCE_PERMIT = "residence_permit"
    EGRUL_EXTRACT = "egrul_extract"
    EGRIP_EXTRACT = "egrip_extract"
    CHARTER = "charter"
    POWER_OF_ATTORNEY = "power_of_attorney"
    OWNERSHIP_EVIDENCE = "ownership_evidence"
    SOURCE_OF_FUNDS_EVIDENCE = "source_of_funds_evidence"
    QUALIFIED_STATUS_EVIDENCE = "qualified_status_evidence"
    OTHER = "other"


class DocumentVerdict(StrEnum):
    """What the scanner says. PENDING ends in one of the others."""

    PENDING = "pending"
    CLEAN = "clean"
    INFECTED = "infected"
    UNCHECKED_NO_SCANNER = "unchecked_no_scanner"  # the installation has none


@dataclass(frozen=True, slots=True, kw_only=True)
class KycDocument:
    """One document. Shape: `sha256` is its key in the object store."""

    document_id: UUID
    case_id: UUID
    kind: KycDocumentKind
    sha256: str
    media_type: str
    size_bytes: int
    verdict: DocumentVerdict
    attached_by: str
    attached_at: datetime
    checked_at: datetime | None = None

    def require_usable(self, *, unchecked_allowed: bool) -> None:
        """Return if somebody may be identified by it. Raises: DocumentInfected, DocumentUnchecked."""
        if self.verdict is DocumentVerdict.INFECTED:
            raise DocumentInfected(facts={"document_id": str(self.document_id)})
        unchecked = self.verdict is DocumentVerdict.UNCHECKED_NO_SCANNER
        if self.verdict is DocumentVerdict.PENDING or (unchecked and not unchecked_allowed):
            raise DocumentUnchecked(facts={"verdict": self.verdict.value, "document_id": str(self.document_id)})


class DocumentSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A document as the dossier binds it."""

    kind: KycDocumentKind
    sha256: str
    verdict: DocumentVerdict
