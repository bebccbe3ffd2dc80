"""What the ledger refuses, in the order in which the rules are asked, and that a refusal changes nothing at all."""

import random
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from kapital.ledger.api import (
    MAX_POSTINGS_PER_TRANSACTION,
    MAX_TRANSACTIONS_PER_CALL,
    AccountKey,
    Basis,
    BasisKind,
    Committed,
    OpenAsset,
    OpenWallet,
    Position,
    Posting,
    Refused,
    SetFlags,
    Transaction,
)
from kapital.ledger.service import LedgerService
from kapital.ledger.use_cases.post import BatchTooLarge
from kapital.platform.ids import new_uuid7
from tests.ledger.words import AVAILABLE, LOCKED, RESERVED, RUB, at, issue, move, top_up, tx, units

RICH, POOR, STOPPED, NOBODY = (new_uuid7() for _ in range(4))
UNITS, NO_ASSET = new_uuid7(), new_uuid7()
INT64_MAX = 2**63 - 1
BANK = AccountKey(RUB, Position.BANK, RUB)
ISSUED = AccountKey(UNITS, Position.ISSUED, UNITS)
DONE = new_uuid7()


def changed(**fields: Any) -> Transaction:
    return msgspec.structs.replace(tx(*top_up(RICH, 1)), **fields)


def basis(reference: str = "ok", digest: str | None = None) -> Basis:
    return Basis(BasisKind.ORDER, reference, digest)


def asset(**fields: Any) -> OpenAsset:
    return msgspec.structs.replace(units(new_uuid7()), **fields)


def pair(account: AccountKey, amount: int) -> tuple[Posting, Posting]:
    """Credit the account, debit the rich wallet's account in the same asset."""
    return Posting(at(account.asset, RICH), -amount), Posting(account, amount)


# Each row breaks its own rule and every rule below it that it can: the first one is told. Top to bottom is the order.
TABLE: list[tuple[str, Callable[[], Transaction], str]] = [
    ("id of version 4", lambda: changed(id=uuid4(), actor=""), "transaction_malformed"),
    ("nothing to do", tx, "transaction_malformed"),
    (
        "one posting too many",
        lambda: tx(*[Posting(at(NO_ASSET, NOBODY), 0)] * (MAX_POSTINGS_PER_TRANSACTION + 1)),
        "transaction_malformed",
    ),
    ("no actor", lambda: changed(actor=""), "transaction_malformed"),
    ("actor of 65 characters", lambda: changed(actor="a" * 65), "transaction_malformed"),
    ("a name as actor", lambda: changed(actor="Иван Петров"), "transaction_malformed"),
    ("an actor with a line break", lambda: changed(actor="machine:x\n"), "transaction_malformed"),
    ("no reference", lambda: changed(basis=basis("")), "transaction_malformed"),
    ("reference of 201 characters", lambda: changed(basis=basis("r" * 201)), "transaction_malformed"),
    ("a sentence as reference", lambda: changed(basis=basis("court act of 5 May")), "transaction_malformed"),
    ("a hash that is none", lambda: changed(basis=basis("ok", "AB" * 32)), "transaction_malformed"),
    ("an empty hash", lambda: changed(basis=basis("ok", "")), "transaction_malformed"),
    ("rules without a name", lambda: changed(rule_book_version=""), "transaction_malformed"),
    ("rules of 65 characters", lambda: changed(rule_book_version="v" * 65), "transaction_malformed"),
    ("rules with a line break", lambda: changed(rule_book_version="1\n"), "transaction_malformed"),
    ("asset code with a space", lambda: tx(asset(code="A B")), "transaction_malformed"),
    ("asset code of 65 characters", lambda: tx(asset(code="A" * 65)), "transaction_malformed"),
    ("negative scale", lambda: tx(asset(scale=-1)), "transaction_malformed"),
    ("scale of 19", lambda: tx(asset(scale=19)), "transaction_malformed"),
    ("fractional scale", lambda: tx(asset(scale=1.5)), "transaction_malformed"),
    ("issue limit of zero", lambda: tx(asset(issue_limit=0)), "transaction_malformed"),
    ("negative issue limit", lambda: tx(asset(issue_limit=-5)), "transaction_malformed"),
    ("issue limit that JSON cannot hold", lambda: tx(asset(issue_limit=2**53)), "transaction_malformed"),
    ("fractional issue limit", lambda: tx(asset(issue_limit=10.5)), "transaction_malformed"),
    ("truth as issue limit", lambda: tx(asset(issue_limit=True)), "transaction_malformed"),
    # What was entered before is told before any rule of the state is asked.
    ("an id again", lambda: tx(*top_up(NOBODY, 0), entry_id=DONE), "id_reused_with_other_content"),
    ("a wallet again", lambda: tx(OpenWallet(RICH), *top_up(NOBODY, 0)), "wallet_exists"),
    ("one wallet twice", lambda: tx(*[OpenWallet(NOBODY)] * 2, *top_up(NOBODY, 0)), "wallet_exists"),
    ("a wallet named as an asset", lambda: tx(OpenWallet(UNITS)), "wallet_exists"),
    ("an asset again", lambda: tx(asset(asset=UNITS), *top_up(NOBODY, 0)), "asset_exists"),
    ("an asset named as a wallet", lambda: tx(asset(asset=RICH)), "asset_exists"),
    ("flags in no asset", lambda: tx(SetFlags(at(NO_ASSET, NOBODY), True, True)), "asset_unknown"),
    ("flags of no wallet", lambda: tx(SetFlags(at(RUB, NOBODY), True, True)), "wallet_unknown"),
    ("flags of a mirror of money", lambda: tx(SetFlags(at(RUB, RUB), True, True)), "mirror_position_misused"),
    ("no such asset", lambda: tx(Posting(at(NO_ASSET, NOBODY), 0)), "asset_unknown"),
    ("no such wallet", lambda: tx(Posting(at(RUB, NOBODY), 0)), "wallet_unknown"),
    ("a holder's position in a mirror", lambda: tx(Posting(at(UNITS, UNITS), 0)), "mirror_position_misused"),
    (
        "a mirror's position of a holder",
        lambda: tx(Posting(at(UNITS, RICH, Position.ISSUED), 0)),
        "mirror_position_misused",
    ),
    ("money that is issued", lambda: tx(Posting(at(RUB, RUB, Position.ISSUED), 0)), "mirror_position_misused"),
    (
        "money that is extinguished",
        lambda: tx(Posting(at(RUB, RUB, Position.EXTINGUISHED), 0)),
        "mirror_position_misused",
    ),
    ("units at the bank", lambda: tx(Posting(at(UNITS, UNITS, Position.BANK), 0)), "mirror_position_misused"),
    ("half a kopeck", lambda: tx(*top_up(RICH, 0.5)), "transaction_malformed"),  # type: ignore[arg-type]
    ("truth as an amount", lambda: tx(*top_up(RICH, True)), "transaction_malformed"),
    ("a word as an amount", lambda: tx(Posting(at(RUB, RICH), "1")), "transaction_malformed"),  # type: ignore[arg-type]
    ("an amount of zero", lambda: tx(*top_up(RICH, 0)), "amount_out_of_range"),
    ("an amount beyond 64 bits", lambda: tx(*top_up(RICH, 2**63)), "amount_out_of_range"),
    ("the least number of 64 bits", lambda: tx(*pair(at(RUB, POOR), -(2**63))), "amount_out_of_range"),
    ("money out of nothing", lambda: tx(Posting(at(RUB, STOPPED), 1)), "postings_unbalanced"),
    (
        "one asset for another",
        lambda: tx(Posting(at(RUB, RICH), -1), Posting(at(UNITS, POOR), 1)),
        "postings_unbalanced",
    ),
    ("a debit that is stopped", lambda: tx(*move(RUB, STOPPED, RICH, INT64_MAX)), "account_debits_stopped"),
    ("a credit that is stopped", lambda: tx(*move(RUB, POOR, STOPPED, 10**9)), "account_credits_stopped"),
    (
        "stopped by the transaction itself",
        lambda: tx(SetFlags(at(RUB, POOR), True, False), *move(RUB, RICH, POOR, 10**9)),
        "account_credits_stopped",
    ),
    ("more than there is", lambda: tx(*move(RUB, POOR, RICH, 1)), "balance_insufficient"),
    ("more than there is here", lambda: tx(*move(RUB, RICH, POOR, 1, RESERVED)), "balance_insufficient"),
    ("one kopeck more than there is", lambda: tx(*move(RUB, RICH, POOR, 1001)), "balance_insufficient"),
    (
        "extinguished units called back",
        lambda: tx(*pair(at(UNITS, UNITS, Position.EXTINGUISHED), -1)),
        "balance_insufficient",
    ),
    ("one unit more than the decision", lambda: tx(*issue(UNITS, POOR, 41)), "issue_limit_exceeded"),
    (
        "one unit more in two postings",
        lambda: tx(*issue(UNITS, POOR, 20), *issue(UNITS, POOR, 21)),
        "issue_limit_exceeded",
    ),
    ("a balance beyond 64 bits", lambda: tx(*top_up(RICH, INT64_MAX)), "amount_out_of_range"),
    (
        "a balance beyond 64 bits in two postings",
        lambda: tx(*top_up(POOR, INT64_MAX), *top_up(POOR, INT64_MAX)),
        "amount_out_of_range",
    ),
]
TABLES = ("head", "account", "wallet", "asset", "entry", "tile", "batch")


@pytest.fixture
async def world(ledger: LedgerService) -> LedgerService:
    """RICH has 1000 kopecks and 10 units; 40 more units may be issued; STOPPED is stopped both ways."""
    opening = tx(*(OpenWallet(w) for w in (RICH, POOR, STOPPED)), units(UNITS, 50))
    first = tx(*top_up(RICH, 1000), entry_id=DONE)
    stop = tx(SetFlags(at(RUB, STOPPED), True, True))
    for answer in await ledger.post([opening, first, tx(*issue(UNITS, RICH, 10)), stop]):
        assert isinstance(answer, Committed), answer
    return ledger


async def everything(sql: asyncpg.Connection) -> dict[str, list[Any]]:
    return {table: await sql.fetch(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}


async def test_each_rule_refuses_in_its_order_and_nothing_changes(world, sql):
    before = await everything(sql)
    for name, make, code in TABLE:
        [answer] = await world.post([make()])
        assert isinstance(answer, Refused), f"{name}: {answer}"
        assert answer.code == code, f"{name}: {answer}"
        assert answer.detail
    assert await everything(sql) == before


async def test_all_refusals_together_spare_what_is_right_between_them(world, sql):
    rows = TABLE * 2
    random.Random(7).shuffle(rows)
    good = [tx(Posting(BANK, -1), Posting(at(RUB, POOR, LOCKED), 1)), tx(*move(RUB, RICH, POOR, 1))]
    transactions = [make() for _, make, _ in rows]
    answers = await world.post([good[0], *transactions, good[1]])
    assert [getattr(a, "code", a) for a in answers[1:-1]] == [code for _, _, code in rows]
    assert all(isinstance(a, Committed) for a in (answers[0], answers[-1]))
    assert await world.balances([at(RUB, RICH), at(RUB, POOR), BANK]) == [999, 1, -1001]
    assert (await world.check()).findings == []


async def test_a_refused_id_is_free(world):
    poor = tx(*move(RUB, POOR, RICH, 5))
    assert [a.code for a in await world.post([poor, poor])] == ["balance_insufficient"] * 2
    answers = await world.post([tx(*top_up(POOR, 5)), poor])
    assert isinstance(answers[1], Committed)
    assert not answers[1].replayed


async def test_the_last_allowed_amounts_pass(world):
    answers = await world.post(
        [
            tx(*issue(UNITS, POOR, 40)),
            tx(*top_up(POOR, INT64_MAX - 1000)),
            tx(*move(RUB, RICH, POOR, 1000)),
            tx(*(p for _ in range(MAX_POSTINGS_PER_TRANSACTION // 2) for p in move(RUB, POOR, RICH, 1))),
            tx(asset(code="A" * 64, scale=18, issue_limit=2**53 - 1)),
            msgspec.structs.replace(tx(OpenWallet(NOBODY), basis=basis("r" * 200, "ab" * 32)), actor="a" * 64),
        ]
    )
    assert [a for a in answers if isinstance(a, Refused)] == []
    assert await world.balances([at(RUB, POOR), ISSUED]) == [INT64_MAX - 500, -50]
    assert (await world.check()).findings == []


async def test_a_call_of_more_than_the_most_is_refused_whole_and_the_most_is_taken(world, sql):
    before = await everything(sql)
    many = [tx(*move(RUB, POOR, RICH, 1)) for _ in range(MAX_TRANSACTIONS_PER_CALL + 1)]
    with pytest.raises(BatchTooLarge) as refused:
        await world.post(many)
    assert refused.value.code == "batch_too_large"
    assert await everything(sql) == before
    answers = await world.post(many[1:])
    assert {a.code for a in answers} == {"balance_insufficient"}
    assert await world.post([]) == []


class TestLinkedSet:
    async def test_one_refusal_takes_back_the_neighbours_and_only_them(self, world):
        one, two = UUID(int=1), UUID(int=2)
        answers = await world.post(
            [
                tx(*top_up(POOR, 1), linked=one),
                tx(*top_up(POOR, 2), linked=two),
                tx(OpenWallet(NOBODY), *top_up(NOBODY, 4), linked=two),
                tx(SetFlags(at(RUB, POOR, LOCKED), True, True), *move(RUB, POOR, RICH, 99), linked=two),
                tx(*top_up(NOBODY, 8), linked=two),
                tx(*top_up(POOR, 16), linked=one),
            ]
        )
        codes = [a.code if isinstance(a, Refused) else "committed" for a in answers]
        broken = "linked_set_broken"
        assert codes == ["committed", broken, broken, "balance_insufficient", broken, "committed"]
        assert answers[1].facts == {"because": "balance_insufficient"}
        assert await world.balances([at(RUB, POOR), at(RUB, NOBODY)]) == [17, 0]
        assert [a.code for a in await world.post([tx(*top_up(NOBODY, 1))])] == ["wallet_unknown"]
        assert [type(a) for a in await world.post([tx(OpenWallet(NOBODY), *top_up(NOBODY, 1))])] == [Committed]
        assert (await world.check()).findings == []

    async def test_a_set_repeated_whole_is_told_what_it_was_told_first(self, world):
        members = [tx(*top_up(POOR, n), linked=UUID(int=3)) for n in (1, 2, 4)]
        first = await world.post(members)
        assert [(a.seq, a.replayed) for a in await world.post(members)] == [(a.seq, True) for a in first]

    async def test_a_member_that_another_caller_entered_stays_entered_when_the_set_breaks(self, world):
        import asyncio

        member = tx(*top_up(POOR, 1), linked=UUID(int=4))
        spoiler = tx(*move(RUB, POOR, RICH, 99), linked=UUID(int=4))
        calls = await asyncio.gather(world.post([member]), world.post([member, spoiler]))
        assert isinstance(calls[0][0], Committed)
        assert isinstance(calls[1][0], Committed)
        assert calls[1][0].seq == calls[0][0].seq
        assert calls[1][1].code == "balance_insufficient"
        assert await world.balances([at(RUB, POOR, AVAILABLE)]) == [1]


def test_the_table_has_every_code_a_transaction_can_be_refused_with():
    import re
    from pathlib import Path

    import kapital.ledger.domain as domain

    folder = Path(domain.__file__).parent
    text = "".join((folder / name).read_text() for name in ("account.py", "book.py", "plan.py"))
    raised = set(re.findall(r'(?:Refusal|Refused)\(\s*(?:tx\.id, )?f?"([a-z_{}]+)"', text))
    raised = raised - {"account_{side}_stopped"} | {"account_debits_stopped", "account_credits_stopped"}
    # An asset on hold stands in the tests of holds.
    assert raised == {code for _, _, code in TABLE} | {"linked_set_broken", "asset_held"}


async def test_an_entry_names_the_rules_of_its_deal_and_is_the_answer_to_no_other(world):
    deal, plain = changed(id=new_uuid7(), rule_book_version="of-the-deal"), changed(id=new_uuid7())
    size = await world.size()
    first = await world.post([deal, plain])

    told = [msgspec.json.decode(entry.body)["rule_book_version"] for entry in await world.entries(size, size + 2)]
    assert told == ["of-the-deal", "2026-01-01"]
    world.follow_rule_book("later")
    assert [answer.seq for answer in await world.post([deal, plain])] == [answer.seq for answer in first]
    [other] = await world.post([msgspec.structs.replace(deal, rule_book_version="later")])
    assert other.code == "id_reused_with_other_content"
    assert (await world.check()).clean
