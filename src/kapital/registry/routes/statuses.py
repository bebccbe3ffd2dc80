"""HTTP of roles and statuses."""

from typing import Annotated, Final
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import registry as contract
from kapital.contracts.base import given, given_in_utc
from kapital.platform.http import HttpRequest, actor_of, command_context
from kapital.registry.domain.status import StatusName, StatusSaid
from kapital.registry.queries.bound import RegistryReads
from kapital.registry.queries.participants import PAGE_MAX
from kapital.registry.use_cases.bound import RegistryUseCases
from kapital.registry.use_cases.change_status import DecideStatus, ProposeStatus, WithdrawStatus

Limit = Annotated[int, Parameter(ge=1, le=PAGE_MAX)]


@post("/v1/registry/participants/{participant_id:uuid}/statuses", status_code=201)
async def propose_status(
    participant_id: UUID, data: contract.ProposeStatusRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.ParticipantStatus:
    """Propose that a participant hold a role or a status."""
    actor, command_id = command_context(request)
    said = StatusSaid(
        name=StatusName(data.status.value),
        basis_reference=data.basis_reference,
        valid_from=given_in_utc(data.valid_from),
        valid_until=given_in_utc(data.valid_until),
        recognised_by=given(data.recognised_by),
        evidence_sha256=given(data.evidence_sha256),
    )
    cmd = ProposeStatus(command_id=command_id, actor=actor, participant_id=participant_id, said=said)
    return await registry.propose_status(cmd)


@get("/v1/registry/participants/{participant_id:uuid}/statuses")
async def list_statuses(
    participant_id: UUID,
    request: HttpRequest,
    registry_reads: RegistryReads,
    after: UUID | None = None,
    limit: Limit = 100,
) -> contract.ParticipantStatusPage:
    """Roles and statuses, present and past."""
    return await registry_reads.list_statuses(participant_id, actor=actor_of(request), after=after, limit=limit)


@post("/v1/registry/statuses/{status_id:uuid}/decision", status_code=200)
async def decide_status(
    status_id: UUID, data: contract.DecideStatusRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.ParticipantStatus:
    """Accept or refuse a proposal."""
    actor, command_id = command_context(request)
    cmd = DecideStatus(
        command_id=command_id,
        actor=actor,
        status_id=status_id,
        accept=data.decision is contract.StatusDecision.accept,
        status_sha256=data.status_sha256,
    )
    return await registry.decide_status(cmd)


@post("/v1/registry/statuses/{status_id:uuid}/withdrawal", status_code=200)
async def withdraw_status(
    status_id: UUID, data: contract.WithdrawStatusRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.ParticipantStatus:
    """End a role or status."""
    actor, command_id = command_context(request)
    cmd = WithdrawStatus(
        command_id=command_id, actor=actor, status_id=status_id, basis_reference=data.basis_reference
    )
    return await registry.withdraw_status(cmd)


HANDLERS: Final = (
    propose_status,
    list_statuses,
    decide_status,
    withdraw_status,
)
