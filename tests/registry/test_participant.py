"""The life of a participant: the table, and what holds in every order of news and orders."""

from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.strategies import sampled_from

from kapital.kernel.problems import Problem
from kapital.kernel.states import WrongState
from kapital.registry.domain.participant import (
    Application,
    ParticipantKind,
    ParticipantRole,
    examine_application,
    wallet_profile_of,
)
from kapital.registry.domain.problems import (
    InnInvalid,
    IssuerMustBeEntity,
    IssuerMustBeRussian,
    LiftNeedsAnotherOfficer,
    NameBlank,
    NameUnreadable,
    NomineeMustBeEntity,
    NomineeMustStandAlone,
    OgrnInvalid,
    PersonalDataConsentRequired,
    RestrictionNotSet,
    RuleBookVersionNotInForce,
    SnilsInvalid,
)
from kapital.registry.domain.standing import Participant, Restriction
from kapital.registry.domain.states import PARTICIPANT, ParticipantState, WalletProfile
from tests.registry.people import RULE_BOOK, investor, issuer, person_inn

ID = UUID("01931c9e-8f20-7aaa-8def-0123456789ab")


def active() -> Participant:
    participant = Participant(participant_id=ID, roles=frozenset({ParticipantRole.INVESTOR}))
    participant.accept_rule_book()
    participant.approve_kyc()
    participant.open_wallet()
    return participant


# Rows stand in the order of the checks, so this tests precedence as well.
@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"rule_book_version": "2025", "inn": "1" * 12, "roles": {"issuer"}}, RuleBookVersionNotInForce),
        ({"personal_data_consent": False, "name": " "}, PersonalDataConsentRequired),
        ({"name": " \u00a0\t", "inn": "1" * 12, "roles": {"issuer"}}, NameBlank),
        ({"name": "Ивaнoв Пётр", "inn": "1" * 12, "roles": {"issuer"}}, NameUnreadable),
        ({"inn": "1" * 12, "roles": {"issuer"}}, InnInvalid),
        ({"roles": {"issuer"}}, IssuerMustBeEntity),
        ({"roles": {"issuer", "investor"}}, IssuerMustBeEntity),
    ],
)
def test_an_application_is_refused_for_the_first_rule_it_breaks(changes: dict, refused: type[Problem]) -> None:
    if "roles" in changes:
        changes = changes | {"roles": frozenset(ParticipantRole(role) for role in changes["roles"])}
    application = investor(1, **changes)

    with pytest.raises(refused):
        examine_application(application, rule_book_version=RULE_BOOK)


@pytest.mark.parametrize(
    "name",
    [
        "Ивaнoв Пётр Ильич",  # Latin a and o.
        "Иванов Пётр\u200b Ильич",
        "Иванов Пётр \u202eчьлИ",
        "Ив\u00adанов Пётр",
        "Иван\u03bfв Пётр",
        "Ив\u3164анов Пётр",
        "ООО «Вектoр»",
    ],
)
def test_a_name_that_is_not_what_it_looks_like_is_not_entered(name: str) -> None:
    with pytest.raises(NameUnreadable):
        examine_application(investor(1, name=name), rule_book_version=RULE_BOOK)


@pytest.mark.parametrize(
    "name", ["Öztürk Жан", "ООО «IT-Сервис 1С»", "王小明", "O\u2019Brien Seán", "Ковалёва-Д'Арк Анна"]
)
def test_a_name_of_the_world_is_entered(name: str) -> None:
    examine_application(investor(1, name=name), rule_book_version=RULE_BOOK)


def test_entities_and_entrepreneurs_may_issue() -> None:
    examine_application(issuer(1), rule_book_version=RULE_BOOK)
    examine_application(
        issuer(1, kind=ParticipantKind.SOLE_PROPRIETOR, inn=person_inn(1)), rule_book_version=RULE_BOOK
    )


def test_an_application_never_shows_its_personal_data() -> None:
    application: Application = investor(7)

    assert application.name not in repr(application)
    assert application.inn not in f"{application!r} {application}"


def test_an_issuers_wallet_has_a_profile_of_its_own() -> None:
    both = frozenset({ParticipantRole.INVESTOR, ParticipantRole.ISSUER})

    assert wallet_profile_of(both) is WalletProfile.ISSUER
    assert wallet_profile_of(frozenset({ParticipantRole.INVESTOR})) is WalletProfile.CLIENT_MANAGED


def test_a_rejected_applicant_stays_rejected_whatever_comes() -> None:
    participant = Participant(participant_id=ID, roles=frozenset({ParticipantRole.INVESTOR}))
    participant.accept_rule_book()
    participant.reject_kyc()

    for news in (participant.approve_kyc, participant.reject_kyc, participant.expire_kyc):
        with pytest.raises(WrongState):
            news()
    assert participant.state is ParticipantState.REJECTED


def test_a_renewed_identification_does_not_lift_an_officers_restriction() -> None:
    participant = active()
    participant.expire_kyc()
    participant.restrict("officer-1")

    participant.approve_kyc()

    assert participant.state is ParticipantState.RESTRICTED
    assert participant.restrictions == {Restriction.OFFICER}


def test_lifting_an_officers_restriction_does_not_renew_an_identification() -> None:
    participant = active()
    participant.restrict("officer-1")
    participant.expire_kyc()

    participant.lift_restriction("officer-2")

    assert participant.state is ParticipantState.RESTRICTED
    assert participant.restrictions == {Restriction.KYC}


def test_who_set_a_restriction_does_not_lift_it() -> None:
    participant = active()
    participant.restrict("officer-1")

    with pytest.raises(LiftNeedsAnotherOfficer):
        participant.lift_restriction("officer-1")

    participant.lift_restriction("officer-2")
    assert participant.state is ParticipantState.ACTIVE
    with pytest.raises(RestrictionNotSet):
        participant.lift_restriction("officer-2")


def test_a_nominee_is_an_entity_and_nothing_else() -> None:
    nominee = frozenset({ParticipantRole.NOMINEE})

    for kind in (ParticipantKind.LEGAL_ENTITY, ParticipantKind.FOREIGN_ENTITY):
        examine_application(issuer(1, kind=kind, roles=nominee), rule_book_version=RULE_BOOK)
    assert wallet_profile_of(nominee) is WalletProfile.NOMINEE
    with pytest.raises(NomineeMustBeEntity):
        examine_application(investor(1, roles=nominee), rule_book_version=RULE_BOOK)
    both = nominee | {ParticipantRole.INVESTOR}
    with pytest.raises(NomineeMustStandAlone):
        examine_application(issuer(1, roles=both), rule_book_version=RULE_BOOK)
    with pytest.raises(IssuerMustBeRussian):
        examine_application(issuer(1, kind=ParticipantKind.FOREIGN_ENTITY), rule_book_version=RULE_BOOK)


def test_further_numbers_are_checked_and_belong_to_the_kind() -> None:
    examine_application(issuer(1, ogrn="1027700132195"), rule_book_version=RULE_BOOK)
    examine_application(investor(1, snils="11223344595"), rule_book_version=RULE_BOOK)
    for wrong in (issuer(1, ogrn="1027700132196"), investor(1, ogrn="1027700132195")):
        with pytest.raises(OgrnInvalid):
            examine_application(wrong, rule_book_version=RULE_BOOK)
    for wrong in (investor(1, snils="11223344596"), issuer(1, snils="11223344595")):
        with pytest.raises(SnilsInvalid):
            examine_application(wrong, rule_book_version=RULE_BOOK)


def test_an_identification_that_lapses_under_a_freeze_is_found_after_it() -> None:
    participant = active()
    participant.freeze()
    participant.expire_kyc()
    assert participant.state is ParticipantState.FROZEN

    participant.release()

    assert participant.state is ParticipantState.RESTRICTED


def test_the_diagram_names_every_state() -> None:
    drawn = PARTICIPANT.mermaid()

    assert all(state.value in drawn for state in ParticipantState)


class ParticipantLife(RuleBasedStateMachine):
    """News of identification and officers' orders in any order."""

    @initialize()
    def apply(self) -> None:
        self.participant = Participant(participant_id=ID, roles=frozenset({ParticipantRole.INVESTOR}))
        self.participant.accept_rule_book()
        self.version = self.participant.version

    @rule(news=sampled_from(["note_identification", "refer_kyc", "approve_kyc", "reject_kyc", "expire_kyc"]))
    def news_comes(self, news: str) -> None:
        was_frozen = self.participant.state is ParticipantState.FROZEN
        self._try(getattr(self.participant, news))
        # Under a freeze news moves on what lies below; only a rejection, which ends all, comes through.
        if was_frozen:
            assert self.participant.state in {ParticipantState.FROZEN, ParticipantState.REJECTED}

    @rule()
    def a_list_is_hit(self) -> None:
        ended = self.participant.has_ended
        self._try(self.participant.freeze)
        assert ended or self.participant.state is ParticipantState.FROZEN

    @rule()
    def the_hit_is_taken_back(self) -> None:
        below = self.participant.position
        self._try(self.participant.release)
        assert self.participant.state is below

    @rule(act=sampled_from(["ask_closing", "refuse_closing", "close", "end_term"]))
    def officer_or_schedule_acts(self, act: str) -> None:
        frozen = self.participant.state is ParticipantState.FROZEN
        done = self._try(getattr(self.participant, act))
        assert not (frozen and done)

    @precondition(lambda self: self.participant.awaits_wallet)
    @rule()
    def ledger_opens_the_wallet(self) -> None:
        self.participant.open_wallet()

    @rule(officer=sampled_from(["anna", "boris"]))
    def officer_restricts(self, officer: str) -> None:
        self._try(lambda: self.participant.restrict(officer))

    @rule(officer=sampled_from(["anna", "boris"]))
    def officer_lifts(self, officer: str) -> None:
        setter = self.participant.restricted_by
        if self._try(lambda: self.participant.lift_restriction(officer)):
            assert setter is not None
            assert setter != officer

    def _try(self, act) -> bool:
        was = (self.participant.state, self.participant.restrictions, self.participant.version)
        try:
            act()
        except Problem:
            # A refusal leaves everything as it was.
            assert (self.participant.state, self.participant.restrictions, self.participant.version) == was
            return False
        changed = (self.participant.state, self.participant.restrictions) != was[:2]
        assert not changed or self.participant.version > was[2]
        return True

    @invariant()
    def restricted_means_that_there_is_a_ground(self) -> None:
        if not hasattr(self, "participant"):
            return
        participant = self.participant
        if participant.position in {ParticipantState.ACTIVE, ParticipantState.RESTRICTED}:
            assert (participant.position is ParticipantState.RESTRICTED) == bool(participant.restrictions)
        assert (participant.state is ParticipantState.FROZEN) == (participant.frozen_from is not None)
        assert (participant.restricted_by is not None) == (Restriction.OFFICER in participant.restrictions)


ParticipantLife.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestParticipantLife = ParticipantLife.TestCase
