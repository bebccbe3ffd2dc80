"""The whole house with a bank by files: its schedule takes in what lies in the folder, also after a restart."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from sqlalchemy import text

from kapital.app import Kapital, open_kapital
from kapital.kernel.calendar import moscow_day
from kapital.platform.clock import SystemClock
from kapital.platform.settings import Settings
from kapital.sandbox.bank.file_keys import ROOT, open_signer
from kapital.settlement.adapters.bank_messages.camt_writer import write_camt
from kapital.settlement.adapters.files_bank import FilesBank
from kapital.settlement.domain.bank_message import Party, Side, StatementKind, StatementLine
from tests.places import quick_folder
from tests.settlement.bank_messages.values import BIC, OWN, account, adding_up


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own folder: it is closed to the server's system user."""
    with TemporaryDirectory(prefix="kapital-files-house-", dir=quick_folder(), ignore_cleanup_errors=True) as made:
        yield Path(made)


async def test_the_schedule_takes_in_what_the_bank_lays_down(folder: Path) -> None:
    clock, keys, exchange = SystemClock(), folder / "bank", folder / "exchange"
    keys.mkdir()
    signer = open_signer(keys, clock)
    settings = Settings(
        data_dir=folder / "data",
        postgres_shared_buffers_mb=128,
        bank="files",
        bank_files_dir=exchange,
        bank_account=OWN,
        bank_bic=BIC,
        bank_certificates=keys / ROOT,
        operator_name="Оператор",
    )
    day = moscow_day(clock.now())
    line = StatementLine(
        number=1,
        side=Side.CREDIT,
        amount_kopecks=70_000,
        booked_on=day,
        bank_reference="B-1",
        payer=Party(name="Плательщик", account=account(5), bic=BIC),
        purpose="Без кода",
    )

    async with open_kapital(settings) as kapital:
        assert isinstance(kapital.settlement.use_cases.parts.bank, FilesBank)
        notice = msgspec.structs.replace(
            adding_up([line]), kind=StatementKind.NOTICE, opening_kopecks=None, closing_kopecks=None
        )
        lay_down(exchange / "in", "1.xml", notice, line, signer)
        await look(kapital)
        assert await booked(kapital) == 70_000
    async with open_kapital(settings) as kapital:
        statement = msgspec.structs.replace(adding_up([line]), message_id="S-1", from_on=day, to_on=day)
        lay_down(exchange / "in", "2.xml", statement, line, signer)
        await look(kapital)

        assert await booked(kapital) == 70_000
        assert await kapital.settlement.use_cases.parts.bank.balance_kopecks() == 70_000
        assert list((exchange / "in").iterdir()) == []
        assert len(list((exchange / "done").glob("*.xml"))) == 2


def lay_down(place: Path, name: str, head, line, signer) -> None:
    file = BytesIO()
    write_camt(file, head, [line], created_at=SystemClock().now())
    (place / name).write_bytes(file.getvalue())
    (place / f"{name}.p7s").write_bytes(signer.sign_now(file.getvalue()))


async def look(kapital: Kapital) -> None:
    for _ in range(2):
        await kapital.tick(kapital.clock.now())


async def booked(kapital: Kapital) -> int:
    async with kapital.databases.get("settlement").connect() as conn:
        query = text("SELECT sum(amount_kopecks) FROM incoming_payment WHERE state = 'unidentified'")
        return int((await conn.execute(query)).scalar_one() or 0)
