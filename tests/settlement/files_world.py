"""Settlement before a bank by files: real files in a folder, the sandbox bank's desk on its other side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from kapital.contracts.bank_nominal_account import FaultKind, FaultPoint, FaultScript, FaultStep
from kapital.sandbox.bank import faults
from kapital.sandbox.bank.file_keys import ROOT, foreign_signer, open_signer
from kapital.sandbox.bank.file_speech import speech_of
from kapital.sandbox.bank.files import Counter, FilesDesk
from kapital.sandbox.certification_authority import SandboxSigner
from kapital.settlement.adapters.bank_file_table import BankFileTable
from kapital.settlement.adapters.bank_messages.order_files import order_file_of
from kapital.settlement.adapters.exchange_folder import ExchangeFolder
from kapital.settlement.adapters.files_bank import FilesBank
from kapital.settlement.domain.bank_message import Party
from kapital.settlement.ports import FilesParts, MessageParts, Parts
from kapital.settlement.service import message_parts_of
from kapital.settlement.use_cases.book_incoming import book_incoming
from kapital.settlement.use_cases.run_withdrawals import run_withdrawals
from kapital.settlement.use_cases.take_in_folder import FolderSchedule
from tests.settlement.bank_messages.values import BIC, OWN
from tests.settlement.world import Faults, Mortal, World, mortal

OPERATOR: Final = Party(name="Оператор", inn="7707083893", kpp="770701001", account=OWN, bic=BIC)


@dataclass
class Exchange:
    """Both sides of one folder. `parts`: settlement's, with the bank by files."""

    world: World
    place: Path
    kept: Path
    folder: ExchangeFolder
    desk: FilesDesk
    parts: Parts
    root: bytes
    orders: Any
    signer: SandboxSigner

    @classmethod
    async def open(
        cls,
        world: World,
        tmp_path: Path,
        form: str = "iso20022",
        encoding: str = "Windows",
        *,
        bank_encoding: str | None = None,
        bank_place: Path | None = None,
    ) -> "Exchange":
        """`bank_encoding`, `bank_place`: the bank's own, where it writes otherwise than we, or elsewhere."""
        place, keys = tmp_path / "exchange", tmp_path / "bank"
        keys.mkdir()
        signer = open_signer(keys, world.clock)
        folder, orders = ExchangeFolder(place, form), order_file_of(form, encoding)
        folder.prepare()
        desk = FilesDesk(
            world.bank,
            bank_place or place,
            Counter(account=OWN, bic=BIC),
            speech_of(form, bank_encoding or encoding),
            signer=signer,
            foreign=foreign_signer(world.clock),
        )
        await desk.open()
        root = (keys / ROOT).read_bytes()
        exchange = cls(world, place, tmp_path / "kept", folder, desk, world.parts, root, orders, signer)
        exchange.parts = world.parts = exchange.parts_over(folder)
        await exchange.bank_over(folder).open()
        return exchange

    def bank_over(self, folder: Any) -> FilesBank:
        return FilesBank(self.world.database, self.world.clock, folder, self.orders, payer=OPERATOR)

    def parts_over(self, folder: Any) -> Parts:
        return replace(self.world.parts, bank=self.bank_over(folder))

    def tick(self, parts: Parts | None = None, folder: Any = None) -> FolderSchedule:
        """The tick of a process that has just started."""
        more = self.more(folder)
        assert more.files is not None
        return FolderSchedule(parts or self.parts, more, more.files)

    def more(self, folder: Any = None) -> MessageParts:
        """What messages are taken in with."""
        files = FilesParts(folder or self.folder, BankFileTable())
        return message_parts_of(self.kept, account=OWN, certificates=self.root, files=files)

    async def look(self, tick: FolderSchedule | None = None) -> None:
        """Look twice: what rests between two looks is taken in."""
        tick = tick or self.tick()
        for _ in range(2):
            await tick(self.world.clock.now())

    async def settle_down(self) -> None:
        """Both sides do what they can."""
        for _ in range(3):
            await self.desk.work_once()
            await self.look()
            await book_incoming(self.parts)
            await run_withdrawals(self.parts)

    def dying(self, at: int) -> tuple[Parts, FolderSchedule, Faults]:
        """A process that dies at its n-th step; moving a file is a step too."""
        dies = Faults(die_at=at)
        names = ("stage", "is_staged", "hand_over", "put_away", "release")
        folder = Mortal(self.folder, dies, names)
        parts = mortal(self.parts_over(folder), dies)
        return parts, self.tick(parts, folder), dies

    async def play(self, *steps: tuple[FaultPoint, FaultKind, dict[str, Any]]) -> None:
        """Put a fault script in force."""
        made = [FaultStep(at=at, do=do, **more) for at, do, more in steps]
        script = FaultScript(version=1, name="of-a-test", about_ru="", about_en="", steps=made)
        async with self.world.bank.database.engine.begin() as conn:
            await faults.load(conn, script)

    async def close_day(self) -> None:
        """The bank closes its day at its next look."""
        await self.ask_for("statement")

    async def ask_for(self, kind: str) -> None:
        async with self.world.bank.database.engine.begin() as conn:
            await conn.execute(text("INSERT INTO file_request (kind) VALUES (:kind)"), {"kind": kind})

    async def next_day(self) -> None:
        self.world.clock.advance(timedelta(days=1))

    def names(self, part: str, ending: str = "") -> list[str]:
        """What lies in a part of the folder, without hidden files and signatures."""
        found = (path.name for path in (self.place / part).iterdir())
        return sorted(name for name in found if name[0] != "." and name.endswith(ending) and ".p7s" not in name)

    def contents(self, part: str, kind: str) -> Sequence[bytes]:
        return [(self.place / part / name).read_bytes() for name in self.names(part) if kind in name]

    async def bank_rows(self, sql: str) -> list[dict[str, Any]]:
        async with self.world.bank.database.connect() as conn:
            return [dict(row._mapping) for row in await conn.execute(text(sql))]
