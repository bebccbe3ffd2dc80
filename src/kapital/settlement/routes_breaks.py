"""HTTP of breaks and of the report of reconciliation; translates and calls, decides nothing."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.params import Parameter

from kapital.contracts import settlement as contract
from kapital.contracts.base import given
from kapital.platform.http import HttpRequest, actor_of, command_context
from kapital.platform.http.instants import instant_of
from kapital.settlement.adapters.report_forms import PAGE_HEADERS, csv_of, html_of
from kapital.settlement.ports import Parts
from kapital.settlement.queries.access import PAGE_MAX
from kapital.settlement.queries.list_breaks import get_break, list_breaks
from kapital.settlement.queries.reconciliation_report import reconciliation_report
from kapital.settlement.use_cases.decide_break_resolution import DecideBreakResolution, decide_break_resolution
from kapital.settlement.use_cases.propose_break_resolution import ProposeBreakResolution, propose_break_resolution

JSON, CSV, HTML = "application/json", "text/csv", "text/html"

Limit = Annotated[int, Parameter(ge=1, le=PAGE_MAX)]


@get("/v1/settlement/breaks")
async def list_breaks_route(
    request: HttpRequest,
    settlement: Parts,
    in_state: Annotated[contract.BreakState | None, Parameter(query="state")] = None,
    kind: contract.BreakKind | None = None,
    min_age_business_days: Annotated[int | None, Parameter(ge=0, le=1000)] = None,
    before: UUID | None = None,
    limit: Limit = 100,
) -> contract.BreakPage:
    """A page of breaks."""
    async with settlement.uow.database.connect() as conn:
        return await list_breaks(
            conn,
            actor_of(request),
            settlement.uow.clock.now(),
            state=in_state,
            kind=kind,
            min_age_business_days=min_age_business_days,
            before=before,
            limit=limit,
        )


@get("/v1/settlement/breaks/{break_id:uuid}")
async def get_break_route(request: HttpRequest, settlement: Parts, break_id: UUID) -> contract.Break:
    """One break."""
    async with settlement.uow.database.connect() as conn:
        return await get_break(conn, actor_of(request), settlement.uow.clock.now(), break_id)


@post("/v1/settlement/breaks/{break_id:uuid}/resolution", status_code=200)
async def propose_break_resolution_route(
    request: HttpRequest, settlement: Parts, break_id: UUID, data: contract.BreakResolutionRequest
) -> contract.Break:
    """Propose to let a break be."""
    actor, command_id = command_context(request)
    cmd = ProposeBreakResolution(
        command_id=command_id,
        actor=actor,
        break_id=break_id,
        reason=data.reason,
        document_sha256=given(data.document_sha256),
    )
    return await propose_break_resolution(cmd, settlement)


@post("/v1/settlement/breaks/{break_id:uuid}/resolution/decision", status_code=200)
async def decide_break_resolution_route(
    request: HttpRequest, settlement: Parts, break_id: UUID, data: contract.BreakResolutionDecision
) -> contract.Break:
    """Approve or reject a proposed resolution."""
    actor, command_id = command_context(request)
    cmd = DecideBreakResolution(
        command_id=command_id,
        actor=actor,
        break_id=break_id,
        resolution_sha256=data.resolution_sha256,
        approve=data.verdict is contract.BreakVerdict.approve,
    )
    return await decide_break_resolution(cmd, settlement)


@get("/v1/settlement/reconciliation-report")
async def get_reconciliation_report_route(
    request: HttpRequest,
    settlement: Parts,
    at: str | None = None,
    lang: Literal["ru", "en"] = "ru",
) -> Response[Any]:
    """The report in the form that `Accept` asks for."""
    instant = None if at is None else instant_of(at, "at")
    report = await reconciliation_report(settlement, actor_of(request), at=instant)
    match request.accept.best_match([JSON, CSV, HTML], default=JSON):
        case "text/csv":
            return Response(csv_of(report), media_type=CSV, headers={"Cache-Control": "no-store"})
        case "text/html":
            page = html_of(report, lang)
            return Response(page, media_type=HTML, headers={**PAGE_HEADERS, "Content-Language": lang})
        case _:
            return Response(report, media_type=JSON)


HANDLERS: Final = (
    list_breaks_route,
    get_break_route,
    propose_break_resolution_route,
    decide_break_resolution_route,
    get_reconciliation_report_route,
)
