"""HTTP of the rule book and its acceptance."""

from typing import Final
from uuid import UUID

from litestar import get, post

from kapital.contracts import registry as contract
from kapital.contracts.base import given
from kapital.contracts.common import PreparedAct
from kapital.platform.acts.http import prepared, signed_act
from kapital.platform.http import NO_IDEMPOTENCY_KEY, HttpRequest, actor_of, command_context
from kapital.registry.queries.bound import RegistryReads
from kapital.registry.use_cases.accept_rule_book import AcceptRuleBook, PrepareRuleBookAct
from kapital.registry.use_cases.bound import RegistryUseCases
from kapital.registry.use_cases.rule_book_life import DraftRuleBook, MoveRuleBook


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
        signed_act=signed_act(given(data.act)),
    )
    return await registry.accept_rule_book(cmd)


@post("/v1/registry/acts", status_code=200, opt=NO_IDEMPOTENCY_KEY)
async def prepare_rule_book_act(
    data: contract.PrepareRuleBookActRequest, request: HttpRequest, registry: RegistryUseCases
) -> PreparedAct:
    """The act of accepting the rule book."""
    cmd = PrepareRuleBookAct(
        actor=actor_of(request),
        idempotency_key=data.idempotency_key,
        rule_book_version=data.rule_book_version,
        document_sha256=data.document_sha256,
        personal_data_consent=bool(given(data.personal_data_consent)),
    )
    return PreparedAct(**prepared(registry.prepare_rule_book_act(cmd)))


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


HANDLERS: Final = (
    accept_rule_book,
    prepare_rule_book_act,
    draft_rule_book,
    list_rule_books,
    move_rule_book,
)
