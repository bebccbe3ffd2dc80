"""HTTP of freezes, bound to `contracts/openapi/identity.yaml`: translate, call, translate back."""

from typing import Annotated, Final
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import identity as contract
from kapital.identity.domain.freeze import FreezeBasis, FreezeDirection, FreezeScope, Reach, ReleaseKind
from kapital.identity.domain.problems import ReleaseMustNarrowTheFreeze
from kapital.identity.domain.states import FreezeState
from kapital.identity.queries.bound import FreezeReads
from kapital.identity.use_cases.change_freeze import DecideFreeze, DecideFreezeRelease, ProposeFreezeRelease
from kapital.identity.use_cases.freezing import FreezingUseCases
from kapital.identity.use_cases.impose_freeze import ImposeFreeze
from kapital.platform.http import HttpRequest, actor_of, command_context

InState = Annotated[contract.FreezeState | None, Parameter(query="state")]


@post("/v1/identity/freezes", status_code=200)
async def impose_freeze(
    data: contract.ImposeFreezeRequest, request: HttpRequest, freezing: FreezingUseCases
) -> contract.Freeze:
    """Freeze, or propose to."""
    actor, command_id = command_context(request)
    reach = Reach(
        scope=FreezeScope(data.scope.value),
        wallet_id=data.wallet_id,
        asset_id=data.asset_id,
        direction=FreezeDirection(data.direction.value),
    )
    return await freezing.impose_freeze(
        ImposeFreeze(
            command_id=command_id,
            actor=actor,
            participant_id=data.participant_id,
            reach=reach,
            basis=_basis(data.basis),
            reason=data.reason,
        )
    )


@get("/v1/identity/freezes")
async def list_freezes(
    request: HttpRequest,
    freeze_reads: FreezeReads,
    in_state: InState = None,
    after: UUID | None = None,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
) -> contract.FreezePage:
    """List freezes, page by page."""
    wanted = None if in_state is None else FreezeState(in_state.value)
    return await freeze_reads.list_freezes(actor=actor_of(request), state=wanted, after=after, limit=limit)


@get("/v1/identity/freezes/{freeze_id:uuid}")
async def get_freeze(freeze_id: UUID, request: HttpRequest, freeze_reads: FreezeReads) -> contract.Freeze:
    """One freeze with its entries."""
    return await freeze_reads.get_freeze(freeze_id, actor=actor_of(request))


@post("/v1/identity/freezes/{freeze_id:uuid}/decision", status_code=200)
async def decide_freeze(
    freeze_id: UUID, data: contract.DecideFreezeRequest, request: HttpRequest, freezing: FreezingUseCases
) -> contract.Freeze:
    """Impose a proposed freeze, or reject it."""
    actor, command_id = command_context(request)
    return await freezing.change_freeze(
        DecideFreeze(
            command_id=command_id,
            actor=actor,
            freeze_id=freeze_id,
            impose=data.decision is contract.FreezeDecision.impose,
            freeze_sha256=data.freeze_sha256,
            reason=data.reason,
        )
    )


@post("/v1/identity/freezes/{freeze_id:uuid}/release-proposal", status_code=200)
async def propose_freeze_release(
    freeze_id: UUID, data: contract.ProposeFreezeReleaseRequest, request: HttpRequest, freezing: FreezingUseCases
) -> contract.Freeze:
    """Propose to release, whole or in part."""
    actor, command_id = command_context(request)
    return await freezing.change_freeze(
        ProposeFreezeRelease(
            command_id=command_id,
            actor=actor,
            freeze_id=freeze_id,
            kind=ReleaseKind(data.kind.value),
            remaining=_remaining(data),
            amount_kopecks=data.amount_kopecks,
            basis=_basis(data.basis),
            freeze_sha256=data.freeze_sha256,
            reason=data.reason,
        )
    )


@post("/v1/identity/freezes/{freeze_id:uuid}/release-decision", status_code=200)
async def decide_freeze_release(
    freeze_id: UUID, data: contract.DecideFreezeReleaseRequest, request: HttpRequest, freezing: FreezingUseCases
) -> contract.Freeze:
    """Approve or reject a proposed release."""
    actor, command_id = command_context(request)
    return await freezing.change_freeze(
        DecideFreezeRelease(
            command_id=command_id,
            actor=actor,
            freeze_id=freeze_id,
            approve=data.decision is contract.FreezeReleaseDecision.approve,
            freeze_sha256=data.freeze_sha256,
            reason=data.reason,
        )
    )


def _remaining(data: contract.ProposeFreezeReleaseRequest) -> Reach | None:
    if data.scope is None and data.direction is None and data.asset_id is None:
        return None
    if data.scope is None or data.direction is None:
        raise ReleaseMustNarrowTheFreeze(facts={"kind": data.kind.value})
    return Reach(
        scope=FreezeScope(data.scope.value),
        asset_id=data.asset_id,
        direction=FreezeDirection(data.direction.value),
    )


def _basis(basis: contract.FreezeBasis) -> FreezeBasis:
    return FreezeBasis(basis.reference, basis.document_sha256)


HANDLERS: Final = (
    impose_freeze,
    list_freezes,
    get_freeze,
    decide_freeze,
    propose_freeze_release,
    decide_freeze_release,
)
