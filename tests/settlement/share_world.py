"""A world whose bank keeps the shares of beneficiaries, over HTTP."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from kapital.ledger.api import Position
from kapital.settlement.adapters.http_bank import HttpBank
from kapital.settlement.adapters.http_shares import HttpShares
from kapital.settlement.adapters.share_table import ShareTable
from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET
from kapital.settlement.ports import Parts
from kapital.settlement.ports.bank_shares import ShareParts
from kapital.settlement.use_cases.entries import MONEY
from kapital.settlement.use_cases.tell_shares import open_shares, tell_shares
from tests.sandbox.bank.serving import Caller
from tests.settlement.world import Faults, Mortal, World, mortal

SCORED = timedelta(seconds=2)
CALLS = ("name", "scoring", "list", "distribute", "deal", "open", "accept", "complete", "cancel")


@dataclass
class ShareWorld:
    """`counter` plays fault scripts; `world.parts` has the bank's shares switched on."""

    world: World
    counter: Caller

    @classmethod
    async def create(cls, world: World, bank: HttpBank, counter: Caller) -> "ShareWorld":
        world.parts = replace(world.parts, bank=bank, shares=ShareParts(HttpShares(bank), ShareTable()))
        await open_shares(world.parts)
        return cls(world, counter)

    def mortal(self, faults: Faults) -> Parts:
        """A process that dies at a step: also before and after each call of the bank about shares."""
        parts = mortal(self.world.parts, faults)
        reached: Any = Mortal(parts.shares.bank, faults, CALLS)
        return replace(parts, shares=replace(parts.shares, bank=reached))

    async def tell(self, parts: Parts | None = None) -> None:
        """A tick."""
        await tell_shares(parts or self.world.parts)

    async def settle_down(self, ticks: int = 4) -> None:
        """Ticks, with the bank's scoring between them."""
        for _ in range(ticks):
            await self.tell()
            self.world.clock.advance(SCORED)

    async def funded(self, *kopecks: int) -> list[UUID]:
        """Wallets with money, of which the bank was told all."""
        wallets = [await self.world.funded(amount) for amount in kopecks]
        await self.settle_down()
        return wallets

    async def at_bank(self) -> dict[str, int]:
        """The bank's own shares, in kopecks, without those that are nothing."""
        rows = await self.bank_rows(
            "SELECT beneficiary_id, amount_kopecks FROM beneficiary WHERE amount_kopecks <> 0"
        )
        return {row["beneficiary_id"]: row["amount_kopecks"] for row in rows}

    async def registered(self) -> dict[str, int]:
        """The register's, without unknown owners."""
        sums: dict[str, int] = {}
        for row in await self.world.ledger.register(MONEY):
            if row.position is not Position.BANK and row.wallet != UNIDENTIFIED_WALLET:
                sums[str(row.wallet)] = sums.get(str(row.wallet), 0) + row.balance
        return sums

    async def bank_rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """Rows of the bank's database."""
        async with self.world.bank.database.engine.begin() as conn:
            found = await conn.execute(text(sql), values)
            return [dict(row._mapping) for row in found] if found.returns_rows else []

    async def held_back(self, call: Callable[[], Any]) -> None:
        """Nothing of what the call does may change the bank's shares."""
        before = await self.at_bank()
        await call()
        assert await self.at_bank() == before
