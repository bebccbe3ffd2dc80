"""Delivery versus payment in the small world: instructing, approving, and looking at what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import moscow_day
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.ledger.api import Position, Posting
from kapital.platform.ids import new_uuid7
from kapital.settlement.domain.dvp import DvpItem, LinkAsked, LinkKind, Rail
from kapital.settlement.use_cases.change_dvp import ChangeDvp, DvpChange, DvpLinkAsked, LinkDvp, change_dvp, link_dvp
from kapital.settlement.use_cases.decide_dvp_batch import DecideDvpBatch, decide_dvp_batch
from kapital.settlement.use_cases.instruct_dvp import InstructDvp, instruct_dvp
from tests.settlement.world import World

MAKER = Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({Role.SETTLEMENT}))
CHECKER = Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({Role.RISK}))
_numbers = count(1)


def command_id() -> CommandId:
    return CommandId(f"dvp-{next(_numbers)}")


@dataclass
class DvpWorld:
    """One issue; wallets with units and money."""

    world: World
    asset: UUID

    @classmethod
    async def create(cls, world: World) -> "DvpWorld":
        return cls(world, await world.issue())

    async def party(self, units: int = 0, kopecks: int = 0) -> UUID:
        wallet = await self.world.wallet()
        await self.credit(wallet, units=units, kopecks=kopecks)
        return wallet

    async def credit(self, wallet: UUID, *, units: int = 0, kopecks: int = 0) -> None:
        if units:
            issued = self.world.key(self.asset, Position.ISSUED, self.asset)
            await self.world.enter(Posting(issued, -units), Posting(self.world.key(wallet, asset=self.asset), units))
        if kopecks:
            bank = self.world.key(self.world.key(wallet).asset, Position.BANK)
            await self.world.enter(Posting(bank, -kopecks), Posting(self.world.key(wallet), kopecks))

    async def holds(self, wallet: UUID) -> tuple[int, int]:
        """Units and kopecks that the wallet has available."""
        return await self.world.units(self.asset, wallet), await self.world.kopecks(wallet)

    def item(self, seller: UUID, buyer: UUID, units: int, kopecks: int, **more: Any) -> DvpItem:
        now = self.world.clock.now()
        links = tuple(LinkAsked(kind=LinkKind(kind), reference=name) for kind, name in more.pop("links", ()))
        asked = {
            "reference": f"D-{next(_numbers)}",
            "asset_id": self.asset,
            "issue_id": self.asset,
            "rail": Rail.NOMINAL,
            "is_held": False,
            "priority": 4,
            "is_partial_allowed": False,
            "intended_on": moscow_day(now),
            "cut_off_at": now + timedelta(hours=4),
        }
        return DvpItem(
            seller_wallet_id=seller,
            buyer_wallet_id=buyer,
            units=units,
            amount_kopecks=kopecks,
            links=links,
            **(asked | more),
        )

    async def instruct(self, *items: DvpItem) -> contract.DvpBatch:
        return await instruct_dvp(InstructDvp(command_id=command_id(), actor=MAKER, items=items), self.world.parts)

    async def decide(self, batch: contract.DvpBatch, *, approve: bool = True, actor: Actor = CHECKER) -> None:
        cmd = DecideDvpBatch(
            command_id=command_id(),
            actor=actor,
            batch_id=batch.batch_id,
            content_sha256=batch.content_sha256,
            approve=approve,
        )
        await decide_dvp_batch(cmd, self.world.parts)

    async def agreed(self, *items: DvpItem) -> list[UUID]:
        """Instruct and approve; the ids in the order of the items."""
        batch = await self.instruct(*items)
        await self.decide(batch)
        rows = await self.world.rows(
            f"SELECT instruction_id FROM dvp_instruction WHERE batch_id = '{batch.batch_id}' ORDER BY item"
        )
        return [UUID(str(row["instruction_id"])) for row in rows]

    async def change(self, change: str, *ids: UUID, priority: int | None = None) -> None:
        cmd = ChangeDvp(
            command_id=command_id(), actor=MAKER, change=DvpChange(change), instruction_ids=ids, priority=priority
        )
        await change_dvp(cmd, self.world.parts)

    async def link(self, one: UUID, kind: str, other: UUID) -> None:
        links = (DvpLinkAsked(instruction_id=one, kind=LinkKind(kind), other_id=other),)
        await link_dvp(LinkDvp(command_id=command_id(), actor=MAKER, links=links), self.world.parts)

    async def kept(self, ids: Sequence[UUID]) -> list[dict[str, Any]]:
        """The rows of these instructions, in their order."""
        rows = {
            UUID(str(row["instruction_id"])): row for row in await self.world.rows("SELECT * FROM dvp_instruction")
        }
        return [rows[one] for one in ids]

    async def states(self, ids: Sequence[UUID]) -> list[str]:
        return [row["state"] for row in await self.kept(ids)]
