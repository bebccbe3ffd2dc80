"""The lines of a payment whose money is too little: counted by amount, split, and made greater by interest."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.domain.shortfall import AlikeLines, Shares


class Counted(NamedTuple):
    """What an action is left with: parts that have lines, wallets in them, and what they are due together."""

    parts: int
    holders: int
    total_kopecks: int


class PayoutShares(Protocol):
    """Lines of actions of which nothing was paid and no part is under way."""

    async def alike(self, conn: AsyncConnection, action_id: UUID) -> Sequence[AlikeLines]:
        """How many lines are due each amount above 0."""
        ...

    async def split(
        self, conn: AsyncConnection, action_id: UUID, rest_id: UUID, shares: Shares
    ) -> tuple[Counted, Counted]:
        """Leave the action its shares, extinguishing nothing; what is over stands due, and ends units, in the rest.

        Lines that would do nothing, and parts without lines, are left out of either; parts are numbered from 1 on.
        """
        ...

    async def add_interest(self, conn: AsyncConnection, action_id: UUID, of_amount: Mapping[int, int]) -> int:
        """Add to each line the interest on its amount; returns the sum that was added."""
        ...
