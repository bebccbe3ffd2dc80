"""Whose orders may await their money: looked up once for all orders of a batch, and only if one of them asks."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from kapital.kernel.actor import Actor
from kapital.kernel.calendar import moscow_day
from kapital.kernel.problems import Problem
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.awaiting import AWAITING_MAX, why_may_not_await
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.problems_awaiting import TooManyOrdersAwaitFunds
from kapital.tokenization.ports import Parts


class _New(Protocol):
    @property
    def cut_off(self) -> datetime | None: ...
    @property
    def principal(self) -> UUID | None: ...


class _Command(Protocol):
    """`PlaceOrders`, as far as money that is to come is concerned."""

    @property
    def actor(self) -> Actor: ...
    @property
    def orders(self) -> Sequence[_New]: ...


class MayAwait(NamedTuple):
    """Whether a rule of the day lets orders await money, and how many of each participant do, changed by each."""

    now: datetime
    allowed: bool
    counts: dict[UUID, int]

    def why_not(self, participant_id: UUID, issue: Issue, until: datetime | None) -> Problem | None:
        """Why an order may not await its money until an instant, or None; an order that may is counted."""
        if until is None:
            return None
        problem = why_may_not_await(issue, until, self.now, allowed=self.allowed)
        if problem is not None:
            return problem
        count = self.counts.get(participant_id, 0)
        if count >= AWAITING_MAX:
            return TooManyOrdersAwaitFunds(facts={"limit": AWAITING_MAX})
        self.counts[participant_id] = count + 1
        return None


async def who_may_await(tx: Transaction, parts: Parts, cmds: Iterable[_Command]) -> MayAwait:
    """What the orders of these commands are measured by. No statement unless one of them names a cut-off."""
    asking = {
        new.principal or cmd.actor.participant_id for cmd in cmds for new in cmd.orders if new.cut_off is not None
    }
    return await measured(tx, parts, (who for who in asking if who is not None))


async def measured(tx: Transaction, parts: Parts, asking: Iterable[UUID]) -> MayAwait:
    """The same for participants whose orders name a cut-off."""
    ids = set(asking)
    counts = await parts.awaiting.count_of(tx.conn, ids) if ids else {}
    return MayAwait(tx.now, parts.awaiting_rules.allowed_on(moscow_day(tx.now)), counts)
