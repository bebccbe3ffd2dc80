"""HTTP of representatives."""

from typing import Annotated, Final
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import registry as contract
from kapital.contracts.base import given
from kapital.platform.acts.http import base64_bytes
from kapital.platform.acts.owners import ShownPower
from kapital.platform.http import HttpRequest, actor_of, command_context
from kapital.registry.domain.representative import RepresentativeKind, RepresentativeSaid
from kapital.registry.queries.bound import RegistryReads
from kapital.registry.queries.participants import PAGE_MAX
from kapital.registry.use_cases.appoint_representative import AppointRepresentative
from kapital.registry.use_cases.bound import RegistryUseCases
from kapital.registry.use_cases.end_representative import EndRepresentative

Limit = Annotated[int, Parameter(ge=1, le=PAGE_MAX)]


@post("/v1/registry/participants/{participant_id:uuid}/representatives", status_code=201)
async def appoint_representative(
    participant_id: UUID,
    data: contract.AppointRepresentativeRequest,
    request: HttpRequest,
    registry: RegistryUseCases,
) -> contract.Representative:
    """Enter a person who acts for the participant."""
    actor, command_id = command_context(request)
    shown = given(data.power_of_attorney)
    cmd = AppointRepresentative(
        command_id=command_id,
        actor=actor,
        participant_id=participant_id,
        said=RepresentativeSaid(
            kind=RepresentativeKind(data.kind.value),
            name=data.name,
            inn=data.inn,
            snils=given(data.snils),
            powers=frozenset(given(data.powers) or ()),
            valid_until=given(data.valid_until),
            basis_reference=data.basis_reference,
        ),
        power=None
        if shown is None
        else ShownPower(
            document=base64_bytes(shown.document, "/power_of_attorney/document"),
            signature=base64_bytes(shown.signature, "/power_of_attorney/signature"),
        ),
    )
    return await registry.appoint_representative(cmd)


@get("/v1/registry/participants/{participant_id:uuid}/representatives")
async def list_representatives(
    participant_id: UUID,
    request: HttpRequest,
    registry_reads: RegistryReads,
    after: UUID | None = None,
    limit: Limit = 100,
) -> contract.RepresentativePage:
    """Who acts and has acted for the participant."""
    return await registry_reads.list_representatives(
        participant_id, actor=actor_of(request), after=after, limit=limit
    )


@post("/v1/registry/representatives/{representative_id:uuid}/end", status_code=200)
async def end_representative(
    representative_id: UUID,
    data: contract.EndRepresentativeRequest,
    request: HttpRequest,
    registry: RegistryUseCases,
) -> contract.Representative:
    """End what a representative may do."""
    actor, command_id = command_context(request)
    cmd = EndRepresentative(
        command_id=command_id,
        actor=actor,
        representative_id=representative_id,
        basis_reference=data.basis_reference,
    )
    return await registry.end_representative(cmd)


HANDLERS: Final = (
    appoint_representative,
    list_representatives,
    end_representative,
)
