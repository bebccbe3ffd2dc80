"""Things of the domain in the words of the contract: what commands answer and queries show alike."""

from datetime import datetime

from kapital.contracts import registry as contract
from kapital.registry.domain.holder_disclosure import HolderDisclosure
from kapital.registry.domain.mandate import Mandate, MandateState
from kapital.registry.domain.mandate_texts import mandate_text
from kapital.registry.domain.staff_change import StaffChange
from kapital.registry.domain.standing import Participant
from kapital.registry.domain.status import Status


def state_answer(participant: Participant) -> contract.ParticipantStateAnswer:
    """The contract's form of a participant's standing."""
    return contract.ParticipantStateAnswer(
        participant_id=participant.participant_id,
        state=contract.ParticipantState(participant.state.value),
        restrictions=[contract.Restriction(ground.value) for ground in sorted(participant.restrictions)],
        version=participant.version,
    )


def participant_status(one: Status) -> contract.ParticipantStatus:
    """The contract's form of a role or status."""
    return contract.ParticipantStatus(
        status_id=one.status_id,
        participant_id=one.participant_id,
        status=contract.StatusName(one.name.value),
        state=contract.StatusState(one.state.value),
        source=contract.StatusSource(one.source.value),
        valid_from=one.valid_from or one.asked_from,
        valid_until=one.valid_until,
        recognised_by=one.recognised_by,
        evidence_sha256=one.evidence_sha256,
        basis_reference=one.basis_reference,
        status_sha256=one.sha256,
        proposed_at=one.proposed_at,
        held_at=one.held_at,
        ended_at=one.ended_at,
        end=None if one.end is None else contract.StatusEnd(one.end.value),
    )


def staff_change(one: StaffChange) -> contract.StaffChange:
    """The contract's form of a change of a member of staff."""
    return contract.StaffChange(
        change_id=one.change_id,
        staff_id=one.staff_id,
        roles=[contract.StaffRole(role.value) for role in sorted(one.roles)],
        valid_until=one.valid_until,
        basis_reference=one.basis_reference,
        state=contract.StaffChangeState(one.state.value),
        proposed_by=one.proposed_by,
        proposed_at=one.proposed_at,
        decided_by=one.decided_by,
        decided_at=one.decided_at,
        change_sha256=one.sha256,
    )


def holder_disclosure(one: HolderDisclosure) -> contract.HolderDisclosure:
    """The contract's form of a request to a nominee holder."""
    return contract.HolderDisclosure(
        disclosure_id=one.disclosure_id,
        participant_id=one.participant_id,
        issue_id=one.issue_id,
        as_of=one.as_of,
        due_at=one.due_at,
        units_held=one.units_held,
        basis_reference=one.basis_reference,
        state=contract.HolderDisclosureState(one.state.value),
        asked_at=one.asked_at,
        answered_at=one.answered_at,
        lines=one.lines,
        content_sha256=one.content_sha256,
    )


def mandate(one: Mandate, now: datetime) -> contract.Mandate:
    """The contract's form of a mandate as it stands now; a term that is over shows as its end."""
    state = one.state_at(now)
    ended_at, end = one.ended_at, None if one.end is None else contract.MandateEnd(one.end.value)
    if state is MandateState.ENDED and ended_at is None:
        ended_at, end = one.said.valid_until, contract.MandateEnd.term_over
    return contract.Mandate(
        mandate_id=one.mandate_id,
        participant_id=one.principal_id,
        broker_id=one.said.broker_id,
        powers=[contract.MandatePower(power.value) for power in sorted(one.said.powers)],
        order_limit_kopecks=one.said.order_limit_kopecks,
        day_limit_kopecks=one.said.day_limit_kopecks,
        valid_until=one.said.valid_until,
        state=contract.MandateState(state.value),
        text=mandate_text(one.principal_id, one.said),
        text_sha256=one.text_sha256,
        given_at=one.given_at,
        accepted_at=one.accepted_at,
        ended_at=ended_at,
        end=end,
    )
