"""The record of a publication (опубликование): which documents were opened, with whose signatures, on whose word.

It is what the time-stamp is over, so that one token dates the decision, its text and its signatures together. Made of
kept things only: a publication that is tried again makes the same bytes.
Law: 259-FZ art. 3 (published before any offer, in free access), RFC 3161 (the stamp).
"""

from collections.abc import Sequence
from typing import Any, Final

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.tokenization.domain.decision import Decision, DecisionSignature, Review
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.terms import IssuanceTerms

FORMAT: Final = "kapital.publication.v1"


def publication_record(
    issue: Issue,
    terms: IssuanceTerms,
    decision: Decision,
    documents: Sequence[dict[str, Any]],
    reviews: Sequence[Review],
    signatures: Sequence[DecisionSignature],
    *,
    stamped: bool,
) -> bytes:
    """Canonical bytes (RFC 8785) of the record. `stamped`: whether a time-stamping authority is asked for a token."""
    return canonical_bytes(
        {
            "format": FORMAT,
            "issue_id": str(issue.issue_id),
            "code": issue.code,
            "decision_version": decision.decision_version,
            "decision_sha256": decision.sha256,
            "documents": [
                {"name": one["name"], "media_type": one["media_type"], "sha256": one["sha256"]} for one in documents
            ],
            "sites": [terms.operator.site, terms.issuer.site],
            "reviews": [
                {
                    "role": review.role.value,
                    "decision_sha256": review.decision_sha256,
                    "checklist": [answer.item for answer in review.checklist if answer.holds],
                }
                for review in reviews
                if review.decision_version == decision.decision_version
            ],
            "signatures": [
                {
                    "party": signature.party,
                    "key_name": signature.key_name,
                    "algorithm": signature.algorithm,
                    "signature_sha256": sha256_hex(signature.signature),
                    "act_file_sha256": signature.act_file_sha256,
                }
                for signature in signatures
            ],
            "time_stamp": "rfc3161" if stamped else "none: no time-stamping authority is named in the settings",
        }
    )
