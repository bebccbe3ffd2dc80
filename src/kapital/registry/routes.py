"""HTTP of the registry, bound to `contracts/openapi/registry.yaml`: translate, call, translate back."""

from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import registry as contract
from kapital.contracts.base import AwareDatetime, given
from kapital.kernel.problems import FieldFault
from kapital.kernel.roles import Role
from kapital.platform.acts.http import base64_bytes
from kapital.platform.http import HttpRequest, actor_of, command_context
from kapital.platform.http.problems import ParameterMustMatchContract
from kapital.registry.domain.access import TokenSubjectKind
from kapital.registry.domain.participant import Application, ParticipantKind
from kapital.registry.domain.representative import RepresentativeKind, RepresentativeSaid
from kapital.registry.domain.states import ParticipantState
from kapital.registry.queries.bound import RegistryReads
from kapital.registry.queries.participants import PAGE_MAX, Sought
from kapital.registry.use_cases.accept_rule_book import AcceptRuleBook
from kapital.registry.use_cases.appoint_representative import AppointRepresentative, ShownPower
from kapital.registry.use_cases.bound import RegistryUseCases
from kapital.registry.use_cases.close_participant import DecideClosing, RequestClosing
from kapital.registry.use_cases.end_representative import EndRepresentative
from kapital.registry.use_cases.issue_access_token import IssueAccessToken
from kapital.registry.use_cases.lift_restriction import LiftRestriction
from kapital.registry.use_cases.register_participants import RegisterParticipants
from kapital.registry.use_cases.register_staff import RegisterStaff
from kapital.registry.use_cases.restrict_participant import RestrictParticipant
from kapital.registry.use_cases.revoke_access_token import RevokeAccessToken
from kapital.registry.use_cases.rule_book_life import DraftRuleBook, MoveRuleBook
from kapital.registry.use_cases.sign_register_extract import SignRegisterExtract

# The framework keeps the name `state` for itself.
InState = Annotated[contract.ParticipantState | None, Parameter(query="state")]
Name = Annotated[str | None, Parameter(min_length=2, max_length=500)]
Inn = Annotated[str | None, Parameter(pattern="^[0-9]{2,12}$")]
Ogrn = Annotated[str | None, Parameter(pattern="^[0-9]{2,15}$")]
Limit = Annotated[int, Parameter(ge=1, le=PAGE_MAX)]


def _instant(given: str, name: str) -> datetime:
    """The framework would let an instant without an offset pass, and year 1 has none before it in UTC."""
    try:
        return msgspec.convert(given, AwareDatetime).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        fault = FieldFault(f"/parameters/{name}", "an instant with its offset, RFC 3339")
        raise ParameterMustMatchContract(errors=[fault]) from None


@post("/v1/registry/participants", status_code=200)
async def register_participants(
    data: contract.RegisterParticipantsRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.RegisterParticipantsResponse:
    """Register up to 1,000 applicants."""
    actor, command_id = command_context(request)
    applications = msgspec.convert(msgspec.to_builtins(data.participants), tuple[Application, ...])
    cmd = RegisterParticipants(command_id=command_id, actor=actor, participants=applications)
    return await registry.register_participants(cmd)


@get("/v1/registry/participants")
async def list_participants(
    request: HttpRequest,
    registry_reads: RegistryReads,
    in_state: InState = None,
    kind: contract.ParticipantKind | None = None,
    name: Name = None,
    inn: Inn = None,
    ogrn: Ogrn = None,
    match: contract.SearchMatch = contract.SearchMatch.beginning,
    after: UUID | None = None,
    limit: Limit = 100,
) -> contract.ParticipantPage:
    """List participants, page by page, or find them."""
    sought = Sought(
        state=None if in_state is None else ParticipantState(in_state.value),
        kind=None if kind is None else ParticipantKind(kind.value),
        name=name,
        inn=inn,
        ogrn=ogrn,
        exact=match is contract.SearchMatch.exact,
    )
    return await registry_reads.list_participants(actor=actor_of(request), sought=sought, after=after, limit=limit)


@get("/v1/registry/participants/{participant_id:uuid}")
async def get_participant(
    participant_id: UUID, request: HttpRequest, registry_reads: RegistryReads
) -> contract.Participant:
    """One participant."""
    return await registry_reads.get_participant(participant_id, actor=actor_of(request))


@post("/v1/registry/participants/{participant_id:uuid}/restrict", status_code=200)
async def restrict_participant(
    participant_id: UUID,
    data: contract.RestrictParticipantRequest,
    request: HttpRequest,
    registry: RegistryUseCases,
) -> contract.ParticipantStateAnswer:
    """Restrict a participant."""
    actor, command_id = command_context(request)
    cmd = RestrictParticipant(
        command_id=command_id,
        actor=actor,
        participant_id=participant_id,
        basis_reference=data.basis_reference,
    )
    return await registry.restrict_participant(cmd)


@post("/v1/registry/participants/{participant_id:uuid}/lift-restriction", status_code=200)
async def lift_restriction(
    participant_id: UUID,
    data: contract.LiftRestrictionRequest,
    request: HttpRequest,
    registry: RegistryUseCases,
) -> contract.ParticipantStateAnswer:
    """Lift an officer's restriction."""
    actor, command_id = command_context(request)
    cmd = LiftRestriction(
        command_id=command_id,
        actor=actor,
        participant_id=participant_id,
        basis_reference=data.basis_reference,
    )
    return await registry.lift_restriction(cmd)


@post("/v1/registry/participants/{participant_id:uuid}/rule-book-acceptance", status_code=200)
async def accept_rule_book(
    participant_id: UUID,
    data: contract.AcceptRuleBookRequest,
    request: HttpRequest,
    registry: RegistryUseCases,
) -> contract.RuleBookAcceptance:
    """Accept the rule book version in force."""
    actor, command_id = command_context(request)
    cmd = AcceptRuleBook(
        command_id=command_id,
        actor=actor,
        participant_id=participant_id,
        rule_book_version=data.rule_book_version,
        document_sha256=data.document_sha256,
        personal_data_consent=bool(given(data.personal_data_consent)),
    )
    return await registry.accept_rule_book(cmd)


@post("/v1/registry/participants/{participant_id:uuid}/closing", status_code=200)
async def request_closing(
    participant_id: UUID,
    data: contract.RequestClosingRequest,
    request: HttpRequest,
    registry: RegistryUseCases,
) -> contract.ClosingRequested:
    """Ask that the relation end."""
    actor, command_id = command_context(request)
    cmd = RequestClosing(
        command_id=command_id,
        actor=actor,
        participant_id=participant_id,
        basis_reference=data.basis_reference,
    )
    return await registry.request_closing(cmd)


@post("/v1/registry/participants/{participant_id:uuid}/closing-decision", status_code=200)
async def decide_closing(
    participant_id: UUID,
    data: contract.DecideClosingRequest,
    request: HttpRequest,
    registry: RegistryUseCases,
) -> contract.ParticipantStateAnswer:
    """Close the relation, or refuse to."""
    actor, command_id = command_context(request)
    cmd = DecideClosing(
        command_id=command_id,
        actor=actor,
        participant_id=participant_id,
        close=data.decision is contract.ClosingDecision.close,
        closing_sha256=data.closing_sha256,
        basis_reference=data.basis_reference,
        no_dispute_reference=given(data.no_dispute_reference),
    )
    return await registry.decide_closing(cmd)


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


@post("/v1/registry/rule-books", status_code=201)
async def draft_rule_book(
    data: contract.DraftRuleBookRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.RuleBook:
    """Enter a new version of the rules."""
    actor, command_id = command_context(request)
    cmd = DraftRuleBook(
        command_id=command_id,
        actor=actor,
        rule_book_version=data.rule_book_version,
        document_sha256=data.document_sha256,
        effective_on=data.effective_on,
    )
    return await registry.draft_rule_book(cmd)


@get("/v1/registry/rule-books")
async def list_rule_books(request: HttpRequest, registry_reads: RegistryReads) -> contract.RuleBookList:
    """The versions of the rules."""
    return await registry_reads.list_rule_books(actor=actor_of(request))


@post("/v1/registry/rule-books/{rule_book_version:str}/steps", status_code=200)
async def move_rule_book(
    rule_book_version: str,
    data: contract.MoveRuleBookRequest,
    request: HttpRequest,
    registry: RegistryUseCases,
) -> contract.RuleBook:
    """Note that a version was sent, agreed or withdrawn."""
    actor, command_id = command_context(request)
    cmd = MoveRuleBook(
        command_id=command_id,
        actor=actor,
        rule_book_version=rule_book_version,
        step=data.step.value,
        document_sha256=data.document_sha256,
        reference=data.reference,
    )
    return await registry.move_rule_book(cmd)


@get("/v1/registry/extract")
async def get_register_extract(
    request: HttpRequest,
    registry_reads: RegistryReads,
    at: str | None = None,
    after: UUID | None = None,
    limit: Limit = 100,
) -> contract.RegisterExtract:
    """The register of users as it stood at an instant."""
    instant = None if at is None else _instant(at, "at")
    return await registry_reads.register_extract(actor=actor_of(request), at=instant, after=after, limit=limit)


@post("/v1/registry/extracts", status_code=201)
async def sign_register_extract(
    data: contract.SignRegisterExtractRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.SignedExtract:
    """Sign an extract of the register as of a past instant."""
    actor, command_id = command_context(request)
    cmd = SignRegisterExtract(command_id=command_id, actor=actor, at=data.at.astimezone(UTC))
    return await registry.sign_register_extract(cmd)


@post("/v1/registry/staff", status_code=201)
async def register_staff(
    data: contract.RegisterStaffRequest, request: HttpRequest, registry: RegistryUseCases
) -> contract.Staff:
    """Register a member of staff."""
    actor, command_id = command_context(request)
    cmd = RegisterStaff(
        command_id=command_id,
        actor=actor,
        roles=frozenset(Role(role.value) for role in data.roles),
        staff_id=given(data.staff_id),
    )
    return await registry.register_staff(cmd)


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
    register_participants,
    list_participants,
    get_participant,
    restrict_participant,
    lift_restriction,
    accept_rule_book,
    request_closing,
    decide_closing,
    appoint_representative,
    list_representatives,
    end_representative,
    draft_rule_book,
    list_rule_books,
    move_rule_book,
    get_register_extract,
    sign_register_extract,
    register_staff,
    issue_access_token,
    revoke_access_token,
)
