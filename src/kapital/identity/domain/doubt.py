"""A doubt (сомнение) about what a participant was identified by: it shortens the approval and never ends it at once.

Law: 115-FZ art. 7(1)(3) (data are renewed within seven working days after a doubt about their truth or accuracy);
art. 7.3 (public officials by written decision of the head).
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.identity.domain.business_terms import end_of_term
from kapital.identity.domain.kyc_case import KycCase
from kapital.identity.domain.parameters import KYC_DOUBT_BUSINESS_DAYS, day_of
from kapital.kernel.calendar import BusinessCalendar
from kapital.kernel.problems import ensure

OFFICIAL_REASON: Final = (
    "Подтверждено совпадение {hit_id} с записью о публичном должностном лице: одобрение дано без решения старшего "
    "сотрудника (115-ФЗ, ст. 7.3)."
)
"""Why an approval is shortened when a hit on a public official is confirmed; names nobody."""


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


def official_doubted(
    case: KycCase, *, hit_id: UUID, officer_id: str, now: datetime, calendar: BusinessCalendar
) -> Doubt:
    """The same term, because the approval was given to a public official as if to anybody. Raises: WrongState."""
    return doubted(
        case,
        identification_sha256=case.recorded.sha256,
        reason=OFFICIAL_REASON.format(hit_id=hit_id),
        officer_id=officer_id,
        now=now,
        calendar=calendar,
    )
