"""A large bank statement from its file to the register: kept, its signature checked, read, matched and booked.

Conditions: embedded PostgreSQL with fsync on, the ledger with its writer's process, the house opened as `kapital up`
opens it, in a fresh folder. A camt.053.001.08 of invented lines as full as a bank writes them – both parties, agents,
references, a purpose –, signed with CAdES: of a hundred lines 80 are credits with the code of a wallet, 9 credits of
payers that nobody knows, 10 debits that are withdrawals of ours, one a debit that nobody asked for (a break). Wallets
and withdrawals are made before; the statement is written and signed by a process of its own. `camt053_s` is the whole
use case `take_in_statement`: the file handed in until every line is entered in the register, told of and compared.
`camt053_peak_mb` is the most memory that this process has had, which reads, matches and books; the ledger's writer
and PostgreSQL are processes of their own (`camt053_all_mb`: all together). Afterwards every line is looked at.
"""

import asyncio
import os
import resource
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from rich.console import Console
from sqlalchemy import text

from kapital.app import Kapital, open_kapital
from kapital.bench.memory import watched
from kapital.bench.settlement_statement import (
    ACCOUNT,
    BIC,
    FUNDS,
    HUNDRED,
    OURS,
    PAYER,
    UNKNOWN,
    WALLETS,
    amount_of,
    sizes_of,
    wallet_of,
    withdrawal_of,
    write_elsewhere,
)
from kapital.kernel.actor import Actor
from kapital.kernel.ids import derive_uuid7
from kapital.kernel.problems import ensure
from kapital.kernel.roles import Role
from kapital.ledger.api import Basis, BasisKind, Committed, OpenWallet, Transaction
from kapital.platform.clock import SystemClock
from kapital.platform.postgres import EmbeddedPostgres
from kapital.platform.settings import Settings
from kapital.settlement.domain.incoming import BankCredit, IncomingPayment, decide_incoming
from kapital.settlement.domain.incoming_message import LineResult
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.states import WithdrawalState
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.domain.withdrawal import Move, Withdrawal
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.book_incoming import book_kept
from kapital.settlement.use_cases.entries import withdrawal_lock, withdrawal_paid
from kapital.settlement.use_cases.message_admission import TakeInStatement
from kapital.settlement.use_cases.register_beneficiaries import WalletOpened, register_beneficiaries
from kapital.settlement.use_cases.take_in_statement import TakenIn

_BATCH: Final = 5_000
_CLERK: Final = Actor(id="machine:bench", participant_id=None, roles=frozenset({Role.SETTLEMENT}))
_STATES: Final = text(
    "SELECT state, count(*) AS payments FROM incoming_payment WHERE bank_id LIKE 'B%' GROUP BY state"
)
_BREAKS: Final = text("SELECT count(*) FROM reconciliation_break")


@dataclass(frozen=True, slots=True)
class CamtBench:
    """One statement of so many lines."""

    lines: int

    async def run(self, console: Console) -> dict[str, Any]:
        """Prepare, take the statement in, look at every line, and return the figures."""
        folder = Path(tempfile.mkdtemp(prefix="kapital-bench-"))
        try:
            now = datetime.now(UTC)
            size = await asyncio.to_thread(write_elsewhere, folder, self.lines, now)
            console.print(f"a signed statement of {self.lines} lines, {size // 1_000_000} MB")
            settings = Settings(
                data_dir=folder / "data",
                database_url=None,
                acts_signed="simple",
                bank_account=ACCOUNT,
                bank_certificates=folder / "bank.pem",
            )
            async with open_kapital(settings, SystemClock()) as kapital:
                await _prepare(kapital, self.lines)
                console.print(f"{WALLETS} wallets and {sizes_of(self.lines).ours} withdrawals are there")
                return await self._measure(kapital, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def _measure(self, kapital: Kapital, folder: Path) -> dict[str, Any]:
        cmd = TakeInStatement(
            actor=_CLERK,
            file=folder / "camt053.xml",
            format_name="camt",
            signature=(folder / "camt053.p7s").read_bytes(),
        )
        before = await kapital.ledger.size()
        server = EmbeddedPostgres(folder / "data").postmaster_pid()
        with watched([os.getpid(), *([server] if server else [])]) as peak:
            began, worked = time.perf_counter(), time.process_time()
            taken = await kapital.settlement.use_cases.take_in_statement(cmd)
            seconds, cpu_s = time.perf_counter() - began, time.process_time() - worked
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        await self._look(kapital, taken, before)
        return {
            "camt053_lines": taken.message.line_count,
            "camt053_s": round(seconds, 2),
            "camt053_peak_mb": peak_mb,
            "camt053_all_mb": peak.mb,
            "camt053_cpu_s": round(cpu_s, 2),
            "camt053_booked": taken.results.get(LineResult.BOOKED, 0),
            "camt053_matched": taken.results.get(LineResult.WITHDRAWAL, 0),
            "camt053_breaks": taken.results.get(LineResult.UNEXPLAINED, 0),
            "fsync": "on",
        }

    async def _look(self, kapital: Kapital, taken: TakenIn, before: int) -> None:
        """Raises: InvariantBroken unless each line became what it is and the register has an entry for each."""
        sizes = sizes_of(self.lines)
        expected = {
            LineResult.BOOKED: sizes.known + sizes.unknown,
            LineResult.WITHDRAWAL: sizes.ours,
            LineResult.UNEXPLAINED: sizes.others,
        }
        ensure(taken.results == {result: n for result, n in expected.items() if n}, f"lines became {taken.results}")
        entered = await kapital.ledger.size() - before
        ensure(entered == sizes.known + sizes.unknown, f"{entered} entries")
        async with kapital.databases.get("settlement").connect() as conn:
            states = await conn.execute(_STATES)
            booked = {row.state: row.payments for row in states}
            opened = (await conn.execute(_BREAKS)).scalar_one()
        told = {"matched": sizes.known, "unidentified": sizes.unknown}
        ensure(booked == {state: n for state, n in told.items() if n}, f"payments are {booked}")
        ensure(opened == sizes.others, f"{opened} breaks")


async def _prepare(kapital: Kapital, lines: int) -> None:
    """Wallets with money that came yesterday, and the withdrawals that the statement names, paid by the bank."""
    parts = kapital.settlement.use_cases.parts
    wallets = [wallet_of(number) for number in range(WALLETS)]
    opened = [_opening(wallet) for wallet in wallets]
    ensure(all(isinstance(one, Committed) for one in await kapital.ledger.post(opened)), "wallets open")
    async with parts.uow.begin() as tx:
        told = [WalletOpened(wallet_id=wallet, participant_id=wallet) for wallet in wallets]
        await register_beneficiaries(parts, tx, told)
        came_at = tx.now - timedelta(days=1)
        await parts.incoming.add(tx.conn, [_came(wallet, came_at) for wallet in wallets], tx.now)
    await book_kept(parts)
    named = [number for number in range(1, lines + 1) if UNKNOWN <= (number - 1) % HUNDRED < OURS]
    for start in range(0, len(named), _BATCH):
        await _pay(parts, [_asked(number) for number in named[start : start + _BATCH]], f"bench-{start}")


async def _pay(parts: Parts, withdrawals: list[Withdrawal], command_id: str) -> None:
    """Enter withdrawals as paid: what the bank did of them is not measured here."""
    for entry in (withdrawal_lock, withdrawal_paid):
        answers = await parts.ledger.post([entry(one) for one in withdrawals])
        ensure(all(isinstance(answer, Committed) for answer in answers), f"withdrawals are entered: {answers[0]}")
    moves = [
        Move(
            withdrawal=one,
            source=WithdrawalState.REQUESTED,
            target=WithdrawalState.CONFIRMED,
            entry_seq=answer.seq if isinstance(answer, Committed) else None,
        )
        for one, answer in zip(withdrawals, answers, strict=True)
    ]
    async with parts.uow.begin() as tx:
        await parts.withdrawals.add(tx.conn, withdrawals, command_id=command_id, now=tx.now)
        await parts.withdrawals.move(tx.conn, moves, tx.now)


def _opening(wallet: UUID) -> Transaction:
    basis = Basis(kind=BasisKind.HOLDER_INSTRUCTION, reference="bench")
    return Transaction(
        id=derive_uuid7(wallet, "open"), actor="machine:bench", basis=basis, opens=(OpenWallet(wallet),)
    )


def _came(wallet: UUID, at: datetime) -> IncomingPayment:
    credit = BankCredit(
        cursor=0,
        bank_id=f"F-{wallet.hex}",
        amount_kopecks=FUNDS,
        purpose=top_up_code(wallet),
        payer_account=PAYER.account,
        payer_name=PAYER.name,
        credited_at=at,
    )
    return decide_incoming(derive_uuid7(wallet, "funds"), credit, {top_up_code(wallet): wallet}, content_seen=False)


def _asked(number: int) -> Withdrawal:
    return Withdrawal(
        withdrawal_id=withdrawal_of(number),
        requested_by="machine:bench",
        item=number,
        wallet_id=wallet_of(number),
        amount_kopecks=amount_of(number),
        payout_account=PayoutAccount(bic=BIC, account=PAYER.account),
        state=WithdrawalState.REQUESTED,
    )
