"""Use case: a document is attached to an open case and shown to the scanner for malware."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.contracts import identity as contract
from kapital.identity.contract_forms import kyc_document
from kapital.identity.domain.document_file import media_type_of
from kapital.identity.domain.kyc_document import DOCUMENTS_MAX, DocumentVerdict, KycDocument, KycDocumentKind
from kapital.identity.domain.kyc_problems import UNEXPECTED_ANSWER, MalwareScannerUnavailable, TooManyDocuments
from kapital.identity.domain.problems import KycCaseNotFound
from kapital.identity.ports import CaseStore, DocumentStore, MalwareScanner, Objects
from kapital.identity.use_cases.finding_case import case_of
from kapital.kernel.actor import Actor, machine_actor
from kapital.kernel.ids import CommandId, derive_uuid7
from kapital.kernel.roles import Role
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint

CHECKED_AT_ONCE: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachDocument:
    """Attach a document to the participant's case."""

    command_id: CommandId
    actor: Actor
    participant_id: UUID
    kind: KycDocumentKind
    content: bytes


async def attach_document(
    cmd: AttachDocument,
    *,
    uow: UnitOfWork,
    cases: CaseStore,
    documents: DocumentStore,
    objects: Objects,
    scanner: MalwareScanner,
) -> contract.KycDocument:
    """Keep a document by its hash as PENDING, then write what the scanner says of it.

    Promise: bytes that are refused are kept nowhere; a row never lacks its bytes; where the scanner is silent, or the
    process dies before it answers, the verdict stays PENDING and `check_documents` asks again. The same bytes in one
    case are one document.
    Raises: NotPermitted, what `media_type_of` raises, IdempotencyKeyReused, KycCaseNotFound,
    CaseNotAwaitingIdentification, TooManyDocuments, StorageFull.
    """
    media_type = media_type_of(cmd.content)
    async with uow.begin() as tx:  # before the bytes are kept
        whose = case_of(cmd.participant_id, await cases.latest(tx.conn, cmd.participant_id))
        tx.access.require(cmd.actor, "attach_kyc_document", whose, hidden=KycCaseNotFound)
    sha256 = await objects.put(cmd.content)
    mark = fingerprint({"participant": cmd.participant_id, "kind": cmd.kind, "sha256": sha256})
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.KycDocument)
        case = (await cases.lock_latest(tx.conn, [cmd.participant_id])).get(cmd.participant_id)
        if case is None:
            raise KycCaseNotFound
        case.require_open()
        there = await documents.of_case(tx.conn, case.case_id)
        if len(there) >= DOCUMENTS_MAX and all(one.sha256 != sha256 for one in there):
            raise TooManyDocuments(facts={"limit": DOCUMENTS_MAX})
        document = await documents.add(
            tx.conn,
            KycDocument(
                document_id=derive_uuid7(case.case_id, f"kyc-document {sha256}"),
                case_id=case.case_id,
                kind=cmd.kind,
                sha256=sha256,
                media_type=media_type,
                size_bytes=len(cmd.content),
                verdict=DocumentVerdict.PENDING,
                attached_by=cmd.actor.id,
                attached_at=tx.now,
            ),
        )
        await tx.audit.append("identity.document_attached", document.document_id, cmd.actor, after={"sha256": sha256})
    verdict = await _ask(scanner, cmd.content) if document.verdict is DocumentVerdict.PENDING else document.verdict
    async with uow.begin() as tx:
        # Another process may have told the same key its answer meanwhile.
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.KycDocument)
        if verdict is not DocumentVerdict.PENDING:
            document = await _judge(tx, document, verdict, documents=documents)
        answer = kyc_document(document)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


async def check_documents(
    now: datetime,  # noqa: ARG001 - a tick
    *,
    uow: UnitOfWork,
    documents: DocumentStore,
    objects: Objects,
    scanner: MalwareScanner,
) -> int:
    """Ask the scanner about documents whose verdict is pending; return how many it judged.

    Promise: safe to run in several processes at once and to break off anywhere; a verdict is written once.
    """
    async with uow.begin() as tx:
        waiting = await documents.pending(tx.conn, limit=CHECKED_AT_ONCE)
    judged = 0
    for document in waiting:
        try:
            verdict = await scanner.scan(await objects.get(document.sha256))
        except MalwareScannerUnavailable as away:
            if away.facts.get("reason") == UNEXPECTED_ANSWER:
                continue  # of this document alone it says nothing: that must not hold up the others
            break
        async with uow.begin() as tx:
            await _judge(tx, document, verdict, documents=documents)
        judged += 1
    return judged


async def _ask(scanner: MalwareScanner, content: bytes) -> DocumentVerdict:
    try:
        return await scanner.scan(content)
    except MalwareScannerUnavailable:
        # The document is kept and waits: PENDING is what the caller is told, and nobody is identified by it.
        return DocumentVerdict.PENDING


async def _judge(
    tx: Transaction, document: KycDocument, verdict: DocumentVerdict, *, documents: DocumentStore
) -> KycDocument:
    judged = await documents.judge(tx.conn, document.document_id, verdict, now=tx.now)
    if judged.verdict is verdict and document.verdict is not verdict:
        scheduler = machine_actor(Role.SCHEDULER)
        await tx.audit.append(
            "identity.document_checked", document.document_id, scheduler, after={"verdict": judged.verdict}
        )
    return judged
