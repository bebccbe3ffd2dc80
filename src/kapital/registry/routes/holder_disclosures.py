"""HTTP of the disclosure of holders by nominees."""

from datetime import UTC
from typing import Annotated, Final
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import registry as contract
from kapital.contracts.base import given
from kapital.platform.http import HttpRequest, actor_of, command_context
from kapital.registry.domain.holder_disclosure import PART_LINES_MAX, PARTS_MAX, DisclosedHolder
from kapital.registry.domain.participant import ParticipantKind
from kapital.registry.queries.bound import RegistryReads
from kapital.registry.queries.participants import PAGE_MAX
from kapital.registry.use_cases.bound import RegistryUseCases
from kapital.registry.use_cases.disclose_holders import DiscloseHolders, RequestHolderDisclosure

InState = Annotated[contract.HolderDisclosureState | None, Parameter(query="state")]
Limit = Annotated[int, Parameter(ge=1, le=PAGE_MAX)]
AfterLine = Annotated[int, Parameter(ge=0, le=PARTS_MAX * PART_LINES_MAX)]


@post("/v1/registry/participants/{participant_id:uuid}/holder-disclosures", status_code=201)
async def request_holder_disclosure(
    participant_id: UUID,
    data: contract.RequestHolderDisclosureRequest,
    request: HttpRequest,
    registry: RegistryUseCases,
) -> contract.HolderDisclosure:
    """Ask a nominee holder for whom it holds."""
    actor, command_id = command_context(request)
    cmd = RequestHolderDisclosure(
        command_id=command_id,
        actor=actor,
        participant_id=participant_id,
        issue_id=data.issue_id,
        as_of=data.as_of.astimezone(UTC),
        due_at=data.due_at.astimezone(UTC),
        basis_reference=data.basis_reference,
    )
    return await registry.request_holder_disclosure(cmd)


@get("/v1/registry/holder-disclosures")
async def list_holder_disclosures(
    request: HttpRequest,
    registry_reads: RegistryReads,
    participant_id: UUID | None = None,
    in_state: InState = None,
    after: UUID | None = None,
    limit: Limit = 100,
) -> contract.HolderDisclosurePage:
    """Requests to nominee holders."""
    return await registry_reads.list_holder_disclosures(
        actor=actor_of(request),
        participant_id=participant_id,
        state=None if in_state is None else in_state.value,
        after=after,
        limit=limit,
    )


@post("/v1/registry/holder-disclosures/{disclosure_id:uuid}/parts", status_code=200)
async def disclose_holders(
    disclosure_id: UUID, data: contract.DiscloseHoldersRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.HolderDisclosure:
    """Name holders."""
    actor, command_id = command_context(request)
    cmd = DiscloseHolders(
        command_id=command_id,
        actor=actor,
        disclosure_id=disclosure_id,
        part=data.part,
        is_last=data.is_last,
        holders=tuple(_holder(one) for one in data.holders),
    )
    return await registry.disclose_holders(cmd)


@get("/v1/registry/holder-disclosures/{disclosure_id:uuid}/holders")
async def list_disclosed_holders(
    disclosure_id: UUID,
    request: HttpRequest,
    registry_reads: RegistryReads,
    after: AfterLine = 0,
    limit: Limit = 100,
) -> contract.DisclosedHolderPage:
    """Those whom a nominee has named."""
    return await registry_reads.list_disclosed_holders(
        disclosure_id, actor=actor_of(request), after=after, limit=limit
    )


def _holder(one: contract.NewDisclosedHolder) -> DisclosedHolder:
    return DisclosedHolder(
        kind=ParticipantKind(one.kind.value),
        name=one.name,
        units=one.units,
        inn=given(one.inn),
        ogrn=given(one.ogrn),
        snils=given(one.snils),
        other_number=given(one.other_number),
        is_nominee=bool(given(one.is_nominee)),
    )


HANDLERS: Final = (
    request_holder_disclosure,
    list_holder_disclosures,
    disclose_holders,
    list_disclosed_holders,
)
