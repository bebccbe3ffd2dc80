"""Use cases: hold what a check found damaged, and let it go again when a clean check and two persons say so.

A hold is not part of the register: no entry is made, and a repeat of what was entered before is still answered.
Setting or lifting one counts up the head's generation, so every process reads its assets anew before it writes.
Law: 259-FZ art. 5 (the operator ensures the integrity and reliability of the records).
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.clock import Clock
from kapital.ledger.adapters import store
from kapital.ledger.domain.problems import (
    HoldNotFound,
    LiftNeedsCleanCheck,
    LiftNeedsTwoPersons,
    LiftReasonRequired,
)
from kapital.ledger.use_cases.check import MAX_FINDINGS, CheckReport, Finding
from kapital.platform.access import Asking, Resource

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


_NEXT_GENERATION: Final = "UPDATE head SET generation = generation + 1"
REASON_LENGTH_MAX: Final = 500

_IN_FORCE: Final = (
    "SELECT asset, coalesce(code, ''), reason, lift_proposed_by FROM hold LEFT JOIN asset USING (asset)"
    " WHERE lifted_at IS NULL ORDER BY asset"
)


class Hold(NamedTuple):
    """An asset that is not moved, the first finding about it, and who proposed to let it go, if somebody did."""

    asset: UUID
    code: str
    reason: str
    lift_proposed_by: str | None


class Lifting(NamedTuple):
    """What a person's word about holds has done: proposed where it was the first, lifted where the second."""

    proposed: list[UUID]
    lifted: list[UUID]


async def list_holds(connection: asyncpg.Connection) -> list[Hold]:
    """Return the holds in force, by asset."""
    return [Hold(*row) for row in await connection.fetch(_IN_FORCE)]


async def follow_check(connection: asyncpg.Connection, clock: Clock, report: CheckReport) -> list[Hold]:
    """Set holds as `report` says, under the head's lock; return all that are in force then.

    A clean check lifts none (`lift_holds` does). One that is not takes back what was proposed before.
    """
    async with connection.transaction():
        head = await store.read_head(connection, lock=True)
        if not report.clean:
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
                await connection.execute(_NEXT_GENERATION)
            await connection.execute(
                "UPDATE hold SET lift_proposed_by = NULL, lift_proposed_at = NULL, lift_reason = NULL"
                " WHERE lifted_at IS NULL AND lift_proposed_by IS NOT NULL"
            )
        return await list_holds(connection)


async def _generations(connection: asyncpg.Connection, assets: Sequence[UUID] | None) -> dict[UUID, int]:
    """The generation of each hold in force that is asked about: the version of the asset's; 0 without one."""
    rows = await connection.fetch(
        "SELECT asset, generation FROM hold WHERE lifted_at IS NULL AND ($1::uuid[] IS NULL OR asset = ANY($1))",
        assets,
    )
    return dict.fromkeys(assets or (), 0) | {UUID(str(row["asset"])): int(row["generation"]) for row in rows}


async def lift_holds(
    connection: asyncpg.Connection,
    clock: Clock,
    actor: Actor,
    report: CheckReport,
    *,
    assets: Sequence[UUID] | None,
    reason: str,
) -> Lifting:
    """Say that these assets (None: all on hold) may move again: the first person proposes, another one decides.

    Each says so upon a clean check of his own. Promise: a hold set after that check began to read is not lifted.
    Raises: NotPermitted, LiftReasonRequired, LiftNeedsCleanCheck, HoldNotFound, LiftNeedsTwoPersons; then nothing
    of the call is done.
    """
    asking = Asking(None, clock.now())
    try:
        asking.require(actor, "lift_holds", Resource("Asset"))
        held = await _generations(connection, assets)
        asking.decide(actor, "lift_holds", [Resource("Asset", asset, held[asset]) for asset in sorted(held, key=str)])
    except NotPermitted:
        await asking.flush_native(connection)
        raise
    if not 0 < len(reason.strip()) <= REASON_LENGTH_MAX:
        raise LiftReasonRequired(facts={"length_max": REASON_LENGTH_MAX})
    if not report.clean:
        raise LiftNeedsCleanCheck(facts={"findings": len(report.findings)})
    async with connection.transaction():
        await asking.flush_native(connection)
        await store.read_head(connection, lock=True)
        rows = await connection.fetch(
            "SELECT asset, generation, lift_proposed_by FROM hold"
            " WHERE lifted_at IS NULL AND ($1::uuid[] IS NULL OR asset = ANY($1))",
            assets,
        )
        if not rows or (assets is not None and len(rows) < len(set(assets))):
            unknown = sorted(str(a) for a in {*(assets or ())} - {row["asset"] for row in rows})
            raise HoldNotFound(facts={"assets": ", ".join(unknown)})
        if any(row["generation"] > report.generation for row in rows):
            raise LiftNeedsCleanCheck("an asset was put on hold after this check began")
        if any(row["lift_proposed_by"] == actor.id for row in rows):
            raise LiftNeedsTwoPersons
        proposed = [row["asset"] for row in rows if row["lift_proposed_by"] is None]
        lifted = [row["asset"] for row in rows if row["lift_proposed_by"] is not None]
        await connection.execute(
            "UPDATE hold SET lift_proposed_by = $2, lift_proposed_at = $3, lift_reason = $4"
            " WHERE lifted_at IS NULL AND asset = ANY($1)",
            proposed,
            actor.id,
            clock.now(),
            reason,
        )
        await connection.execute(
            "UPDATE hold SET lifted_by = $2, lifted_at = $3, lift_reason = lift_reason || E'\\n' || $4"
            " WHERE lifted_at IS NULL AND asset = ANY($1)",
            lifted,
            actor.id,
            clock.now(),
            reason,
        )
        if lifted:
            await connection.execute(_NEXT_GENERATION)
    return Lifting(proposed, lifted)


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
