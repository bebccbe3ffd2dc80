"""`kapital sandbox-bank serve --files`: works on order files once, whatever kills it, and signs its word."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from pyiso20022.pain import pain_002_001_10
from xsdata.formats.dataclass.parsers import XmlParser

from kapital.kernel.canonical import sha256_hex
from kapital.platform.objects import ObjectStore
from kapital.sandbox.bank.file_keys import ROOT
from kapital.settlement.adapters.bank_messages.pain001 import write_pain001
from kapital.settlement.adapters.message_file import BankCertificates
from kapital.settlement.domain.bank_message import Party
from kapital.settlement.domain.incoming_message import SignatureOutcome
from kapital.settlement.domain.payment_order import PaymentOrder
from tests.places import quick_folder
from tests.sandbox.bank.serving import BankProgram, Caller
from tests.settlement.bank_messages.values import BIC, OWN, account
from tests.waiting import until

ORDERS = 12
KOPECKS = 10_000


@pytest.fixture
def exchange() -> Iterator[Path]:
    with TemporaryDirectory(prefix="kapital-files-", dir=quick_folder(), ignore_cleanup_errors=True) as made:
        yield Path(made) / "exchange"


def order_file(reference: str, number: int) -> bytes:
    order = PaymentOrder(
        reference=reference,
        number=str(number),
        drawn_on=date(2026, 11, 28),
        amount_kopecks=KOPECKS,
        payer=Party(name="Оператор", inn="7707083893", kpp="770701001", account=OWN, bic=BIC),
        payee=Party(name="Получатель", account=account(number + 10), bic=BIC),
        purpose="Возврат",
    )
    return write_pain001([order], message_id=reference, created_at=datetime(2026, 11, 28, 9, tzinfo=UTC))


async def test_orders_are_paid_once_through_a_kill_and_every_word_is_signed(exchange: Path) -> None:
    arguments = ("--files", str(exchange), "--files-account", OWN, "--files-bic", BIC)
    program = BankProgram(exchange.parent / "bank", *arguments).wait_until_well()
    references = [hashlib.sha256(str(number).encode()).hexdigest()[:32] for number in range(ORDERS)]
    laid, said = exchange / "out", exchange / "in"
    try:
        async with httpx.AsyncClient(base_url=program.url, timeout=60) as client:
            counter = Caller(client, program.token_file.read_text())
            paid_in = {"amount_kopecks": ORDERS * KOPECKS + 5_00, "purpose": "Пополнение"}
            assert (await counter.post("/sandbox/credits", paid_in)).status_code == 201
            for number, reference in enumerate(references):
                fresh = laid / f".{reference}"
                fresh.write_bytes(order_file(reference, number + 1))
                fresh.rename(laid / f"{reference}.xml")
            await until(lambda: any("orders" in path.name for path in said.iterdir()))
            program.kill()
            program.start_again(*arguments)
            await until(lambda: len(words(said)) == ORDERS)

            assert set(words(said)) == {(reference, "ACSC") for reference in references}
            left = (await counter.get("/v1/nominal-account")).json()["balance_kopecks"]
            assert left == 5_00
            assert list(laid.glob("*.xml")) == []
            asked = await counter.post("/sandbox/statements", {"kind": "statement"})
            assert asked.status_code == 202
            await until(lambda: any("statement" in path.name for path in said.glob("*.p7s")))
        await require_signed(said, (program.folder / ROOT).read_bytes(), exchange.parent / "kept")
    finally:
        program.stop()


def words(folder: Path) -> list[tuple[str, str]]:
    """What an independent reader finds in the bank's words about orders, each message once."""
    found = []
    for path in _messages(folder, "orders"):
        report = XmlParser().from_bytes(path.read_bytes(), pain_002_001_10.Document).cstmr_pmt_sts_rpt
        found += [
            (one.orgnl_end_to_end_id, one.tx_sts)
            for part in report.orgnl_pmt_inf_and_sts
            for one in part.tx_inf_and_sts
        ]
    return found


async def require_signed(folder: Path, root: bytes, kept: Path) -> None:
    store = ObjectStore(kept)
    signatures = BankCertificates(store, root)
    messages = _messages(folder)
    assert len(messages) >= ORDERS + 2
    for path in messages:
        sha256, _ = await store.put_file(path)
        assert sha256 == sha256_hex(path.read_bytes())
        signature = path.with_name(f"{path.name}.p7s").read_bytes()
        verdict = await signatures.check(sha256, signature, datetime.now(UTC))
        assert verdict.outcome is SignatureOutcome.VALID, verdict


def _messages(folder: Path, kind: str = "") -> list[Path]:
    return sorted(folder.glob(f"*{kind}.xml"))
