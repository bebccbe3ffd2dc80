"""HTTP of identity, bound to `contracts/openapi/identity.yaml`: translate, call, translate back."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import identity as contract
from kapital.contracts.base import given
from kapital.identity.domain.screening import Identifier, IdentifierKind, Particulars, SubjectKind
from kapital.identity.domain.states import AmlMessageState, CaseState, HitState
from kapital.identity.queries.bound import IdentityReads, ScreeningReads
from kapital.identity.use_cases.advance_aml_message import AdvanceAmlMessage, MessageStep
from kapital.identity.use_cases.bind_certificates import BindCertificates, NewCertificate, ShownPower
from kapital.identity.use_cases.bound import CertificateUseCases, IdentityUseCases, ScreeningUseCases
from kapital.identity.use_cases.change_certificate import ChangeCertificate
from kapital.identity.use_cases.decide_hit import DecideHit, HitDecision
from kapital.identity.use_cases.decide_kyc import DecideKyc, NewKycDecision
from kapital.identity.use_cases.decide_list_version import DecideListVersion
from kapital.identity.use_cases.record_identifications import NewIdentification, RecordIdentifications
from kapital.identity.use_cases.screen_clients import NewClient, ScreenClients
from kapital.platform.acts.http import base64_bytes
from kapital.platform.http import HttpRequest, actor_of, command_context

# The framework keeps the name `state` for itself.
InState = Annotated[contract.CaseState | None, Parameter(query="state")]
InMessageState = Annotated[contract.AmlMessageState | None, Parameter(query="state")]
InHitState = Annotated[contract.HitState | None, Parameter(query="state")]


@post("/v1/identity/identifications", status_code=200)
async def record_identifications(
    data: contract.RecordIdentificationsRequest, request: HttpRequest, identity: IdentityUseCases
) -> contract.RecordIdentificationsResponse:
    """Record the identification of up to 1,000 participants."""
    actor, command_id = command_context(request)
    items = msgspec.convert(msgspec.to_builtins(data.identifications), tuple[NewIdentification, ...])
    cmd = RecordIdentifications(command_id=command_id, actor=actor, identifications=items)
    return await identity.record_identifications(cmd)


@post("/v1/identity/decisions", status_code=200)
async def decide_kyc(
    data: contract.DecideKycRequest, request: HttpRequest, identity: IdentityUseCases
) -> contract.DecideKycResponse:
    """Approve or reject up to 1,000 identifications."""
    actor, command_id = command_context(request)
    items = msgspec.convert(msgspec.to_builtins(data.decisions), tuple[NewKycDecision, ...])
    cmd = DecideKyc(command_id=command_id, actor=actor, decisions=items)
    return await identity.decide_kyc(cmd)


@get("/v1/identity/cases")
async def list_kyc_cases(
    request: HttpRequest,
    identity_reads: IdentityReads,
    in_state: InState = None,
    after: UUID | None = None,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
) -> contract.KycCasePage:
    """List cases, page by page."""
    wanted = None if in_state is None else CaseState(in_state.value)
    return await identity_reads.list_kyc_cases(actor=actor_of(request), state=wanted, after=after, limit=limit)


@get("/v1/identity/participants/{participant_id:uuid}/status")
async def get_kyc_status(
    participant_id: UUID, request: HttpRequest, identity_reads: IdentityReads
) -> contract.KycStatus:
    """Whether a participant's identification holds."""
    return await identity_reads.get_kyc_status(participant_id, actor=actor_of(request))


@post("/v1/identity/certificates", status_code=200)
async def bind_certificates(
    data: contract.BindCertificatesRequest, request: HttpRequest, certificates: CertificateUseCases
) -> contract.BindCertificatesResponse:
    """Bind up to 20 certificates."""
    actor, command_id = command_context(request)
    items = tuple(_certificate(item, f"/certificates/{at}") for at, item in enumerate(data.certificates))
    return await certificates.bind_certificates(BindCertificates(command_id=command_id, actor=actor, items=items))


def _certificate(item: contract.NewCertificate, at: str) -> NewCertificate:
    power = given(item.power_of_attorney)
    return NewCertificate(
        participant_id=item.participant_id,
        certificate=base64_bytes(item.certificate, f"{at}/certificate"),
        owner={number.kind.value: number.value for number in item.owner},
        power=None
        if power is None
        else ShownPower(
            document=base64_bytes(power.document, f"{at}/power_of_attorney/document"),
            signature=base64_bytes(power.signature, f"{at}/power_of_attorney/signature"),
        ),
    )


@post("/v1/identity/certificates/{certificate_id:uuid}/changes", status_code=200)
async def change_certificate(
    certificate_id: UUID,
    data: contract.ChangeCertificateRequest,
    request: HttpRequest,
    certificates: CertificateUseCases,
) -> contract.CertificateBinding:
    """Suspend, restore or revoke."""
    actor, command_id = command_context(request)
    cmd = ChangeCertificate(
        command_id=command_id,
        actor=actor,
        certificate_id=certificate_id,
        change=data.change.value,
        reason=data.reason,
    )
    return await certificates.change_certificate(cmd)


@get("/v1/identity/participants/{participant_id:uuid}/certificates")
async def list_certificates(
    participant_id: UUID, request: HttpRequest, identity_reads: IdentityReads
) -> contract.CertificateBindings:
    """The certificates of a participant."""
    return await identity_reads.list_certificates(participant_id, actor=actor_of(request))


@post("/v1/identity/screening/clients", status_code=200)
async def screen_clients(
    data: contract.ScreenClientsRequest, request: HttpRequest, screening: ScreeningUseCases
) -> contract.ScreenClientsResponse:
    """Record the particulars of up to 1,000 participants and compare them with the lists in force."""
    actor, command_id = command_context(request)
    items = tuple(_client(item) for item in data.clients)
    return await screening.screen_clients(ScreenClients(command_id=command_id, actor=actor, clients=items))


def _client(item: contract.ClientParticulars) -> NewClient:
    left_out = msgspec.UNSET
    identifiers = () if item.identifiers is left_out else item.identifiers
    return NewClient(
        participant_id=item.participant_id,
        particulars=Particulars(
            kind=SubjectKind(item.kind.value),
            names=tuple(item.names),
            birth_dates=() if item.birth_date in (None, left_out) else (str(item.birth_date),),
            identifiers=tuple(
                known
                for identifier in identifiers
                if (known := Identifier.of(IdentifierKind(identifier.kind.value), identifier.value)) is not None
            ),
            countries=() if item.countries is left_out else tuple(item.countries),
        ),
    )


@get("/v1/identity/screening/hits")
async def list_screening_hits(
    request: HttpRequest,
    screening_reads: ScreeningReads,
    in_state: InHitState = None,
    after: UUID | None = None,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
) -> contract.ScreeningHitPage:
    """List hits, page by page."""
    wanted = None if in_state is None else HitState(in_state.value)
    return await screening_reads.list_screening_hits(actor=actor_of(request), state=wanted, after=after, limit=limit)


@post("/v1/identity/screening/hits/{hit_id:uuid}/decision", status_code=200)
async def decide_screening_hit(
    hit_id: UUID, data: contract.DecideHitRequest, request: HttpRequest, screening: ScreeningUseCases
) -> contract.DecidedHit:
    """Confirm a hit, propose to release it, or approve another officer's proposal."""
    actor, command_id = command_context(request)
    cmd = DecideHit(
        command_id=command_id,
        actor=actor,
        hit_id=hit_id,
        decision=HitDecision(data.decision.value),
        hit_sha256=data.hit_sha256,
        reason=data.reason,
    )
    return await screening.decide_hit(cmd)


@get("/v1/identity/screening/runs")
async def list_screening_runs(
    request: HttpRequest,
    screening_reads: ScreeningReads,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
) -> contract.ScreeningRunPage:
    """List full rescreenings, newest first."""
    return await screening_reads.list_screening_runs(actor=actor_of(request), limit=limit)


@get("/v1/identity/aml/messages")
async def list_aml_messages(
    request: HttpRequest,
    screening_reads: ScreeningReads,
    in_state: InMessageState = None,
    after: UUID | None = None,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
) -> contract.AmlMessagePage:
    """List messages on measures applied, page by page."""
    wanted = None if in_state is None else AmlMessageState(in_state.value)
    return await screening_reads.list_aml_messages(actor=actor_of(request), state=wanted, after=after, limit=limit)


@get("/v1/identity/aml/messages/{message_id:uuid}/file")
async def get_aml_message_file(
    message_id: UUID, request: HttpRequest, screening_reads: ScreeningReads
) -> contract.AmlMessageFile:
    """The file of a message."""
    return await screening_reads.get_aml_message_file(message_id, actor=actor_of(request))


@post("/v1/identity/aml/messages/{message_id:uuid}/steps", status_code=200)
async def advance_aml_message(
    message_id: UUID, data: contract.AdvanceAmlMessageRequest, request: HttpRequest, screening: ScreeningUseCases
) -> contract.AmlMessage:
    """Prepare a message, approve it, or record that it was sent or answered."""
    actor, command_id = command_context(request)
    cmd = AdvanceAmlMessage(
        command_id=command_id,
        actor=actor,
        message_id=message_id,
        step=MessageStep(data.step.value),
        message_sha256=data.message_sha256,
        comment=None if data.comment is msgspec.UNSET else data.comment,
        reference=None if data.reference is msgspec.UNSET else data.reference,
    )
    return await screening.advance_aml_message(cmd)


@get("/v1/identity/screening/lists")
async def list_screening_lists(
    request: HttpRequest,
    screening_reads: ScreeningReads,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
) -> contract.ListVersionPage:
    """List the versions of all lists, newest first."""
    return await screening_reads.list_screening_lists(actor=actor_of(request), limit=limit)


@post("/v1/identity/screening/lists/{version_id:uuid}/decision", status_code=200)
async def decide_list_version(
    version_id: UUID, data: contract.DecideListVersionRequest, request: HttpRequest, screening: ScreeningUseCases
) -> contract.ListVersion:
    """Put a held list version in force, or reject it."""
    actor, command_id = command_context(request)
    cmd = DecideListVersion(
        command_id=command_id,
        actor=actor,
        version_id=version_id,
        approved=data.outcome is contract.ListVersionOutcome.approved,
        reason=data.reason,
    )
    return await screening.decide_list_version(cmd)


HANDLERS: Final = (
    record_identifications,
    decide_kyc,
    list_kyc_cases,
    get_kyc_status,
    bind_certificates,
    change_certificate,
    list_certificates,
    screen_clients,
    list_screening_hits,
    decide_screening_hit,
    list_screening_lists,
    decide_list_version,
    list_screening_runs,
    list_aml_messages,
    get_aml_message_file,
    advance_aml_message,
)
