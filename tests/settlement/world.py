"""A small world around settlement: real PostgreSQL, the sandbox bank, a ledger, and faults that can be ordered."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import event, text

from kapital.contracts.settlement import EVENT_TYPES
from kapital.kernel.actor import Actor, machine_actor
from kapital.kernel.ids import CommandId, derive_uuid7
from kapital.kernel.requisites import with_account_key
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
    SetFlags,
    Transaction,
    money_asset,
)
from kapital.platform.clock import SteppedClock
from kapital.platform.database import Database
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import Transaction as Work
from kapital.platform.unit_of_work import UnitOfWork
from kapital.sandbox.bank import SandboxBank
from kapital.sandbox.people import BIC
from kapital.settlement.domain.instructions import AllocationDecided, AllocationLine, PayoutLine, PayoutsInstructed
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.reconciliation import Reconciliation
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.domain.withdrawal import WithdrawalItem
from kapital.settlement.ports import Bank, Parts
from kapital.settlement.service import parts_of
from kapital.settlement.use_cases.book_incoming import book_incoming
from kapital.settlement.use_cases.open_nominal_account import open_nominal_account
from kapital.settlement.use_cases.reconcile import reconcile
from kapital.settlement.use_cases.register_beneficiaries import WalletOpened, register_beneficiaries
from kapital.settlement.use_cases.request_withdrawals import (
    RequestWithdrawals,
    WithdrawalAnswer,
    request_withdrawals,
)
from kapital.settlement.use_cases.run_withdrawals import run_withdrawals
from kapital.settlement.use_cases.settle_allocation import settle_allocation
from kapital.settlement.use_cases.settle_payouts import settle_payouts
from tests.acting import simple_acts

START = datetime(2026, 11, 24, 9, tzinfo=UTC)
STAFF = Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({Role.SETTLEMENT}))
BASIS = Basis(kind=BasisKind.HOLDER_INSTRUCTION, reference="test")
ACCOUNT = PayoutAccount(bic=BIC, account=with_account_key("40817810000000000001", bic=BIC))


class ProcessDied(BaseException):
    """Stands for kill -9: nobody catches it, nothing after it runs."""


@dataclass
class Faults:
    """Kills the process at the n-th step. Steps: before and after each ledger call, bank call and transaction."""

    die_at: int | None = None
    steps: int = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.die_at:
            raise ProcessDied


class Mortal:
    """Passes calls through, with a step before and after each."""

    def __init__(self, target: Any, faults: Faults, names: tuple[str, ...]) -> None:
        self._target, self._faults, self._names = target, faults, names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if name not in self._names:
            return found

        async def call(*args: Any, **kwargs: Any) -> Any:
            self._faults.step()
            answer = await found(*args, **kwargs)
            self._faults.step()
            return answer

        return call


class MortalUnitOfWork(UnitOfWork):
    """A transaction that may die before its commit (nothing is kept) or right after (all is)."""

    def __init__(self, inner: UnitOfWork, faults: Faults) -> None:
        super().__init__(inner.database, inner.clock)
        self._faults = faults

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Work]:
        async with super().begin() as work:
            yield work
            self._faults.step()
        self._faults.step()


def mortal(parts: Parts, faults: Faults) -> Parts:
    return replace(
        parts,
        uow=MortalUnitOfWork(parts.uow, faults),
        ledger=Mortal(parts.ledger, faults, ("post",)),
        bank=Mortal(
            parts.bank, faults, ("incoming", "pay_out", "payout_status", "balance_kopecks", "register_sbp_qr")
        ),
    )


@dataclass
class World:
    database: Database
    bank: SandboxBank
    ledger: Any
    clock: SteppedClock
    parts: Parts
    owners: dict[UUID, Actor] = field(default_factory=dict)
    commands: int = 0

    @classmethod
    async def create(
        cls,
        database: Database,
        bank_database: Database,
        ledger: Any,
        clock: SteppedClock,
        reach: Callable[[SandboxBank], Bank] = lambda bank: bank,
    ) -> "World":
        """`reach`: how settlement reaches the bank behind whose counter the tests stand."""
        bank = SandboxBank(bank_database, clock)
        parts = parts_of(database, clock, ledger, reach(bank), simple_acts(clock))
        world = cls(database, bank, ledger, clock, parts)
        await open_nominal_account(ledger)
        return world

    def other_process(self) -> Parts:
        """Settlement as another process on the same databases has it."""
        bank = SandboxBank(self.bank.database, self.clock)
        return parts_of(self.database, self.clock, self.ledger, bank, simple_acts(self.clock))

    async def enter(self, *postings: Posting, entry_id: UUID | None = None, **more: Any) -> Committed:
        (answer,) = await self.ledger.post(
            [Transaction(id=entry_id or new_uuid7(), actor="machine:test", basis=BASIS, postings=postings, **more)]
        )
        assert isinstance(answer, Committed), answer
        return answer

    async def wallet(self, *roles: Role) -> UUID:
        participant = new_uuid7()
        wallet = derive_uuid7(participant, "wallet")
        await self.enter(opens=(OpenWallet(wallet),))
        async with self.parts.uow.begin() as tx:
            await register_beneficiaries(self.parts, tx, [WalletOpened(wallet_id=wallet, participant_id=participant)])
        self.owners[wallet] = Actor(
            id=str(participant), participant_id=participant, roles=frozenset(roles or {Role.INVESTOR})
        )
        return wallet

    async def funded(self, kopecks: int, *roles: Role) -> UUID:
        wallet = await self.wallet(*roles)
        await self.bank.receive(kopecks, f"Пополнение {top_up_code(wallet)}")
        await book_incoming(self.parts)
        return wallet

    async def issue(self, limit: int = 10**9) -> UUID:
        asset = new_uuid7()
        opening = OpenAsset(
            asset=asset, kind=AssetKind.UNITS, code=f"TEST-{asset.hex[:8]}", scale=0, issue_limit=limit
        )
        await self.enter(opens=(opening,))
        return asset

    async def reserve(self, wallet: UUID, kopecks: int) -> None:
        await self.enter(Posting(self.key(wallet), -kopecks), Posting(self.key(wallet, Position.RESERVED), kopecks))

    async def stop(self, account: AccountKey, *, debits: bool = False, credit: bool = False) -> None:
        await self.enter(flags=(SetFlags(account=account, debits_stopped=debits, credits_stopped=credit),))

    @staticmethod
    def key(wallet: UUID, position: Position = Position.AVAILABLE, asset: UUID | None = None) -> AccountKey:
        return AccountKey(asset=asset or money_asset(), position=position, wallet=wallet)

    async def kopecks(self, wallet: UUID, position: Position = Position.AVAILABLE) -> int:
        (balance,) = await self.ledger.balances([self.key(wallet, position)])
        return balance

    async def units(self, asset: UUID, wallet: UUID, position: Position = Position.AVAILABLE) -> int:
        (balance,) = await self.ledger.balances([self.key(wallet, position, asset)])
        return balance

    def command(
        self, *items: WithdrawalItem, wallet: UUID | None = None, key: str | None = None
    ) -> RequestWithdrawals:
        self.commands += 1
        actor = self.owners[wallet or items[0].wallet_id]
        return RequestWithdrawals(command_id=CommandId(key or f"c-{self.commands}"), actor=actor, items=items)

    async def ask(self, wallet: UUID, kopecks: int, parts: Parts | None = None) -> WithdrawalAnswer:
        (answer,) = await request_withdrawals(self.command(item(wallet, kopecks)), parts or self.parts)
        return answer

    async def run(self) -> None:
        await run_withdrawals(self.parts)

    async def reconcile(self) -> Reconciliation:
        return await reconcile(machine_actor(Role.SCHEDULER), self.parts)

    async def allocate(self, decided: AllocationDecided, parts: Parts | None = None) -> None:
        used = parts or self.parts
        async with used.uow.begin() as tx:
            await settle_allocation(used, tx, decided)

    async def pay(self, instructed: PayoutsInstructed, parts: Parts | None = None) -> None:
        used = parts or self.parts
        async with used.uow.begin() as tx:
            await settle_payouts(used, tx, [(instructed, None)])

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.rows("SELECT state FROM withdrawal ORDER BY withdrawal_id")]

    async def rows(self, sql: str) -> list[dict[str, Any]]:
        async with self.database.connect() as conn:
            return [dict(row._mapping) for row in await conn.execute(text(sql))]

    async def events(self, fact: str) -> list[dict[str, Any]]:
        """Data of the published events of one kind, in order; each must fit its contract."""
        found = await self.rows(f"SELECT data FROM outbox WHERE type = 'kapital.settlement.{fact}.v1' ORDER BY id")
        for row in found:
            msgspec.convert(row["data"], EVENT_TYPES[f"kapital.settlement.{fact}.v1"])
        return [row["data"] for row in found]

    def count_statements(self) -> Callable[[], int]:
        """Count statements on settlement's database from now on."""
        seen: list[str] = []

        def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
            seen.append(statement)

        event.listen(self.database.engine.sync_engine, "before_cursor_execute", note)
        return lambda: len(seen)


def item(wallet: UUID, kopecks: int, account: PayoutAccount = ACCOUNT) -> WithdrawalItem:
    return WithdrawalItem(wallet_id=wallet, amount_kopecks=kopecks, payout_account=account)


def held(issue: UUID, issuer: UUID, *lines: AllocationLine, part: int = 1, parts: int = 1) -> AllocationDecided:
    return AllocationDecided(
        issue_id=issue, outcome="held", part=part, parts=parts, asset_id=issue, issuer_wallet_id=issuer, lines=lines
    )


def failed(issue: UUID, issuer: UUID, *lines: AllocationLine) -> AllocationDecided:
    return AllocationDecided(
        issue_id=issue, outcome="failed", part=1, parts=1, asset_id=issue, issuer_wallet_id=issuer, lines=lines
    )


def line(wallet: UUID, units: int, pay: int, refund: int, reserved: int | None = None) -> AllocationLine:
    return AllocationLine(
        order_id=new_uuid7(),
        wallet_id=wallet,
        units=units,
        pay_kopecks=pay,
        refund_kopecks=refund,
        reserved_kopecks=pay + refund if reserved is None else reserved,
    )


def due(wallet: UUID, units: int, kopecks: int, *, extinguish: int = 0, position: str = "available") -> PayoutLine:
    return PayoutLine(
        wallet_id=wallet,
        position=position,  # type: ignore[arg-type]
        units=units,
        amount_kopecks=kopecks,
        extinguish_units=extinguish,
    )


def action(
    issue: UUID,
    payer: UUID,
    *lines: PayoutLine,
    kind: str = "coupon",
    action_id: UUID | None = None,
    locked: bool = False,
) -> PayoutsInstructed:
    return PayoutsInstructed(
        action_id=action_id or new_uuid7(),
        issue_id=issue,
        kind=kind,  # type: ignore[arg-type]
        part=1,
        parts=1,
        payer_wallet_id=payer,
        asset_id=issue,
        record_size=1,
        lines=lines,
        debits_stopped=locked,
    )
