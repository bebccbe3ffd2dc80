"""HTTP of access tokens."""

from typing import Final
from uuid import UUID

from litestar import post

from kapital.contracts import registry as contract
from kapital.kernel.roles import Role
from kapital.platform.http import HttpRequest, command_context
from kapital.registry.domain.access import TokenSubjectKind
from kapital.registry.use_cases.bound import RegistryUseCases
from kapital.registry.use_cases.issue_access_token import IssueAccessToken
from kapital.registry.use_cases.revoke_access_token import RevokeAccessToken


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
    issue_access_token,
    revoke_access_token,
)
