"""What others' events told of participants."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.adapters.versioned_table import plain
from kapital.tokenization.domain.investor import Investor
from kapital.tokenization.domain.rule_books import RuleBooks

_COLUMNS: Final = (
    "participant_id, kind, state, wallet_id, category, category_until, kyc_valid_until, measure, rule_book_version,"
    " identification_method, operation_limit_kopecks, test_passed, test_until, persons_sha256"
)
_NAMES: Final = tuple(_COLUMNS.split(", "))
_UUIDS: Final = ("participant_id", "wallet_id")
_READ: Final = text(
    f"SELECT {_COLUMNS} FROM investor WHERE participant_id = ANY(CAST(:ids AS uuid[]))"  # noqa: S608 - constants of this module; values are bound
)


# One statement for every kind of news: a column that the news does not tell stays. Rows of one statement have
# distinct participants; the caller folds what it was told of one.
_NOTE: Final = text(
    """
    INSERT INTO investor AS i (participant_id, kind, state, wallet_id, category, category_until, kyc_valid_until,
        measure, rule_book_version, identification_method, operation_limit_kopecks, test_passed, test_until,
        persons_sha256, changed_at)
    SELECT participant_id, kind, state, wallet_id, category, category_until, kyc_valid_until, measure,
        rule_book_version, identification_method, operation_limit_kopecks, test_passed, test_until, persons_sha256,
        :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(participant_id uuid, kind text, state text, wallet_id uuid,
        category text, category_until timestamptz, kyc_valid_until timestamptz, measure text, rule_book_version text,
        identification_method text, operation_limit_kopecks bigint, test_passed boolean, test_until timestamptz,
        persons_sha256 text)
    ORDER BY participant_id
    ON CONFLICT (participant_id) DO UPDATE SET
        kind = coalesce(excluded.kind, i.kind),
        state = coalesce(excluded.state, i.state),
        wallet_id = coalesce(excluded.wallet_id, i.wallet_id),
        category = coalesce(excluded.category, i.category),
        -- Told together: a category without an end takes the place of one with an end.
        category_until = CASE WHEN excluded.category IS NULL THEN i.category_until ELSE excluded.category_until END,
        kyc_valid_until = coalesce(excluded.kyc_valid_until, i.kyc_valid_until),
        measure = coalesce(excluded.measure, i.measure),
        rule_book_version = coalesce(excluded.rule_book_version, i.rule_book_version),
        identification_method = coalesce(excluded.identification_method, i.identification_method),
        -- Told with the method: no limit beside a method means that there is none.
        operation_limit_kopecks = CASE WHEN excluded.identification_method IS NULL THEN i.operation_limit_kopecks
            ELSE excluded.operation_limit_kopecks END,
        test_passed = coalesce(excluded.test_passed, i.test_passed),
        test_until = CASE WHEN excluded.test_passed IS NULL THEN i.test_until ELSE excluded.test_until END,
        persons_sha256 = coalesce(excluded.persons_sha256, i.persons_sha256),
        changed_at = excluded.changed_at
    """
)

_NOTE_RULE_BOOK: Final = text(
    "INSERT INTO rule_book (version, effective_at) VALUES (:version, :effective_at) ON CONFLICT DO NOTHING"
)
_RULE_BOOKS: Final = text("SELECT version, effective_at FROM rule_book")
_RULE_BOOK: Final = text("SELECT version FROM rule_book ORDER BY effective_at DESC LIMIT 1")


class InvestorTables:
    """Adapter of the port `Investors` on PostgreSQL."""

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Investor]:
        """Those participants of whom anything was told."""
        if not (wanted := set(ids)):
            return {}
        found = [_investor(row) for row in await conn.execute(_READ, {"ids": list(wanted)})]
        return {investor.participant_id: investor for investor in found}

    async def note(self, conn: AsyncConnection, news: Sequence[dict[str, Any]], now: datetime) -> None:
        """Take in what events told; later news of one participant stands after earlier."""
        folded: dict[str, dict[str, Any]] = {}
        for item in news:
            folded.setdefault(str(item["participant_id"]), {}).update(item)
        if folded:
            rows = msgspec.json.encode(list(folded.values())).decode()
            await conn.execute(_NOTE, {"rows": rows, "now": now})

    async def note_rule_book(self, conn: AsyncConnection, version: str, effective_at: datetime) -> None:
        """Take in that a version of the rule book is in force."""
        await conn.execute(_NOTE_RULE_BOOK, {"version": version, "effective_at": effective_at})

    async def rule_book_in_force(self, conn: AsyncConnection) -> str | None:
        """The version in force, or None when no event told of one."""
        found: str | None = (await conn.execute(_RULE_BOOK)).scalar_one_or_none()
        return found

    async def rule_books(self, conn: AsyncConnection) -> RuleBooks:
        """Every version that an event told of."""
        return RuleBooks({row.version: row.effective_at for row in await conn.execute(_RULE_BOOKS)})


def _investor(row: Sequence[Any]) -> Investor:
    # By kind of column, as rows of orders are read: each order that comes alone reads its investor twice.
    values = dict(zip(_NAMES, row, strict=True))
    for name in _UUIDS:
        values[name] = plain(values[name])
    return msgspec.convert(values, Investor)
