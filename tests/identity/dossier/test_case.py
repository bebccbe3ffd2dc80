"""A case from questionnaire to decision: one test per promise. Law: 115-FZ art. 7, 7.3. Scenarios 21, 30."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from kapital.identity.domain.kyc_case import KycOutcome
from kapital.identity.domain.kyc_document import DocumentVerdict, KycDocumentKind
from kapital.identity.domain.kyc_problems import (
    BeneficialOwnersUnidentified,
    DocumentInfected,
    DocumentIsArchive,
    DocumentNotFound,
    DocumentUnchecked,
    IdentificationDocumentRequired,
    OwnershipCycle,
    ParticipantUnscreened,
    QuestionnaireIncomplete,
    QuestionnaireKindMismatch,
    QuestionnaireRequired,
    SimplifiedNotAllowed,
    TooManyDocuments,
)
from kapital.identity.domain.ownership import OwnershipEdge
from kapital.identity.domain.problems import CaseNotAwaitingIdentification, KycCaseNotFound
from kapital.identity.ports import KycPolicy
from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.problems import StaleVersion
from kapital.kernel.roles import Role
from tests.identity.conftest import AUDITOR, OFFICER, OTHER_OFFICER, identification, staff
from tests.identity.dossier.conftest import OTHER_SENIOR, SENIOR, Desk, desk_of
from tests.identity.dossier.papers import TODAY, chunk, of_firm, of_person, pdf, png
from tests.registry.race import race

EVERY_CASE = "SELECT 1 FROM kyc_case FOR UPDATE"


def themselves(participant_id: UUID) -> Actor:
    return Actor(id=str(participant_id), participant_id=participant_id, roles=frozenset({Role.INVESTOR}))


def official(participant_id: UUID):
    return of_person(participant_id, is_pep=True, pep_position="советник")


def other_picture(number: int) -> bytes:
    return png(extra=chunk(b"tEXt", b"Comment\0%d" % number))


async def test_a_complete_case_is_told_decided_and_bound_by_one_hash(desk: Desk) -> None:
    [participant_id] = await desk.opened()

    sha256 = await desk.completed(participant_id)
    dossier = await desk.file_reads.get_kyc_dossier(participant_id, actor=OFFICER)
    result = await desk.decide(participant_id, sha256)

    assert result.state == "approved"
    assert [kind for kind, _ in await desk.told()] == ["identification_recorded", "kyc_decided"]
    assert dossier.identification_sha256 == sha256
    assert (dossier.method, dossier.state) == ("full", "identified")
    assert dossier.risk is not None
    assert dossier.risk.level == "low"
    [row] = await desk.rows(
        "SELECT dossier_sha256, questionnaire_sha256 FROM kyc_dossier JOIN kyc_questionnaire USING (case_id)"
    )
    assert row == {"dossier_sha256": dossier.dossier_sha256, "questionnaire_sha256": of_person(participant_id).sha256}


async def test_personal_data_stays_out_of_events_audit_and_answers(desk: Desk) -> None:
    participant_id, questionnaire = await desk.firm()
    await desk.completed(participant_id, questionnaire)

    told = (
        str(await desk.rows("SELECT data FROM outbox"))
        + str(await desk.rows("SELECT subject, basis, before, after FROM audit_event"))
        + str(await desk.rows("SELECT convert_from(body, 'UTF8') AS body FROM reply WHERE body IS NOT NULL"))
    )

    entity = questionnaire.entity
    assert entity is not None
    assert entity.head is not None
    for secret in (entity.full_name, entity.inn, entity.ogrn, entity.head.family_name, entity.head.inn):
        assert str(secret) not in told


async def test_a_participant_fills_in_its_own_questionnaire_and_nobody_elses(desk: Desk) -> None:
    own, other = await desk.opened(2)
    me = themselves(own)

    filled = await desk.fill(own, actor=me)
    document = await desk.attach(own, actor=me)

    for refused in (desk.fill(other, actor=me), desk.attach(other, actor=me), desk.attach(uuid4(), actor=me)):
        with pytest.raises(KycCaseNotFound):
            await refused
    with pytest.raises(NotPermitted):
        await desk.complete(own, document.document_id, filled.version, actor=me)
    with pytest.raises(NotPermitted):
        await desk.file_reads.get_kyc_dossier(own, actor=me)
    with pytest.raises(NotPermitted):
        await desk.file_reads.get_kyc_document(own, document.document_id, actor=AUDITOR)
    with pytest.raises(NotPermitted):
        await desk.fill(own, actor=OFFICER)


async def test_who_filled_in_does_not_decide_nor_endorse(desk: Desk) -> None:
    [participant_id] = await desk.opened()
    both = staff(20, Role.ONBOARDING, Role.AML_OFFICER)
    await desk.screen(participant_id)
    filled = await desk.fill(participant_id, actor=both)
    document = await desk.attach(participant_id)
    sha256 = await desk.complete(participant_id, document.document_id, filled.version)

    refused = await desk.decide(participant_id, sha256, actor=both)

    assert refused.problem is not None
    assert refused.problem.code == "maker_and_checker_must_differ"


async def test_a_change_after_the_read_is_seen(desk: Desk) -> None:
    [participant_id] = await desk.opened()
    first = await desk.fill(participant_id, version=1)
    await desk.fill(participant_id, of_person(participant_id, seed=5), version=first.version)
    await desk.screen(participant_id)
    document = await desk.attach(participant_id)

    with pytest.raises(StaleVersion):
        await desk.fill(participant_id, version=first.version)
    with pytest.raises(StaleVersion):
        await desk.complete(participant_id, document.document_id, first.version)

    await desk.complete(participant_id, document.document_id, first.version + 1)
    with pytest.raises(CaseNotAwaitingIdentification):
        await desk.fill(participant_id)
    with pytest.raises(CaseNotAwaitingIdentification):
        await desk.attach(participant_id, other_picture(1))


async def test_each_thing_that_is_missing_has_its_code_in_order(desk: Desk) -> None:
    participant_id, questionnaire = await desk.firm()
    nothing = uuid4()

    async def completing(document_id: UUID, version: int) -> None:
        await desk.complete(participant_id, document_id, version)

    with pytest.raises(KycCaseNotFound):
        await desk.complete(uuid4(), nothing, 1)
    with pytest.raises(QuestionnaireRequired):
        await completing(nothing, 1)
    with pytest.raises(QuestionnaireKindMismatch):
        await desk.fill(participant_id, of_person(participant_id))
    owners = questionnaire.owners
    assert owners is not None
    unknown = replace(owners, nodes=(replace(owners.nodes[0], person=None),))
    filled = await desk.fill(participant_id, replace(questionnaire, owners=unknown))
    assert [(gap.node_id, gap.reason) for gap in filled.missing] == [(owners.nodes[0].node_id, "owner_unidentified")]
    with pytest.raises(IdentificationDocumentRequired):
        await completing(nothing, filled.version)
    charter = await desk.attach(participant_id, pdf(), KycDocumentKind.CHARTER)
    with pytest.raises(IdentificationDocumentRequired):
        await completing(charter.document_id, filled.version)
    extract = await desk.attach(participant_id, kind=KycDocumentKind.EGRUL_EXTRACT)
    with pytest.raises(ParticipantUnscreened):
        await completing(extract.document_id, filled.version)
    await desk.screen(participant_id)
    with pytest.raises(BeneficialOwnersUnidentified) as refused:
        await completing(extract.document_id, filled.version)
    assert str(owners.nodes[0].node_id) in str(refused.value.facts["owners"])
    assert await desk.told() == []

    known = await desk.fill(participant_id, questionnaire)
    await completing(extract.document_id, known.version)


async def test_bad_questionnaires_leave_nothing(desk: Desk) -> None:
    participant_id, questionnaire = await desk.firm()
    owners = questionnaire.owners
    assert owners is not None
    node_id = owners.nodes[0].node_id
    circle = replace(
        owners, edges=(*owners.edges, OwnershipEdge(owner_id=participant_id, owned_id=node_id, share="1%"))
    )
    entity = replace(owners.nodes[0], kind="entity", person=None)

    with pytest.raises(OwnershipCycle):
        await desk.fill(participant_id, replace(questionnaire, owners=replace(circle, nodes=(entity,))))
    with pytest.raises(QuestionnaireIncomplete):
        await desk.fill(participant_id, replace(questionnaire, purpose=None))

    assert await desk.rows("SELECT 1 FROM kyc_questionnaire") == []
    assert await desk.rows("SELECT 1 FROM reply") == []
    assert await desk.rows("SELECT version FROM kyc_case") == [{"version": 1}]


async def test_documents_are_kept_once_by_hash_and_given_to_staff(desk: Desk) -> None:
    [participant_id] = await desk.opened()

    first = await desk.attach(participant_id, pdf())
    again = await desk.attach(participant_id, pdf())
    document, content = await desk.file_reads.get_kyc_document(participant_id, first.document_id, actor=OFFICER)

    assert again.document_id == first.document_id
    assert (content, document.media_type, first.verdict) == (pdf(), "application/pdf", "clean")
    assert len(desk.scanner.asked) == 1
    with pytest.raises(DocumentNotFound):
        await desk.file_reads.get_kyc_document(participant_id, uuid4(), actor=OFFICER)


async def test_bytes_that_are_refused_are_kept_nowhere(desk: Desk, tmp_path: Path) -> None:
    [participant_id] = await desk.opened()

    with pytest.raises(DocumentIsArchive):
        await desk.attach(participant_id, b"PK\x03\x04" + b"0" * 100)

    assert [path for path in (tmp_path / "objects").rglob("*") if path.is_file()] == []
    assert await desk.rows("SELECT 1 FROM kyc_document") == []


async def test_a_case_holds_so_many_documents(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kapital.identity.use_cases.attach_document.DOCUMENTS_MAX", 2)
    [participant_id] = await desk.opened()
    await desk.attach(participant_id, other_picture(1))
    await desk.attach(participant_id, other_picture(2))

    with pytest.raises(TooManyDocuments):
        await desk.attach(participant_id, other_picture(3))
    await desk.attach(participant_id, other_picture(2))


async def test_a_silent_scanner_leaves_the_verdict_open_and_is_asked_again(desk: Desk) -> None:
    [participant_id] = await desk.opened()
    desk.scanner.verdict = None
    await desk.screen(participant_id)
    filled = await desk.fill(participant_id)
    document = await desk.attach(participant_id)
    assert document.verdict == "pending"
    assert await desk.files.check_documents(desk.clock.now()) == 0
    with pytest.raises(DocumentUnchecked):
        await desk.complete(participant_id, document.document_id, filled.version)
    with pytest.raises(DocumentUnchecked):
        await desk.file_reads.get_kyc_document(participant_id, document.document_id, actor=OFFICER)

    desk.scanner.verdict = DocumentVerdict.CLEAN

    assert await desk.files.check_documents(desk.clock.now()) == 1
    assert await desk.files.check_documents(desk.clock.now()) == 0
    await desk.complete(participant_id, document.document_id, filled.version)


async def test_a_document_that_the_scanner_will_not_judge_holds_up_no_other(desk: Desk) -> None:
    [participant_id] = await desk.opened()
    desk.scanner.verdict = None
    await desk.fill(participant_id)
    for number in (1, 2):
        await desk.attach(participant_id, other_picture(number))
    desk.scanner.verdict, desk.scanner.not_judged = DocumentVerdict.CLEAN, desk.scanner.asked[0]

    assert await desk.files.check_documents(desk.clock.now()) == 1


async def test_nobody_is_identified_with_an_infected_document_in_the_case(desk: Desk) -> None:
    [participant_id] = await desk.opened()
    await desk.screen(participant_id)
    filled = await desk.fill(participant_id)
    passport = await desk.attach(participant_id)
    desk.scanner.verdict = DocumentVerdict.INFECTED
    bad = await desk.attach(participant_id, pdf(), KycDocumentKind.OTHER)

    assert bad.verdict == "infected"
    with pytest.raises(DocumentInfected):
        await desk.complete(participant_id, passport.document_id, filled.version)
    with pytest.raises(DocumentInfected):
        await desk.file_reads.get_kyc_document(participant_id, bad.document_id, actor=OFFICER)


async def test_without_a_scanner_the_setting_decides(desk: Desk, tmp_path: Path) -> None:
    ids = await desk.opened(2)
    lenient = await desk_of(desk.database, desk.clock, tmp_path / "more", KycPolicy(unchecked_documents_allowed=True))
    lenient.scanner.verdict = desk.scanner.verdict = DocumentVerdict.UNCHECKED_NO_SCANNER

    with pytest.raises(DocumentUnchecked):
        await desk.completed(ids[0])
    lenient._commands = 1_000
    await lenient.completed(ids[1])


async def test_a_public_official_needs_an_officer_and_a_senior_one(desk: Desk) -> None:
    [participant_id] = await desk.opened()
    sha256 = await desk.completed(participant_id, official(participant_id))

    early = await desk.decide(participant_id, sha256, actor=SENIOR)
    endorsed = await desk.decide(participant_id, sha256)
    twice = await desk.decide(participant_id, sha256, actor=OTHER_OFFICER)
    everything = staff(2, Role.AML_OFFICER, Role.COMPLIANCE)
    same = await desk.decide(participant_id, sha256, actor=everything)
    approved = await desk.decide(participant_id, sha256, actor=SENIOR)

    assert [one.problem.code for one in (early, twice, same) if one.problem] == [
        "not_permitted",
        "not_permitted",
        "maker_and_checker_must_differ",
    ]
    assert (endorsed.state, endorsed.valid_until) == ("awaiting_senior", None)
    assert approved.state == "approved"
    told = await desk.told()
    assert [kind for kind, _ in told] == ["identification_recorded", "kyc_referred", "kyc_decided"]
    assert told[1][1]["reasons"] == ["high_risk", "public_official"]
    # High risk: a shorter term.
    assert approved.valid_until is not None
    assert approved.valid_until - desk.clock.now() < timedelta(days=190)
    acts = await desk.rows("SELECT action FROM audit_event WHERE action LIKE 'identity.kyc_%' ORDER BY id")
    assert [act["action"] for act in acts] == ["identity.kyc_endorsed", "identity.kyc_decided"]


async def test_a_renewal_that_waits_for_a_senior_leaves_the_old_approval(desk: Desk) -> None:
    [participant_id] = await desk.approved()
    sha256 = await desk.completed(participant_id, official(participant_id))
    await desk.decide(participant_id, sha256)
    assert await desk.states(participant_id) == ["approved", "awaiting_senior"]

    await desk.decide(participant_id, sha256, KycOutcome.REJECTED, actor=SENIOR)

    assert await desk.states(participant_id) == ["superseded", "rejected"]


async def test_an_official_whom_screening_finds_after_completion_needs_a_senior_too(desk: Desk) -> None:
    [participant_id] = await desk.opened()
    sha256 = await desk.completed(participant_id)
    await desk.screen(participant_id, hit="pep")

    result = await desk.decide(participant_id, sha256)

    assert result.state == "awaiting_senior"


async def test_a_measure_refers_the_case_and_stands_against_approval(desk: Desk) -> None:
    [participant_id] = await desk.opened()
    await desk.screen(participant_id, "suspected")
    filled = await desk.fill(participant_id)
    document = await desk.attach(participant_id)
    sha256 = await desk.complete(participant_id, document.document_id, filled.version)

    held = await desk.decide(participant_id, sha256)
    await desk.screen(participant_id)
    free = await desk.decide(participant_id, sha256)

    assert held.problem is not None
    assert held.problem.code == "screening_hit_cannot_be_approved"
    assert free.state == "approved"
    assert ("kyc_referred", ["screening_hit"]) in [(kind, data.get("reasons")) for kind, data in await desk.told()]


async def test_of_two_senior_approvals_at_once_one_is_made(desk: Desk) -> None:
    [participant_id] = await desk.opened()
    sha256 = await desk.completed(participant_id, official(participant_id))
    await desk.decide(participant_id, sha256)

    results = await race(
        desk.database,
        EVERY_CASE,
        desk.decide(participant_id, sha256, actor=SENIOR),
        desk.decide(participant_id, sha256, actor=OTHER_SENIOR),
    )

    assert sum(result.problem is None for result in results) == 1
    assert [kind for kind, _ in await desk.events()] == ["kyc_decided"]


async def test_completion_and_the_form_for_many_at_once_record_one_identification(desk: Desk) -> None:
    [participant_id] = await desk.opened()
    await desk.screen(participant_id)
    filled = await desk.fill(participant_id)
    document = await desk.attach(participant_id)

    async def completing() -> bool:
        try:
            await desk.complete(participant_id, document.document_id, filled.version)
        except (CaseNotAwaitingIdentification, StaleVersion):
            return False
        return True

    async def batch() -> bool:
        [result] = await desk.record(identification(participant_id))
        return result.problem is None

    results = await race(desk.database, EVERY_CASE, completing(), batch())

    assert sorted(results) == [False, True]
    assert len(await desk.rows("SELECT 1 FROM kyc_dossier")) == 1


async def test_the_form_for_many_carries_questionnaires_and_asks_for_the_owners_of_firms(desk: Desk) -> None:
    bare, firm, official_ = (
        (await desk.opened(1, "legal_entity")) + (await desk.opened(1, "legal_entity")) + (await desk.opened())
    )
    owners = of_firm(bare).owners
    assert owners is not None
    unknown = replace(of_firm(bare), owners=replace(owners, nodes=(replace(owners.nodes[0], person=None),)))

    results = await desk.record(
        identification(bare),
        identification(bare, questionnaire=unknown),
        identification(firm, questionnaire=of_firm(firm)),
        identification(official_, questionnaire=official(official_)),
    )

    assert [result.problem.code if result.problem else None for result in results] == [
        "questionnaire_required",
        "beneficial_owners_must_be_identified",
        None,
        None,
    ]
    methods = await desk.rows("SELECT method, risk_level FROM identification ORDER BY risk_level")
    assert methods == [{"method": "full", "risk_level": "high"}, {"method": "full", "risk_level": "low"}]
    assert len(await desk.rows("SELECT 1 FROM kyc_questionnaire")) == 2


async def test_the_form_for_many_takes_what_the_participant_filled_in(desk: Desk) -> None:
    [participant_id] = await desk.approved()
    await desk.fill(participant_id, official(participant_id), actor=themselves(participant_id))

    sha256 = await desk.identified(participant_id)
    result = await desk.decide(participant_id, sha256)

    assert result.state == "awaiting_senior"
    assert await desk.states(participant_id) == ["approved", "awaiting_senior"]


async def test_simplified_identification_is_for_persons_from_its_day_on(desk: Desk, tmp_path: Path) -> None:
    [person, pep] = await desk.opened(2)
    today = desk.clock.now().date()
    allowing = await desk_of(desk.database, desk.clock, tmp_path / "more", KycPolicy(simplified_from=today))
    tomorrow = KycPolicy(simplified_from=today + timedelta(days=1))
    not_yet = await desk_of(desk.database, desk.clock, tmp_path / "not-yet", tomorrow)
    not_yet._commands = 2_000
    allowing._commands = 1_000
    for who in (person, pep):
        await desk.screen(who)
    filled = await desk.fill(person)
    document = await desk.attach(person)

    for refusing in (desk, not_yet):
        with pytest.raises(SimplifiedNotAllowed) as early:
            await refusing.complete(person, document.document_id, filled.version, simplified=True)
        assert early.value.facts == {"reason": "setting"}
    sha256 = await allowing.complete(person, document.document_id, filled.version, simplified=True)
    await desk.decide(person, sha256)
    status = await desk.read.get_kyc_status(person, actor=AUDITOR)
    assert (status.is_valid, status.limit_kopecks) == (True, 1_500_000)
    [(_, decided)] = await desk.events()
    assert (decided["method"], decided["operation_limit_kopecks"]) == ("simplified", 1_500_000)
    other = await desk.fill(pep, official(pep))
    paper = await desk.attach(pep, other_picture(1))
    with pytest.raises(SimplifiedNotAllowed) as refused:
        await allowing.complete(pep, paper.document_id, other.version, simplified=True)
    assert refused.value.facts == {"reason": "full_identification_needed"}


@pytest.mark.parametrize(("until", "code"), [(None, None), (0, None), (-1, "questionnaire_required")])
async def test_after_the_last_day_of_the_setting_nobody_is_vouched_for_without_a_questionnaire(
    desk: Desk, tmp_path: Path, until: int | None, code: str | None
) -> None:
    day = None if until is None else TODAY + timedelta(days=until)
    strict = await desk_of(desk.database, desk.clock, tmp_path / "strict", KycPolicy(attested_until=day))
    bare, filled = await strict.opened(2)

    results = await strict.record(
        identification(bare),
        identification(filled, questionnaire=of_person(filled)),
    )

    assert [one.problem and one.problem.code for one in results] == [code, None]


async def test_a_full_identification_has_no_limit(desk: Desk) -> None:
    [participant_id] = await desk.approved()

    assert (await desk.read.get_kyc_status(participant_id, actor=AUDITOR)).limit_kopecks is None
    [(_, decided)] = await desk.events()
    assert (decided["method"], decided["operation_limit_kopecks"]) == ("attested", None)
