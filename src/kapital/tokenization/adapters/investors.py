"""What others' events told of participants."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.adapters.versioned_table import as_plain
from kapital.tokenization.domain.investor import Investor

_COLUMNS: Final = "participant_id, kind, state, wallet_id, category, kyc_valid_until, measure"
_READ: Final = text(
    f"SELECT {_COLUMNS} FROM investor WHERE participant_id = ANY(CAST(:ids AS uuid[]))"  # noqa: S608 - constants of this module; values are bound
)

# One statement for every kind of news: a column that the news does not tell stays. Rows of one statement have
# distinct participants; the caller folds what it was told of one.
_NOTE: Final = text(
    """
    INSERT INTO investor AS i (participant_id, kind, state, wallet_id, category, kyc_valid_until, measure,
        changed_at)
    SELECT participant_id, kind, state, wallet_id, category, kyc_valid_until, measure, :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(participant_id uuid, kind text, state text, wallet_id uuid,
        category text, kyc_valid_until timestamptz, measure text)
    ORDER BY participant_id
    ON CONFLICT (participant_id) DO UPDATE SET
        kind = coalesce(excluded.kind, i.kind),
        state = coalesce(excluded.state, i.state),
        wallet_id = coalesce(excluded.wallet_id, i.wallet_id),
        category = coalesce(excluded.category, i.category),
        kyc_valid_until = coalesce(excluded.kyc_valid_until, i.kyc_valid_until),
        measure = coalesce(excluded.measure, i.measure),
        changed_at = excluded.changed_at
    """
)


class InvestorTables:
    """Adapter of the port `Investors` on PostgreSQL."""

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Investor]:
        """Those participants of whom anything was told."""
        rows = (await conn.execute(_READ, {"ids": list(set(ids))})).mappings()
        found = [msgspec.convert(as_plain(row), Investor) for row in rows]
        return {investor.participant_id: investor for investor in found}

    async def note(self, conn: AsyncConnection, news: Sequence[dict[str, Any]], now: datetime) -> None:
        """Take in what events told; later news of one participant stands after earlier."""
        folded: dict[str, dict[str, Any]] = {}
        for item in news:
            folded.setdefault(str(item["participant_id"]), {}).update(item)
        if folded:
            rows = msgspec.json.encode(list(folded.values())).decode()
            await conn.execute(_NOTE, {"rows": rows, "now": now})
