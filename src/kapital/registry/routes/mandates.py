"""HTTP of mandates of brokers."""

from typing import Annotated, Final
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import registry as contract
from kapital.contracts.base import given
from kapital.contracts.common import PreparedAct
from kapital.platform.acts.http import prepared, signed_act
from kapital.platform.http import NO_IDEMPOTENCY_KEY, HttpRequest, actor_of, command_context
from kapital.registry.domain.mandate import MandatePower, MandateSaid
from kapital.registry.queries.bound import RegistryReads
from kapital.registry.queries.participants import PAGE_MAX
from kapital.registry.use_cases.accept_mandate import AcceptMandate, PrepareMandateAct
from kapital.registry.use_cases.bound import RegistryUseCases
from kapital.registry.use_cases.end_mandate import EndMandate
from kapital.registry.use_cases.give_mandate import GiveMandate

Limit = Annotated[int, Parameter(ge=1, le=PAGE_MAX)]


@post("/v1/registry/participants/{participant_id:uuid}/mandates", status_code=201)
async def give_mandate(
    participant_id: UUID, data: contract.GiveMandateRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.Mandate:
    """Let a broker order for the participant."""
    actor, command_id = command_context(request)
    cmd = GiveMandate(
        command_id=command_id,
        actor=actor,
        participant_id=participant_id,
        said=_said(data.mandate),
        signed_act=signed_act(given(data.act)),
    )
    return await registry.give_mandate(cmd)


@get("/v1/registry/participants/{participant_id:uuid}/mandates")
async def list_mandates(
    participant_id: UUID,
    request: HttpRequest,
    registry_reads: RegistryReads,
    after: UUID | None = None,
    limit: Limit = 100,
) -> contract.MandatePage:
    """Mandates that the participant gave or was given."""
    return await registry_reads.list_mandates(participant_id, actor=actor_of(request), after=after, limit=limit)


@post("/v1/registry/mandates/{mandate_id:uuid}/acceptance", status_code=200)
async def accept_mandate(
    mandate_id: UUID, data: contract.AcceptMandateRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.Mandate:
    """Accept a mandate."""
    actor, command_id = command_context(request)
    cmd = AcceptMandate(
        command_id=command_id,
        actor=actor,
        mandate_id=mandate_id,
        text_sha256=data.text_sha256,
        signed_act=signed_act(given(data.act)),
    )
    return await registry.accept_mandate(cmd)


@post("/v1/registry/mandates/{mandate_id:uuid}/end", status_code=200)
async def end_mandate(mandate_id: UUID, request: HttpRequest, registry: RegistryUseCases) -> contract.Mandate:
    """End a mandate at once."""
    actor, command_id = command_context(request)
    return await registry.end_mandate(EndMandate(command_id=command_id, actor=actor, mandate_id=mandate_id))


@post("/v1/registry/mandate-acts", status_code=200, opt=NO_IDEMPOTENCY_KEY)
async def prepare_mandate_act(
    data: contract.PrepareMandateActRequest, request: HttpRequest, registry: RegistryUseCases
) -> PreparedAct:
    """The act of giving or accepting a mandate."""
    said, accepted = given(data.mandate), given(data.acceptance)
    cmd = PrepareMandateAct(
        actor=actor_of(request),
        idempotency_key=data.idempotency_key,
        mandate=None if said is None else _said(said),
        acceptance=None if accepted is None else (accepted.mandate_id, accepted.text_sha256),
    )
    return PreparedAct(**prepared(registry.prepare_mandate_act(cmd)))


def _said(told: contract.GivenMandate) -> MandateSaid:
    return MandateSaid(
        broker_id=told.broker_id,
        powers=frozenset(MandatePower(power.value) for power in told.powers),
        order_limit_kopecks=told.order_limit_kopecks,
        day_limit_kopecks=told.day_limit_kopecks,
        valid_until=told.valid_until,
    )


HANDLERS: Final = (
    give_mandate,
    list_mandates,
    accept_mandate,
    end_mandate,
    prepare_mandate_act,
)
