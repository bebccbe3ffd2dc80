"""A doubt (сомнение) about what a participant was identified by: it shortens the approval and never ends it at once.

Law: 115-FZ art. 7(1)(3) (data are renewed within seven working days after a doubt about their truth or accuracy).
"""

from datetime import datetime
from uuid import UUID

import msgspec

from kapital.identity.domain.business_terms import end_of_term
from kapital.identity.domain.kyc_case import KycCase
from kapital.identity.domain.parameters import KYC_DOUBT_BUSINESS_DAYS, day_of
from kapital.kernel.calendar import BusinessCalendar
from kapital.kernel.problems import ensure


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """A doubt about one approval. Shape: `reason` may hold personal data; it is shown with the dossier only."""

    case_id: UUID
    participant_id: UUID
    reason: str
    recorded_by: str
    recorded_at: datetime
    valid_until_before: datetime
    valid_until: datetime


def doubted(
    case: KycCase,
    *,
    identification_sha256: str,
    reason: str,
    officer_id: str,
    now: datetime,
    calendar: BusinessCalendar,
) -> Doubt:
    """Shorten the approval of `case` to the term of the law, unless it ends earlier by itself.

    Raises: WrongState, DecisionNamesAnotherIdentification – in this order of precedence.
    """
    before = case.valid_until
    days = KYC_DOUBT_BUSINESS_DAYS.at(day_of(now))
    until = end_of_term(now, business_days=days, calendar=calendar)
    case.shorten(until, identification_sha256=identification_sha256)
    ensure(before is not None and case.valid_until is not None, "an approval has a term")
    return Doubt(
        case_id=case.case_id,
        participant_id=case.participant_id,
        reason=reason,
        recorded_by=officer_id,
        recorded_at=now,
        valid_until_before=before or now,
        valid_until=case.valid_until or now,
    )
