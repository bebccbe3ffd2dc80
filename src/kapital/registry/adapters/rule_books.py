"""The tables `rule_book` and `rule_book_acceptance`."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.registry.domain.rule_book import RuleBook, RuleBookState
from kapital.registry.ports import Accepting

_COLUMNS: Final = "version, document_sha256, state, effective_on, effective_at, drafted_by, drafted_at"
_SELECT: Final = f"SELECT {_COLUMNS} FROM rule_book "  # noqa: S608 - a constant of this module
_IN_FORCE: Final = text(_SELECT + "WHERE state = 'effective' FOR SHARE")
_LOCK_IN_FORCE: Final = text(_SELECT + "WHERE state = 'effective' FOR UPDATE")
_LOCK: Final = text(_SELECT + "WHERE version = :version FOR UPDATE")
_LOCK_DUE: Final = text(
    _SELECT + "WHERE state = 'agreed' AND effective_on <= :on ORDER BY effective_on, version FOR UPDATE"
)
_ADD: Final = text(
    f"""
    INSERT INTO rule_book ({_COLUMNS})
    VALUES (:version, :document_sha256, :state, :effective_on, :effective_at, :drafted_by, :drafted_at)
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - a constant of this module
)
_SAVE: Final = text("UPDATE rule_book SET state = :state, effective_at = :effective_at WHERE version = :version")
_ACCEPT: Final = text(
    """
    WITH said AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS text[]), CAST(:hashes AS text[]),
                             CAST(:actors AS text[]), CAST(:consents AS boolean[]), CAST(:files AS text[]))
            AS a (id, version, hash, actor, consent, file)
    ), entered AS (
        INSERT INTO rule_book_acceptance (participant_id, version, document_sha256, accepted_at, accepted_by,
            personal_data_consent, act_file_sha256)
        SELECT id, version, hash, :now, actor, consent, file FROM said ORDER BY id
        ON CONFLICT DO NOTHING RETURNING participant_id, version
    )
    UPDATE participant p SET rule_book_version = e.version FROM entered e WHERE p.participant_id = e.participant_id
    RETURNING p.participant_id
    """
)


class RuleBookTable:
    """RuleBookStore on PostgreSQL."""

    async def in_force(self, conn: AsyncConnection) -> RuleBook:
        """The version in force; it cannot end before the transaction does."""
        return _rule_book((await conn.execute(_IN_FORCE)).one())

    async def lock_in_force(self, conn: AsyncConnection) -> RuleBook:
        """Read and lock the version in force, to end it."""
        return _rule_book((await conn.execute(_LOCK_IN_FORCE)).one())

    async def add(self, conn: AsyncConnection, rule_book: RuleBook) -> bool:
        """Enter a version; False when its name is taken."""
        return (await conn.execute(_ADD, _row(rule_book))).rowcount == 1

    async def begin_with(self, conn: AsyncConnection, rule_book: RuleBook) -> bool:
        """Enter the first version, if there is none in force; of two processes at once one does it."""
        if (await conn.execute(text("SELECT EXISTS (SELECT FROM rule_book)"))).scalar_one():
            return False
        return await self.add(conn, rule_book)

    async def lock(self, conn: AsyncConnection, version: str) -> RuleBook | None:
        """Read and lock a version."""
        row = (await conn.execute(_LOCK, {"version": version})).one_or_none()
        return None if row is None else _rule_book(row)

    async def lock_due(self, conn: AsyncConnection, *, on: date) -> list[RuleBook]:
        """Lock the agreed versions whose day has come, the earliest first."""
        return [_rule_book(row) for row in await conn.execute(_LOCK_DUE, {"on": on})]

    async def save(self, conn: AsyncConnection, rule_book: RuleBook) -> None:
        """Write the state of a locked version."""
        await conn.execute(_SAVE, _row(rule_book))

    async def accept(self, conn: AsyncConnection, acceptances: Sequence[Accepting], *, now: datetime) -> set[UUID]:
        """Keep acceptances; return the participants for whom it is new."""
        if not acceptances:
            return set()
        rows = await conn.execute(
            _ACCEPT,
            {
                "ids": [one.participant_id for one in acceptances],
                "versions": [one.rule_book.version for one in acceptances],
                "hashes": [one.rule_book.document_sha256 for one in acceptances],
                "actors": [one.accepted_by for one in acceptances],
                "consents": [one.personal_data_consent for one in acceptances],
                "files": [one.act_file_sha256 for one in acceptances],
                "now": now,
            },
        )
        return {UUID(str(row.participant_id)) for row in rows}


def _row(rule_book: RuleBook) -> dict[str, Any]:
    return {
        "version": rule_book.version,
        "document_sha256": rule_book.document_sha256,
        "state": rule_book.state.value,
        "effective_on": rule_book.effective_on,
        "effective_at": rule_book.effective_at,
        "drafted_by": rule_book.drafted_by,
        "drafted_at": rule_book.drafted_at,
    }


def _rule_book(row: Any) -> RuleBook:
    return RuleBook(
        version=row.version,
        document_sha256=row.document_sha256,
        state=RuleBookState(row.state),
        effective_on=row.effective_on,
        effective_at=row.effective_at,
        drafted_by=row.drafted_by,
        drafted_at=row.drafted_at,
    )
