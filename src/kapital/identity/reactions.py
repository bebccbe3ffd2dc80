"""What identity does when the registry has taken in a participant."""

from uuid import UUID

from kapital.identity.domain.kyc_case import KycCase
from kapital.identity.ports import CaseStore
from kapital.kernel.actor import machine_actor
from kapital.kernel.ids import derive_uuid7
from kapital.kernel.roles import Role
from kapital.platform.events import CloudEvent
from kapital.platform.unit_of_work import Transaction


async def open_cases(tx: Transaction, events: list[CloudEvent], *, cases: CaseStore) -> None:
    """Open the first case of each participant registered.

    Promise: the case id is derived and the first case of a participant is opened once, whatever is delivered
    again.
    """
    told: dict[UUID, KycCase] = {}
    for event in events:
        participant_id = UUID(event.data["participant_id"])
        case_id = derive_uuid7(participant_id, "kyc-case")
        told[case_id] = KycCase(case_id=case_id, participant_id=participant_id, number=1, opened_at=tx.now)
    opened = await cases.open(tx.conn, list(told.values()))
    scheduler = machine_actor(Role.SCHEDULER)
    for case_id in sorted(opened):
        await tx.audit.append("identity.case_opened", case_id, scheduler, after={"state": told[case_id].state})
