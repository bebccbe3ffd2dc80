"""Delivery versus payment: from the moment that many instructions of one issue are due until all are settled.

Conditions: embedded PostgreSQL with fsync on, in a fresh folder. Wallets are opened and hold units; their money came
to the bank and was booked by its notices. Every instruction is instructed and approved by the use cases, in batches
of 1,000 (`dvp_instruct_s`). `dvp_s` is one run of the settlement queue: reading, planning, marking, an entry of the
ledger for each instruction, keeping the answers and telling them. Afterwards what every wallet has is compared with
what the instructions say, and the bank with the register.
"""

import asyncio
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from rich.console import Console

from kapital.app import Kapital, open_kapital
from kapital.bench.coupon_issue import settings_of
from kapital.demo.cast import command
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import moscow_day
from kapital.kernel.ids import wallet_id_of
from kapital.kernel.problems import ensure
from kapital.kernel.roles import Role
from kapital.ledger.api import (
    AccountKey,
    AssetKind,
    Basis,
    BasisKind,
    Committed,
    OpenAsset,
    OpenWallet,
    Position,
    Posting,
    Transaction,
    money_asset,
)
from kapital.platform.clock import SteppedClock
from kapital.platform.ids import new_uuid7
from kapital.settlement.domain.dvp import BATCH_MAX, PRIORITY_NORMAL, DvpItem, Rail
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.use_cases.decide_dvp_batch import DecideDvpBatch, decide_dvp_batch
from kapital.settlement.use_cases.instruct_dvp import InstructDvp, instruct_dvp
from kapital.settlement.use_cases.register_beneficiaries import WalletOpened, register_beneficiaries

_AT: Final = datetime(2026, 11, 24, 9, tzinfo=UTC)
_MAKER: Final = Actor(id="machine:bench_maker", participant_id=None, roles=frozenset({Role.SETTLEMENT}))
_CHECKER: Final = Actor(id="machine:bench_checker", participant_id=None, roles=frozenset({Role.RISK}))
_BASIS: Final = Basis(BasisKind.HOLDER_INSTRUCTION, "bench/holdings")
_INSTRUCTIONS_PER_WALLET: Final = 5
_UNITS: Final = 10_000
_KOPECKS: Final = 10_000_000
RUB: Final = money_asset()


@dataclass(slots=True)
class DvpBench:
    """So many instructions between a fifth as many wallets."""

    instructions: int

    async def run(self, console: Console) -> dict[str, Any]:
        """Make the holders, instruct, settle, compare, and return the figures."""
        folder = Path(tempfile.mkdtemp(prefix="kapital-bench-"))
        try:
            async with open_kapital(settings_of(folder), SteppedClock(_AT)) as kapital:
                asset, wallets = new_uuid7(), await self._wallets(kapital)
                await _hold(kapital, asset, wallets)
                items = list(self._items(asset, wallets))
                console.print(f"{len(items)} instructions between {len(wallets)} wallets")
                began = time.perf_counter()
                await _instruct(kapital, items)
                instructed = time.perf_counter()
                run = await kapital.settlement.use_cases.settle_due()
                settled = time.perf_counter()
                ensure(run.settled == len(items), f"{run.settled} of {len(items)} are settled")
                await _compare(kapital, asset, wallets, items)
            return {
                "dvp": run.settled,
                "dvp_s": round(settled - instructed, 2),
                "dvp_per_s": round(run.settled / (settled - instructed)),
                "dvp_instruct_s": round(instructed - began, 2),
            }
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _wallets(self, kapital: Kapital) -> list[UUID]:
        people = [new_uuid7() for _ in range(max(2, self.instructions // _INSTRUCTIONS_PER_WALLET))]
        parts = kapital.settlement.use_cases.parts
        opened = [WalletOpened(wallet_id=wallet_id_of(person), participant_id=person) for person in people]
        await _enter(
            kapital,
            [
                Transaction(id=new_uuid7(), actor=_MAKER.id, basis=_BASIS, opens=(OpenWallet(one.wallet_id),))
                for one in opened
            ],
        )
        async with parts.uow.begin() as tx:
            await register_beneficiaries(parts, tx, opened)
        return [one.wallet_id for one in opened]

    def _items(self, asset: UUID, wallets: list[UUID]) -> Iterator[DvpItem]:
        rng = random.Random(259)  # noqa: S311 - the same instructions in every run
        for number in range(self.instructions):
            seller, buyer = rng.sample(wallets, 2)
            yield DvpItem(
                reference=f"BENCH-{number}",
                asset_id=asset,
                issue_id=asset,
                seller_wallet_id=seller,
                buyer_wallet_id=buyer,
                units=rng.randint(1, 9),
                amount_kopecks=rng.randint(1, 99_999),
                rail=Rail.NOMINAL,
                is_held=False,
                priority=PRIORITY_NORMAL,
                is_partial_allowed=False,
                intended_on=moscow_day(_AT),
                cut_off_at=_AT + timedelta(hours=4),
            )


async def _hold(kapital: Kapital, asset: UUID, wallets: list[UUID]) -> None:
    """Give every wallet units of the issue and money that came to the bank."""
    opening = OpenAsset(asset=asset, kind=AssetKind.UNITS, code="BENCH-DVP", scale=0)
    await _enter(kapital, [Transaction(id=new_uuid7(), actor=_MAKER.id, basis=_BASIS, opens=(opening,))])
    issued = AccountKey(asset, Position.ISSUED, asset)
    await _enter(
        kapital,
        [
            Transaction(
                id=new_uuid7(),
                actor=_MAKER.id,
                basis=_BASIS,
                postings=(
                    Posting(issued, -_UNITS),
                    Posting(AccountKey(asset, Position.AVAILABLE, wallet), _UNITS),
                ),
            )
            for wallet in wallets
        ],
    )
    await kapital.bank.receive_many([(_KOPECKS, f"Пополнение {top_up_code(wallet)}") for wallet in wallets])
    await kapital.settle_down()


async def _instruct(kapital: Kapital, items: list[DvpItem]) -> None:
    parts = kapital.settlement.use_cases.parts
    for start in range(0, len(items), BATCH_MAX):
        batch = await instruct_dvp(
            InstructDvp(command_id=command(), actor=_MAKER, items=tuple(items[start : start + BATCH_MAX])), parts
        )
        cmd = DecideDvpBatch(
            command_id=command(),
            actor=_CHECKER,
            batch_id=batch.batch_id,
            content_sha256=batch.content_sha256,
            approve=True,
        )
        await decide_dvp_batch(cmd, parts)


async def _enter(kapital: Kapital, transactions: list[Transaction]) -> None:
    for start in range(0, len(transactions), 10_000):
        answers = await kapital.ledger.post(transactions[start : start + 10_000])
        ensure(all(isinstance(answer, Committed) for answer in answers), "the ledger enters what is prepared")


async def _compare(kapital: Kapital, asset: UUID, wallets: list[UUID], items: list[DvpItem]) -> None:
    """Each wallet has what the instructions say; the bank has what the register says. Raises: InvariantBroken."""
    units, kopecks = Counter(dict.fromkeys(wallets, _UNITS)), Counter(dict.fromkeys(wallets, _KOPECKS))
    for item in items:
        units[item.seller_wallet_id] -= item.units
        units[item.buyer_wallet_id] += item.units
        kopecks[item.buyer_wallet_id] -= item.amount_kopecks
        kopecks[item.seller_wallet_id] += item.amount_kopecks
    for of, expected in ((asset, units), (RUB, kopecks)):
        have = await kapital.ledger.balances([AccountKey(of, Position.AVAILABLE, wallet) for wallet in wallets])
        ensure(have == [expected[wallet] for wallet in wallets], "a wallet has not what its instructions say")
    compared = await kapital.settlement.use_cases.reconcile(_MAKER)
    ensure(compared.difference_kopecks == 0, f"the bank differs by {compared.difference_kopecks} kopecks")
