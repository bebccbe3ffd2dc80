"""Use case: a participant accepts the rule book version in force."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform import access
from kapital.platform.acts.bindings import Bound, bound_to
from kapital.platform.acts.checking import Acts
from kapital.platform.acts.commands import ActToCheck, authorise
from kapital.platform.acts.form import Act, SignedAct, Wording, act_of
from kapital.platform.acts.owners import bound_by_numbers
from kapital.platform.acts.policy import ActKind
from kapital.platform.acts.records import ActRecord, keep_acts
from kapital.platform.events import Event
from kapital.platform.unit_of_work import UnitOfWork, fingerprint
from kapital.registry.domain.act_texts import TEXT_VERSION, acceptance_command, acceptance_text
from kapital.registry.domain.events import RULE_BOOK_ACCEPTED
from kapital.registry.domain.participant import ENTITIES, ParticipantKind
from kapital.registry.domain.problems import ParticipantNotFound, RuleBookAlreadyAccepted
from kapital.registry.domain.states import PARTICIPANT, ParticipantState, shown_state
from kapital.registry.ports import (
    Accepting,
    ParticipantStore,
    RepresentativeStore,
    RuleBookStore,
    SecretSource,
    numbers_of,
)
from kapital.registry.use_cases.persons_file import keep_persons
from kapital.registry.use_cases.register_participants import registered
from kapital.registry.use_cases.state_changes import note_change, record_of, standing


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptRuleBook:
    """Accept a version by its hash; `personal_data_consent` is needed the first time."""

    command_id: CommandId
    actor: Actor
    participant_id: UUID
    rule_book_version: str
    document_sha256: str | None
    personal_data_consent: bool = False
    signed_act: SignedAct | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareRuleBookAct:
    """`idempotency_key` is that of the command to come."""

    actor: Actor
    idempotency_key: str
    rule_book_version: str
    document_sha256: str | None
    personal_data_consent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptingParts:
    """What the acceptance works with."""

    uow: UnitOfWork
    participants: ParticipantStore
    representatives: RepresentativeStore
    rule_books: RuleBookStore
    acts: Acts
    secrets: SecretSource


def prepare_rule_book_act(cmd: PrepareRuleBookAct, *, uow: UnitOfWork) -> Act:
    """The act that a participant signs to accept; kept nowhere. Raises: NotPermitted."""
    access.require(cmd.actor, "prepare_rule_book_act")
    made_at = uow.clock.now().replace(microsecond=0)
    return act_of(_wording(cmd), actor=cmd.actor, idempotency_key=cmd.idempotency_key, made_at=made_at)


async def accept_rule_book(cmd: AcceptRuleBook, *, parts: AcceptingParts) -> contract.RuleBookAcceptance:
    """Keep the acceptance and tell of it; the first one leads from APPLIED to IDENTIFYING.

    Where the settings ask for a qualified signature, the act carries it and is checked before anything is kept; the
    hash of its file stands beside the acceptance, and so does the consent that was said with it.
    Law: 259-FZ art. 5 [M] (rules bind who joined them); 152-FZ art. 9 (consent); 63-FZ art. 6.
    Promise: a version is accepted once by each participant, whatever comes at once.
    Raises: IdempotencyKeyReused, ParticipantNotFound (also for another's participant), WrongState for one that has
    left, refusals of acts, RuleBookVersionNotInForce, RuleBookHashMustMatch, PersonalDataConsentRequired,
    RuleBookAlreadyAccepted.
    """
    mark = fingerprint(cmd)
    participants, rule_books = parts.participants, parts.rule_books
    act = await _authorise(cmd, mark, parts)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.RuleBookAcceptance)
        participant = (await participants.lock(tx.conn, [cmd.participant_id])).get(cmd.participant_id)
        whose = record_of(cmd.participant_id, participant)
        tx.access.require(cmd.actor, "accept_rule_book", whose, hidden=ParticipantNotFound)
        if participant is None:
            raise ParticipantNotFound
        if participant.has_ended:
            PARTICIPANT.step(participant.state, "rule_book_accepted")
        first = participant.position is ParticipantState.APPLIED
        rule_book = await rule_books.in_force(tx.conn)
        rule_book.require_acceptable(
            cmd.rule_book_version, cmd.document_sha256, consent=cmd.personal_data_consent, first=first
        )
        file_sha256 = None if act is None else act.file_sha256
        one = Accepting(cmd.participant_id, rule_book, cmd.actor.id, cmd.personal_data_consent, file_sha256)
        if not await rule_books.accept(tx.conn, [one], now=tx.now):
            raise RuleBookAlreadyAccepted
        await keep_acts(tx.conn, [act] if act else [])
        before = standing(participant)
        if first:
            participant.accept_rule_book()
            await participants.save(tx.conn, [participant], now=tx.now)
            kind, person = await participants.person(tx.conn, cmd.participant_id)
            file = await keep_persons([person], files=parts.acts.files, secrets=parts.secrets)
            await tx.outbox.add(
                registered(participant, kind=kind, rule_book_version=rule_book.version, persons_sha256=file)
            )
        basis = {
            "rule_book_version": rule_book.version,
            "document_sha256": rule_book.document_sha256,
            "personal_data_consent": cmd.personal_data_consent,
            "act_file_sha256": file_sha256,
        }
        await note_change(tx, "registry.rule_book_accepted", participant, before=before, actor=cmd.actor, basis=basis)
        await tx.outbox.add(
            Event(
                type=RULE_BOOK_ACCEPTED,
                aggregate_id=str(cmd.participant_id),
                data=contract.RuleBookAccepted(
                    participant_id=cmd.participant_id, rule_book_version=rule_book.version, accepted_at=tx.now
                ),
            )
        )
        answer = contract.RuleBookAcceptance(
            participant_id=cmd.participant_id,
            rule_book_version=rule_book.version,
            accepted_at=tx.now,
            state=contract.ParticipantState(shown_state(participant.state, own=True)),
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


async def _authorise(cmd: AcceptRuleBook, mark: str, parts: AcceptingParts) -> ActRecord | None:
    """The row of the signed act; None where the session is enough, or when the command was answered before.

    Whose a certificate is, identity tells of those it knows. It hears of an applicant only when the rules are
    accepted: the certificate of a first acceptance is compared here, with the numbers of the application.
    """
    if cmd.signed_act is None and not parts.acts.needs_signature(ActKind.ACCEPT_RULE_BOOK):
        return None
    who = cmd.participant_id
    async with parts.uow.begin() as tx:
        if await tx.replies.find(cmd.command_id, cmd.actor, mark) is not None:
            return None
        participant = (await parts.participants.lock(tx.conn, [who])).get(who)
        tx.access.require(cmd.actor, "accept_rule_book", record_of(who, participant), hidden=ParticipantNotFound)
        principal = await parts.representatives.principal(tx.conn, who)
        if participant is None or principal is None:
            raise ParticipantNotFound
        bound: Bound = (await bound_to(tx.conn, [who])).get(who, {})
    if participant.position is ParticipantState.APPLIED and cmd.signed_act is not None:
        bound = await bound_by_numbers(parts.acts, who, cmd.signed_act.signature, numbers_of(principal))
    given = ActToCheck(
        wording=_wording(cmd),
        actor=cmd.actor,
        command_id=cmd.command_id,
        signed=cmd.signed_act,
        bound=bound,
        is_legal_entity=ParticipantKind(principal.kind) in ENTITIES,
    )
    return await authorise(parts.acts, parts.uow, "registry", given)


def _wording(cmd: AcceptRuleBook | PrepareRuleBookAct) -> Wording:
    said = (cmd.rule_book_version, cmd.document_sha256)
    return Wording(
        kind=ActKind.ACCEPT_RULE_BOOK,
        command=acceptance_command(*said, consent=cmd.personal_data_consent),
        text=acceptance_text(*said, consent=cmd.personal_data_consent),
        text_version=TEXT_VERSION,
    )
