"""Which case of a participant a command works on."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from kapital.identity.domain.kyc_case import KycCase, may_open_renewal
from kapital.identity.domain.problems import KycCaseNotFound
from kapital.platform.access import Resource, of_row


def case_of(participant_id: UUID, case: KycCase | None) -> Resource:
    """The latest case of a participant, as the policies see it."""
    if case is None:
        return Resource("KycCase", owner=participant_id)
    return of_row("KycCase", case.case_id, case, owner=participant_id)


def case_to_work_on(
    participant_id: UUID, latest: Mapping[UUID, KycCase], *, new_id: Callable[[], UUID], now: datetime
) -> KycCase:
    """The latest case, or a new one after an approval: a renewal. Raises: KycCaseNotFound."""
    case = latest.get(participant_id)
    if case is None:
        raise KycCaseNotFound(facts={"participant_id": str(participant_id)})
    if not may_open_renewal(case):
        return case
    return KycCase(case_id=new_id(), participant_id=participant_id, number=case.number + 1, opened_at=now)
