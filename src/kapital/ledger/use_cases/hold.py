"""Use case: follow a check. What it found damaged is not moved any more; what a clean check proves sound is let go.

A hold is not part of the register: no entry is made, and a repeat of what was entered before is still answered.
Setting or lifting one counts up the head's generation, so every process reads its assets anew before it writes.
Law: 259-FZ art. 5 (the operator ensures the integrity and reliability of the records).
"""

from collections.abc import Iterable
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from kapital.kernel.clock import Clock
from kapital.ledger.adapters import store
from kapital.ledger.use_cases.check import MAX_FINDINGS, CheckReport, Finding

# Findings of these kinds put the history itself in doubt, and with it every asset.
_OF_HISTORY: Final = (
    "entry_",
    "legs_differ",
    "recorded_at_went_back",
    "tile_",
    "checkpoint_root_differs",
    "checkpoint_ahead_of_log",
    "audit_copy_diverged",
)


class Hold(NamedTuple):
    """An asset that is not moved, and the first finding about it."""

    asset: UUID
    code: str
    reason: str


async def follow_check(connection: asyncpg.Connection, clock: Clock, report: CheckReport) -> list[Hold]:
    """Set and lift holds as `report` says, under the head's lock; return all that are in force then.

    Promise: a hold set after the check began to read is not lifted by it. A check that is not clean lifts none.
    """
    async with connection.transaction():
        head = await store.read_head(connection, lock=True)
        if report.clean:
            done = await connection.fetch(
                "UPDATE hold SET lifted_at = $1 WHERE lifted_at IS NULL AND generation <= $2 RETURNING asset",
                clock.now(),
                report.generation,
            )
        else:
            reasons = await _reasons(connection, report.findings)
            done = await connection.fetch(
                "INSERT INTO hold (asset, reason, held_at, generation)"
                " SELECT asset, reason, $3, $4 FROM unnest($1::uuid[], $2::text[]) AS h(asset, reason)"
                " ON CONFLICT (asset) WHERE lifted_at IS NULL DO NOTHING RETURNING asset",
                list(reasons),
                list(reasons.values()),
                clock.now(),
                head.generation + 1,
            )
        if done:
            await connection.execute("UPDATE head SET generation = generation + 1")
        rows = await connection.fetch(
            "SELECT asset, coalesce(code, ''), reason FROM hold LEFT JOIN asset USING (asset)"
            " WHERE lifted_at IS NULL ORDER BY asset"
        )
    return [Hold(*row) for row in rows]


async def _reasons(connection: asyncpg.Connection, findings: list[Finding]) -> dict[UUID, str]:
    """Return each asset to hold with the finding that it is held for."""
    reasons: dict[UUID, str] = {}
    for finding in findings:
        if finding.asset is not None:
            reasons.setdefault(finding.asset, f"{finding.code} at {finding.where}")
    of_all = _of_all(findings)
    if of_all is not None:
        for (asset,) in await connection.fetch("SELECT asset FROM asset"):
            reasons.setdefault(asset, of_all)
    return reasons


def _of_all(findings: Iterable[Finding]) -> str | None:
    """Say why every asset is in doubt, or None: the history differs, or there is more than the check could name."""
    for count, finding in enumerate(findings, 1):
        if finding.code.startswith(_OF_HISTORY) or count >= MAX_FINDINGS:
            return f"{finding.code} at {finding.where}"
    return None
