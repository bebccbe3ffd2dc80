"""A participant's change of standing, as audit and the other services are told of it."""

from typing import Any
from uuid import UUID

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.platform.access import Resource, of_row
from kapital.platform.events import CloudEvent, Event
from kapital.platform.unit_of_work import Transaction
from kapital.registry.domain.events import PARTICIPANT_STATE_CHANGED
from kapital.registry.domain.standing import Participant
from kapital.registry.ports import Principal


def standing(participant: Participant) -> dict[str, Any]:
    """What the audit trail keeps of a participant: no personal data."""
    frozen = {} if participant.frozen_from is None else {"frozen_from": participant.frozen_from.value}
    return {
        "state": participant.state.value,
        **frozen,
        "restrictions": sorted(participant.restrictions),
        "version": participant.version,
    }


def record_of(participant_id: UUID, row: Participant | Principal | None) -> Resource:
    """A participant's record, as the policies see it; `row` is what is there."""
    return of_row("ParticipantRecord", participant_id, row, owner=participant_id)


async def note_change(
    tx: Transaction,
    action: str,
    participant: Participant,
    *,
    before: dict[str, Any],
    actor: Actor,
    basis: dict[str, Any],
    cause: CloudEvent | None = None,
) -> None:
    """Audit the act; tell the others when the state, and not only a ground within it, is another one."""
    await tx.audit.append(
        action, participant.participant_id, actor, basis=basis, before=before, after=standing(participant)
    )
    if participant.state.value != before["state"]:
        await tx.outbox.add(
            Event(
                type=PARTICIPANT_STATE_CHANGED,
                aggregate_id=str(participant.participant_id),
                aggregate_version=participant.version,
                data=contract.ParticipantStateChanged(
                    participant_id=participant.participant_id,
                    state=contract.ParticipantState(participant.state.value),
                ),
            ),
            cause=cause,
        )
