"""HTTP of questionnaires, documents and delegation, bound to `contracts/openapi/identity.yaml`."""

import base64
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter

from kapital.contracts import identity as contract
from kapital.contracts.base import given
from kapital.identity.domain.document_file import DOCUMENT_BYTES_MAX
from kapital.identity.domain.kyc_case import InvestorCategory
from kapital.identity.domain.kyc_document import KycDocumentKind
from kapital.identity.domain.kyc_problems import DocumentUnreadable
from kapital.identity.domain.questionnaire import Questionnaire
from kapital.identity.queries.bound import DossierReads
from kapital.identity.use_cases.attach_document import AttachDocument
from kapital.identity.use_cases.bound import DossierUseCases
from kapital.identity.use_cases.complete_case import CompleteCase
from kapital.identity.use_cases.delegations import ChangeDelegation, EnterDelegation
from kapital.identity.use_cases.fill_questionnaire import FillQuestionnaire
from kapital.platform.http import HttpRequest, actor_of, command_context

UPLOAD_BYTES_MAX: Final = DOCUMENT_BYTES_MAX * 4 // 3 + 4_096
"""The largest document in base64, and what stands around it."""
DOCUMENT_HEADERS: Final = {
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


@post("/v1/identity/participants/{participant_id:uuid}/questionnaire", status_code=200)
async def fill_questionnaire(
    participant_id: UUID, data: contract.FillQuestionnaireRequest, request: HttpRequest, dossiers: DossierUseCases
) -> contract.FilledQuestionnaire:
    """Fill in the questionnaire of a participant's case, or replace what was filled in."""
    actor, command_id = command_context(request)
    cmd = FillQuestionnaire(
        command_id=command_id,
        actor=actor,
        participant_id=participant_id,
        questionnaire=msgspec.convert(msgspec.to_builtins(data.questionnaire), Questionnaire),
        version=given(data.version),
    )
    return await dossiers.fill_questionnaire(cmd)


@post(
    "/v1/identity/participants/{participant_id:uuid}/documents",
    status_code=200,
    request_max_body_size=UPLOAD_BYTES_MAX,
)
async def attach_kyc_document(
    participant_id: UUID, data: contract.AttachDocumentRequest, request: HttpRequest, dossiers: DossierUseCases
) -> contract.KycDocument:
    """Attach a document to a participant's open case."""
    actor, command_id = command_context(request)
    try:
        content = base64.b64decode(data.content_base64, validate=True)
    except ValueError:  # also of signs beyond ASCII
        raise DocumentUnreadable(facts={"reason": "base64"}) from None
    cmd = AttachDocument(
        command_id=command_id,
        actor=actor,
        participant_id=participant_id,
        kind=KycDocumentKind(data.kind.value),
        content=content,
    )
    return await dossiers.attach_document(cmd)


@get("/v1/identity/participants/{participant_id:uuid}/documents/{document_id:uuid}")
async def get_kyc_document(
    participant_id: UUID, document_id: UUID, request: HttpRequest, dossier_reads: DossierReads
) -> Response[bytes]:
    """The bytes of a document."""
    document, content = await dossier_reads.get_kyc_document(participant_id, document_id, actor=actor_of(request))
    return Response(content, media_type=document.media_type, headers=DOCUMENT_HEADERS)


@post("/v1/identity/participants/{participant_id:uuid}/completion", status_code=200)
async def complete_kyc_case(
    participant_id: UUID, data: contract.CompleteCaseRequest, request: HttpRequest, dossiers: DossierUseCases
) -> contract.RecordedIdentification:
    """Declare a case complete; the machine computes its risk and what has to be looked at."""
    actor, command_id = command_context(request)
    cmd = CompleteCase(
        command_id=command_id,
        actor=actor,
        participant_id=participant_id,
        version=data.version,
        document_id=data.document_id,
        category=InvestorCategory(data.category.value),
        category_evidence_reference=given(data.category_evidence_reference),
        is_simplified=bool(given(data.is_simplified)),
    )
    return await dossiers.complete_case(cmd)


@get("/v1/identity/participants/{participant_id:uuid}/dossier")
async def get_kyc_dossier(
    participant_id: UUID, request: HttpRequest, dossier_reads: DossierReads
) -> contract.KycDossier:
    """The latest case of a participant with its questionnaire, documents, owners and risk."""
    return await dossier_reads.get_kyc_dossier(participant_id, actor=actor_of(request))


@get("/v1/identity/delegations")
async def list_delegations(
    request: HttpRequest,
    dossier_reads: DossierReads,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
) -> contract.DelegationPage:
    """List agreements by which banks identify, newest first."""
    return await dossier_reads.list_delegations(actor=actor_of(request), limit=limit)


@post("/v1/identity/delegations", status_code=200)
async def enter_delegation(
    data: contract.NewDelegation, request: HttpRequest, dossiers: DossierUseCases
) -> contract.Delegation:
    """Enter an agreement by which a bank identifies for the operator."""
    actor, command_id = command_context(request)
    cmd = EnterDelegation(
        command_id=command_id,
        actor=actor,
        agent_name=data.agent_name,
        agent_bic=data.agent_bic,
        number=data.number,
        valid_from=data.valid_from,
        valid_until=data.valid_until,
        notified_on=given(data.notified_on),
    )
    return await dossiers.enter_delegation(cmd)


@post("/v1/identity/delegations/{delegation_id:uuid}/changes", status_code=200)
async def change_delegation(
    delegation_id: UUID, data: contract.DelegationChange, request: HttpRequest, dossiers: DossierUseCases
) -> contract.Delegation:
    """Record that the Bank of Russia was told of an agreement, or that it ended."""
    actor, command_id = command_context(request)
    cmd = ChangeDelegation(
        command_id=command_id,
        actor=actor,
        delegation_id=delegation_id,
        version=data.version,
        notified_on=given(data.notified_on),
        ended_on=given(data.ended_on),
    )
    return await dossiers.change_delegation(cmd)


HANDLERS: Final = (
    fill_questionnaire,
    attach_kyc_document,
    get_kyc_document,
    complete_kyc_case,
    get_kyc_dossier,
    list_delegations,
    enter_delegation,
    change_delegation,
)
