"""Settlement of a house before a bank by files, as a process that may be killed: its ticks, again and again."""

import asyncio
import multiprocessing
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SecretStr

from kapital.ledger.service import LedgerService
from kapital.platform.clock import SteppedClock
from kapital.platform.database import Database
from kapital.platform.failpoints import take_part
from kapital.platform.logging import configure_logging
from kapital.platform.periodic import attempt
from kapital.platform.settings import Settings
from kapital.settlement.adapters.bank_file_table import BankFileTable
from kapital.settlement.adapters.bank_messages.order_files import order_file_of
from kapital.settlement.adapters.exchange_folder import ExchangeFolder
from kapital.settlement.adapters.files_bank import FilesBank
from kapital.settlement.domain.bank_message import Party
from kapital.settlement.ports import FilesParts
from kapital.settlement.service import message_parts_of, parts_of
from kapital.settlement.use_cases.book_incoming import book_incoming
from kapital.settlement.use_cases.finish_bank_messages import finish_bank_messages
from kapital.settlement.use_cases.run_withdrawals import run_withdrawals
from kapital.settlement.use_cases.take_in_folder import FolderSchedule
from tests.acting import simple_acts
from tests.settlement.world import START

TICK_S = 0.02


class Start(NamedTuple):
    """What a process is started with. `run`: the folder of a fault run with its token."""

    settlement: str
    ledger: str
    exchange: Path
    kept: Path
    root: bytes
    payer: Party
    run: Path
    token: str


def work_for_ever(start: Start) -> None:
    """Be a house that does its ticks until it is killed."""
    configure_logging(level="ERROR")
    take_part(Settings(data_dir=start.run, failpoint_token=SecretStr(start.token)))
    asyncio.run(_work(start))


async def _work(start: Start) -> None:
    clock = SteppedClock(START)
    ledger = LedgerService(
        Database("ledger", start.ledger),
        clock,
        rule_book_version="2026-01-01",
        code_version="0.1.0",
        origin="kapital.example/test",
    )
    database, folder = Database("settlement", start.settlement), ExchangeFolder(start.exchange, "iso20022")
    folder.prepare()
    bank = FilesBank(database, clock, folder, order_file_of("iso20022", "Windows"), payer=start.payer)
    await bank.open()
    parts = parts_of(database, clock, ledger, bank, simple_acts(clock))
    files = FilesParts(folder, BankFileTable())
    more = message_parts_of(start.kept, account=start.payer.account, certificates=start.root, files=files)
    look = FolderSchedule(parts, more, files)
    while True:
        # As the background of a house: each by itself.
        await attempt("settlement", look(clock.now()))
        await attempt("settlement", book_incoming(parts))
        await attempt("settlement", finish_bank_messages(parts, more))
        await attempt("settlement", run_withdrawals(parts))
        await asyncio.sleep(TICK_S)


class FilesProcess:
    """One such process. A fork of a server that has the modules: it starts at once, and dies with this one."""

    def __init__(self, start: Start) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self._process: Any = context.Process(target=work_for_ever, args=(start,), daemon=True)
        self._process.start()

    @property
    def exit_code(self) -> int | None:
        """None while it lives."""
        code: int | None = self._process.exitcode
        return code

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.join()
