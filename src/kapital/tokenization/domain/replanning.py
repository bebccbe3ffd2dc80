"""Days of payments that are not due yet, when another calendar says otherwise (перенос дней выплат).

Law: Labour Code of the Russian Federation art. 112 (which days off are moved is said year by year).
"""

from datetime import datetime
from typing import Any

import msgspec

from kapital.tokenization.domain.corporate_action import CorporateAction

_DAYS = (
    "pay_on",
    "pay_by_on",
    "record_at",
    "fixing_at",
    "pay_at",
    "overdue_at",
    "grace_until_at",
)


def has_begun(old: CorporateAction, new: CorporateAction, *, now: datetime) -> bool:
    """Whether an action has begun, by its old days or by its new ones; then its days stand."""
    return min(one for action in (old, new) for one in (action.record_at, action.fixing_at)) <= now


def replanned(old: CorporateAction, new: CorporateAction, *, now: datetime) -> dict[str, Any]:
    """What changes of an action when it is planned anew.

    What holders and the issuer did stays: an early end keeps from when it is open and all but its last instant. Which
    values are read follows the calendar that counts, also once the days stand: else one would be waited for that
    nobody is asked for.
    """
    begun = has_begun(old, new, now=now)
    names = ("needs",) if begun else (*_DAYS, "needs")
    changes = {name: getattr(new, name) for name in names if getattr(old, name) != getattr(new, name)}
    if not begun and old.early is not None and new.early is not None and old.early.close_at != new.early.close_at:
        changes["early"] = msgspec.structs.replace(old.early, close_at=new.early.close_at)
    return changes


def days_differ(old: CorporateAction, new: CorporateAction) -> bool:
    """Whether one day or instant of the plan is another."""
    return any(getattr(old, name) != getattr(new, name) for name in _DAYS)
