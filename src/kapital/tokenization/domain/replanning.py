"""Days of payments that are not due yet, when another calendar says otherwise (перенос дней выплат).

Law: Labour Code of the Russian Federation art. 112 (which days off are moved is said year by year).
"""

from datetime import datetime
from typing import Any

import msgspec

from kapital.tokenization.domain.corporate_action import CorporateAction

_PLANNED = (
    "pay_on",
    "pay_by_on",
    "record_at",
    "fixing_at",
    "pay_at",
    "overdue_at",
    "grace_until_at",
    "needs",
)


def replanned(old: CorporateAction, new: CorporateAction, *, now: datetime) -> dict[str, Any] | None:
    """What changes of an action when it is planned anew; None when it has begun, by its old days or by its new ones.

    What holders and the issuer did stays: an early end keeps from when it is open and all but its last instant.
    """
    changes = {name: getattr(new, name) for name in _PLANNED if getattr(old, name) != getattr(new, name)}
    if old.early is not None and new.early is not None and old.early.close_at != new.early.close_at:
        changes["early"] = msgspec.structs.replace(old.early, close_at=new.early.close_at)
    begins = min(one for action in (old, new) for one in (action.record_at, action.fixing_at))
    if changes and begins <= now:
        return None
    return changes
