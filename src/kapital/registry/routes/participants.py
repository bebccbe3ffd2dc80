"""HTTP of participants."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import registry as contract
from kapital.contracts.base import given
from kapital.platform.http import HttpRequest, actor_of, command_context
from kapital.registry.domain.participant import Application, ParticipantKind
from kapital.registry.domain.states import ParticipantState
from kapital.registry.queries.bound import RegistryReads
from kapital.registry.queries.participants import PAGE_MAX, Sought
from kapital.registry.use_cases.bound import RegistryUseCases
from kapital.registry.use_cases.close_participant import DecideClosing, RequestClosing
from kapital.registry.use_cases.lift_restriction import LiftRestriction
from kapital.registry.use_cases.register_participants import RegisterParticipants
from kapital.registry.use_cases.restrict_participant import RestrictParticipant

# The framework keeps the name `state` for itself.
InState = Annotated[contract.ParticipantState | None, Parameter(query="state")]
Name = Annotated[str | None, Parameter(min_length=2, max_length=500)]
Inn = Annotated[str | None, Parameter(pattern="^[0-9]{2,12}$")]
Ogrn = Annotated[str | None, Parameter(pattern="^[0-9]{2,15}$")]
Limit = Annotated[int, Parameter(ge=1, le=PAGE_MAX)]


@post("/v1/registry/participants", status_code=200)
async def register_participants(
    data: contract.RegisterParticipantsRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.RegisterParticipantsResponse:
    """Register up to 1,000 applicants."""
    actor, command_id = command_context(request)
    applications = msgspec.convert(msgspec.to_builtins(data.participants), tuple[Application, ...])
    cmd = RegisterParticipants(command_id=command_id, actor=actor, participants=applications)
    return await registry.register_participants(cmd)


@get("/v1/registry/participants")
async def list_participants(
    request: HttpRequest,
    registry_reads: RegistryReads,
    in_state: InState = None,
    kind: contract.ParticipantKind | None = None,
    name: Name = None,
    inn: Inn = None,
    ogrn: Ogrn = None,
    match: contract.SearchMatch = contract.SearchMatch.beginning,
    after: UUID | None = None,
    limit: Limit = 100,
) -> contract.ParticipantPage:
    """List participants, page by page, or find them."""
    sought = Sought(
        state=None if in_state is None else ParticipantState(in_state.value),
        kind=None if kind is None else ParticipantKind(kind.value),
        name=name,
        inn=inn,
        ogrn=ogrn,
        exact=match is contract.SearchMatch.exact,
    )
    return await registry_reads.list_participants(actor=actor_of(request), sought=sought, after=after, limit=limit)


@get("/v1/registry/participants/{participant_id:uuid}")
async def get_participant(
    participant_id: UUID, request: HttpRequest, registry_reads: RegistryReads
) -> contract.Participant:
    """One participant."""
    return await registry_reads.get_participant(participant_id, actor=actor_of(request))


@post("/v1/registry/participants/{participant_id:uuid}/restrict", status_code=200)
async def restrict_participant(
    participant_id: UUID,
    data: contract.RestrictParticipantRequest,
    request: HttpRequest,
    registry: RegistryUseCases,
) -> contract.ParticipantStateAnswer:
    """Restrict a participant."""
    actor, command_id = command_context(request)
    cmd = RestrictParticipant(
        command_id=command_id,
        actor=actor,
        participant_id=participant_id,
        basis_reference=data.basis_reference,
    )
    return await registry.restrict_participant(cmd)


@post("/v1/registry/participants/{participant_id:uuid}/lift-restriction", status_code=200)
async def lift_restriction(
    participant_id: UUID,
    data: contract.LiftRestrictionRequest,
    request: HttpRequest,
    registry: RegistryUseCases,
) -> contract.ParticipantStateAnswer:
    """Lift an officer's restriction."""
    actor, command_id = command_context(request)
    cmd = LiftRestriction(
        command_id=command_id,
        actor=actor,
        participant_id=participant_id,
        basis_reference=data.basis_reference,
    )
    return await registry.lift_restriction(cmd)


@post("/v1/registry/participants/{participant_id:uuid}/closing", status_code=200)
async def request_closing(
    participant_id: UUID,
    data: contract.RequestClosingRequest,
    request: HttpRequest,
    registry: RegistryUseCases,
) -> contract.ClosingRequested:
    """Ask that the relation end."""
    actor, command_id = command_context(request)
    cmd = RequestClosing(
        command_id=command_id,
        actor=actor,
        participant_id=participant_id,
        basis_reference=data.basis_reference,
    )
    return await registry.request_closing(cmd)


@post("/v1/registry/participants/{participant_id:uuid}/closing-decision", status_code=200)
async def decide_closing(
    participant_id: UUID,
    data: contract.DecideClosingRequest,
    request: HttpRequest,
    registry: RegistryUseCases,
) -> contract.ParticipantStateAnswer:
    """Close the relation, or refuse to."""
    actor, command_id = command_context(request)
    cmd = DecideClosing(
        command_id=command_id,
        actor=actor,
        participant_id=participant_id,
        close=data.decision is contract.ClosingDecision.close,
        closing_sha256=data.closing_sha256,
        basis_reference=data.basis_reference,
        no_dispute_reference=given(data.no_dispute_reference),
    )
    return await registry.decide_closing(cmd)


HANDLERS: Final = (
    register_participants,
    list_participants,
    get_participant,
    restrict_participant,
    lift_restriction,
    request_closing,
    decide_closing,
)
