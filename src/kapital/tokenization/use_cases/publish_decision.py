"""Use case: publish the signed decision; from here on it never changes, and its units exist in the ledger."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from kapital.contracts.tokenization import IssueMoved
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import moscow_day
from kapital.kernel.ids import CommandId, derive_uuid7
from kapital.ledger.api import AssetKind, Basis, BasisKind, Committed, OpenAsset
from kapital.ledger.api import Transaction as LedgerTransaction
from kapital.platform.acts.files import read_signed_act
from kapital.platform.acts.stamping import stamp_document
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain import human_text
from kapital.tokenization.domain.decision import Decision, DecisionSignature, Review
from kapital.tokenization.domain.events import DECISION_PUBLISHED, Fact, utc
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.problems import (
    IssuerWalletMustBeOpen,
    LedgerRefused,
    PublicationMustPrecedePlacement,
)
from kapital.tokenization.domain.problems_placement import PublicationNeedsTimeStamp
from kapital.tokenization.domain.publication import publication_record
from kapital.tokenization.domain.states import ISSUE
from kapital.tokenization.domain.terms import IssuanceTerms, load_terms
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.approve_payoff_code import require_code_approved
from kapital.tokenization.use_cases.issue_commands import earlier_answer, keep_answer, require_permitted
from kapital.tokenization.use_cases.steps import SMART_CONTRACT, move_issue, tell

PDF: Final = "application/pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishDecision:
    """`decision_sha256` names the version that is meant."""

    command_id: CommandId
    actor: Actor
    issue_id: UUID
    decision_sha256: str
    version: int | None = None


async def publish_decision(cmd: PublishDecision, *, parts: Parts) -> IssueMoved:
    """Move SIGNED to PUBLISHED: documents kept and stamped, units opened in the ledger with their issue limit, told.

    The issuer's signed act, where one was asked for, is among the documents: what was signed, and the detached
    signature. The record of the publication names every document, review and signature by its hash; the time-stamp of
    the authority of the settings is over it. Without an authority the record says that there is no stamp, or a dated
    rule refuses; one that is named and does not answer stops the publication.
    Law: 259-FZ art. 3 (free access to the decision; no offer before publication).
    Promise: documents and the ledger record come first and, but for the stamp, are the same on every repeat, so that
    a crash between them and the last transaction is mended by the same command, or by any other that publishes it.
    Raises: NotPermitted, IdempotencyKeyReused, IssueNotFound, WrongState, StaleVersion, DecisionHashMustMatch,
    IssuerWalletMustBeOpen, PayoffCodeMustBeApproved, PublicationMustPrecedePlacement, PublicationNeedsTimeStamp,
    TimeStampUnavailable, SignatureSourceUnavailable, LedgerRefused.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await earlier_answer(tx, cmd.command_id, cmd.actor, mark)) is not None:
            return earlier
        issue, wallet_id = await _require_publishable(tx, parts, cmd)
        decision = (await parts.issues.decisions(tx.conn, [issue.issue_id]))[issue.issue_id]
        signatures = await parts.issues.signatures(tx.conn, issue.issue_id)
        reviews = await parts.issues.reviews(tx.conn, issue.issue_id)
    terms = load_terms(decision.terms)
    documents = await _keep_documents(parts, terms, decision)
    documents += await _keep_act(parts, terms, signatures)
    documents += await _keep_record(parts, issue, terms, decision, documents, reviews, signatures)
    await _open_units(parts, issue)
    async with parts.uow.begin() as tx:
        if (earlier := await earlier_answer(tx, cmd.command_id, cmd.actor, mark)) is not None:
            return earlier
        issue, wallet_id = await _require_publishable(tx, parts, cmd)
        # Disclosure opens the page with this event, so it goes before the change of state.
        await tell(tx, [_published(issue, wallet_id, terms, documents, signatures)])
        basis = {"decision_sha256": issue.decision_sha256}
        issue = await move_issue(
            tx,
            parts,
            issue,
            "published",
            actor=cmd.actor,
            basis=basis,
            issuer_wallet_id=wallet_id,
            published_at=tx.now,
        )
        return await keep_answer(tx, cmd.command_id, cmd.actor, mark, issue)


async def _require_publishable(tx: Transaction, parts: Parts, cmd: PublishDecision) -> tuple[Issue, UUID]:
    found = (await parts.issues.lock(tx.conn, [cmd.issue_id])).get(cmd.issue_id)
    issue = require_permitted(tx, cmd.actor, "publish_decision", found)
    ISSUE.step(issue.state, "published")
    issue.require_seen(cmd.decision_sha256, cmd.version)
    if issue.is_over(tx.now):
        raise PublicationMustPrecedePlacement
    decision = (await parts.issues.decisions(tx.conn, [issue.issue_id]))[issue.issue_id]
    await require_code_approved(tx, parts, load_terms(decision.terms))
    today = moscow_day(tx.now)
    if parts.acts.stamps is None and parts.publication_stamps.are_required_on(today):
        raise PublicationNeedsTimeStamp(facts={"on": today.isoformat()})
    known = await parts.investors.read(tx.conn, [issue.issuer_participant_id])
    issuer = known.get(issue.issuer_participant_id)
    if issuer is None or issuer.wallet_id is None:
        raise IssuerWalletMustBeOpen
    return issue, issuer.wallet_id


async def _keep_documents(parts: Parts, terms: IssuanceTerms, decision: Decision) -> list[dict[str, Any]]:
    text = human_text.render(terms, decision_sha256=decision.sha256)
    return [
        await _kept(parts, decision.terms, f"{terms.code}-decision.json", "application/json"),
        await _kept(parts, text.encode(), f"{terms.code}-decision-ru.md", "text/markdown; charset=utf-8"),
        await _kept(parts, await _printed(parts, terms, decision, text), f"{terms.code}-decision-ru.pdf", PDF),
    ]


async def _keep_act(
    parts: Parts, terms: IssuanceTerms, signatures: Sequence[DecisionSignature]
) -> list[dict[str, Any]]:
    """What the issuer's person signed and the detached signature, as anybody's means of signature takes them."""
    kept = []
    for file_sha256 in dict.fromkeys(one.act_file_sha256 for one in signatures if one.act_file_sha256 is not None):
        file = read_signed_act(await parts.documents.get(file_sha256))
        name = f"{terms.code}-issuer-act.json"
        kept += [
            await _kept(parts, file.act.encode(), name, "application/json"),
            await _kept(parts, file.bundle.signature_bytes, f"{name}.p7s", "application/pkcs7-signature"),
        ]
    return kept


async def _printed(parts: Parts, terms: IssuanceTerms, decision: Decision, text: str) -> bytes:
    if decision.pdf_sha256 is not None:
        # What was reviewed and signed, byte for byte, whatever a newer typst would make of the text.
        return await parts.documents.get(decision.pdf_sha256)
    return await parts.printer.pdf(
        text, title=terms.title, decision_sha256=decision.sha256, made_at=decision.drafted_at
    )


async def _keep_record(
    parts: Parts,
    issue: Issue,
    terms: IssuanceTerms,
    decision: Decision,
    documents: Sequence[dict[str, Any]],
    reviews: Sequence[Review],
    signatures: Sequence[DecisionSignature],
) -> list[dict[str, Any]]:
    """The record of the publication and, where there is an authority, its stamp."""
    stamped = parts.acts.stamps is not None
    record = publication_record(issue, terms, decision, documents, reviews, signatures, stamped=stamped)
    kept = [await _kept(parts, record, f"{terms.code}-publication.json", "application/json")]
    if (token := await stamp_document(parts.acts, record)) is not None:
        kept.append(await _kept(parts, token, f"{terms.code}-publication.tst", "application/timestamped-data"))
    return kept


async def _kept(parts: Parts, content: bytes, name: str, media_type: str) -> dict[str, Any]:
    sha256 = await parts.documents.put(content)
    return {"sha256": sha256, "name": name, "media_type": media_type, "bytes": len(content)}


async def _open_units(parts: Parts, issue: Issue) -> None:
    # The machine, not the person, is the ledger's actor: the same record whoever repeats the publication.
    record = LedgerTransaction(
        id=derive_uuid7(issue.issue_id, "open_asset"),
        actor=SMART_CONTRACT.id,
        basis=Basis(
            kind=BasisKind.ISSUER_INSTRUCTION,
            reference=f"decision/{issue.code}/{issue.decision_version}",
            document_sha256=issue.decision_sha256,
        ),
        opens=(
            OpenAsset(
                asset=issue.issue_id,
                kind=AssetKind.UNITS,
                code=issue.code,
                scale=0,
                issue_limit=issue.quantity_max,
            ),
        ),
    )
    answer = (await parts.ledger.post([record]))[0]
    if not isinstance(answer, Committed):
        raise LedgerRefused(answer.detail, {"ledger_code": answer.code, **answer.facts})


def _published(
    issue: Issue,
    wallet_id: UUID,
    terms: IssuanceTerms,
    documents: list[dict[str, Any]],
    signatures: Sequence[DecisionSignature],
) -> Fact:
    return Fact(
        DECISION_PUBLISHED,
        issue.issue_id,
        {
            "issue_id": issue.issue_id,
            "code": issue.code,
            "issuer_participant_id": issue.issuer_participant_id,
            "issuer_wallet_id": wallet_id,
            "right_kind": terms.right_kind.value,
            "decision_sha256": issue.decision_sha256,
            "documents": documents,
            "quantity_min": issue.quantity_min,
            "quantity_max": issue.quantity_max,
            "price_kopecks": issue.price_kopecks,
            "placement_start_at": utc(issue.placement_start_at),
            "placement_end_at": utc(issue.placement_end_at),
            "transfer_policy": terms.transfer_policy.kind,
            "signatures": [
                {
                    "key_name": signature.key_name,
                    "algorithm": signature.algorithm,
                    "signature_b64": b64encode(signature.signature).decode(),
                    "public_key_b64": b64encode(signature.public_key).decode(),
                }
                for signature in signatures
            ],
        },
    )
