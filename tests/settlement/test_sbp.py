"""Top-ups by QR code: one code for one payment, money by its id alone, and calls back that only the bank can make."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.ids import CommandId
from kapital.kernel.problems import Problem
from kapital.platform.objects import ObjectStore
from kapital.platform.sbp_rules import SbpRule
from kapital.sandbox.bank.webhooks import signature_of
from kapital.settlement.adapters import raw_messages
from kapital.settlement.adapters.raw_messages import RawBankMessages
from kapital.settlement.domain.bank_notice import WINDOW_S, NoticeSignature, check_signature
from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET, BankCredit
from kapital.settlement.domain.problems import BankSilent
from kapital.settlement.domain.sbp import link_is_of, qr_ids_in
from kapital.settlement.ports import Webhook
from kapital.settlement.service import sbp_parts_of
from kapital.settlement.use_cases.book_incoming import book_incoming, book_kept, sort_out
from kapital.settlement.use_cases.request_sbp_top_up import RequestSbpTopUp, request_sbp_top_up
from kapital.settlement.use_cases.take_in_bank_notice import take_in_bank_notice
from tests.settlement.world import Faults, ProcessDied, World, mortal

KEY = b"k" * 32
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


async def code_of(work: Any) -> str:
    with pytest.raises(Problem) as refused:
        await work
    return refused.value.code


class Shop:
    """A client with a QR code, and the bank's three ways to tell of the money."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.commands = itertools.count()

    async def code(self, wallet: Any, kopecks: int = 500, *, key: str | None = None, parts: Any = None) -> Any:
        command = CommandId(key or f"qr-{next(self.commands)}")
        actor = self.world.owners[wallet]
        cmd = RequestSbpTopUp(command_id=command, actor=actor, wallet_id=wallet, amount_kopecks=kopecks)
        return await request_sbp_top_up(cmd, parts or self.world.parts)

    async def notice(self, bank_id: str, **changes: Any) -> dict[str, Any]:
        async with self.world.bank.database.connect() as conn:
            rows = await conn.exec_driver_sql("SELECT body FROM webhook ORDER BY id")
            told = [json.loads(bytes(row.body)) for row in rows]
        (found,) = [one for one in told if one["incoming_id"] == bank_id]
        return found | changes

    async def call_back(self, notice: dict[str, Any], *, key: bytes = KEY) -> str:
        body = json.dumps(notice).encode()
        signed_at = int(self.world.clock.now().timestamp())
        return await take_in_bank_notice(signature_of(key, signed_at, body), body, self.world.parts)

    async def statement_line(self, bank_id: str) -> None:
        """As a statement has it: no time of day, and a name in another form."""
        told = await self.notice(bank_id)
        day = datetime.fromisoformat(told["credited_at"]).replace(hour=0, minute=0, second=0, microsecond=0)
        credit = BankCredit(
            cursor=0,
            bank_id=bank_id,
            amount_kopecks=told["amount_kopecks"],
            purpose=told["purpose"],
            payer_account=told["payer_account"],
            payer_name="УЧЕБНЫЙ БАНК",
            credited_at=day,
        )
        async with self.world.parts.uow.begin() as tx:
            await self.world.parts.incoming.lock_cursor(tx.conn)
            fresh, refused = await sort_out(self.world.parts, tx.conn, [credit])
            await self.world.parts.incoming.add(tx.conn, fresh, tx.now)
        assert not refused


@pytest_asyncio.fixture
async def shop(world: World, tmp_path: Any) -> Shop:
    raw = RawBankMessages(world.database, world.clock, ObjectStore(tmp_path / "kept"))
    world.parts = replace(world.parts, sbp=sbp_parts_of(webhook=Webhook(key=KEY, raw=raw)))
    return Shop(world)


async def test_a_code_is_of_its_own_for_each_payment_and_the_same_for_a_repeated_command(
    world: World, shop: Shop
) -> None:
    wallet = await world.wallet()

    first, again, other = await shop.code(wallet, key="a"), await shop.code(wallet, key="a"), await shop.code(wallet)

    assert (again, other.qr_id != first.qr_id) == (first, True)
    assert urlsplit(first.link).netloc == "qr.nspk.ru"
    assert parse_qs(urlsplit(first.link).query)["sum"] == ["500"]
    assert link_is_of(first.link, first.qr_id, 500)


async def test_a_code_is_kept_wherever_the_process_dies_and_the_same_command_goes_on(
    world: World, shop: Shop
) -> None:
    wallet = await world.wallet()
    for die_at in itertools.count(1):
        faults = Faults(die_at=die_at)
        try:
            await shop.code(wallet, key=f"d-{die_at}", parts=mortal(world.parts, faults))
        except ProcessDied:
            answer = await shop.code(wallet, key=f"d-{die_at}")
            rows = await world.rows(f"SELECT qr_id FROM sbp_top_up WHERE command_id = 'd-{die_at}'")
            assert [row["qr_id"] for row in rows] == [answer.qr_id]
        else:
            break
    assert die_at > 3


async def test_a_silent_bank_makes_no_code_and_a_term_that_passed_meanwhile_is_renewed(
    world: World, shop: Shop
) -> None:
    wallet = await world.wallet()
    await world.bank.go_down()
    with pytest.raises(BankSilent):
        await shop.code(wallet, key="s")
    await world.bank.come_up()
    world.clock.advance(timedelta(hours=2))

    assert (await shop.code(wallet, key="s")).expires_at > world.clock.now()
    assert len(await world.rows("SELECT 1 AS one FROM sbp_top_up")) == 1


async def test_a_sum_above_the_dated_limit_and_a_wallet_of_another_get_no_code(world: World, shop: Shop) -> None:
    wallet, other = await world.wallet(), await world.wallet()
    rule = SbpRule(effective_from=NOW.date(), basis="agreement 7", top_up_kopecks_max=400)
    world.parts = replace(world.parts, sbp=sbp_parts_of([rule]))

    assert await code_of(shop.code(wallet, 401)) == "sbp_amount_exceeds_limit"
    assert (await shop.code(wallet, 400)).amount_kopecks == 400
    world.owners[other] = world.owners[wallet]
    assert await code_of(shop.code(other, 1)) == "not_permitted"
    assert len(await world.rows("SELECT 1 AS one FROM sbp_top_up")) == 1


@pytest.mark.parametrize("order", list(itertools.permutations(["call_back", "list", "statement"])))
async def test_money_is_booked_once_whoever_tells_of_it_first(world: World, shop: Shop, order: Any) -> None:
    wallet = await world.wallet()
    code = await shop.code(wallet)
    bank_id = await world.bank.pay_qr(code.qr_id)

    for teller in order:
        match teller:
            case "call_back":
                assert await shop.call_back(await shop.notice(bank_id)) in {"taken_in", "known"}
            case "list":
                await book_incoming(world.parts)
            case "statement":
                await shop.statement_line(bank_id)
        await book_kept(world.parts)
        assert await world.kopecks(wallet) == 500

    assert not await world.rows("SELECT 1 AS one FROM refused_notice")
    assert (await world.reconcile()).difference_kopecks == 0


async def test_only_the_id_of_the_code_says_whose_money_it_is_and_a_code_pays_once(world: World, shop: Shop) -> None:
    """Scenario 13: the same content under another id, and what a dynamic code cannot be, waits for a person."""
    wallet = await world.wallet()
    code, unpaid = await shop.code(wallet), await shop.code(wallet, 700)
    bank_id = await world.bank.pay_qr(code.qr_id)
    told = await shop.notice(bank_id)
    strange = "AD" + "Z" * 30
    later = datetime.fromisoformat(told["credited_at"]) + timedelta(seconds=9)

    results = [
        await shop.call_back(told),
        await shop.call_back(told),
        await shop.call_back(told | {"amount_kopecks": 900}),
        await shop.call_back(told | {"incoming_id": "X-1"}),
        await shop.call_back(told | {"incoming_id": "X-2", "credited_at": later.isoformat()}),
        await shop.call_back(
            told | {"incoming_id": "X-3", "qr_id": strange, "purpose": told["purpose"].replace(code.qr_id, strange)}
        ),
        await shop.call_back(
            told
            | {
                "incoming_id": "X-4",
                "qr_id": unpaid.qr_id,
                "purpose": told["purpose"].replace(code.qr_id, unpaid.qr_id),
            }
        ),
    ]
    await book_kept(world.parts)

    assert results == ["taken_in", "known", "altered", "taken_in", "taken_in", "taken_in", "taken_in"]
    assert await world.kopecks(wallet) == 500
    rows = await world.rows("SELECT bank_id, reason FROM incoming_payment WHERE reason IS NOT NULL ORDER BY bank_id")
    assert [(row["bank_id"], row["reason"]) for row in rows] == [
        ("X-1", "same_content_other_id"),
        ("X-2", "qr_paid_before"),
        ("X-3", "qr_of_nobody"),
        ("X-4", "qr_sum_differs"),
    ]
    assert await world.kopecks(UNIDENTIFIED_WALLET) == 4 * 500


@pytest.mark.parametrize("how", ["unsigned", "other_key", "altered", "stale", "garbled", "malformed", "foreign_code"])
async def test_what_is_not_the_banks_word_books_nothing_is_kept_and_raises_the_alarm(
    world: World, shop: Shop, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scenario 14."""
    wallet = await world.wallet()
    code = await shop.code(wallet)
    told = await shop.notice(await world.bank.pay_qr(code.qr_id))
    body, at = json.dumps(told).encode(), int(world.clock.now().timestamp())
    good = signature_of(KEY, at, body)
    signature, said = {
        "unsigned": ("", body),
        "other_key": (signature_of(b"x" * 32, at, body), body),
        "altered": (good, body.replace(b"500", b"900")),
        "stale": (signature_of(KEY, at - WINDOW_S - 1, body), body),
        "garbled": ("t=1,v1=zz", body),
        "malformed": (signature_of(KEY, at, b"[]"), b"[]"),
        "foreign_code": (signature_of(KEY, at, body.replace(b"AD", b"AS", 1)), body.replace(b"AD", b"AS", 1)),
    }[how]

    code_said = await code_of(take_in_bank_notice(signature, said, world.parts))

    malformed = how in {"malformed", "foreign_code"}
    assert code_said == ("bank_notice_malformed" if malformed else "bank_notice_signature_must_be_valid")
    await book_kept(world.parts)
    assert await world.kopecks(wallet) == 0
    assert "settlement.bank_notice_refused" in capsys.readouterr().err
    (row,) = await world.rows("SELECT signature_outcome, raw_sha256 FROM bank_http_message")
    expected = {"unsigned": "absent", "stale": "stale"}.get(how, "valid" if malformed else "invalid")
    assert row["signature_outcome"] == expected
    assert await world.parts.sbp.webhook.raw._objects.get(row["raw_sha256"]) == said  # type: ignore[union-attr]


async def test_who_is_not_the_bank_cannot_fill_the_disk(
    world: World, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_messages, "REFUSED_PER_DAY_MAX", 2)
    for number in (1, 2, 3, 3, 1):
        await code_of(take_in_bank_notice("", b"%d" % number, world.parts))

    rows = await world.rows("SELECT times FROM bank_http_message ORDER BY first_at")
    assert [row["times"] for row in rows] == [2, 1]

    # The bank's own word is kept all the same.
    wallet = await world.wallet()
    bank_id = await world.bank.pay_qr((await shop.code(wallet)).qr_id)
    assert await shop.call_back(await shop.notice(bank_id)) == "taken_in"
    assert len(await world.rows("SELECT 1 AS one FROM bank_http_message")) == 3


async def test_without_a_key_no_call_back_is_believed(world: World) -> None:
    assert await code_of(take_in_bank_notice("", b"{}", world.parts)) == "bank_notices_not_awaited"


@given(st.binary(max_size=200), st.binary(max_size=200), st.integers(-2 * WINDOW_S, 2 * WINDOW_S))
def test_a_signature_holds_for_its_bytes_in_its_window_only(body: bytes, other: bytes, off: int) -> None:
    header = signature_of(KEY, int(NOW.timestamp()) + off, body)

    expected = NoticeSignature.VALID if abs(off) <= WINDOW_S else NoticeSignature.STALE
    assert check_signature(header, body, KEY, NOW) is expected
    if other != body:
        assert check_signature(header, other, KEY, NOW) is NoticeSignature.INVALID
    assert check_signature(header.replace("t=", "t=1", 1), body, KEY, NOW) is NoticeSignature.INVALID


def test_ids_of_codes_are_found_whole_or_not_at_all() -> None:
    one, other = "AD" + "0" * 30, "AS" + "A" * 30

    assert qr_ids_in(f"СБП [1 - {one} - 2] {other}.") == {one, other}
    assert qr_ids_in(f"{one}0 X{other} {one.lower()}") == frozenset()


@pytest.mark.parametrize(
    "link",
    [
        "http://qr.nspk.ru/{id}?sum=500&cur=RUB",
        "https://qr.nspk.ru.evil.example/{id}?sum=500&cur=RUB",
        "https://qr.nspk.ru@evil.example/{id}?sum=500&cur=RUB",
        "https://qr.nspk.ru/{id}/?sum=500&cur=RUB",
        "https://qr.nspk.ru/{id}?sum=501&cur=RUB",
        "https://qr.nspk.ru/{id}?sum=500&sum=501&cur=RUB",
        "https://qr.nspk.ru/{id}?sum=500&cur=USD",
        "https://qr.nspk.ru/{id}?sum=500&cur=RUB\n",
        "https://qr.nspk.ru/{id}?sum=500&cur=RUB&x=" + "x" * 300,
    ],
)
def test_a_link_that_is_not_of_this_code_and_sum_is_not_shown(link: str) -> None:
    assert not link_is_of(link.format(id="AD" + "0" * 30), "AD" + "0" * 30, 500)
