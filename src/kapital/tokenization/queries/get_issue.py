"""Read model: one issue whole, with what people decided on."""

from base64 import b64encode
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.base import unset_if_none
from kapital.contracts.tokenization import (
    ChecklistAnswer,
    ChecklistItem,
    IssueDetails,
    ReviewVerdict,
    ReviewView,
    SignatureKind,
    SignatureView,
    SigningParty,
    TermsFault,
)
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.tokenization.domain import human_text
from kapital.tokenization.domain.checklist import items_of
from kapital.tokenization.domain.decision import DecisionSignature, Review
from kapital.tokenization.domain.problems import DecisionNotPrinted
from kapital.tokenization.domain.terms import IssuanceTerms, load_terms
from kapital.tokenization.ports import Parts
from kapital.tokenization.queries.access import of_issue, require_readable
from kapital.tokenization.queries.list_issues import issue_row


async def get_issue(conn: AsyncConnection, parts: Parts, actor: Actor, issue_id: UUID) -> IssueDetails:
    """The issue with its present decision. Reviews and faults are for staff and the issuer only.

    Raises: IssueNotFound.
    """
    issue = (await parts.issues.read(conn, [issue_id])).get(issue_id)
    issue = require_readable(issue, actor, "get_issue")
    decision = (await parts.issues.decisions(conn, [issue_id]))[issue_id]
    inside = access.allows(actor, "read_issue_file", of_issue(issue))
    reviews = await parts.issues.reviews(conn, issue_id) if inside else []
    terms = load_terms(decision.terms)
    return IssueDetails(
        issue=issue_row(issue),
        decision_version=decision.decision_version,
        decision_sha256=decision.sha256,
        terms=msgspec.json.decode(decision.terms),
        text_ru=human_text.render(terms, decision_sha256=decision.sha256),
        pdf_sha256=unset_if_none(decision.pdf_sha256),
        checklist=_items(terms) if inside else msgspec.UNSET,
        faults=[TermsFault(**msgspec.structs.asdict(fault)) for fault in decision.faults] if inside else [],
        reviews=[_review(review) for review in reviews],
        signatures=[_signature(signature) for signature in await parts.issues.signatures(conn, issue_id)],
    )


async def get_decision_pdf(conn: AsyncConnection, parts: Parts, actor: Actor, issue_id: UUID) -> tuple[str, bytes]:
    """Name and bytes of the printed text of the present version. Raises: IssueNotFound, DecisionNotPrinted."""
    issue = (await parts.issues.read(conn, [issue_id])).get(issue_id)
    issue = require_readable(issue, actor, "get_decision_pdf")
    decision = (await parts.issues.decisions(conn, [issue_id]))[issue_id]
    if decision.pdf_sha256 is None:
        raise DecisionNotPrinted
    return f"{issue.code}-decision-ru.pdf", await parts.documents.get(decision.pdf_sha256)


def _review(review: Review) -> ReviewView:
    return ReviewView(
        reviewer_id=review.reviewer_id,
        role=review.role.value,
        verdict=ReviewVerdict(review.verdict.value),
        decision_sha256=review.decision_sha256,
        at=review.reviewed_at,
        note=unset_if_none(review.note),
        checklist=[
            ChecklistAnswer(item=one.item, holds=one.holds, note=unset_if_none(one.note)) for one in review.checklist
        ],
    )


def _items(terms: IssuanceTerms) -> list[ChecklistItem]:
    return [
        ChecklistItem(item=item.code, text_ru=item.ru, text_en=item.en, legal_basis=item.basis)
        for item in items_of(terms)
    ]


def _signature(signature: DecisionSignature) -> SignatureView:
    return SignatureView(
        party=SigningParty(signature.party),
        signature_kind=SignatureKind(signature.signature_kind),
        key_name=signature.key_name,
        algorithm=signature.algorithm,
        signature_b64=b64encode(signature.signature).decode(),
        public_key_b64=b64encode(signature.public_key).decode(),
        signed_at=signature.signed_at,
        act_file_sha256=unset_if_none(signature.act_file_sha256),
    )
