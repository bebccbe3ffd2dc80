"""SQL that splits the lines of a payment, and adds interest to them: statements over all lines at once."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.domain.shortfall import AlikeLines, Shares
from kapital.tokenization.ports.shortfall import Counted

_ALIKE: Final = text(
    """
    SELECT amount_kopecks, count(*) FROM payout_line WHERE action_id = :action_id AND amount_kopecks > 0
    GROUP BY amount_kopecks ORDER BY amount_kopecks
    """
)
_REST_PARTS: Final = text(
    """
    INSERT INTO payout_part (action_id, part, state, amount_kopecks)
    SELECT :rest_id, part, 'waiting', amount_kopecks FROM payout_part WHERE action_id = :action_id
    """
)
# Among lines with equal remainders the first in the order of the list have the kopeck more.
_REST_LINES: Final = text(
    """
    INSERT INTO payout_line
        (action_id, part, line, wallet_id, position, units, amount_kopecks, extinguish_units)
    SELECT :rest_id, l.part, l.line, l.wallet_id, l.position, l.units,
        l.amount_kopecks - coalesce(s.share, 0) - CASE WHEN l.tied AND l.place <= :first_lines THEN 1 ELSE 0 END,
        l.extinguish_units
    FROM (
        SELECT d.*, row_number() OVER (PARTITION BY d.tied ORDER BY d.part, d.line) AS place
        FROM (
            SELECT *, amount_kopecks = ANY(CAST(:tied AS bigint[])) AS tied
            FROM payout_line WHERE action_id = :action_id
        ) AS d
    ) AS l
    LEFT JOIN unnest(CAST(:amounts AS bigint[]), CAST(:shares AS bigint[])) AS s(amount, share)
        ON s.amount = l.amount_kopecks
    """
)
_LEAVE_SHARES: Final = text(
    """
    UPDATE payout_line AS l SET amount_kopecks = l.amount_kopecks - r.amount_kopecks, extinguish_units = 0
    FROM payout_line AS r
    WHERE l.action_id = :action_id AND r.action_id = :rest_id AND r.part = l.part AND r.line = l.line
    """
)
_DROP_LINES: Final = text(
    """
    DELETE FROM payout_line
    WHERE action_id = ANY(CAST(:ids AS uuid[])) AND amount_kopecks = 0 AND extinguish_units = 0
    """
)
_DROP_PARTS: Final = text(
    """
    DELETE FROM payout_part AS p
    WHERE action_id = ANY(CAST(:ids AS uuid[]))
        AND NOT EXISTS (SELECT FROM payout_line AS l WHERE l.action_id = p.action_id AND l.part = p.part)
    """
)
# Parts are told with their number, from 1 to how many there are. Those behind a part that is left out move down: by
# way of numbers below 0, for one statement sees a number free only after the next.
_MOVED: Final = """
    SELECT action_id, part, place, amount_kopecks FROM (
        SELECT action_id, part, amount_kopecks,
            CAST(row_number() OVER (PARTITION BY action_id ORDER BY part) AS integer) AS place
        FROM payout_part WHERE action_id = ANY(CAST(:ids AS uuid[])) AND part > 0
    ) AS n WHERE place <> part
"""
_ADD_MOVED: Final = text(
    f"""
    INSERT INTO payout_part (action_id, part, state, amount_kopecks)
    SELECT action_id, -place, 'waiting', amount_kopecks FROM ({_MOVED}) AS m
    """  # noqa: S608 - constants of this module; values are bound
)
_MOVE_LINES: Final = text(
    f"""
    UPDATE payout_line AS l SET part = -m.place FROM ({_MOVED}) AS m
    WHERE l.action_id = m.action_id AND l.part = m.part
    """  # noqa: S608 - constants of this module; values are bound
)
_ADD_NUMBERED: Final = text(
    """
    INSERT INTO payout_part (action_id, part, state, amount_kopecks)
    SELECT action_id, -part, state, amount_kopecks FROM payout_part
    WHERE action_id = ANY(CAST(:ids AS uuid[])) AND part < 0
    """
)
_NUMBER_LINES: Final = text(
    "UPDATE payout_line SET part = -part WHERE action_id = ANY(CAST(:ids AS uuid[])) AND part < 0"
)
_SUM_PARTS: Final = text(
    """
    UPDATE payout_part AS p SET amount_kopecks = s.amount
    FROM (
        SELECT action_id, part, sum(amount_kopecks)::bigint AS amount FROM payout_line
        WHERE action_id = ANY(CAST(:ids AS uuid[])) GROUP BY action_id, part
    ) AS s
    WHERE p.action_id = s.action_id AND p.part = s.part
    """
)
_COUNT: Final = text(
    """
    SELECT count(DISTINCT part), count(DISTINCT wallet_id), coalesce(sum(amount_kopecks), 0)::bigint
    FROM payout_line WHERE action_id = :action_id
    """
)
_ADD_INTEREST: Final = text(
    """
    WITH added AS (
        UPDATE payout_line AS l SET amount_kopecks = l.amount_kopecks + i.interest
        FROM unnest(CAST(:amounts AS bigint[]), CAST(:interest AS bigint[])) AS i(amount, interest)
        WHERE l.action_id = :action_id AND l.amount_kopecks = i.amount
        RETURNING i.interest
    )
    SELECT coalesce(sum(interest), 0)::bigint FROM added
    """
)
_NUMBER_PARTS: Final = (_ADD_MOVED, _MOVE_LINES, _DROP_PARTS, _ADD_NUMBERED, _NUMBER_LINES, _DROP_PARTS)


class PayoutShareTables:
    """Adapter of the port `PayoutShares` on PostgreSQL."""

    async def alike(self, conn: AsyncConnection, action_id: UUID) -> Sequence[AlikeLines]:
        """How many lines are due each amount above 0."""
        return [AlikeLines(*row) for row in await conn.execute(_ALIKE, {"action_id": action_id})]

    async def split(
        self, conn: AsyncConnection, action_id: UUID, rest_id: UUID, shares: Shares
    ) -> tuple[Counted, Counted]:
        """Leave the action its shares, extinguishing nothing; what is over stands due in the rest, and ends units."""
        both = {"action_id": action_id, "rest_id": rest_id}
        await conn.execute(_REST_PARTS, both)
        told = {
            "tied": list(shares.tied),
            "first_lines": shares.first_lines,
            "amounts": [amount for amount, _ in shares.of_amount],
            "shares": [share for _, share in shares.of_amount],
        }
        await conn.execute(_REST_LINES, both | told)
        await conn.execute(_LEAVE_SHARES, both)
        ids = {"ids": [action_id, rest_id]}
        for statement in (_DROP_LINES, _DROP_PARTS, *_NUMBER_PARTS, _SUM_PARTS):
            await conn.execute(statement, ids)
        return await self._count(conn, action_id), await self._count(conn, rest_id)

    async def add_interest(self, conn: AsyncConnection, action_id: UUID, of_amount: Mapping[int, int]) -> int:
        """Add to each line the interest on its amount; returns the sum that was added."""
        columns = {"amounts": list(of_amount), "interest": list(of_amount.values())}
        added = int((await conn.execute(_ADD_INTEREST, {"action_id": action_id} | columns)).scalar_one())
        await conn.execute(_SUM_PARTS, {"ids": [action_id]})
        return added

    async def _count(self, conn: AsyncConnection, action_id: UUID) -> Counted:
        return Counted(*(await conn.execute(_COUNT, {"action_id": action_id})).one())
