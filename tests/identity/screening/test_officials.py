"""Who proves to be a public official after the approval goes on only with a senior officer. Law: 115-FZ art. 7.3."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from kapital.contracts import identity as contract
from kapital.identity.adapters.lists.files import ListFormat
from kapital.identity.domain.doubt import OFFICIAL_REASON
from kapital.identity.domain.parameters import KYC_DOUBT_BUSINESS_DAYS
from kapital.identity.domain.screening import ListSource
from kapital.identity.use_cases.decide_hit import HitDecision
from kapital.kernel.calendar import MOSCOW, russian_calendar
from kapital.kernel.roles import Role
from kapital.platform.ids import new_uuid7
from tests.identity.conftest import OFFICER, identification, participant_registered, staff
from tests.identity.dossier.papers import of_firm
from tests.identity.screening.conftest import ftm, ftm_person, person
from tests.identity.screening.test_parties import BORN, NAME, House, house, said, with_head
from tests.registry.race import race

__all__ = ["house"]

SENIOR = staff(9, Role.COMPLIANCE)


async def listed_as_official(house: House, uid: str = "Q3") -> Sequence[contract.ScreeningHit]:
    """The person of these tests becomes a public official; what everybody was compared with found."""
    entity = ftm_person(uid, NAME, birthDate=[BORN.isoformat()], topics=["role.pep"])
    await house.screening.load(ftm(entity), file_format=ListFormat.FTM_JSON, source=ListSource.OPENSANCTIONS)
    await house.screening.rescreen()
    return [hit for hit in await house.screening.hits() if hit.entry_uid == uid]


async def client(house: House) -> UUID:
    participant_id = new_uuid7()
    await house.kyc.hear(participant_registered(participant_id))
    await house.screening.screen_as((participant_id, person(NAME, born=BORN.isoformat())))
    await house.kyc.decide(participant_id, await house.kyc.identified(participant_id))
    return participant_id


async def terms_told(house: House) -> list[str]:
    return [data["participant_id"] for kind, data in await house.kyc.told() if kind == "kyc_term_changed"]


async def test_a_client_who_proves_to_be_an_official_goes_on_only_with_a_senior_officer(house: House) -> None:
    participant_id = await client(house)
    [hit] = await listed_as_official(house)
    assert await terms_told(house) == []

    await house.screening.decide(hit, HitDecision.CONFIRM)

    [case] = await house.kyc.rows("SELECT valid_until FROM kyc_case")
    first = house.kyc.clock.now().astimezone(MOSCOW).date()
    last = (case["valid_until"] - timedelta(seconds=1)).astimezone(MOSCOW).date()
    assert russian_calendar().count_business_days(first, last) == KYC_DOUBT_BUSINESS_DAYS.at(first)
    assert await terms_told(house) == [str(participant_id)]
    [doubt] = await house.kyc.rows("SELECT reason FROM kyc_doubt")
    assert doubt["reason"] == OFFICIAL_REASON.format(hit_id=hit.hit_id)
    assert NAME.split()[0] not in str(await house.kyc.rows("SELECT data FROM outbox"))

    sha256 = await house.kyc.identified(participant_id)
    endorsed = await house.kyc.decide(participant_id, sha256)
    assert endorsed.state == "awaiting_senior"
    approved = await house.kyc.decide(participant_id, sha256, actor=SENIOR)
    assert approved.state == "approved"

    # The senior officer decided on an official: another list that says the same calls for nobody again.
    [again] = await listed_as_official(house, "Q4")
    await house.screening.decide(again, HitDecision.CONFIRM)
    assert await terms_told(house) == [str(participant_id)]
    assert await house.kyc.do.expire_cases(case["valid_until"] + timedelta(days=30)) == 0


async def test_a_party_of_the_approval_in_force_counts_and_one_of_an_earlier_questionnaire_does_not(
    house: House,
) -> None:
    now, before = await house.firm(), await house.firm()
    recorded = await house.kyc.record(*(said(with_head(of_firm(firm)), firm) for firm in (now, before)))
    await house.kyc.decide_all(*((one.participant_id, str(one.identification_sha256)) for one in recorded))
    [renewed] = await house.kyc.record(said(of_firm(before), before))
    await house.kyc.decide(before, str(renewed.identification_sha256))

    hits = await listed_as_official(house)
    assert {hit.party_of for hit in hits} == {now, before}
    for hit in hits:
        await house.screening.decide(hit, HitDecision.CONFIRM)

    assert await terms_told(house) == [str(now)]


async def test_of_an_approval_and_a_confirmation_at_once_none_escapes_the_senior_officer(house: House) -> None:
    participant_id = new_uuid7()
    await house.kyc.hear(participant_registered(participant_id))
    await house.screening.screen_as((participant_id, person(NAME, born=BORN.isoformat())))
    [hit] = await listed_as_official(house)
    [recorded] = await house.kyc.record(identification(participant_id))

    await race(
        house.kyc.database,
        "SELECT 1 FROM kyc_case WHERE number = 1 FOR UPDATE",
        house.kyc.decide(participant_id, str(recorded.identification_sha256), actor=OFFICER),
        house.screening.decide(hit, HitDecision.CONFIRM),
    )

    [case] = await house.kyc.rows("SELECT state, valid_until FROM kyc_case")
    shortened = await terms_told(house) == [str(participant_id)]
    assert case["state"] == "awaiting_senior" or (case["state"] == "approved" and shortened)
