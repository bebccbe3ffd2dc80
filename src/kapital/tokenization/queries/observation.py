"""A recorded value or outcome as the contract shows it."""

import msgspec

from kapital.contracts.tokenization import ObservationKind, ObservationState, ObservationView
from kapital.tokenization.domain.fixing import Fixing


def observation_view(fixing: Fixing) -> ObservationView:
    """The contract's view; what is not known is left out."""
    unset = msgspec.UNSET
    return ObservationView(
        fixing_id=fixing.fixing_id,
        kind=ObservationKind(fixing.kind.value),
        value=fixing.value,
        state=ObservationState(fixing.state.value),
        evidence=fixing.evidence,
        recorded_by=fixing.recorded_by,
        recorded_at=fixing.recorded_at,
        series=unset if fixing.series is None else fixing.series,
        observed_on=unset if fixing.observed_on is None else fixing.observed_on,
        issue_id=unset if fixing.issue_id is None else fixing.issue_id,
        document_sha256=unset if fixing.document_sha256 is None else fixing.document_sha256,
        decided_by=unset if fixing.decided_by is None else fixing.decided_by,
        decided_at=unset if fixing.decided_at is None else fixing.decided_at,
    )
