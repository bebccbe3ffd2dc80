"""HTTP of identifications and the decisions on them."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import identity as contract
from kapital.identity.domain.parties import PersonParticulars
from kapital.identity.domain.states import CaseState
from kapital.identity.queries.bound import IdentityReads
from kapital.identity.use_cases.bound import IdentityUseCases
from kapital.identity.use_cases.decide_kyc import DecideKyc, NewKycDecision
from kapital.identity.use_cases.identify_representative import IdentifyRepresentative
from kapital.identity.use_cases.record_doubt import RecordDoubt
from kapital.identity.use_cases.record_identifications import NewIdentification, RecordIdentifications
from kapital.platform.http import HttpRequest, actor_of, command_context

# The framework keeps the name `state` for itself.
InState = Annotated[contract.CaseState | None, Parameter(query="state")]


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


@post("/v1/identity/participants/{participant_id:uuid}/doubts", status_code=200)
async def record_identification_doubt(
    participant_id: UUID, data: contract.RecordDoubtRequest, request: HttpRequest, identity: IdentityUseCases
) -> contract.IdentificationDoubt:
    """Record a doubt about the truth of what a participant was identified by."""
    actor, command_id = command_context(request)
    cmd = RecordDoubt(
        command_id=command_id,
        actor=actor,
        participant_id=participant_id,
        identification_sha256=data.identification_sha256,
        reason=data.reason,
    )
    return await identity.record_doubt(cmd)


@post("/v1/identity/representatives/{representative_id:uuid}/identification", status_code=200)
async def identify_representative(
    representative_id: UUID,
    data: contract.IdentifyRepresentativeRequest,
    request: HttpRequest,
    identity: IdentityUseCases,
) -> contract.IdentifiedRepresentative:
    """Record who a representative is, by its document."""
    actor, command_id = command_context(request)
    cmd = IdentifyRepresentative(
        command_id=command_id,
        actor=actor,
        representative_id=representative_id,
        person=msgspec.convert(msgspec.to_builtins(data.person), PersonParticulars),
        document_sha256=data.document_sha256,
    )
    return await identity.identify_representative(cmd)


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


HANDLERS: Final = (
    record_identifications,
    decide_kyc,
    record_identification_doubt,
    identify_representative,
    list_kyc_cases,
    get_kyc_status,
)
