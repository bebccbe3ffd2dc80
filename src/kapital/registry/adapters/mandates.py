"""The table `mandate`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.registry.domain.mandate import Mandate, mandate_of

_COLUMNS: Final = """
    mandate_id, principal_id, broker_id, powers, order_limit_kopecks, day_limit_kopecks, valid_until, text_sha256,
    given_at, accepted_at, ended_at, "end", row_version
"""
_COUNT: Final = text(
    "SELECT count(*) FROM mandate WHERE principal_id = :id AND ended_at IS NULL AND valid_until > :now"
)
_END_OVER: Final = text(
    """
    UPDATE mandate SET ended_at = valid_until, "end" = 'term_over', ended_by = :by
    WHERE principal_id = :principal AND broker_id = :broker AND ended_at IS NULL AND valid_until <= :now
    """
)
_ADD: Final = text(
    """
    INSERT INTO mandate (mandate_id, principal_id, broker_id, powers, order_limit_kopecks, day_limit_kopecks,
        valid_until, text_sha256, given_by, given_at, given_act_sha256)
    VALUES (:id, :principal, :broker, :powers, :order_limit, :day_limit, :until, :sha256, :by, :at, :act)
    ON CONFLICT (principal_id, broker_id) WHERE ended_at IS NULL DO NOTHING
    """
)
_FIND: Final = text(f"SELECT {_COLUMNS} FROM mandate WHERE mandate_id = :id")  # noqa: S608 - a constant
_LOCK: Final = text(f"SELECT {_COLUMNS} FROM mandate WHERE mandate_id = :id FOR UPDATE")  # noqa: S608
_LOCK_LIVING: Final = text(
    f"""
    SELECT {_COLUMNS} FROM mandate
    WHERE (principal_id = ANY(CAST(:ids AS uuid[])) OR broker_id = ANY(CAST(:ids AS uuid[])))
        AND ended_at IS NULL AND valid_until > :now
    ORDER BY mandate_id FOR UPDATE
    """  # noqa: S608 - a constant of this module
)
_ACCEPT: Final = text(
    """
    UPDATE mandate SET accepted_at = :at, accepted_by = :by, accepted_act_sha256 = :act WHERE mandate_id = :id
    """
)
_END: Final = text(
    """
    UPDATE mandate m SET ended_at = e.at, "end" = e.how, ended_by = :by
    FROM unnest(CAST(:ids AS uuid[]), CAST(:instants AS timestamptz[]), CAST(:ends AS text[])) AS e (id, at, how)
    WHERE m.mandate_id = e.id AND m.ended_at IS NULL
    """
)


class MandateTable:
    """MandateStore on PostgreSQL."""

    async def count_living(self, conn: AsyncConnection, principal_id: UUID, *, now: datetime) -> int:
        """How many of a principal wait or are in force."""
        return int((await conn.execute(_COUNT, {"id": principal_id, "now": now})).scalar_one())

    async def add(self, conn: AsyncConnection, one: Mandate, *, by: str, act_sha256: str | None) -> bool:
        """Enter one; False when another between the two is living. One whose term is over makes room."""
        said = one.said
        over = {"principal": one.principal_id, "broker": said.broker_id, "now": one.given_at, "by": by}
        await conn.execute(_END_OVER, over)
        values = {
            "id": one.mandate_id,
            "principal": one.principal_id,
            "broker": said.broker_id,
            "powers": sorted(said.powers),
            "order_limit": said.order_limit_kopecks,
            "day_limit": said.day_limit_kopecks,
            "until": said.valid_until,
            "sha256": one.text_sha256,
            "by": by,
            "at": one.given_at,
            "act": act_sha256,
        }
        return (await conn.execute(_ADD, values)).rowcount == 1

    async def find(self, conn: AsyncConnection, mandate_id: UUID) -> Mandate | None:
        """Read one without locking it."""
        row = (await conn.execute(_FIND, {"id": mandate_id})).one_or_none()
        return None if row is None else mandate_of(row)

    async def lock(self, conn: AsyncConnection, mandate_id: UUID) -> Mandate | None:
        """Read and lock one."""
        row = (await conn.execute(_LOCK, {"id": mandate_id})).one_or_none()
        return None if row is None else mandate_of(row)

    async def lock_living(
        self, conn: AsyncConnection, participant_ids: Sequence[UUID], *, now: datetime
    ) -> list[Mandate]:
        """Read and lock all that wait or are in force between any of these and anybody."""
        rows = await conn.execute(_LOCK_LIVING, {"ids": list(participant_ids), "now": now})
        return [mandate_of(row) for row in rows]

    async def save_accepted(self, conn: AsyncConnection, one: Mandate, *, by: str, act_sha256: str | None) -> None:
        """Write the acceptance of a locked mandate."""
        values = {"id": one.mandate_id, "at": one.accepted_at, "by": by, "act": act_sha256}
        await conn.execute(_ACCEPT, values)

    async def save_ends(self, conn: AsyncConnection, ended: Sequence[Mandate], *, by: str) -> None:
        """Write the ends of locked mandates."""
        if ended:
            values = {
                "ids": [one.mandate_id for one in ended],
                "instants": [one.ended_at for one in ended],
                "ends": [one.end for one in ended],
                "by": by,
            }
            await conn.execute(_END, values)
