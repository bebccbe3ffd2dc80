"""HTTP of the staff: who is registered, what each holds, and changes by two persons."""

from typing import Annotated, Final
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import registry as contract
from kapital.contracts.base import given, given_in_utc
from kapital.kernel.roles import Role
from kapital.platform.http import HttpRequest, actor_of, command_context
from kapital.platform.http.instants import instant_of
from kapital.registry.queries.bound import RegistryReads
from kapital.registry.queries.participants import PAGE_MAX
from kapital.registry.use_cases.bound import RegistryUseCases
from kapital.registry.use_cases.change_staff import DecideStaffChange, ProposeStaffChange
from kapital.registry.use_cases.end_staff import EndStaff
from kapital.registry.use_cases.register_staff import RegisterStaff

Limit = Annotated[int, Parameter(ge=1, le=PAGE_MAX)]


@post("/v1/registry/staff", status_code=201)
async def register_staff(
    data: contract.RegisterStaffRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.Staff:
    """Register a member of staff."""
    actor, command_id = command_context(request)
    cmd = RegisterStaff(
        command_id=command_id,
        actor=actor,
        roles=frozenset(Role(role.value) for role in data.roles),
        staff_id=given(data.staff_id),
        valid_until=given_in_utc(data.valid_until),
    )
    return await registry.register_staff(cmd)


@post("/v1/registry/staff/{staff_id:uuid}/end", status_code=200)
async def end_staff(
    staff_id: UUID, data: contract.EndStaffRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.EndedStaff:
    """End a member of staff."""
    actor, command_id = command_context(request)
    cmd = EndStaff(command_id=command_id, actor=actor, staff_id=staff_id, basis_reference=data.basis_reference)
    return await registry.end_staff(cmd)


@get("/v1/registry/staff")
async def list_staff(
    request: HttpRequest,
    registry_reads: RegistryReads,
    at: str | None = None,
    after: UUID | None = None,
    limit: Limit = 100,
) -> contract.StaffPage:
    """The staff as it stood at an instant."""
    instant = None if at is None else instant_of(at, "at")
    return await registry_reads.list_staff(actor=actor_of(request), at=instant, after=after, limit=limit)


@post("/v1/registry/staff/{staff_id:uuid}/changes", status_code=201)
async def propose_staff_change(
    staff_id: UUID, data: contract.ProposeStaffChangeRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.StaffChange:
    """Propose other roles, or another end, of a member of staff."""
    actor, command_id = command_context(request)
    cmd = ProposeStaffChange(
        command_id=command_id,
        actor=actor,
        staff_id=staff_id,
        roles=frozenset(Role(role.value) for role in data.roles),
        valid_until=given_in_utc(data.valid_until),
        basis_reference=data.basis_reference,
    )
    return await registry.propose_staff_change(cmd)


@post("/v1/registry/staff-changes/{change_id:uuid}/decision", status_code=200)
async def decide_staff_change(
    change_id: UUID, data: contract.DecideStaffChangeRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.StaffChange:
    """Make or refuse a proposed change."""
    actor, command_id = command_context(request)
    cmd = DecideStaffChange(
        command_id=command_id,
        actor=actor,
        change_id=change_id,
        make=data.decision is contract.StaffChangeDecision.make,
        change_sha256=data.change_sha256,
    )
    return await registry.decide_staff_change(cmd)


HANDLERS: Final = (
    register_staff,
    end_staff,
    list_staff,
    propose_staff_change,
    decide_staff_change,
)
