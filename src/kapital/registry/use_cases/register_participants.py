"""Use case: applicants are entered into the register of users."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.canonical import canonical_bytes
from kapital.kernel.ids import CommandId, wallet_id_of
from kapital.kernel.problems import Problem, ensure
from kapital.platform.acts.checking import FileStore
from kapital.platform.events import Event
from kapital.platform.problems import item_problem
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint
from kapital.registry.domain.events import PARTICIPANT_REGISTERED
from kapital.registry.domain.participant import Acceptance, Application, examine_application
from kapital.registry.domain.problems import ParticipantAlreadyRegistered
from kapital.registry.domain.standing import Participant
from kapital.registry.domain.status import applied_for
from kapital.registry.ports import Accepting, Entrant, ParticipantStore, RuleBookStore, SecretSource, StatusStore
from kapital.registry.use_cases.persons_file import SALT_BYTES, keep_persons

BATCH_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterParticipants:
    """Enter applicants. Shape: 1 to 1,000."""

    command_id: CommandId
    actor: Actor
    participants: tuple[Application, ...]


async def register_participants(
    cmd: RegisterParticipants,
    *,
    uow: UnitOfWork,
    participants: ParticipantStore,
    secrets: SecretSource,
    new_id: Callable[[], UUID],
    rule_books: RuleBookStore,
    statuses: StatusStore,
    files: FileStore,
) -> contract.RegisterParticipantsResponse:
    """Enter applicants: IDENTIFYING when the rule book is accepted with the application, otherwise APPLIED, of whom
    nobody is told until they accept. One answer per item. Who they are identity reads in a file that the event names.

    Law: 259-FZ art. 8 (register of users); 152-FZ art. 9 (consent; the names stay in this database).
    Raises: IdempotencyKeyReused, NotPermitted. Per item: RuleBookVersionNotInForce, PersonalDataConsentRequired,
    NameBlank, NameUnreadable, InnInvalid, OgrnInvalid, SnilsInvalid, IssuerMustBeEntity, NomineeMustBeEntity,
    NomineeMustStandAlone, IssuerMustBeRussian, ParticipantAlreadyRegistered.
    """
    ensure(0 < len(cmd.participants) <= BATCH_MAX, "a batch has 1 to 1,000 items")
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.RegisterParticipantsResponse)
        tx.access.require(cmd.actor, "register_participants")
        rule_book = await rule_books.in_force(tx.conn)
        decided: list[Entrant | Problem] = []
        for application in cmd.participants:
            try:
                examine_application(application, rule_book_version=rule_book.version)
            except Problem as problem:
                decided.append(problem)
                continue
            participant = Participant(participant_id=new_id(), roles=application.roles)
            if application.acceptance is Acceptance.WITH_APPLICATION:
                participant.accept_rule_book()
            salt = secrets.draw(SALT_BYTES)
            decided.append(Entrant(participant=participant, application=application, hash_salt=salt))
        entrants = [item for item in decided if isinstance(item, Entrant)]
        entered = await participants.add(tx.conn, entrants, now=tx.now)
        told = [
            one
            for one in entrants
            if one.participant.participant_id in entered and one.application.acceptance is Acceptance.WITH_APPLICATION
        ]
        persons = [_person(one) for one in told]
        persons_sha256 = await keep_persons(persons, files=files, secrets=secrets) if persons else ""
        accepting = []
        for entrant in entrants:
            if entrant.participant.participant_id in entered:
                await _tell(entrant, persons_sha256, actor=cmd.actor, tx=tx)
                if entrant.application.acceptance is Acceptance.WITH_APPLICATION:
                    who, consent = entrant.participant.participant_id, entrant.application.personal_data_consent
                    accepting.append(Accepting(who, rule_book, cmd.actor.id, consent))
        await rule_books.accept(tx.conn, accepting, now=tx.now)
        roles = [
            role
            for one in entrants
            if (who := one.participant.participant_id) in entered
            for role in applied_for(who, one.application.roles, by=cmd.actor.id, now=tx.now)
        ]
        await statuses.save(tx.conn, roles)
        answer = _answer(decided, entered)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


def _person(entrant: Entrant) -> contract.RegisteredPerson:
    said = entrant.application
    return contract.RegisteredPerson(
        id=entrant.participant.participant_id, name=said.name, inn=said.inn, ogrn=said.ogrn, snils=said.snils
    )


def registered(participant: Participant, *, kind: str, rule_book_version: str, persons_sha256: str) -> Event:
    """What the others are told of one who has applied and accepted the rule book."""
    return Event(
        type=PARTICIPANT_REGISTERED,
        aggregate_id=str(participant.participant_id),
        data=contract.ParticipantRegistered(
            participant_id=participant.participant_id,
            kind=contract.ParticipantKind(kind),
            roles=[contract.ParticipantRole(role.value) for role in sorted(participant.roles)],
            rule_book_version=rule_book_version,
            persons_sha256=persons_sha256,
        ),
    )


async def _tell(entrant: Entrant, persons_sha256: str, *, actor: Actor, tx: Transaction) -> None:
    participant, application = entrant.participant, entrant.application
    # The salt lies beside the name, in `participant` only: erasing the row leaves a hash that tells nothing.
    numbers = {name: value for name in ("ogrn", "snils") if (value := getattr(application, name)) is not None}
    content = canonical_bytes({"inn": application.inn, "name": application.name, **numbers})
    await tx.audit.append(
        "registry.participant_registered",
        participant.participant_id,
        actor,
        basis={
            "rule_book_version": application.rule_book_version,
            "personal_data_consent": application.personal_data_consent,
        },
        after={"state": participant.state, "person_sha256": sha256(entrant.hash_salt + content).hexdigest()},
    )
    if application.acceptance is Acceptance.WITH_APPLICATION:
        kind, version = application.kind.value, application.rule_book_version
        event = registered(participant, kind=kind, rule_book_version=version, persons_sha256=persons_sha256)
        await tx.outbox.add(event)


def _answer(decided: Sequence[Entrant | Problem], entered: set[UUID]) -> contract.RegisterParticipantsResponse:
    results = []
    for item in decided:
        if isinstance(item, Problem):
            results.append(_refusal(item))
        elif item.participant.participant_id not in entered:
            results.append(_refusal(ParticipantAlreadyRegistered()))
        else:
            participant_id = item.participant.participant_id
            results.append(
                contract.RegisteredParticipant(
                    participant_id=participant_id,
                    wallet_id=wallet_id_of(participant_id),
                    state=contract.ParticipantState(item.participant.state.value),
                    problem=None,
                )
            )
    return contract.RegisterParticipantsResponse(results=results)


def _refusal(problem: Problem) -> contract.RegisteredParticipant:
    return contract.RegisteredParticipant(
        participant_id=None, wallet_id=None, state=None, problem=item_problem(problem, contract.ItemProblem)
    )
