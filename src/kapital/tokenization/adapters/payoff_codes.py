"""Approvals of versions of the payoff code, and the files of the versions that are here."""

from hashlib import sha256
from importlib.resources import files
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.adapters.versioned_table import VersionedTable
from kapital.tokenization.domain.evaluator import EVALUATORS
from kapital.tokenization.domain.payoff_code import PayoffCode, PayoffCodeChanged

CODE_TABLE: Final = VersionedTable(
    PayoffCode,
    "payoff_code",
    "proposal_id",
    {
        "proposal_id": "uuid",
        "code_sha256": "text",
        "evaluator_version": "integer",
        "state": "text",
        "version": "bigint",
        "reason": "text",
        "document_sha256": "text",
        "proposed_by": "text",
        "proposed_at": "timestamptz",
        "decided_by": "text",
        "decided_at": "timestamptz",
    },
)
_PACKAGE: Final = "kapital.tokenization.domain"


def require_code_unchanged(package: str = _PACKAGE) -> None:
    """Return if the file of every version of the payoff code has the hash that decisions name.

    Raises: PayoffCodeChanged – then nothing here may compute a payment.
    """
    for evaluator in EVALUATORS:
        found = sha256(files(package).joinpath(evaluator.file).read_bytes()).hexdigest()
        if found != evaluator.code_sha256:
            facts = {"file": evaluator.file, "expected": evaluator.code_sha256, "found": found}
            raise PayoffCodeChanged(f"{evaluator.file} was edited; a change is a new version beside it", facts)


class PayoffCodeTable:
    """Adapter of the port `PayoffCodes` on PostgreSQL."""

    async def add(self, conn: AsyncConnection, code: PayoffCode) -> bool:
        """Keep a proposal; False if the version is proposed or approved already."""
        return bool(await CODE_TABLE.insert(conn, [code]))

    async def find(self, conn: AsyncConnection, code_sha256: str) -> PayoffCode | None:
        """What is proposed or approved of a version."""
        tail = "WHERE code_sha256 = :code AND state <> 'rejected'"
        rows = await CODE_TABLE.select(conn, tail, {"code": code_sha256})
        return rows[0] if rows else None

    async def lock(self, conn: AsyncConnection, code_sha256: str) -> PayoffCode | None:
        """As `find`, locked; a version whose every proposal was rejected gives the latest of them."""
        tail = """WHERE code_sha256 = :code ORDER BY (state = 'rejected'), proposed_at DESC LIMIT 1
            FOR NO KEY UPDATE"""
        rows = await CODE_TABLE.select(conn, tail, {"code": code_sha256})
        return rows[0] if rows else None

    async def save(self, conn: AsyncConnection, code: PayoffCode) -> None:
        """Write the next version of the row. Raises: StaleVersion."""
        await CODE_TABLE.update(conn, [code])

    async def newest(self, conn: AsyncConnection, limit: int) -> list[PayoffCode]:
        """The newest approvals and refusals, newest first."""
        tail = "ORDER BY proposed_at DESC, proposal_id DESC LIMIT :limit"
        return await CODE_TABLE.select(conn, tail, {"limit": limit})
