"""Delegated identification: a bank identifies, within its agreement only. Law: 115-FZ art. 7(1.5), 6798-U."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from kapital.contracts import identity as contract
from kapital.identity.domain.dossier import IdentificationMethod
from kapital.identity.domain.kyc_case import DocumentKind
from kapital.identity.domain.kyc_problems import BicMalformed, DelegationNotFound, DelegationTermUnsound
from kapital.identity.use_cases.delegations import ChangeDelegation, EnterDelegation
from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.problems import StaleVersion
from tests.identity.conftest import AUDITOR, OFFICER, identification
from tests.identity.dossier.conftest import SENIOR, Desk
from tests.identity.dossier.papers import of_firm

TODAY = date(2026, 3, 2)


async def enter(desk: Desk, *, actor: Actor = SENIOR, **changes: Any) -> contract.Delegation:
    said: dict[str, Any] = {
        "agent_name": "Вымышленный банк",
        "agent_bic": "044525225",
        "number": "ПИ-1",
        "valid_from": date(2026, 1, 1),
        "valid_until": date(2026, 12, 31),
        "notified_on": date(2026, 1, 10),
    }
    return await desk.files.enter_delegation(
        EnterDelegation(command_id=desk.command_id(), actor=actor, **(said | changes))
    )


async def change(desk: Desk, delegation_id: UUID, version: int, **changes: Any) -> contract.Delegation:
    cmd = ChangeDelegation(
        command_id=desk.command_id(), actor=SENIOR, delegation_id=delegation_id, version=version, **changes
    )
    return await desk.files.change_delegation(cmd)


async def imported(
    desk: Desk, delegation_id: UUID | None, reference: str | None = "БАНК-1", **changes: Any
) -> str | None:
    [participant_id] = await desk.opened(kind=changes.pop("kind", "natural_person"))
    [result] = await desk.record(
        identification(participant_id, delegation_id=delegation_id, agent_reference=reference, **changes)
    )
    return result.problem.code if result.problem else None


async def test_a_bank_identifies_within_its_agreement_also_firms(desk: Desk) -> None:
    agreement = await enter(desk)
    [firm] = await desk.opened(kind="legal_entity")

    assert await imported(desk, agreement.delegation_id) is None
    [result] = await desk.record(
        identification(
            firm,
            document_kind=DocumentKind.EGRUL_EXTRACT,
            delegation_id=agreement.delegation_id,
            agent_reference="БАНК-1",
            questionnaire=of_firm(firm),
        )
    )
    assert result.problem is None
    rows = await desk.rows(
        "SELECT method, content->>'agent_reference' AS ref FROM identification JOIN kyc_dossier USING (case_id)"
    )
    assert rows == [{"method": "delegated", "ref": "БАНК-1"}] * 2


@pytest.mark.parametrize("kind", ["legal_entity", "foreign_entity"])
async def test_a_bank_too_says_who_owns_a_firm(desk: Desk, kind: str) -> None:
    """115-FZ art. 7(1)(2): who is told of through a bank has owners all the same."""
    agreement = await enter(desk)

    assert await imported(desk, agreement.delegation_id, kind=kind) == "questionnaire_required"
    assert await desk.rows("SELECT 1 FROM identification") == []


async def test_outside_its_days_or_untold_nothing_is_taken_in(desk: Desk) -> None:
    future = await enter(desk, valid_from=TODAY + timedelta(days=1))
    past = await enter(desk, valid_until=TODAY - timedelta(days=1))
    untold = await enter(desk, notified_on=None)
    told_later = await enter(desk, notified_on=TODAY + timedelta(days=1))
    good = await enter(desk)
    ended = await change(desk, (await enter(desk)).delegation_id, 1, ended_on=TODAY - timedelta(days=1))
    last_day = await change(desk, (await enter(desk)).delegation_id, 1, ended_on=TODAY)

    codes = [
        await imported(desk, one.delegation_id) for one in (future, past, ended, untold, told_later, last_day, good)
    ]

    assert codes == [*["delegation_must_be_in_force"] * 3, *["delegation_must_be_notified"] * 2, None, None]
    assert await imported(desk, good.delegation_id, None) == "delegation_must_be_in_force"
    assert await imported(desk, uuid4()) == "delegation_not_found"
    assert await imported(desk, None) == "delegation_not_found"
    assert await imported(desk, None, None, method=IdentificationMethod.DELEGATED) == "delegation_not_found"


async def test_the_notice_opens_an_agreement_and_stands(desk: Desk) -> None:
    agreement = await enter(desk, notified_on=None)

    changed = await change(desk, agreement.delegation_id, 1, notified_on=TODAY)

    assert changed.version == 2
    assert await imported(desk, agreement.delegation_id) is None
    with pytest.raises(StaleVersion):
        await change(desk, agreement.delegation_id, 1, ended_on=TODAY)
    for refused in ({"notified_on": TODAY}, {}, {"ended_on": date(2030, 1, 1)}):
        with pytest.raises(DelegationTermUnsound):
            await change(desk, agreement.delegation_id, 2, **refused)
    [row] = await desk.rows("SELECT version, notified_on, ended_on FROM kyc_delegation")
    assert row == {"version": 2, "notified_on": TODAY, "ended_on": None}


async def test_agreements_that_contradict_themselves_are_refused(desk: Desk) -> None:
    with pytest.raises(DelegationTermUnsound):
        await enter(desk, valid_until=date(2025, 1, 1))
    with pytest.raises(DelegationTermUnsound):
        await enter(desk, notified_on=date(2027, 1, 1))
    with pytest.raises(BicMalformed):
        await enter(desk, agent_bic="994525225")
    with pytest.raises(NotPermitted):
        await enter(desk, actor=OFFICER)
    with pytest.raises(DelegationNotFound):
        await change(desk, uuid4(), 1, ended_on=TODAY)
    untold = await enter(desk, notified_on=None)
    with pytest.raises(DelegationTermUnsound):
        await change(desk, untold.delegation_id, 1, notified_on=TODAY + timedelta(days=1))

    page = await desk.file_reads.list_delegations(actor=AUDITOR)

    assert [one.delegation_id for one in page.delegations] == [untold.delegation_id]
