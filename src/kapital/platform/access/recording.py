"""Questions about changes: each decision is kept, with the effect it allowed, or alone when it refused.

What is kept is enough to decide again: the question as it was asked (roles and attributes, participants and actors
numbered), the SHA-256 of the policies, the policies that determined the answer, and what it was about: ids and
versions of the objects. No personal data: a question has none.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import asyncpg
import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.actor import Actor
from kapital.kernel.problems import Problem, ensure
from kapital.platform.access.policies import Verdict
from kapital.platform.access.questions import SERVICE, Question, Resource, request_of
from kapital.platform.access.reading import ask, current_policies, refused
from kapital.platform.context import current_context

SUBJECTS_PER_ROW_MAX: Final = 1_000
COLUMNS: Final = (
    ("actor_ids", "text[]"),
    ("actions", "text[]"),
    ("alloweds", "boolean[]"),
    ("requests", "text[]"),
    ("subjects", "text[]"),
    ("determined", "text[]"),
)
_SAME: Final = ("now", "policies", "correlation")
_REQUESTS_KEPT: Final = 4096
_SQL: Final = """
    INSERT INTO access_decision (recorded_at, actor_id, action, allowed, request, subjects, determined_by,
                                 policies_sha256, correlation_id)
    SELECT {now}, actor_id, action, allowed, CAST(request AS jsonb), CAST(subjects AS jsonb),
        string_to_array(determined, ' '), {policies}, {correlation}
    FROM unnest({columns}) WITH ORDINALITY AS d (actor_id, action, allowed, request, subjects, determined, n)
    ORDER BY n
"""
_INSERT: Final = text(
    _SQL.format(
        columns=", ".join(f"CAST(:{name} AS {kind})" for name, kind in COLUMNS),
        **{name: f":{name}" for name in _SAME},
    )
)
_INSERT_NATIVE: Final = _SQL.format(
    columns=", ".join(f"${place}::{kind}" for place, (_, kind) in enumerate(COLUMNS, 1)),
    **{name: f"${place}" for place, name in enumerate(_SAME, len(COLUMNS) + 1)},
)
"""The same for the driver's own interface, which the ledger uses."""


class _Key(NamedTuple):
    actor_id: str
    asked: Question
    verdict: Verdict


@lru_cache(maxsize=_REQUESTS_KEPT)
def _request_text(asked: Question) -> str:
    """The question as it is recorded. Questions are few, for nobody is named in them."""
    return msgspec.json.encode(request_of(asked)).decode()


class Asking:
    """The questions of one transaction. `flush` writes what was decided with one statement.

    Not for reading: those questions are asked without a transaction (`access.require`, `access.scope`).
    """

    def __init__(self, conn: AsyncConnection | None, now: datetime) -> None:
        self._conn, self._now = conn, now
        self._kept: dict[_Key, list[tuple[str | None, int | None]]] = {}

    def decide(self, actor: Actor, action: str, resources: Sequence[Resource]) -> list[bool]:
        """Whether the actor may do it to each of the resources; a command of 1,000 items asks once."""
        return [verdict.allowed for _, verdict in self._ask(actor, action, list(resources))]

    def require(
        self,
        actor: Actor,
        action: str,
        resource: Resource = SERVICE,
        *,
        hidden: type[Problem] | None = None,
        own: Resource | None = None,
    ) -> None:
        """Return if the actor may do it; `hidden` as for reading (`access.require`).

        `own` says what an object of the actor's own would be, where that is not one with its participant as `owner`.
        Promise: raised out of the transaction's block, the refusal is recorded durably before the caller gets it.
        Raises: NotPermitted, `hidden`.
        """
        if (problem := self.why_not(actor, action, resource, hidden=hidden, own=own)) is not None:
            raise problem

    def why_not(
        self,
        actor: Actor,
        action: str,
        resource: Resource = SERVICE,
        *,
        hidden: type[Problem] | None = None,
        own: Resource | None = None,
    ) -> Problem | None:
        """As `require`, for an item of a batch: the refusal as a value."""
        [(asked, verdict)] = self._ask(actor, action, [resource])
        return None if verdict.allowed else refused(actor, action, resource, asked, hidden=hidden, own=own)

    def _ask(self, actor: Actor, action: str, resources: list[Resource]) -> list[tuple[Question, Verdict]]:
        group = current_policies().group(action)
        ensure(group == "change", f"{action} is in the group {group}: only questions about changes are recorded")
        answers = ask(actor, action, resources)
        for resource, (asked, verdict) in zip(resources, answers, strict=True):
            subjects = self._kept.setdefault(_Key(actor.id, asked, verdict), [])
            subject = (resource.id, resource.version)
            if resource.id is not None and subject not in subjects[-1:]:
                subjects.append(subject)
        return answers

    @property
    def any_refused(self) -> bool:
        """Whether a question was answered no."""
        return any(not key.verdict.allowed for key in self._kept)

    async def flush(self) -> None:
        """Write all that was decided."""
        if self._kept and self._conn is not None:
            rows, self._kept = self.rows(), {}
            await self._conn.execute(_INSERT, rows | self.same())

    async def flush_refusals(self, conn: AsyncConnection) -> None:
        """Write what was refused, in another transaction: that of the questions is undone."""
        self._kept = {key: subjects for key, subjects in self._kept.items() if not key.verdict.allowed}
        self._conn = conn
        await self.flush()

    def rows(self) -> dict[str, list[Any]]:
        """The columns of what is to be written."""
        columns: dict[str, list[Any]] = {name: [] for name, _ in COLUMNS}
        for key, subjects in self._kept.items():
            request = _request_text(key.asked)
            for start in range(0, max(1, len(subjects)), SUBJECTS_PER_ROW_MAX):
                columns["actor_ids"].append(key.actor_id)
                columns["actions"].append(key.asked.action)
                columns["alloweds"].append(key.verdict.allowed)
                columns["requests"].append(request)
                part = subjects[start : start + SUBJECTS_PER_ROW_MAX]
                columns["subjects"].append(msgspec.json.encode(part).decode())
                columns["determined"].append(" ".join(key.verdict.policies))
        return columns

    def same(self) -> dict[str, Any]:
        """What all rows of the transaction share."""
        return {
            "now": self._now,
            "policies": current_policies().version,
            "correlation": current_context().correlation_id,
        }

    async def flush_native(self, connection: asyncpg.Connection) -> None:
        """As `flush`, on a connection of the driver."""
        if self._kept:
            rows, same = self.rows(), self.same()
            self._kept = {}
            values = [*(rows[name] for name, _ in COLUMNS), *(same[name] for name in _SAME)]
            await connection.execute(_INSERT_NATIVE, *values)
