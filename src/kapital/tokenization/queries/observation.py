"""A recorded value or outcome as the contract shows it."""

from kapital.contracts.base import unset_if_none
from kapital.contracts.tokenization import ContestVerdict, ObservationKind, ObservationState, ObservationView
from kapital.tokenization.domain.fixing import Fixing


def observation_view(fixing: Fixing) -> ObservationView:
    """The contract's view; what is not known is left out."""
    return ObservationView(
        fixing_id=fixing.fixing_id,
        kind=ObservationKind(fixing.kind.value),
        value=fixing.value,
        state=ObservationState(fixing.state.value),
        evidence=fixing.evidence,
        recorded_by=fixing.recorded_by,
        recorded_at=fixing.recorded_at,
        series=unset_if_none(fixing.series),
        observed_on=unset_if_none(fixing.observed_on),
        issue_id=unset_if_none(fixing.issue_id),
        document_sha256=unset_if_none(fixing.document_sha256),
        decided_by=unset_if_none(fixing.decided_by),
        decided_at=unset_if_none(fixing.decided_at),
        contest_until_at=unset_if_none(fixing.contest_until_at),
        contested_at=unset_if_none(fixing.contested_at),
        contest_reason=unset_if_none(fixing.contest_reason),
        taken_series=unset_if_none(fixing.taken_series),
        taken_from_on=unset_if_none(fixing.taken_from_on),
        reason=unset_if_none(fixing.reason),
        verdict=unset_if_none(None if fixing.verdict is None else ContestVerdict(fixing.verdict.value)),
    )
