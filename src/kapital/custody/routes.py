"""HTTP of custody, bound to contracts/openapi/custody.yaml."""

import base64
from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import custody as contract
from kapital.custody.domain.key import Key
from kapital.custody.domain.profiles import KeyProfile
from kapital.custody.queries.keys import get_key, list_keys
from kapital.custody.queries.signatures import list_signatures
from kapital.custody.use_cases.bound import CustodyUseCases
from kapital.custody.use_cases.generate_key import GenerateKey
from kapital.custody.use_cases.report_compromise import ReportCompromise
from kapital.custody.use_cases.resume_key import ResumeKey
from kapital.custody.use_cases.revoke_key import RevokeKey
from kapital.custody.use_cases.suspend_key import SuspendKey
from kapital.platform import access
from kapital.platform.http import PUBLIC, HttpRequest, actor_of, command_context

Limit = Annotated[int, Parameter(ge=1, le=200)]
# The limits of a parameter are read from the outermost annotation only: None belongs inside.
KeyName = Annotated[str | None, Parameter(min_length=1, max_length=128, pattern=r"^[a-z0-9][a-z0-9._/-]{0,127}$")]
LogNumber = Annotated[int | None, Parameter(ge=1, le=2**63 - 1)]


@get("/v1/custody/keys", opt=PUBLIC)
async def keys_route(custody: CustodyUseCases, after: KeyName = None, limit: Limit = 100) -> contract.KeyPage:
    """Public keys by name."""
    async with custody.database.connect() as conn:
        keys = await list_keys(conn, after=after or "", limit=limit + 1)
    more = len(keys) > limit
    return contract.KeyPage(
        items=[_key(key) for key in keys[:limit]], next_after=keys[limit - 1].name if more else None
    )


@get("/v1/custody/keys/{key_id:uuid}", opt=PUBLIC)
async def key_route(custody: CustodyUseCases, key_id: UUID) -> contract.Key:
    """One public key."""
    async with custody.database.connect() as conn:
        return _key(await get_key(conn, key_id))


@post("/v1/custody/keys", status_code=201)
async def generate_route(
    data: contract.GenerateKeyRequest, request: HttpRequest, custody: CustodyUseCases
) -> contract.Key:
    """Make a key."""
    actor, command_id = command_context(request)
    profile = KeyProfile(data.profile.value)
    command = GenerateKey(command_id=command_id, actor=actor, name=data.name, profile=profile)
    return _key(await custody.generate_key(command))


@post("/v1/custody/keys/{key_id:uuid}/suspend", status_code=200)
async def suspend_route(
    data: contract.SuspendKeyRequest, request: HttpRequest, custody: CustodyUseCases, key_id: UUID
) -> contract.Key:
    """Stop a key."""
    actor, command_id = command_context(request)
    command = SuspendKey(command_id=command_id, actor=actor, key_id=key_id, reason=data.reason)
    return _key(await custody.suspend_key(command))


@post("/v1/custody/keys/{key_id:uuid}/resume", status_code=200)
async def resume_route(
    data: contract.ChangeKeyRequest, request: HttpRequest, custody: CustodyUseCases, key_id: UUID
) -> contract.Key:
    """Ask for the return of a key, or grant it."""
    actor, command_id = command_context(request)
    command = ResumeKey(command_id=command_id, actor=actor, key_id=key_id, version=data.version, reason=data.reason)
    return _key(await custody.resume_key(command))


@post("/v1/custody/keys/{key_id:uuid}/report-compromise", status_code=200)
async def compromise_route(
    data: contract.SuspendKeyRequest, request: HttpRequest, custody: CustodyUseCases, key_id: UUID
) -> contract.Key:
    """Declare that a key is in other hands."""
    actor, command_id = command_context(request)
    command = ReportCompromise(command_id=command_id, actor=actor, key_id=key_id, reason=data.reason)
    return _key(await custody.report_compromise(command))


@post("/v1/custody/keys/{key_id:uuid}/revoke", status_code=200)
async def revoke_route(
    data: contract.ChangeKeyRequest, request: HttpRequest, custody: CustodyUseCases, key_id: UUID
) -> contract.Key:
    """End a key."""
    actor, command_id = command_context(request)
    command = RevokeKey(command_id=command_id, actor=actor, key_id=key_id, version=data.version, reason=data.reason)
    return _key(await custody.revoke_key(command))


@get("/v1/custody/keys/{key_id:uuid}/signatures")
async def signatures_route(
    request: HttpRequest,
    custody: CustodyUseCases,
    key_id: UUID,
    before: LogNumber = None,
    limit: Limit = 100,
) -> contract.SignaturePage:
    """Signature log of a key."""
    access.require(actor_of(request), "list_signatures", access.Resource("Key"))
    async with custody.database.connect() as conn:
        await get_key(conn, key_id)
        rows = await list_signatures(conn, key_id, before=before, limit=limit + 1)
    items = [contract.LoggedSignature(**row._asdict()) for row in rows[:limit]]
    return contract.SignaturePage(items=items, next_before=items[-1].number if len(rows) > limit else None)


HANDLERS: Final[Sequence[Any]] = (
    keys_route,
    key_route,
    generate_route,
    suspend_route,
    resume_route,
    compromise_route,
    revoke_route,
    signatures_route,
)


def _key(key: Key) -> contract.Key:
    return contract.Key(
        key_id=key.key_id,
        name=key.name,
        profile=contract.KeyProfile(key.profile.value),
        algorithm=contract.KeyAlgorithm.ed25519,
        public_key_b64=base64.b64encode(key.public_key).decode(),
        provider=contract.KeyProvider.software,
        state=contract.KeyState(key.state.value),
        resume_requested=key.resume_requested_by is not None,
        version=key.version,
        created_at=key.created_at,
    )
