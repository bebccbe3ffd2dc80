"""The use cases of freezing bound to their parts; each act goes on to the register at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kapital.contracts import identity as contract
from kapital.identity.ports import ClientStore, FreezeStore, HitStore
from kapital.identity.use_cases import change_freeze, enter_freezes, follow_hits, impose_freeze
from kapital.ledger.api import Ledger
from kapital.platform.telemetry import use_case
from kapital.platform.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezingUseCases:
    """See each use case for promises and refusals.

    The act is committed here first and entered in the register after it: were it the other way round, a crash between
    the two would leave a wallet frozen for which nobody could show a basis, nor release it. What a crash leaves is
    entered by the next tick.
    """

    uow: UnitOfWork
    freezes: FreezeStore
    clients: ClientStore
    hits: HitStore
    ledger: Ledger
    new_id: Callable[[], UUID]

    async def impose_freeze(self, cmd: impose_freeze.ImposeFreeze) -> contract.Freeze:
        """See `use_cases.impose_freeze`."""
        async with use_case("identity.impose_freeze"):
            answer = await impose_freeze.impose_freeze(
                cmd,
                uow=self.uow,
                freezes=self.freezes,
                clients=self.clients,
                hits=self.hits,
                ledger=self.ledger,
                new_id=self.new_id,
            )
            await self.enter_freezes()
            return answer

    async def change_freeze(self, cmd: change_freeze.Command) -> contract.Freeze:
        """See `use_cases.change_freeze`."""
        async with use_case("identity.change_freeze"):
            answer = await change_freeze.change_freeze(
                cmd, uow=self.uow, freezes=self.freezes, clients=self.clients, hits=self.hits
            )
            await self.enter_freezes()
            return answer

    async def follow_hits(self) -> None:
        """Freeze and release as the hits say, also in the register. After each act on hits, and by each tick."""
        await follow_hits.follow_hits(uow=self.uow, freezes=self.freezes)
        await self.enter_freezes()

    async def enter_freezes(self) -> int:
        """See `use_cases.enter_freezes`."""
        return await enter_freezes.enter_freezes(uow=self.uow, freezes=self.freezes, ledger=self.ledger)

    async def tick(self, _now: datetime) -> None:
        """What a crash or a register that was away has left."""
        await self.follow_hits()
