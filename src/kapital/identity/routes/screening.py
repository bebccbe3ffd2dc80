"""HTTP of screening: clients, hits, lists, runs, and messages on measures."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import identity as contract
from kapital.identity.domain.screening import Identifier, IdentifierKind, Particulars, SubjectKind
from kapital.identity.domain.states import AmlMessageState, HitState
from kapital.identity.queries.bound import ScreeningReads
from kapital.identity.use_cases.advance_aml_message import AdvanceAmlMessage, MessageStep
from kapital.identity.use_cases.bound import ScreeningUseCases
from kapital.identity.use_cases.decide_hit import DecideHit, HitDecision
from kapital.identity.use_cases.decide_list_version import DecideListVersion
from kapital.identity.use_cases.screen_clients import NewClient, ScreenClients
from kapital.platform.http import HttpRequest, actor_of, command_context

# The framework keeps the name `state` for itself.
InMessageState = Annotated[contract.AmlMessageState | None, Parameter(query="state")]
InHitState = Annotated[contract.HitState | None, Parameter(query="state")]


@post("/v1/identity/screening/clients", status_code=200)
async def screen_clients(
    data: contract.ScreenClientsRequest, request: HttpRequest, screening: ScreeningUseCases
) -> contract.ScreenClientsResponse:
    """Record the particulars of up to 1,000 participants and compare them with the lists in force."""
    actor, command_id = command_context(request)
    items = tuple(_client(item) for item in data.clients)
    return await screening.screen_clients(ScreenClients(command_id=command_id, actor=actor, clients=items))


def _client(item: contract.ClientParticulars) -> NewClient:
    left_out = msgspec.UNSET
    identifiers = () if item.identifiers is left_out else item.identifiers
    return NewClient(
        participant_id=item.participant_id,
        particulars=Particulars(
            kind=SubjectKind(item.kind.value),
            names=tuple(item.names),
            birth_dates=() if item.birth_date in (None, left_out) else (str(item.birth_date),),
            identifiers=tuple(
                known
                for identifier in identifiers
                if (known := Identifier.of(IdentifierKind(identifier.kind.value), identifier.value)) is not None
            ),
            countries=() if item.countries is left_out else tuple(item.countries),
        ),
    )


@get("/v1/identity/screening/hits")
async def list_screening_hits(
    request: HttpRequest,
    screening_reads: ScreeningReads,
    in_state: InHitState = None,
    after: UUID | None = None,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
) -> contract.ScreeningHitPage:
    """List hits, page by page."""
    wanted = None if in_state is None else HitState(in_state.value)
    return await screening_reads.list_screening_hits(actor=actor_of(request), state=wanted, after=after, limit=limit)


@post("/v1/identity/screening/hits/{hit_id:uuid}/decision", status_code=200)
async def decide_screening_hit(
    hit_id: UUID, data: contract.DecideHitRequest, request: HttpRequest, screening: ScreeningUseCases
) -> contract.DecidedHit:
    """Confirm a hit, propose to release it, or approve another officer's proposal."""
    actor, command_id = command_context(request)
    cmd = DecideHit(
        command_id=command_id,
        actor=actor,
        hit_id=hit_id,
        decision=HitDecision(data.decision.value),
        hit_sha256=data.hit_sha256,
        reason=data.reason,
    )
    return await screening.decide_hit(cmd)


@get("/v1/identity/screening/runs")
async def list_screening_runs(
    request: HttpRequest,
    screening_reads: ScreeningReads,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
) -> contract.ScreeningRunPage:
    """List full rescreenings, newest first."""
    return await screening_reads.list_screening_runs(actor=actor_of(request), limit=limit)


@get("/v1/identity/aml/messages")
async def list_aml_messages(
    request: HttpRequest,
    screening_reads: ScreeningReads,
    in_state: InMessageState = None,
    after: UUID | None = None,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
) -> contract.AmlMessagePage:
    """List messages on measures applied, page by page."""
    wanted = None if in_state is None else AmlMessageState(in_state.value)
    return await screening_reads.list_aml_messages(actor=actor_of(request), state=wanted, after=after, limit=limit)


@get("/v1/identity/aml/messages/{message_id:uuid}/file")
async def get_aml_message_file(
    message_id: UUID, request: HttpRequest, screening_reads: ScreeningReads
) -> contract.AmlMessageFile:
    """The file of a message."""
    return await screening_reads.get_aml_message_file(message_id, actor=actor_of(request))


@post("/v1/identity/aml/messages/{message_id:uuid}/steps", status_code=200)
async def advance_aml_message(
    message_id: UUID, data: contract.AdvanceAmlMessageRequest, request: HttpRequest, screening: ScreeningUseCases
) -> contract.AmlMessage:
    """Prepare a message, approve it, or record that it was sent or answered."""
    actor, command_id = command_context(request)
    cmd = AdvanceAmlMessage(
        command_id=command_id,
        actor=actor,
        message_id=message_id,
        step=MessageStep(data.step.value),
        message_sha256=data.message_sha256,
        comment=None if data.comment is msgspec.UNSET else data.comment,
        reference=None if data.reference is msgspec.UNSET else data.reference,
    )
    return await screening.advance_aml_message(cmd)


@get("/v1/identity/screening/lists")
async def list_screening_lists(
    request: HttpRequest,
    screening_reads: ScreeningReads,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
) -> contract.ListVersionPage:
    """List the versions of all lists, newest first."""
    return await screening_reads.list_screening_lists(actor=actor_of(request), limit=limit)


@post("/v1/identity/screening/lists/{version_id:uuid}/decision", status_code=200)
async def decide_list_version(
    version_id: UUID, data: contract.DecideListVersionRequest, request: HttpRequest, screening: ScreeningUseCases
) -> contract.ListVersion:
    """Put a held list version in force, or reject it."""
    actor, command_id = command_context(request)
    cmd = DecideListVersion(
        command_id=command_id,
        actor=actor,
        version_id=version_id,
        approved=data.outcome is contract.ListVersionOutcome.approved,
        reason=data.reason,
    )
    return await screening.decide_list_version(cmd)


HANDLERS: Final = (
    screen_clients,
    list_screening_hits,
    decide_screening_hit,
    list_screening_lists,
    decide_list_version,
    list_screening_runs,
    list_aml_messages,
    get_aml_message_file,
    advance_aml_message,
)
