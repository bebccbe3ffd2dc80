"""A version of a decision on issuance (решение о выпуске) as people act on it: faults, reviews, signatures.

Law: 259-FZ art. 3; 2E and hash-bound approval: domain.md 3.0, 3.3.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.problems import MakerAndCheckerMustDiffer
from kapital.kernel.roles import Role
from kapital.tokenization.domain.checklist import Answer
from kapital.tokenization.domain.problems import ReviewMustBeNext
from kapital.tokenization.domain.validator import Fault

REVIEW_ORDER: Final = (Role.ISSUE_MANAGER, Role.LEGAL)
SIGNATURE_KIND: Final = "simple"
"""How the act of signing was authorised: by the session. A qualified signature (УКЭП) is never claimed."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One version. `terms` are the canonical bytes (RFC 8785) whose SHA-256 is `sha256`.

    `pdf_sha256` names its Russian text as it is printed; None for a version of before there was any.
    """

    issue_id: UUID
    decision_version: int
    sha256: str
    terms: bytes
    faults: list[Fault]
    drafted_by: str
    drafted_at: datetime
    pdf_sha256: str | None = None


class Verdict(StrEnum):
    """What a reviewer says."""

    ACCEPT = "accept"
    RETURN = "return"


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """One person's verdict on one exact version."""

    issue_id: UUID
    decision_version: int
    role: Role
    reviewer_id: str
    verdict: Verdict
    decision_sha256: str
    note: str | None
    reviewed_at: datetime
    checklist: list[Answer] = []


class DecisionSignature(msgspec.Struct, frozen=True, kw_only=True):
    """A signature over the decision's bytes. Shape: raw signature and raw public key.

    `act_file_sha256` names the signed act (УКЭП) of the person who had the issuer's made; None where none was asked.
    """

    issue_id: UUID
    decision_version: int
    party: str
    signature_kind: str
    key_name: str
    algorithm: str
    signature: bytes
    public_key: bytes
    signed_by: str
    signed_at: datetime
    act_file_sha256: str | None = None


def next_reviewer_role(reviews: Sequence[Review]) -> Role:
    """Whose review of this version comes next. Raises: ReviewMustBeNext when all are done."""
    for role in REVIEW_ORDER:
        if not any(review.role is role for review in reviews):
            return role
    raise ReviewMustBeNext("every review of this version is done", {"next": "none"})


def require_another_person(reviews: Sequence[Review], drafted_by: str, reviewer_id: str) -> None:
    """Return if the reviewer neither drafted nor reviewed this version. Raises: MakerAndCheckerMustDiffer."""
    if reviewer_id == drafted_by or any(review.reviewer_id == reviewer_id for review in reviews):
        raise MakerAndCheckerMustDiffer
