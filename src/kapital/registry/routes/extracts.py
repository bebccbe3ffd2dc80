"""HTTP of the register at an instant."""

from datetime import UTC
from typing import Annotated, Final
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import registry as contract
from kapital.platform.http import HttpRequest, actor_of, command_context
from kapital.platform.http.instants import instant_of
from kapital.registry.queries.bound import RegistryReads
from kapital.registry.queries.participants import PAGE_MAX
from kapital.registry.use_cases.bound import RegistryUseCases
from kapital.registry.use_cases.sign_register_extract import SignRegisterExtract

Limit = Annotated[int, Parameter(ge=1, le=PAGE_MAX)]


@get("/v1/registry/extract")
async def get_register_extract(
    request: HttpRequest,
    registry_reads: RegistryReads,
    at: str | None = None,
    after: UUID | None = None,
    limit: Limit = 100,
) -> contract.RegisterExtract:
    """The register of users as it stood at an instant."""
    instant = None if at is None else instant_of(at, "at")
    return await registry_reads.register_extract(actor=actor_of(request), at=instant, after=after, limit=limit)


@post("/v1/registry/extracts", status_code=201)
async def sign_register_extract(
    data: contract.SignRegisterExtractRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.SignedExtract:
    """Sign an extract of the register as of a past instant."""
    actor, command_id = command_context(request)
    cmd = SignRegisterExtract(command_id=command_id, actor=actor, at=data.at.astimezone(UTC))
    return await registry.sign_register_extract(cmd)


HANDLERS: Final = (
    get_register_extract,
    sign_register_extract,
)
