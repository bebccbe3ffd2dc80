"""Approvals of versions of the payoff code."""

from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.domain.payoff_code import PayoffCode


class PayoffCodes(Protocol):
    """Which versions of the payoff code two persons approved."""

    async def add(self, conn: AsyncConnection, code: PayoffCode) -> bool:
        """Keep a proposal; False if the version is proposed or approved already."""
        ...

    async def find(self, conn: AsyncConnection, code_sha256: str) -> PayoffCode | None:
        """What is proposed or approved of a version."""
        ...

    async def lock(self, conn: AsyncConnection, code_sha256: str) -> PayoffCode | None:
        """As `find`, locked; a version whose every proposal was rejected gives the latest of them."""
        ...

    async def save(self, conn: AsyncConnection, code: PayoffCode) -> None:
        """Write the next version of the row. Raises: StaleVersion."""
        ...

    async def newest(self, conn: AsyncConnection, limit: int) -> list[PayoffCode]:
        """The newest approvals and refusals, newest first."""
        ...
