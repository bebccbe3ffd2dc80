"""Use case: a participant accepts the rule book version in force."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.events import Event
from kapital.platform.unit_of_work import UnitOfWork, fingerprint
from kapital.registry.domain.events import RULE_BOOK_ACCEPTED
from kapital.registry.domain.problems import ParticipantNotFound, RuleBookAlreadyAccepted
from kapital.registry.domain.states import PARTICIPANT, ParticipantState, shown_state
from kapital.registry.ports import ParticipantStore, RuleBookStore
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


async def accept_rule_book(
    cmd: AcceptRuleBook, *, uow: UnitOfWork, participants: ParticipantStore, rule_books: RuleBookStore
) -> contract.RuleBookAcceptance:
    """Keep the acceptance and tell of it; the first one leads from APPLIED to IDENTIFYING.

    Law: 259-FZ art. 5 [M] (rules bind who joined them); 152-FZ art. 9 (consent).
    Promise: a version is accepted once by each participant, whatever comes at once.
    Raises: IdempotencyKeyReused, ParticipantNotFound (also for another's participant), WrongState for one that has
    left, RuleBookVersionNotInForce, RuleBookHashMustMatch, PersonalDataConsentRequired, RuleBookAlreadyAccepted.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.RuleBookAcceptance)
        whose = record_of(cmd.participant_id)
        tx.access.require(cmd.actor, "accept_rule_book", whose, hidden=ParticipantNotFound)
        participant = (await participants.lock(tx.conn, [cmd.participant_id])).get(cmd.participant_id)
        if participant is None:
            raise ParticipantNotFound
        if participant.has_ended:
            PARTICIPANT.step(participant.state, "rule_book_accepted")
        first = participant.position is ParticipantState.APPLIED
        rule_book = await rule_books.in_force(tx.conn)
        rule_book.require_acceptable(
            cmd.rule_book_version, cmd.document_sha256, consent=cmd.personal_data_consent, first=first
        )
        accepted = await rule_books.accept(tx.conn, [(cmd.participant_id, rule_book, cmd.actor.id)], now=tx.now)
        if not accepted:
            raise RuleBookAlreadyAccepted
        before = standing(participant)
        if first:
            participant.accept_rule_book()
            await participants.save(tx.conn, [participant], now=tx.now)
            kind = await participants.kind(tx.conn, cmd.participant_id)
            await tx.outbox.add(registered(participant, kind=kind, rule_book_version=rule_book.version))
        basis = {"rule_book_version": rule_book.version, "document_sha256": rule_book.document_sha256}
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
