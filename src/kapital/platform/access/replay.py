"""Recorded decisions, decided again by other policies."""

from typing import Any, Final, NamedTuple

from sqlalchemy import text

from kapital.platform.access.policies import Policies, PoliciesUnusable, Verdict
from kapital.platform.database import Database

_QUESTIONS: Final = text(
    """
    SELECT action, request, allowed, count(*) AS count, min(id) AS first_id, max(id) AS last_id,
        min(recorded_at) AS first_at, max(recorded_at) AS last_at
    FROM access_decision GROUP BY action, request, allowed ORDER BY min(id)
    """
)


class Replayed(NamedTuple):
    """One question that was answered `count` times, and the answer now. `reason`: why there is none."""

    action: str
    roles: tuple[str, ...]
    resource: dict[str, Any]
    allowed: bool
    allowed_now: bool
    determined_by: tuple[str, ...]
    times: int
    first_id: int
    last_id: int
    first_at: str
    last_at: str
    reason: str | None = None

    @property
    def turns(self) -> bool:
        """Whether the answer is another one."""
        return self.allowed != self.allowed_now

    def told(self) -> dict[str, Any]:
        """For JSON."""
        return self._asdict()

    def line(self) -> str:
        """For people."""
        was, now = (("denied", "allowed")[answer] for answer in (self.allowed, self.allowed_now))
        roles = "+".join(self.roles) or "no role"
        why = self.reason or ", ".join(self.determined_by) or "no policy permits it"
        return (
            f"{self.action} by {roles}: {was}, now {now} ({why}); {self.times} times, "
            f"decisions {self.first_id} to {self.last_id}, {self.first_at} to {self.last_at}"
        )


async def replay(database: Database, policies: Policies) -> list[Replayed]:
    """Every distinct question that a service has kept, oldest first, with its answer by `policies`.

    A question that does not fit their schema (an action or attribute that is gone) is denied, with the reason.
    """
    async with database.connect() as conn:
        rows = (await conn.execute(_QUESTIONS)).all()
    return [_replayed(row, policies) for row in rows]


def _replayed(row: Any, policies: Policies) -> Replayed:
    reason = None
    try:
        verdict = policies.decide_request(row.request)
    except PoliciesUnusable as error:
        verdict, reason = Verdict(False, ()), f"it does not fit the schema: {error.detail}"
    principal, resource = row.request["entities"]
    return Replayed(
        action=row.action,
        roles=tuple(parent["id"] for parent in principal["parents"]),
        resource={"kind": resource["uid"]["type"], **resource["attrs"]},
        allowed=row.allowed,
        allowed_now=verdict.allowed,
        determined_by=verdict.policies,
        times=row.count,
        first_id=row.first_id,
        last_id=row.last_id,
        first_at=row.first_at.isoformat(),
        last_at=row.last_at.isoformat(),
        reason=reason,
    )
