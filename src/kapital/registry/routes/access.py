"""HTTP of staff and access tokens."""

from typing import Final
from uuid import UUID

from litestar import post

from kapital.contracts import registry as contract
from kapital.contracts.base import given
from kapital.kernel.roles import Role
from kapital.platform.http import HttpRequest, command_context
from kapital.registry.domain.access import TokenSubjectKind
from kapital.registry.use_cases.bound import RegistryUseCases
from kapital.registry.use_cases.end_staff import EndStaff
from kapital.registry.use_cases.issue_access_token import IssueAccessToken
from kapital.registry.use_cases.register_staff import RegisterStaff
from kapital.registry.use_cases.revoke_access_token import RevokeAccessToken


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


@post("/v1/registry/access-tokens", status_code=201)
async def issue_access_token(
    data: contract.IssueAccessTokenRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.IssuedAccessToken:
    """Issue an access token."""
    actor, command_id = command_context(request)
    cmd = IssueAccessToken(
        command_id=command_id,
        actor=actor,
        subject_kind=TokenSubjectKind(data.subject_kind.value),
        subject_id=data.subject_id,
        roles=frozenset(Role(role.value) for role in data.roles),
        expires_at=data.expires_at,
    )
    return await registry.issue_access_token(cmd)


@post("/v1/registry/access-tokens/{token_id:uuid}/revoke", status_code=200)
async def revoke_access_token(
    token_id: UUID, request: HttpRequest, registry: RegistryUseCases
) -> contract.RevokedAccessToken:
    """Revoke an access token."""
    actor, command_id = command_context(request)
    cmd = RevokeAccessToken(command_id=command_id, actor=actor, token_id=token_id)
    return await registry.revoke_access_token(cmd)


HANDLERS: Final = (
    register_staff,
    end_staff,
    issue_access_token,
    revoke_access_token,
)
