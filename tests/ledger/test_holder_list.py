"""Who held what at a record moment: a signed list, one holder's own line of it, checked without the house."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kapital.kernel.canonical import canonical_bytes
from kapital.ledger.api import MIRROR_POSITIONS, OpenWallet, Position, Posting
from kapital.ledger.domain.problems import WalletHeldNothing
from kapital.ledger.service import LedgerService
from kapital.ledger.use_cases.checkpoint import verifier_key
from kapital.platform.ids import new_uuid7
from kapital.verify.__main__ import main as verify_main
from kapital.verify.holder_list import HolderListRefused, HolderListReport, check_holder_list
from kapital.verify.report import Report
from kapital.verify.verifier import verify
from tests.ledger.conftest import TestSigner
from tests.ledger.words import at, issue, move, top_up, tx, units

UNITS = new_uuid7()
MOMENT = datetime(2027, 3, 15, tzinfo=UTC)
OPERATOR = TestSigner(b"o" * 32)
OPERATOR.key_name = "kapital.test/operator"
WALLETS = [new_uuid7() for _ in range(9)]


async def listed(ledger: LedgerService) -> int:
    """An issue whose units moved before and after a moment; the size of the log at it."""
    await ledger.open_money()
    await ledger.post([tx(*(OpenWallet(w) for w in WALLETS), units(UNITS))])
    await ledger.post([tx(*top_up(w, 10**6), *issue(UNITS, w, 100 + n)) for n, w in enumerate(WALLETS[:-1])])
    await ledger.post([tx(Posting(at(UNITS, WALLETS[3]), -7), Posting(at(UNITS, WALLETS[3], Position.LOCKED), 7))])
    size = await ledger.size()
    await ledger.post([tx(*move(UNITS, WALLETS[0], w, 1)) for w in WALLETS[1:]])
    return size


async def whole(ledger: LedgerService, size: int) -> bytes:
    return b"".join([line async for line in ledger.holder_list(UNITS, size=size, at=MOMENT, signer=OPERATOR)])


def keys(ledger: LedgerService) -> list[str]:
    return [*ledger.verifier_keys, verifier_key(OPERATOR)]


def checked(file: bytes, **more: Any) -> HolderListReport:
    return check_holder_list(io.BytesIO(file), **more)


async def test_the_list_is_everybody_at_that_moment_whatever_moved_since(ledger: LedgerService) -> None:
    size = await listed(ledger)

    file = await whole(ledger, size)

    report = checked(file, trusted_keys=keys(ledger))
    held = [r for r in await ledger.register(UNITS, size=size) if r.position not in MIRROR_POSITIONS]
    lines = [json.loads(line) for line in file.splitlines()[1:]]
    assert [(UUID(x["wallet"]), x["position"], x["units"]) for x in lines] == [
        (r.wallet, r.position.value, r.balance) for r in held
    ]
    assert (report.kind, report.size, report.lines, report.trusted) == ("list", size, len(held), True)
    assert report.units == sum(r.balance for r in held)
    assert report.checkpoint_size > size
    assert not checked(file).trusted


async def test_a_holder_proves_its_own_line_and_shows_nobody_elses(
    ledger: LedgerService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = await listed(ledger)

    file = await ledger.holding_evidence(UNITS, WALLETS[3], size=size, at=MOMENT, signer=OPERATOR)

    report = checked(file, trusted_keys=keys(ledger))
    assert (report.wallet, report.held) == (str(WALLETS[3]), {"available": 96, "locked": 7})
    assert not any(str(w).encode() in file for w in WALLETS if w != WALLETS[3])
    with pytest.raises(WalletHeldNothing):
        await ledger.holding_evidence(UNITS, WALLETS[-1], size=size, at=MOMENT, signer=OPERATOR)
    path = tmp_path / "holding.jsonl"
    path.write_bytes(file)
    assert verify_main([str(path), *(f"--key={key}" for key in keys(ledger))]) == 0
    assert "available 96, locked 7" in capsys.readouterr().out
    assert verify_main([str(path), "--language", "ru"]) == 0
    assert "ПРИНЯТО" in capsys.readouterr().out


async def test_a_statement_shows_the_same_holding_at_that_size_by_itself(ledger: LedgerService) -> None:
    size = await listed(ledger)
    package = await ledger.statement_evidence(WALLETS[3])

    past = verify(package, trusted_keys=list(ledger.verifier_keys), at_size=size)
    now = verify(package, trusted_keys=list(ledger.verifier_keys))

    def held(report: Report) -> set[tuple[str, int]]:
        return {(b.position, b.amount) for b in report.balances if b.asset == str(UNITS)}

    assert (past.accepted, past.complete) == (True, True)
    assert held(past) == {("available", 96), ("locked", 7)}
    assert held(now) == {("available", 97), ("locked", 7)}
    assert verify(package, at_size=10**6).code == "statement_size_beyond_checkpoint"
    assert verify(await ledger.entry_evidence(2), at_size=1).code == "statement_not_complete"


def _edited(file: bytes, edit: Any) -> bytes:
    lines = [json.loads(line) for line in file.splitlines()]
    edit(lines)
    return b"".join(canonical_bytes(line) + b"\n" for line in lines)


FAULTS: dict[str, tuple[Any, str]] = {
    "units changed": (lambda x: x[1].update(units=x[1]["units"] + 1), "holder_list_content_differs"),
    "two changed to the same sum": (
        lambda x: (x[1].update(units=x[1]["units"] + 1), x[2].update(units=x[2]["units"] - 1)),
        "holder_list_content_differs",
    ),
    "a holder left out": (lambda x: x.pop(2), "holder_list_content_differs"),
    "a holder added": (lambda x: x.append({**x[-1], "wallet": "f" * 8}), "holder_list_content_differs"),
    "a holder twice": (lambda x: x.insert(2, x[2]), "holder_list_lines_not_in_order"),
    "order changed": (lambda x: x.reverse() or x.insert(0, x.pop()), "holder_list_lines_not_in_order"),
    "another moment": (
        lambda x: x[0]["manifest"].update(at="2027-03-16T00:00:00.000000Z"),
        "holder_list_signature_invalid",
    ),
    "another size": (lambda x: x[0]["manifest"].update(size=3), "holder_list_signature_invalid"),
    "a field more": (lambda x: x[1].update(name="x"), "holder_list_malformed"),
    "no such kind": (lambda x: x[0].update(kind="other"), "holder_list_malformed"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_list_that_was_touched_proves_nothing(ledger: LedgerService, fault: str) -> None:
    edit, code = FAULTS[fault]
    file = _edited(await whole(ledger, await listed(ledger)), edit)

    with pytest.raises(HolderListRefused) as told:
        checked(file)

    assert told.value.code == code


async def test_anothers_line_and_anothers_key_prove_nothing(ledger: LedgerService) -> None:
    size = await listed(ledger)
    file = await ledger.holding_evidence(UNITS, WALLETS[3], size=size, at=MOMENT, signer=OPERATOR)

    for edit in (
        lambda x: x[1]["line"].update(units=1_000),
        lambda x: x[1].update(index=x[1]["index"] + 1),
        lambda x: x[1]["proof"].pop(),
    ):
        with pytest.raises(HolderListRefused) as told:
            checked(_edited(file, edit))
        assert told.value.code == "holder_list_content_differs"
    with pytest.raises(HolderListRefused) as told:
        checked(file, trusted_keys=list(ledger.verifier_keys))
    assert told.value.code == "holder_list_key_not_trusted"
