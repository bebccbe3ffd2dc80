"""A freeze brings the draft of its message; two persons approve its bytes; sending and answer are recorded.

Scenario 25.
"""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from kapital.contracts import identity as contract
from kapital.identity.domain.aml_message import due_at_of
from kapital.identity.domain.problems import (
    AmlMessageMustBePrepared,
    AmlMessageNotFound,
    AmlMessageStepNeedsReference,
    DecisionNamesAnotherMessage,
    MakerAndCheckerMustDiffer,
)
from kapital.identity.use_cases.advance_aml_message import AdvanceAmlMessage, MessageStep
from kapital.identity.use_cases.decide_hit import HitDecision
from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.calendar import russian_calendar
from kapital.kernel.roles import Role
from kapital.kernel.states import WrongState
from kapital.platform.ids import new_uuid7
from tests.identity.screening.conftest import OFFICER, ONBOARDER, OTHER_OFFICER, World, person, staff

LISTED = ("1001", "ЖЕМЧУЖНИКОВ ВАЛЕНТИН ПРОХОРОВИЧ*", "1971-04-05")
CLIENT = person("Жемчужников Валентин Прохорович", born="1971-04-05", passport="98 00 123456")


async def messages(world: World) -> list[contract.AmlMessage]:
    return list((await world.read.list_aml_messages(actor=OFFICER)).messages)


async def step(
    world: World,
    message: contract.AmlMessage,
    what: MessageStep,
    *,
    actor: Actor = OFFICER,
    seen: str | None = None,
    comment: str | None = None,
    reference: str | None = None,
) -> contract.AmlMessage:
    cmd = AdvanceAmlMessage(
        command_id=world.command_id(),
        actor=actor,
        message_id=message.message_id,
        step=what,
        message_sha256=seen or message.message_sha256,
        comment=comment,
        reference=reference,
    )
    return await world.do.advance_aml_message(cmd)


async def frozen(world: World) -> contract.AmlMessage:
    await world.load_persons(LISTED)
    await world.screen(CLIENT)
    [message] = await messages(world)
    return message


async def sent(world: World) -> contract.AmlMessage:
    prepared = await step(world, await frozen(world), MessageStep.PREPARE, comment="Счёт заблокирован")
    approved = await step(world, prepared, MessageStep.APPROVE, actor=OTHER_OFFICER)
    return await step(world, approved, MessageStep.SEND, reference="Квитанция 77-1")


async def test_an_exact_hit_brings_a_draft_at_once_with_its_clock(world: World) -> None:
    message = await frozen(world)

    assert message.state.value == "draft"
    # 2 March 2026 is a Monday: by the end of Tuesday in Moscow.
    assert message.due_at == datetime(2026, 3, 3, 21, tzinfo=UTC)
    assert not message.is_overdue
    file = await world.read.get_aml_message_file(message.message_id, actor=OFFICER)
    assert sha256(file.content.encode()).hexdigest() == message.message_sha256 == file.message_sha256
    said = json.loads(file.content)
    assert said["format"] == "kapital-aml-message/1"
    assert said["subject"]["names"] == ["Жемчужников Валентин Прохорович"]
    assert said["list"]["entry"] == "1001"


async def test_an_update_that_freezes_brings_drafts_too_and_a_likeness_none_before_it_is_confirmed(
    world: World,
) -> None:
    await world.screen(CLIENT, person("Жемчужников Валентин"))
    await world.load_persons(LISTED)
    await world.rescreen()
    assert len(await messages(world)) == 1
    [likeness] = [hit for hit in await world.hits() if hit.state.value == "suspected"]

    world.clock.advance(timedelta(hours=3))
    await world.decide(likeness, HitDecision.CONFIRM)

    made = await messages(world)
    assert {message.hit_id for message in made} == {hit.hit_id for hit in await world.hits()}
    assert len(made) == 2


async def test_the_whole_course_of_a_message(world: World) -> None:
    message = await sent(world)
    accepted = await step(world, message, MessageStep.ACCEPT, reference="ФЭС принято")

    assert accepted.state.value == "accepted"
    assert (accepted.prepared_by, accepted.approved_by) == (OFFICER.id, OTHER_OFFICER.id)
    assert (accepted.sent_reference, accepted.answer_reference) == ("Квитанция 77-1", "ФЭС принято")
    assert len(await messages(world)) == 1
    file = await world.read.get_aml_message_file(message.message_id, actor=OFFICER)
    assert json.loads(file.content)["comment"] == "Счёт заблокирован"


async def test_a_rejected_message_gets_a_new_draft_under_the_clock_of_the_measure(world: World) -> None:
    message = await sent(world)
    world.clock.advance(timedelta(days=2))

    await step(world, message, MessageStep.REJECT, reference="Ошибка ФЛК")

    [again] = [m for m in await messages(world) if m.state.value == "draft"]
    assert (again.number, again.hit_id, again.due_at) == (2, message.hit_id, message.due_at)
    assert again.is_overdue
    assert not (await messages(world))[0].is_overdue or (await messages(world))[0].number == 2


async def test_one_person_cannot_approve_alone_and_nobody_other_bytes(world: World) -> None:
    draft = await frozen(world)
    with pytest.raises(AmlMessageMustBePrepared):
        await step(world, draft, MessageStep.APPROVE, actor=OTHER_OFFICER)
    with pytest.raises(AmlMessageStepNeedsReference):
        await step(world, draft, MessageStep.PREPARE)
    prepared = await step(world, draft, MessageStep.PREPARE, comment="1")
    with pytest.raises(MakerAndCheckerMustDiffer):
        await step(world, prepared, MessageStep.APPROVE)
    with pytest.raises(DecisionNamesAnotherMessage):
        await step(world, prepared, MessageStep.APPROVE, actor=OTHER_OFFICER, seen=draft.message_sha256)
    with pytest.raises(WrongState):
        await step(world, prepared, MessageStep.SEND, reference="1")
    changed = await step(world, prepared, MessageStep.PREPARE, actor=OTHER_OFFICER, comment="2")
    with pytest.raises(MakerAndCheckerMustDiffer):  # who wrote the last word is the maker
        await step(world, changed, MessageStep.APPROVE, actor=OTHER_OFFICER)
    approved = await step(world, changed, MessageStep.APPROVE)
    with pytest.raises(AmlMessageStepNeedsReference):
        await step(world, approved, MessageStep.SEND)
    with pytest.raises(WrongState):
        await step(world, approved, MessageStep.PREPARE, comment="3")
    assert [m.state.value for m in await messages(world)] == ["approved"]


async def test_only_the_officer_reads_the_file_and_supervision_only_the_course(world: World) -> None:
    message = await frozen(world)
    auditor = staff(9, Role.AUDITOR)

    assert (await world.read.list_aml_messages(actor=auditor)).messages
    for stranger in (auditor, ONBOARDER):
        with pytest.raises(NotPermitted):
            await world.read.get_aml_message_file(message.message_id, actor=stranger)
        with pytest.raises(NotPermitted):
            await step(world, message, MessageStep.PREPARE, actor=stranger, comment="1")
    with pytest.raises(AmlMessageNotFound):
        await world.read.get_aml_message_file(new_uuid7(), actor=OFFICER)


async def test_nothing_personal_is_told_or_audited(world: World) -> None:
    await step(world, await sent(world), MessageStep.REJECT, reference="Ошибка")

    written = await world.all_text("audit_event", "outbox", "reply")

    for secret in ("Жемчужников", "ЖЕМЧУЖНИКОВ", "1971-04-05", "9800123456", "Счёт заблокирован"):
        assert secret not in written


def test_the_term_skips_holidays_and_a_missing_calendar_never_makes_it_later() -> None:
    calendar = russian_calendar()
    friday = datetime(2026, 12, 30, 9, tzinfo=UTC)

    assert due_at_of(datetime(2026, 3, 6, 9, tzinfo=UTC), calendar) == datetime(2026, 3, 10, 21, tzinfo=UTC)
    assert due_at_of(friday, calendar) > friday + timedelta(days=1)
    unknown = datetime(2031, 3, 7, 9, tzinfo=UTC)  # a Friday in a year without a calendar
    assert due_at_of(unknown, calendar) == datetime(2031, 3, 8, 21, tzinfo=UTC)
