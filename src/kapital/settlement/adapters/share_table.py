"""Tables bank_share_walk, bank_share_holder, bank_share_order and bank_share_line."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.platform.ids import new_uuid7
from kapital.settlement.adapters import share_statements as sql
from kapital.settlement.domain.bank_shares import (
    OF_REFUSAL,
    OF_SCORING,
    RESTS,
    RESTS_REFUSED,
    Came,
    OrderKind,
    Scored,
    Scoring,
    ShareLine,
    ShareOrder,
    Stretch,
)

SUBJECT = "share/"


class ShareTable:
    """Implements `ports.bank_shares.ShareRecords`."""

    async def begin(self, conn: AsyncConnection, wallets: Collection[UUID], now: datetime) -> bool:
        """Tell from the first entry on; False when payouts without a beneficiary went before."""
        if (await conn.execute(sql.PAID_NAMELESS, {"wallets": list(wallets)})).scalar_one():
            return False
        await conn.execute(sql.BEGIN)
        await conn.execute(sql.ADD_KNOWN, {"now": now})
        await self.add_holders(conn, wallets, now)
        return True

    async def has_begun(self, conn: AsyncConnection) -> bool:
        """Whether the bank keeps shares that were told."""
        return bool((await conn.execute(sql.HAS_BEGUN)).scalar_one())

    async def add_holders(self, conn: AsyncConnection, wallets: Collection[UUID], now: datetime) -> None:
        """Keep wallets that have to be named; those kept stay as they are."""
        await conn.execute(sql.ADD, {"wallets": list(wallets), "now": now})

    async def walked(self, conn: AsyncConnection) -> int:
        """Number of the first entry that is not in the queue; locked until the commit."""
        return int((await conn.execute(sql.WALKED)).scalar_one())

    async def walk_on(
        self, conn: AsyncConnection, came: Sequence[Came], owed: Mapping[UUID, int], next_seq: int, now: datetime
    ) -> None:
        """Queue what entries before `next_seq` bring."""
        await self.add_holders(conn, owed.keys() | {one.wallet_id for one in came}, now)
        if came:
            values = {
                "ids": [new_uuid7() for _ in came],
                "seqs": [one.seq for one in came],
                "wallets": [one.wallet_id for one in came],
                "amounts": [one.amount_kopecks for one in came],
                "bank_ids": [one.bank_id for one in came],
                "decisions": [one.decision_id for one in came],
            }
            await conn.execute(sql.DISTRIBUTE, {**values, "now": now})
        if owed:
            await conn.execute(sql.OWE, {"wallets": list(owed), "amounts": list(owed.values()), "now": now})
        await conn.execute(sql.WALK_ON, {"next": next_seq})

    async def to_name(self, conn: AsyncConnection, limit: int) -> list[UUID]:
        """Wallets that are not named yet, those longest not tried first."""
        return await _wallets(conn, sql.TO_ASK, scoring=Scoring.UNNAMED.value, limit=limit)

    async def in_scoring(self, conn: AsyncConnection, limit: int) -> list[UUID]:
        """Wallets that the bank looks at, those longest not asked about first."""
        return await _wallets(conn, sql.TO_ASK, scoring=Scoring.IN_PROGRESS.value, limit=limit)

    async def note_scored(self, conn: AsyncConnection, scored: Mapping[UUID, Scored], now: datetime) -> None:
        """Keep the bank's word."""
        values = {
            "wallets": list(scored),
            "scorings": [one.scoring.value for one in scored.values()],
            "reasons": [",".join(one.reasons) for one in scored.values()],
        }
        await conn.execute(sql.NOTE_SCORED, {**values, "now": now})

    async def note_tried(
        self, conn: AsyncConnection, orders: Mapping[UUID, str | None], wallets: Collection[UUID], now: datetime
    ) -> None:
        """Put these behind those not tried yet."""
        if orders:
            values = {"ids": list(orders), "reasons": list(orders.values()), "now": now}
            await conn.execute(sql.ORDERS_TRIED, values)
        if wallets:
            await conn.execute(sql.WALLETS_TRIED, {"wallets": list(wallets), "now": now})

    async def distributions(self, conn: AsyncConnection, limit: int) -> list[ShareOrder]:
        """Payments to be distributed whose beneficiaries are named."""
        return await _orders(conn, OrderKind.DISTRIBUTION, limit)

    async def deals(self, conn: AsyncConnection, limit: int) -> list[ShareOrder]:
        """Deals that are under way."""
        return await _orders(conn, OrderKind.DEAL, limit)

    async def owed(self, conn: AsyncConnection, now: datetime) -> dict[UUID, int]:
        """What is owed to and by wallets that the bank serves, that do not rest and that no order under way names."""
        return await _kopecks(conn, sql.OWED, now=now)

    async def add_deals(self, conn: AsyncConnection, deals: Sequence[tuple[ShareLine, ...]], now: datetime) -> None:
        """Queue deals."""
        named = [(new_uuid7(), lines) for lines in deals]
        await conn.execute(sql.ADD_DEALS, {"ids": [order_id for order_id, _ in named], "now": now})
        flat = [(order_id, line) for order_id, lines in named for line in lines]
        values = {
            "ids": [order_id for order_id, _ in flat],
            "wallets": [line.wallet_id for _, line in flat],
            "amounts": [line.amount_kopecks for _, line in flat],
        }
        await conn.execute(sql.ADD_LINES, values)

    async def end(self, conn: AsyncConnection, ids: Collection[UUID], now: datetime) -> None:
        """The bank has done these orders: what they moved is owed no more. Once each."""
        await conn.execute(sql.END, {"ids": list(ids), "now": now})

    async def cancel(self, conn: AsyncConnection, order_id: UUID, against: Mapping[UUID, str], now: datetime) -> None:
        """A deal is cancelled and will be planned anew; who stood against it waits, also for its scoring."""
        await conn.execute(sql.CANCEL, {"id": order_id, "now": now})
        values = {
            "wallets": list(against),
            "asked_again": [word in {OF_SCORING, OF_REFUSAL} for word in against.values()],
            "rest_until": [_rests_until(word, now) for word in against.values()],
        }
        await conn.execute(sql.STOOD_AGAINST, {**values, "now": now})

    async def cancel_lost(
        self, conn: AsyncConnection, ids: Collection[UUID], before: datetime, now: datetime
    ) -> None:
        """Tell no more of those of these orders that are older than `before`."""
        await conn.execute(sql.CANCEL_LOST, {"ids": list(ids), "before": before, "now": now})

    async def payable(self, conn: AsyncConnection, wallets: Mapping[UUID, int]) -> frozenset[UUID]:
        """Those of these wallets from which the bank can pay what the entry of this number locked."""
        found = await _wallets(conn, sql.PAYABLE, wallets=list(wallets), seqs=list(wallets.values()))
        return frozenset(found)

    async def untold(self, conn: AsyncConnection) -> tuple[dict[UUID, int], frozenset[UUID]]:
        """What is owed by deals not planned yet, and the wallets whose money is on its way."""
        return await _kopecks(conn, sql.ALL_OWED), frozenset(await _wallets(conn, sql.ON_THEIR_WAY))

    async def compared_to(self, conn: AsyncConnection) -> str | None:
        """The beneficiary up to which shares were compared; None at the end, and before the first."""
        return (await conn.execute(sql.COMPARED_TO)).scalar_one_or_none()

    async def note_differences(
        self,
        conn: AsyncConnection,
        compared: Stretch,
        found: Mapping[str, int],
        passed_by: Collection[str],
        by: str,
        now: datetime,
    ) -> None:
        """Open or change the break of each whose share differs; explain those of the stretch that agree."""
        subjects = [f"{SUBJECT}{one}" for one in found]
        values = {"subjects": subjects, "differences": list(found.values())}
        await conn.execute(sql.RESOLVED_NO_MORE, values)
        await conn.execute(sql.DIFFER, {**values, "now": now})
        still = [*subjects, *(f"{SUBJECT}{one}" for one in passed_by)]
        stretch = {"after": compared.after or "", "last": compared.last}
        await conn.execute(sql.AGREE, {"still": still, "by": by, "now": now, **stretch})
        await conn.execute(sql.COMPARED, {"last": compared.last})


def _rests_until(word: str, now: datetime) -> datetime | None:
    if word == OF_SCORING:
        return None
    return now + (RESTS_REFUSED if word == OF_REFUSAL else RESTS)


async def _orders(conn: AsyncConnection, kind: OrderKind, limit: int) -> list[ShareOrder]:
    rows = await conn.execute(sql.WAITING, {"kind": kind.value, "limit": limit})
    return [
        ShareOrder(
            order_id=UUID(str(row.order_id)),
            kind=OrderKind(row.kind),
            incoming_id=row.incoming_id,
            lines=tuple(
                ShareLine(UUID(str(wallet)), amount) for wallet, amount in zip(row.wallets, row.amounts, strict=True)
            ),
        )
        for row in rows
    ]


async def _wallets(conn: AsyncConnection, statement: TextClause, **values: Any) -> list[UUID]:
    return [UUID(str(found)) for found in (await conn.execute(statement, values)).scalars()]


async def _kopecks(conn: AsyncConnection, statement: TextClause, **values: Any) -> dict[UUID, int]:
    rows = await conn.execute(statement, values)
    return {UUID(str(row.wallet_id)): row.owed_kopecks for row in rows}
