"""Who plays: the operator's staff, an issuer for each decision, investors – all synthetic."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from itertools import count
from typing import Final, TypeVar
from uuid import UUID, uuid5

from kapital.app import Kapital
from kapital.demo.questionnaires import questionnaire_of
from kapital.identity.domain.case_party import of_entity, of_person
from kapital.identity.domain.kyc_case import DocumentKind, InvestorCategory, KycOutcome, ScreeningResult
from kapital.identity.domain.parameters import day_of
from kapital.identity.domain.screening import Particulars
from kapital.identity.use_cases.decide_kyc import DecideKyc, NewKycDecision
from kapital.identity.use_cases.record_identifications import NewIdentification, RecordIdentifications
from kapital.identity.use_cases.screen_clients import NewClient, ScreenClients
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import InvariantBroken, ensure
from kapital.kernel.roles import Role
from kapital.registry.domain.participant import Application, ParticipantKind, ParticipantRole
from kapital.registry.use_cases.register_participants import RegisterParticipants
from kapital.sandbox.people import PersonKind, SyntheticPerson, synthetic_people
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.tokenization.domain.terms import IssuanceTerms

SEED: Final = 20261124
QUALIFIED_EVERY: Final = 3
_STAFF_NAMESPACE: Final = UUID("0e5a7b62-6a0e-4f0c-9a53-3a4f4b1f9c10")
_DOCUMENTS: Final = {
    PersonKind.NATURAL_PERSON: DocumentKind.PASSPORT_RF,
    PersonKind.SOLE_PROPRIETOR: DocumentKind.EGRIP_EXTRACT,
    PersonKind.LEGAL_ENTITY: DocumentKind.EGRUL_EXTRACT,
}
_numbers = count(1)

T = TypeVar("T")


def command() -> CommandId:
    """A command id of its own for each act."""
    return CommandId(f"demo-{next(_numbers)}")


def staff(role: Role) -> Actor:
    """A member of the staff with one role, the same in every run."""
    return Actor(id=str(uuid5(_STAFF_NAMESPACE, role)), participant_id=None, roles=frozenset({role}))


ONBOARDING: Final = staff(Role.ONBOARDING)
AML_OFFICER: Final = staff(Role.AML_OFFICER)
ISSUE_MANAGER: Final = staff(Role.ISSUE_MANAGER)
LEGAL: Final = staff(Role.LEGAL)
SETTLEMENT: Final = staff(Role.SETTLEMENT)
RISK: Final = staff(Role.RISK)


@dataclass(frozen=True, slots=True)
class Player:
    """A participant with an open wallet, and the bank account it pays from and is paid to."""

    person: SyntheticPerson
    actor: Actor
    wallet: UUID
    qualified: bool

    @property
    def participant_id(self) -> UUID:
        """The id of the participant."""
        if self.actor.participant_id is None:
            raise InvariantBroken("a player is a participant")
        return self.actor.participant_id

    @property
    def top_up_purpose(self) -> str:
        """What the player writes into a payment to the nominal account."""
        return f"Пополнение номинального счёта {top_up_code(self.wallet)}"

    @property
    def account(self) -> PayoutAccount:
        """The player's own bank account."""
        return self.person.payout_account


async def bring_on_stage(kapital: Kapital, investors: int, terms: Sequence[IssuanceTerms]) -> list[list[Player]]:
    """Register and identify everyone; return [investors, issuers], the issuers in the order of the terms."""
    kinds = (PersonKind.NATURAL_PERSON, PersonKind.NATURAL_PERSON, PersonKind.LEGAL_ENTITY)
    people = synthetic_people(SEED, investors, kinds=kinds)
    # An issuer's account is drawn like an investor's; its name and number are those of its decision.
    drawn = synthetic_people(SEED + 1, len(terms), kinds=(PersonKind.LEGAL_ENTITY,))
    firms = [
        SyntheticPerson(
            kind=PersonKind(one.issuer.kind),
            name=one.issuer.name,
            inn=one.issuer.inn,
            payout_account=d.payout_account,
        )
        for one, d in zip(terms, drawn, strict=True)
    ]
    return [
        await _onboard(kapital, people, ParticipantRole.INVESTOR),
        await _onboard(kapital, firms, ParticipantRole.ISSUER),
    ]


async def _onboard(kapital: Kapital, people: Sequence[SyntheticPerson], role: ParticipantRole) -> list[Player]:
    players: list[Player] = []
    for some in _chunks(people):
        answer = await kapital.registry.use_cases.register_participants(
            RegisterParticipants(
                command_id=command(),
                actor=ONBOARDING,
                participants=tuple(
                    Application(
                        kind=ParticipantKind(person.kind.value),
                        name=person.name,
                        inn=person.inn,
                        roles=frozenset({role}),
                        rule_book_version=kapital.settings.rule_book_version,
                        personal_data_consent=True,
                    )
                    for person in some
                ),
            )
        )
        for person, result in zip(some, answer.results, strict=True):
            ensure(result.problem is None, f"a synthetic participant was refused: {result.problem}")
            if result.participant_id is None or result.wallet_id is None:
                raise InvariantBroken("a participant was registered without an id")
            roles = {Role.ISSUER, Role.ISSUER_SIGNATORY} if role is ParticipantRole.ISSUER else {Role.INVESTOR}
            actor = Actor(id=str(result.participant_id), participant_id=result.participant_id, roles=frozenset(roles))
            players.append(Player(person, actor, result.wallet_id, len(players) % QUALIFIED_EVERY == 0))
    await kapital.bus.drain()
    await _screen(kapital, players)
    await _identify(kapital, players)
    return players


async def _screen(kapital: Kapital, players: Sequence[Player]) -> None:
    """Nobody is approved before being compared with the lists in force."""
    on = day_of(kapital.clock.now())
    for some in _chunks(players):
        clients = tuple(
            NewClient(participant_id=player.participant_id, particulars=_particulars(player, on)) for player in some
        )
        await kapital.identity.screening.screen_clients(
            ScreenClients(command_id=command(), actor=ONBOARDING, clients=clients)
        )


def _particulars(player: Player, on: date) -> Particulars:
    """What the questionnaire says: a party that says more than was compared would be compared once more."""
    said = questionnaire_of(player.person, player.participant_id, on=on)
    if said.person is not None:
        return of_person(said.person)
    if said.entity is None:
        raise InvariantBroken("a questionnaire is of a person or of an entity")
    return of_entity(said.entity)


async def _identify(kapital: Kapital, players: Sequence[Player]) -> None:
    """One person records what was seen, another decides (four eyes)."""
    for some in _chunks(players):
        recorded = await kapital.identity.use_cases.record_identifications(
            RecordIdentifications(
                command_id=command(),
                actor=ONBOARDING,
                identifications=tuple(_identification(player, on=day_of(kapital.clock.now())) for player in some),
            )
        )
        await kapital.identity.use_cases.decide_kyc(
            DecideKyc(
                command_id=command(),
                actor=AML_OFFICER,
                decisions=tuple(
                    NewKycDecision(
                        participant_id=player.participant_id,
                        outcome=KycOutcome.APPROVED,
                        identification_sha256=str(seen.identification_sha256),
                        basis_reference="demo/kyc",
                    )
                    for player, seen in zip(some, recorded.results, strict=True)
                ),
            )
        )
    await kapital.bus.drain()


def _identification(player: Player, *, on: date) -> NewIdentification:
    return NewIdentification(
        participant_id=player.participant_id,
        document_kind=_DOCUMENTS[player.person.kind],
        document_sha256=sha256(player.person.name.encode()).hexdigest(),
        category=InvestorCategory.QUALIFIED if player.qualified else InvestorCategory.UNQUALIFIED,
        screening_list_version="demo-lists-2026-12",
        screening_result=ScreeningResult.CLEAR,
        category_evidence_reference="demo/assets-statement" if player.qualified else None,
        questionnaire=questionnaire_of(player.person, player.participant_id, on=on),
    )


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), 500):
        yield items[start : start + 500]
