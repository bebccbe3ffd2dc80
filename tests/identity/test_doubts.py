"""A doubt about an identification: renewed within seven working days, or stopped. 115-FZ art. 7(1)(3)."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from kapital.contracts import identity as contract
from kapital.identity.domain.business_terms import end_of_term
from kapital.identity.domain.kyc_case import KycOutcome
from kapital.identity.domain.parameters import KYC_DOUBT_BUSINESS_DAYS, KYC_RENEWAL_NOTICE_DAYS
from kapital.identity.domain.problems import (
    DecisionNamesAnotherIdentification,
    IdentificationAlreadyDoubted,
    KycCaseNotFound,
)
from kapital.identity.domain.renewal import renewal_asked
from kapital.identity.use_cases.record_doubt import RecordDoubt
from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.calendar import MOSCOW, russian_calendar
from kapital.kernel.roles import Role
from kapital.kernel.states import WrongState
from kapital.platform.ids import new_uuid7
from tests.identity.conftest import AUDITOR, OFFICER, ONBOARDER, START, World, staff
from tests.identity.test_expiry import as_participant
from tests.registry.race import race

REASON = "Адрес не подтвердился: письмо Иванову вернулось"
COMPLIANCE = staff(6, Role.COMPLIANCE)


async def doubt(
    world: World, participant_id: UUID, sha256: str | None = None, *, actor: Actor = OFFICER, reason: str = REASON
) -> contract.IdentificationDoubt:
    if sha256 is None:
        [row] = await world.rows(
            "SELECT identification_sha256 FROM identification JOIN kyc_case USING (case_id)"
            " WHERE participant_id = :id ORDER BY number DESC LIMIT 1",
            id=participant_id,
        )
        sha256 = row["identification_sha256"]
    return await world.do.record_doubt(
        RecordDoubt(
            command_id=world.command_id(),
            actor=actor,
            participant_id=participant_id,
            identification_sha256=sha256,
            reason=reason,
        )
    )


async def test_a_doubt_leaves_seven_working_days_and_tells_the_term_only(world: World) -> None:
    [participant_id] = await world.approved()
    calendar = russian_calendar()

    told = await doubt(world, participant_id)

    last_day = (told.valid_until - timedelta(seconds=1)).astimezone(MOSCOW).date()
    first_day = START.astimezone(MOSCOW).date()
    assert calendar.is_business_day(last_day)
    assert calendar.count_business_days(first_day, last_day) == KYC_DOUBT_BUSINESS_DAYS.at(first_day) == 7
    assert told.valid_until < told.valid_until_before
    [(_, decided), (kind, changed)] = await world.events()
    assert (kind, set(changed)) == ("kyc_term_changed", {"participant_id", "valid_until"})
    assert changed["valid_until"] < decided["valid_until"]
    everything = str(await world.rows("SELECT data FROM outbox")) + str(
        await world.rows("SELECT subject, basis, before, after FROM audit_event")
    )
    assert "письмо" not in everything


async def test_without_a_renewal_the_approval_expires_at_the_end_of_the_term(world: World) -> None:
    [participant_id] = await world.approved()
    told = await doubt(world, participant_id)

    before = await world.do.expire_cases(told.valid_until - timedelta(microseconds=1))
    at = await world.do.expire_cases(told.valid_until)

    assert (before, at) == (0, 1)
    assert [kind for kind, _ in await world.events()] == ["kyc_decided", "kyc_term_changed", "kyc_expired"]


async def test_an_approved_renewal_ends_the_doubt(world: World) -> None:
    [participant_id] = await world.approved()
    told = await doubt(world, participant_id)
    world.clock.advance(timedelta(days=2))

    await world.decide(participant_id, await world.identified(participant_id))

    assert await world.do.expire_cases(told.valid_until + timedelta(days=30)) == 0
    status = await world.read.get_kyc_status(participant_id, actor=AUDITOR)
    assert (status.is_valid, status.renewal) == (True, None)
    assert await world.states(participant_id) == ["superseded", "approved"]
    # The new approval may be doubted as the old one was.
    assert (await doubt(world, participant_id)).case_id != told.case_id


async def test_a_doubt_never_lengthens_a_term(world: World) -> None:
    [participant_id] = await world.approved()
    [row] = await world.rows("SELECT valid_until FROM kyc_case")
    world.clock.advance(row["valid_until"] - world.clock.now() - timedelta(days=1))

    told = await doubt(world, participant_id)

    assert told.valid_until == told.valid_until_before == row["valid_until"]


async def test_the_participant_reads_the_same_request_whatever_ends_the_term(world: World) -> None:
    doubted, ending, quiet = await world.approved(3)
    told = await doubt(world, doubted)
    async with world.database.engine.begin() as conn:
        statement = text("UPDATE kyc_case SET valid_until = :at WHERE participant_id = :id")
        await conn.execute(statement, {"at": told.valid_until, "id": ending})

    seen = [await world.read.get_kyc_status(who, actor=as_participant(who)) for who in (doubted, ending, quiet)]

    assert seen[0].renewal == seen[1].renewal
    assert seen[0].renewal is not None
    assert seen[0].renewal.renew_by == told.valid_until
    assert seen[2].renewal is None
    assert all(status.is_valid for status in seen)


@given(st.dates(min_value=date(2024, 1, 1), max_value=date(2027, 12, 31)))
def test_who_is_doubted_is_always_asked_at_once(on: date) -> None:
    """Or the request would come later than the doubt, and of a term that no year has."""
    now = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    until = end_of_term(now, business_days=KYC_DOUBT_BUSINESS_DAYS.at(on), calendar=russian_calendar())

    assert now < until
    assert until - now < timedelta(days=KYC_RENEWAL_NOTICE_DAYS.at(on))
    assert renewal_asked(until, now=now) is not None


@pytest.mark.parametrize("passed", [timedelta(0), timedelta(days=300), timedelta(days=400)])
def test_a_request_to_renew_names_no_grounds(passed: timedelta) -> None:
    asked = renewal_asked(START + timedelta(days=310), now=START + passed)

    if passed == timedelta(0):
        assert asked is None
        return
    assert asked is not None
    for word in ("сомнен", "115", "перечн", "санкц", "подозр", "doubt", "suspic", "list", "sanction"):
        assert word not in (asked.text_ru + asked.text_en).casefold()


async def test_the_same_doubt_twice_is_one_and_another_is_refused(world: World) -> None:
    [participant_id] = await world.approved()
    [row] = await world.rows("SELECT identification_sha256 AS sha256 FROM identification")
    cmd = RecordDoubt(
        command_id=world.command_id(),
        actor=OFFICER,
        participant_id=participant_id,
        identification_sha256=row["sha256"],
        reason=REASON,
    )
    first = await world.do.record_doubt(cmd)
    world.clock.advance(timedelta(days=1))

    assert await world.do.record_doubt(cmd) == first
    with pytest.raises(IdentificationAlreadyDoubted):
        await doubt(world, participant_id, actor=COMPLIANCE)
    [case] = await world.rows("SELECT valid_until FROM kyc_case")
    assert case["valid_until"] == first.valid_until


async def test_what_cannot_be_doubted_is_refused_and_leaves_no_trace(world: World) -> None:
    approved, opened = (await world.approved())[0], (await world.opened())[0]

    with pytest.raises(NotPermitted):
        await doubt(world, approved, actor=ONBOARDER)
    with pytest.raises(NotPermitted):
        await doubt(world, approved, actor=as_participant(approved))
    with pytest.raises(KycCaseNotFound):
        await doubt(world, new_uuid7(), "ab" * 32)
    with pytest.raises(WrongState):
        await doubt(world, opened, "ab" * 32)
    with pytest.raises(DecisionNamesAnotherIdentification):
        await doubt(world, approved, "ab" * 32)

    assert await world.rows("SELECT 1 FROM kyc_doubt") == []
    assert [kind for kind, _ in await world.events()] == ["kyc_decided"]


async def test_a_doubt_and_a_renewal_at_once_leave_the_renewal_its_own_term(world: World) -> None:
    [participant_id] = await world.approved()
    [row] = await world.rows("SELECT identification_sha256 AS sha256 FROM identification")
    sha256 = await world.identified(participant_id)

    await race(
        world.database,
        "SELECT 1 FROM kyc_case WHERE number = 1 FOR UPDATE",
        doubt(world, participant_id, row["sha256"]),
        world.decide(participant_id, sha256, KycOutcome.APPROVED),
    )

    assert await world.states(participant_id) == ["superseded", "approved"]
    [_, renewal] = await world.rows("SELECT valid_until, decided_at FROM kyc_case ORDER BY number")
    assert renewal["valid_until"] - renewal["decided_at"] > timedelta(days=300)


async def test_who_decides_sees_the_doubt_beside_the_renewal(world: World) -> None:
    [participant_id] = await world.approved()
    told = await doubt(world, participant_id)
    await world.identified(participant_id)

    dossier = await world.file_reads.get_kyc_dossier(participant_id, actor=OFFICER)

    assert dossier.doubt == told
    assert dossier.doubt.reason == REASON
    assert dossier.case_id != told.case_id
