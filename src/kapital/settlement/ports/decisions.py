"""Decisions of two persons about money."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.money_decision import MoneyDecision, MoneyDecisionState
from kapital.settlement.domain.states import IncomingState


class MoneyDecisions(Protocol):
    """Decisions, and the incoming payments they are about."""

    async def add(self, conn: AsyncConnection, decision: MoneyDecision) -> bool:
        """Keep a proposal; False when another decision on this money is open or made."""
        ...

    async def lock(self, conn: AsyncConnection, decision_id: UUID) -> MoneyDecision | None:
        """One, locked until the commit."""
        ...

    async def decide(self, conn: AsyncConnection, decision: MoneyDecision) -> None:
        """Save what the second person said."""
        ...

    async def end(
        self, conn: AsyncConnection, decision_id: UUID, state: MoneyDecisionState, reason: str | None
    ) -> bool:
        """Save how an approved one ended; False when it has ended already."""
        ...

    async def approved(self, conn: AsyncConnection, limit: int) -> list[MoneyDecision]:
        """Those whose money is still to move, oldest first."""
        ...

    async def page(
        self, conn: AsyncConnection, *, state: str | None, before: UUID | None, limit: int
    ) -> Sequence[MoneyDecision]:
        """A page, newest first."""
        ...

    async def payment(self, conn: AsyncConnection, payment_id: UUID) -> tuple[IncomingState, str, int] | None:
        """State, the bank's id and kopecks of an incoming payment, locked until the commit."""
        ...

    async def end_payment(
        self, conn: AsyncConnection, payment_id: UUID, state: IncomingState, wallet_id: UUID, now: datetime
    ) -> None:
        """Save where unidentified money went. Its entry stays the one by which it came."""
        ...
