"""Tables bank_directory_version, bank_directory_bank and bank_directory_account."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.bank_directory import DirectoryBank, DirectoryVersion, VersionState

_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtext('settlement bank directory'))")
_VERSION: Final = (
    "SELECT version_id, number, business_on, file_sha256, bank_count, account_count, restricted_count, "
    "deviation_count, state, loaded_by, loaded_at FROM bank_directory_version "
)
_IN_FORCE: Final = text(_VERSION + "WHERE state = 'in_force'")
_BY_FILE: Final = text(_VERSION + "WHERE file_sha256 = :sha256")
_SUPERSEDE: Final = text("UPDATE bank_directory_version SET state = 'superseded' WHERE state = 'in_force'")
_ADD_VERSION: Final = text(
    """
    INSERT INTO bank_directory_version (version_id, number, business_on, file_sha256, bank_count, account_count,
        restricted_count, deviation_count, state, loaded_by, loaded_at)
    VALUES (:version_id, :number, :business_on, :file_sha256, :bank_count, :account_count, :restricted_count,
        :deviation_count, :state, :loaded_by, :now)
    """
)
_ADD_BANKS: Final = text(
    """
    INSERT INTO bank_directory_bank (version_id, bic, name, kind, status, opened_on, closed_on, restrictions)
    SELECT :version, b.* FROM unnest(CAST(:bic AS text[]), CAST(:name AS text[]), CAST(:kind AS text[]),
        CAST(:status AS text[]), CAST(:opened_on AS date[]), CAST(:closed_on AS date[]),
        CAST(:restrictions AS text[])) AS b
    """
)
_ADD_ACCOUNTS: Final = text(
    """
    INSERT INTO bank_directory_account (version_id, bic, account, kind, held_at_bic, status, opened_on, closed_on,
        restrictions)
    SELECT :version, a.* FROM unnest(CAST(:bic AS text[]), CAST(:account AS text[]), CAST(:kind AS text[]),
        CAST(:held_at_bic AS text[]), CAST(:status AS text[]), CAST(:opened_on AS date[]),
        CAST(:closed_on AS date[]), CAST(:restrictions AS text[])) AS a
    """
)
_BANKS: Final = text(
    """
    SELECT b.bic, b.name, b.kind, b.status, b.opened_on, b.closed_on, b.restrictions
    FROM bank_directory_bank AS b JOIN bank_directory_version AS v USING (version_id)
    WHERE v.state = 'in_force' AND b.bic = ANY(CAST(:bics AS text[]))
    """
)


class BankDirectoryTable:
    """Implements `ports.BankDirectory`."""

    async def lock(self, conn: AsyncConnection) -> None:
        """Let no other load happen until the commit."""
        await conn.execute(_LOCK)

    async def in_force(self, conn: AsyncConnection) -> DirectoryVersion | None:
        """The version in force."""
        return _version((await conn.execute(_IN_FORCE)).one_or_none())

    async def find_by_file(self, conn: AsyncConnection, sha256: str) -> DirectoryVersion | None:
        """The version that this file was loaded as."""
        return _version((await conn.execute(_BY_FILE, {"sha256": sha256})).one_or_none())

    async def put_in_force(
        self, conn: AsyncConnection, version: DirectoryVersion, banks: Sequence[DirectoryBank], now: datetime
    ) -> None:
        """Keep a version with its participants; the one before it is superseded."""
        await conn.execute(_SUPERSEDE)
        values = {name: getattr(version, name) for name in version.__struct_fields__ if name != "loaded_at"}
        await conn.execute(_ADD_VERSION, {**values, "state": version.state.value, "now": now})
        names = ("bic", "name", "kind", "status", "opened_on", "closed_on")
        columns: dict[str, Any] = {name: [getattr(bank, name) for bank in banks] for name in names}
        columns["restrictions"] = [",".join(bank.restrictions) for bank in banks]
        await conn.execute(_ADD_BANKS, {"version": version.version_id, **columns})
        accounts = [(bank.bic, account) for bank in banks for account in bank.accounts]
        names = ("account", "kind", "held_at_bic", "status", "opened_on", "closed_on")
        columns = {name: [getattr(account, name) for _, account in accounts] for name in names}
        columns["bic"] = [bic for bic, _ in accounts]
        columns["restrictions"] = [",".join(account.restrictions) for _, account in accounts]
        await conn.execute(_ADD_ACCOUNTS, {"version": version.version_id, **columns})

    async def banks(self, conn: AsyncConnection, bics: Iterable[str]) -> dict[str, DirectoryBank]:
        """The participants of these БИК in the version in force, without their accounts."""
        rows = await conn.execute(_BANKS, {"bics": list(bics)})
        return {row.bic: _bank(row) for row in rows}


def _bank(row: Any) -> DirectoryBank:
    return DirectoryBank(
        bic=row.bic,
        name=row.name,
        kind=row.kind,
        status=row.status,
        opened_on=row.opened_on,
        closed_on=row.closed_on,
        restrictions=tuple(filter(None, row.restrictions.split(","))),
    )


def _version(row: Any) -> DirectoryVersion | None:
    if row is None:
        return None
    values = dict(row._mapping)
    values |= {"version_id": UUID(str(row.version_id)), "state": VersionState(row.state)}
    return DirectoryVersion(**values)
