"""HTTP of the DvP instructions, bound to contracts/openapi/settlement.yaml; translates and calls, decides nothing."""

from datetime import UTC
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import settlement as contract
from kapital.contracts.base import given
from kapital.platform.http import HttpRequest, actor_of, command_context
from kapital.settlement.domain.dvp import LinkKind
from kapital.settlement.dvp_forms import asked
from kapital.settlement.ports import Parts
from kapital.settlement.queries.access import PAGE_MAX
from kapital.settlement.queries.list_dvp import get_dvp_instruction, list_dvp_batches, list_dvp_instructions
from kapital.settlement.use_cases.change_dvp import ChangeDvp, DvpChange, DvpLinkAsked, LinkDvp, change_dvp, link_dvp
from kapital.settlement.use_cases.decide_dvp_batch import DecideDvpBatch, decide_dvp_batch
from kapital.settlement.use_cases.instruct_dvp import InstructDvp, instruct_dvp

Limit = Annotated[int, Parameter(ge=1, le=PAGE_MAX)]


@post("/v1/settlement/dvp-batches")
async def instruct_dvp_route(
    request: HttpRequest, settlement: Parts, data: contract.DvpBatchRequest
) -> contract.DvpBatch:
    """Keep a batch of instructions for another person to approve."""
    actor, command_id = command_context(request)
    cmd = InstructDvp(
        command_id=command_id,
        actor=actor,
        items=tuple(
            asked(msgspec.structs.replace(item, cut_off_at=item.cut_off_at.astimezone(UTC)))
            for item in data.instructions
        ),
    )
    return await instruct_dvp(cmd, settlement)


@get("/v1/settlement/dvp-batches")
async def list_dvp_batches_route(
    request: HttpRequest,
    settlement: Parts,
    in_state: Annotated[contract.DvpBatchState | None, Parameter(query="state")] = None,
    before: UUID | None = None,
    limit: Limit = 100,
) -> contract.DvpBatchPage:
    """A page of batches."""
    async with settlement.uow.database.connect() as conn:
        return await list_dvp_batches(conn, actor_of(request), state=in_state, before=before, limit=limit)


@post("/v1/settlement/dvp-batches/{batch_id:uuid}/decision", status_code=200)
async def decide_dvp_batch_route(
    request: HttpRequest, settlement: Parts, batch_id: UUID, data: contract.DvpBatchDecision
) -> contract.DvpBatch:
    """Approve or reject a batch by its hash."""
    actor, command_id = command_context(request)
    cmd = DecideDvpBatch(
        command_id=command_id,
        actor=actor,
        batch_id=batch_id,
        content_sha256=data.content_sha256,
        approve=data.verdict is contract.DvpVerdict.approve,
    )
    return await decide_dvp_batch(cmd, settlement)


@get("/v1/settlement/dvp-instructions")
async def list_dvp_instructions_route(
    request: HttpRequest,
    settlement: Parts,
    in_state: Annotated[contract.DvpState | None, Parameter(query="state")] = None,
    rail: contract.DvpRail | None = None,
    batch_id: UUID | None = None,
    before: UUID | None = None,
    limit: Limit = 100,
) -> contract.DvpInstructionPage:
    """A page of instructions."""
    async with settlement.uow.database.connect() as conn:
        return await list_dvp_instructions(
            conn, actor_of(request), state=in_state, rail=rail, batch_id=batch_id, before=before, limit=limit
        )


@get("/v1/settlement/dvp-instructions/{instruction_id:uuid}")
async def get_dvp_instruction_route(
    request: HttpRequest, settlement: Parts, instruction_id: UUID
) -> contract.DvpInstructionDetails:
    """One instruction with its links and parts."""
    async with settlement.uow.database.connect() as conn:
        return await get_dvp_instruction(conn, actor_of(request), instruction_id)


@post("/v1/settlement/dvp-instructions/changes", status_code=200)
async def change_dvp_instructions_route(
    request: HttpRequest, settlement: Parts, data: contract.DvpChangeRequest
) -> contract.DvpInstructionList:
    """Hold, release, give a priority to or cancel instructions that wait."""
    actor, command_id = command_context(request)
    cmd = ChangeDvp(
        command_id=command_id,
        actor=actor,
        change=DvpChange(data.change.value),
        instruction_ids=tuple(data.instruction_ids),
        priority=given(data.priority),
    )
    return await change_dvp(cmd, settlement)


@post("/v1/settlement/dvp-instructions/links", status_code=200)
async def link_dvp_instructions_route(
    request: HttpRequest, settlement: Parts, data: contract.DvpLinksRequest
) -> contract.DvpInstructionList:
    """Link instructions that wait."""
    actor, command_id = command_context(request)
    links = tuple(
        DvpLinkAsked(
            instruction_id=link.instruction_id, kind=LinkKind(link.kind.value), other_id=link.other_instruction_id
        )
        for link in data.links
    )
    return await link_dvp(LinkDvp(command_id=command_id, actor=actor, links=links), settlement)


HANDLERS = (
    instruct_dvp_route,
    list_dvp_batches_route,
    decide_dvp_batch_route,
    list_dvp_instructions_route,
    get_dvp_instruction_route,
    change_dvp_instructions_route,
    link_dvp_instructions_route,
)
