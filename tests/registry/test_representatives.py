"""Who acts for a participant: only by law or a power found good, within its codes, until its end and not after."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.roles import Role
from kapital.platform.acts.owners import ShownPower
from kapital.platform.acts.problems import PowerOfAttorneyInsufficient, PowerOfAttorneyRequired
from kapital.platform.acts.setup import acts_of
from kapital.platform.events import CloudEvent
from kapital.platform.ids import new_uuid7
from kapital.platform.settings import Settings
from kapital.platform.signatures.online import Link, NoRevocationSource
from kapital.platform.signatures.problems import (
    PowerOfAttorneyStatusUnavailable,
    PowerOfAttorneyUnreadable,
    SignatureIndeterminate,
)
from kapital.platform.signatures.revocation import RevocationData
from kapital.platform.unit_of_work import UnitOfWork
from kapital.registry.domain.access import TokenSubjectKind
from kapital.registry.domain.participant import ParticipantRole
from kapital.registry.domain.problems import (
    ExecutiveMustBeOfEntity,
    ExecutiveNeedsNoPower,
    InnInvalid,
    NameUnreadable,
    ParticipantMustBeLive,
    ParticipantNotFound,
    RepresentativeAlreadyAppointed,
    RepresentativeAlreadyEnded,
    RepresentativeMustBeIdentified,
    RepresentativeNotFound,
    RepresentativePowersUnnamed,
    RepresentativesTooMany,
    RepresentativeTermOutOfRange,
    TokenMustNameRepresentative,
    TokenRolesExceedSubject,
    TokenSubjectEnded,
)
from kapital.registry.domain.representative import LIVE_MAX, RepresentativeKind, RepresentativeSaid
from kapital.registry.reactions import on_representatives_identified
from kapital.registry.use_cases.appoint_representative import AppointRepresentative
from kapital.registry.use_cases.close_participant import DecideClosing, RequestClosing
from kapital.registry.use_cases.end_representative import EndRepresentative
from kapital.registry.use_cases.issue_access_token import IssueAccessToken
from kapital.sandbox.certification_authority import Authority, SandboxSigner, Subject
from kapital.sandbox.certification_authority.authority import POLICY_KC1
from kapital.sandbox.certification_authority.powers import (
    Principal,
    Representative,
    SandboxPoaRegister,
    power_document,
)
from tests.acting import Memory
from tests.registry.conftest import START, World
from tests.registry.people import (
    ADMIN,
    AUDITOR,
    ONBOARDER,
    SETTLEMENT,
    as_participant,
    entity_inn,
    investor,
    issuer,
    person_inn,
    staff,
)
from tests.registry.race import race

LEGAL, OTHER_LEGAL = staff(20, Role.LEGAL), staff(21, Role.LEGAL)
DAY = timedelta(days=1)
BUY, PAY, OGRN_OF_ALL = "ORDERS", "MONEY", "1209800000001"
RULES = [
    {"kind": kind, "signature": "simple", "effective_from": "2020-01-01", "basis": "test", "powers": [code]}
    for kind, code in (("place_orders", BUY), ("withdraw_orders", BUY), ("withdraw_money", PAY))
]


class Lists:
    """The authorities' lists of revoked certificates, always fresh."""

    def __init__(self, world: World, *authorities: Authority) -> None:
        self.world, self.authorities = world, authorities

    async def data_for(self, links: Sequence[Link], *, now: Any) -> RevocationData:
        return self.known(links, now=now)

    def known(self, _links: Sequence[Link], *, now: Any) -> RevocationData:
        return RevocationData(tuple(one.crl(at=now) for one in self.authorities))


class Signing:
    """A house that believes one authority and asks one register of powers."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        root = Authority.root("Учебный корень", at=START - 9 * DAY)
        self.issuing = root.subordinate("Учебный УЦ", at=START - 8 * DAY)
        (folder / "roots").mkdir(parents=True)
        (folder / "roots" / "root.cer").write_bytes(root.certificates[0])
        (folder / "certificates").mkdir()
        (folder / "certificates" / "issuing.cer").write_bytes(self.issuing.certificates[0])
        self.register = SandboxPoaRegister(world.clock)
        settings = Settings(acts_signed="simple", act_rules=RULES, trust_dir=folder, signature_policies=(POLICY_KC1,))  # type: ignore[arg-type]
        self.acts = acts_of(settings, world.clock, Memory(), self.register).acts
        self.believe(Lists(world, root, self.issuing))

    def believe(self, revocation: Any) -> None:
        self.world.do = replace(self.world.do, acts=replace(self.acts, revocation=revocation))

    def power(
        self, principal: int, person: int, *codes: str, number: UUID | None = None, days: int = 30
    ) -> ShownPower:
        number = number or uuid4()
        document = power_document(
            number,
            principal=Principal(name="ООО", inn=entity_inn(principal), ogrn=OGRN_OF_ALL),
            representative=Representative(
                surname="Петров", given_name="Пётр", inn=person_inn(person), snils="11223344595"
            ),
            period=(START.date(), START.date() + timedelta(days=days)),
            powers=[(code, code) for code in codes],
        )
        self.register.register(number)
        owner = {"inn_legal_entity": entity_inn(principal), "ogrn": OGRN_OF_ALL}
        director = SandboxSigner.for_subject(self.issuing, Subject("Директор", owner), clock=self.world.clock)
        return ShownPower(document=document, signature=director.sign_now(document))


@pytest.fixture
def signing(world: World, tmp_path: Path) -> Signing:
    return Signing(world, tmp_path)


async def appoint(
    world: World, participant: UUID, person: int, power: ShownPower | None = None, **changes: Any
) -> UUID:
    actor, is_identified = changes.pop("actor", ONBOARDER), changes.pop("is_identified", True)
    by_power = RepresentativeKind.POWER_OF_ATTORNEY if power else RepresentativeKind.SOLE_EXECUTIVE
    said: dict[str, Any] = {
        "kind": by_power,
        "name": "Петров Пётр",
        "inn": person_inn(person),
        "basis_reference": "Выписка 1",
        "powers": frozenset({BUY, PAY}) if power else frozenset(),
    }
    cmd = AppointRepresentative(
        command_id=world.command_id(),
        actor=actor,
        participant_id=participant,
        said=RepresentativeSaid(**(said | changes)),
        power=power,
    )
    appointed = (await world.do.appoint_representative(cmd)).representative_id
    if is_identified:
        await identified(world, participant, appointed)
    return appointed


async def identified(world: World, participant: UUID, one: UUID) -> None:
    """Identity tells that it was identified and compared with the lists."""
    data = {"participant_id": str(participant), "representative_id": str(one), "identified_at": START.isoformat()}
    event = CloudEvent(
        id=new_uuid7(),
        source="/kapital/identity",
        type="kapital.identity.representative_identified.v1",
        subject=str(participant),
        time=START,
        data=data,
        correlationid="test",
    )
    async with UnitOfWork(world.database, world.clock).begin() as tx:
        await on_representatives_identified(tx, [event], representatives=world.do.representatives)


async def end(world: World, one: UUID, actor: Actor = LEGAL) -> None:
    cmd = EndRepresentative(
        command_id=world.command_id(), actor=actor, representative_id=one, basis_reference="Отмена 1"
    )
    await world.do.end_representative(cmd)


async def token(world: World, one: UUID, *roles: Role, **changes: Any) -> str:
    said: dict[str, Any] = {
        "command_id": world.command_id(),
        "actor": ADMIN,
        "subject_kind": TokenSubjectKind.REPRESENTATIVE,
        "subject_id": one,
        "roles": frozenset(roles),
        "expires_at": world.clock.now() + 90 * DAY,
    }
    return str((await world.do.issue_access_token(IssueAccessToken(**(said | changes)))).token)


async def company(world: World, number: int = 1) -> UUID:
    [one] = await world.active(issuer(number, roles=frozenset({ParticipantRole.INVESTOR, ParticipantRole.ISSUER})))
    return one


async def test_who_acts_by_law_or_by_power_is_entered_and_told_without_a_name(world: World, signing: Signing) -> None:
    participant = await company(world)

    executive = await appoint(world, participant, 7)
    employee = await appoint(world, participant, 8, signing.power(1, 8, BUY, PAY, "MORE"))

    page = await world.read.list_representatives(participant, actor=as_participant(participant))
    assert [(one.representative_id, one.powers) for one in page.representatives] == [
        (executive, []),
        (employee, [PAY, BUY]),
    ]
    # The last day of the power is wholly in it, in Moscow.
    assert [one.valid_until for one in page.representatives] == [
        None,
        (START + 31 * DAY).replace(hour=0) - timedelta(hours=3),
    ]
    told = [data for event, data in await world.events() if event == "representative_appointed"]
    assert [(one["representative_id"], one["kind"]) for one in told] == [
        (str(executive), "sole_executive"),
        (str(employee), "power_of_attorney"),
    ]
    kept = await world.all_texts_outside_participant()
    assert str(executive) in kept
    for personal in ("Петров", person_inn(7), person_inn(8)):
        assert personal not in kept


async def test_a_power_that_is_not_valid_enters_nobody_and_says_why(world: World, signing: Signing) -> None:
    participant = await company(world)
    good, revoked = signing.power(1, 8, BUY, PAY), uuid4()
    of_revoked = signing.power(1, 8, BUY, PAY, number=revoked)
    signing.register.revoke(revoked)
    cases: list[tuple[ShownPower, str]] = [
        (signing.power(1, 8, BUY), "poa_power_missing"),
        (signing.power(1, 9, BUY, PAY), "poa_representative_differs"),
        (signing.power(2, 8, BUY, PAY), "poa_principal_differs"),
        (of_revoked, "poa_revoked"),
        (ShownPower(document=good.document, signature=of_revoked.signature), "poa_signature_wrong"),
    ]
    for power, reason in cases:
        with pytest.raises(PowerOfAttorneyInsufficient) as refused:
            await appoint(world, participant, 8, power)
        assert reason in str(refused.value.facts["reasons"])
    with pytest.raises(PowerOfAttorneyUnreadable):
        await appoint(world, participant, 8, ShownPower(document=b"<a/>", signature=good.signature))
    with pytest.raises(RepresentativeTermOutOfRange):
        await appoint(world, participant, 8, good, valid_until=START + 40 * DAY)
    with pytest.raises(RepresentativePowersUnnamed):
        await appoint(world, participant, 8, good, powers=frozenset())
    with pytest.raises(PowerOfAttorneyRequired):
        await appoint(world, participant, 8, kind=RepresentativeKind.POWER_OF_ATTORNEY, powers=frozenset({BUY}))
    signing.believe(NoRevocationSource())
    with pytest.raises(SignatureIndeterminate):
        await appoint(world, participant, 8, good)
    world.do = replace(world.do, acts=acts_of(Settings(acts_signed="simple"), world.clock, Memory()).acts)
    with pytest.raises(PowerOfAttorneyStatusUnavailable):
        await appoint(world, participant, 8, good)

    assert await world.rows("SELECT 1 FROM representative") == []
    assert not [event for event, _ in await world.events() if event.startswith("representative")]


async def test_an_executive_is_of_an_organisation_and_has_every_power(world: World) -> None:
    [person] = await world.active(investor(2))
    participant = await company(world)

    with pytest.raises(ExecutiveMustBeOfEntity):
        await appoint(world, person, 7)
    with pytest.raises(ExecutiveNeedsNoPower):
        await appoint(world, participant, 7, powers=frozenset({BUY}))
    with pytest.raises(InnInvalid):
        await appoint(world, participant, 7, inn="111111111111")
    with pytest.raises(NameUnreadable):
        await appoint(world, participant, 7, name="Ивaнoв Пётр\u200b Ильич")
    with pytest.raises(ParticipantNotFound):
        await appoint(world, uuid4(), 7)
    for number in range(LIVE_MAX):
        await appoint(world, participant, number)
    with pytest.raises(RepresentativesTooMany):
        await appoint(world, participant, LIVE_MAX)


async def test_of_two_appointments_of_one_person_at_once_one_is_entered(world: World) -> None:
    participant = await company(world)

    results = await race(
        world.database,
        "SELECT 1 FROM participant WHERE participant_id = :id FOR UPDATE",
        appoint(world, participant, 7),
        appoint(world, participant, 7),
        id=participant,
    )

    assert sorted(type(result).__name__ for result in results) == ["RepresentativeAlreadyAppointed", "UUID"]
    assert len(await world.rows("SELECT 1 FROM representative")) == 1


async def test_a_token_issued_while_its_holder_ends_opens_nothing(world: World) -> None:
    participant = await company(world)
    for _ in range(3):
        one = await appoint(world, participant, 7)
        ended, issued = await race(
            world.database,
            "SELECT 1 FROM representative WHERE representative_id = :id FOR UPDATE",
            end(world, one),
            token(world, one, Role.INVESTOR),
            id=one,
        )
        assert ended is None
        if isinstance(issued, str):
            assert await world.verifier.verify(issued) is None
        else:
            assert isinstance(issued, TokenSubjectEnded)


async def test_a_token_acts_for_the_participant_as_far_as_its_powers_go(world: World, signing: Signing) -> None:
    participant = await company(world)
    executive = await appoint(world, participant, 7)
    buyer = await appoint(world, participant, 8, signing.power(1, 8, BUY, PAY))
    payer = await appoint(world, participant, 9, signing.power(1, 9, PAY), powers=frozenset({PAY}))

    actor = await world.verifier.verify(await token(world, executive, Role.ISSUER_SIGNATORY))
    assert actor == Actor(str(executive), participant, frozenset({Role.ISSUER_SIGNATORY}))
    actor = await world.verifier.verify(await token(world, buyer, Role.INVESTOR, Role.REPRESENTATIVE))
    assert actor == Actor(str(buyer), participant, frozenset({Role.INVESTOR, Role.REPRESENTATIVE}))
    await token(world, payer, Role.ISSUER, Role.REPRESENTATIVE)
    # No codes are named for signing decisions: no power of attorney is enough.
    for one, role in ((payer, Role.INVESTOR), (buyer, Role.ISSUER_SIGNATORY)):
        with pytest.raises(TokenRolesExceedSubject):
            await token(world, one, role, Role.REPRESENTATIVE)
    with pytest.raises(TokenMustNameRepresentative):
        await token(world, buyer, Role.INVESTOR)

    assert (await world.read.get_participant(participant, actor=actor)).participant_id == participant
    with pytest.raises(NotPermitted):
        await end(world, executive, actor)
    with pytest.raises(NotPermitted):
        await world.do.request_closing(
            RequestClosing(
                command_id=world.command_id(), actor=actor, participant_id=participant, basis_reference="1"
            )
        )


async def test_who_is_not_identified_gets_no_token_and_identity_is_told_who_it_is_in_a_file(world: World) -> None:
    participant = await company(world)
    one = await appoint(world, participant, 7, is_identified=False)

    with pytest.raises(RepresentativeMustBeIdentified):
        await token(world, one, Role.INVESTOR)
    [told] = [data for event, data in await world.events() if event == "representative_appointed"]
    file = json.loads(await world.do.acts.files.get(told["persons_sha256"]))
    assert file["persons"] == [
        {"id": str(one), "name": "Петров Пётр", "inn": person_inn(7), "ogrn": None, "snils": None}
    ]
    assert len(bytes.fromhex(file["salt"])) == 32

    await identified(world, participant, one)
    assert await world.verifier.verify(await token(world, one, Role.INVESTOR)) is not None
    [shown] = (await world.read.list_representatives(participant, actor=AUDITOR)).representatives
    assert shown.identified_at == START


async def test_a_term_that_is_over_ends_at_its_instant_whenever_the_scheduler_comes(world: World) -> None:
    participant = await company(world)
    until = START + DAY
    one = await appoint(world, participant, 7, valid_until=until)
    secret = await token(world, one, Role.INVESTOR)
    assert await world.verifier.verify(secret) is not None

    world.clock.advance(DAY)
    assert await world.verifier.verify(secret) is None
    with pytest.raises(TokenSubjectEnded):
        await token(world, one, Role.INVESTOR)
    world.clock.advance(DAY)
    assert await world.do.expire_representatives(world.clock.now()) == 1
    assert await world.do.expire_representatives(world.clock.now()) == 0

    [told] = [data for event, data in await world.events() if event == "representative_ended"]
    assert (told["end"], told["valid_until"]) == ("term_over", until.isoformat().replace("+00:00", "Z"))
    with pytest.raises(RepresentativeAlreadyEnded):
        await end(world, one)
    await appoint(world, participant, 7)


async def test_only_legal_and_the_participant_itself_end_and_nobody_else_learns_of_it(world: World) -> None:
    participant, other = await company(world), await company(world, 2)
    one = await appoint(world, participant, 7)
    secret = await token(world, one, Role.INVESTOR)
    stranger = as_participant(other)

    for hidden in (one, uuid4()):
        with pytest.raises(RepresentativeNotFound) as unseen:
            await end(world, hidden, stranger)
        assert (unseen.value.facts, unseen.value.detail) == ({}, RepresentativeNotFound().detail)
    for hidden in (participant, uuid4()):
        with pytest.raises(ParticipantNotFound):
            await world.read.list_representatives(hidden, actor=stranger)
    for actor in (ONBOARDER, AUDITOR, SETTLEMENT, ADMIN):
        with pytest.raises(NotPermitted):
            await end(world, one, actor)
    for actor in (LEGAL, AUDITOR, as_participant(participant)):
        with pytest.raises(NotPermitted):
            await appoint(world, participant, 8, actor=actor)
    with pytest.raises(NotPermitted):
        await world.read.list_representatives(participant, actor=SETTLEMENT)
    assert await world.verifier.verify(secret) is not None

    await end(world, one, as_participant(participant))
    assert await world.verifier.verify(secret) is None
    [told] = [data for event, data in await world.events() if event == "representative_ended"]
    assert told["end"] == "by_participant"


async def test_with_the_relation_its_representatives_end(world: World) -> None:
    [participant] = await world.active(issuer(1))
    await appoint(world, participant, 7)
    asked = await world.do.request_closing(
        RequestClosing(command_id=world.command_id(), actor=LEGAL, participant_id=participant, basis_reference="1")
    )
    await world.do.decide_closing(
        DecideClosing(
            command_id=world.command_id(),
            actor=OTHER_LEGAL,
            participant_id=participant,
            close=True,
            closing_sha256=asked.closing_sha256,
            basis_reference="2",
            no_dispute_reference="3",
        )
    )

    [told] = [data for event, data in await world.events() if event == "representative_ended"]
    assert told["end"] == "participant_left"
    with pytest.raises(ParticipantMustBeLive):
        await appoint(world, participant, 8)


async def test_the_register_of_the_past_says_who_could_act_then(world: World) -> None:
    participant = await company(world)
    before = world.clock.now()
    world.clock.advance(DAY)
    one = await appoint(world, participant, 7, valid_until=world.clock.now() + 2 * DAY)
    during = world.clock.now()
    world.clock.advance(DAY)
    await end(world, one)
    after = world.clock.now()
    world.clock.advance(DAY)

    async def lines(at: Any) -> list[dict[str, Any]]:
        return [json.loads(line) async for line in world.do.extract_lines(actor=AUDITOR, at=at)]

    [line] = await lines(during)
    assert [(said["representative_id"], said["name"]) for said in line["representatives"]] == [
        (str(one), "Петров Пётр")
    ]
    # Nobody: the field is left out, so that what was signed before there were representatives keeps its bytes.
    for at in (before, after):
        assert "representatives" not in (await lines(at))[0]


async def test_a_repeated_appointment_is_answered_again_and_done_once(world: World) -> None:
    participant = await company(world)
    said = RepresentativeSaid(
        kind=RepresentativeKind.SOLE_EXECUTIVE, name="Петров", inn=person_inn(7), basis_reference="1"
    )
    cmd = AppointRepresentative(command_id=world.command_id(), actor=ONBOARDER, participant_id=participant, said=said)

    first = await world.do.appoint_representative(cmd)
    assert await world.do.appoint_representative(cmd) == first
    with pytest.raises(RepresentativeAlreadyAppointed):
        await appoint(world, participant, 7)
    await end(world, first.representative_id)
    assert await world.do.appoint_representative(cmd) == first
