"""The book alone beside the model of `test_model`: no database, so thousands of batches, and a failure shrinks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kapital.ledger.api import (
    AccountKey,
    AssetKind,
    OpenAsset,
    OpenWallet,
    Position,
    Posting,
    SetFlags,
    SetFreeze,
    StoredEntry,
    Transaction,
)
from kapital.ledger.domain.account import AccountRow
from kapital.ledger.domain.book import Book, Head, Missing
from kapital.ledger.domain.freeze import Freeze, as_set
from kapital.ledger.domain.plan import Batch, RuleBook, make_plan
from kapital.ledger.domain.tree import GrowingTree
from kapital.platform.ids import new_uuid7
from tests.ledger.test_model import FREEZES, LIMIT, MIRRORS, POSITIONS, UNITS, WALLETS, Model, told
from tests.ledger.words import BASIS, RUB, at, issue, top_up, tx, units

STARTED = datetime(2026, 1, 1, tzinfo=UTC)
RULES = RuleBook("1", "1")
PURE = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


class Rows:
    """What a database would hold after the batches, and the ledger's way to plan on it."""

    def __init__(self) -> None:
        self.book, self.tree, self.head = Book(), GrowingTree(0, ()), Head(0, 0, STARTED, STARTED, 0)
        self.entries: dict[UUID, StoredEntry] = {}
        self.accounts: dict[int, AccountRow] = {}
        self.wallets: set[UUID] = set()
        self.assets: dict[UUID, OpenAsset] = {}
        self.freezes: dict[tuple[UUID, UUID], Freeze] = {}

    def post(self, batch: Sequence[Transaction]) -> list[str]:
        for missing_of in (self.book.missing, self.book.missing_twins):
            missing = missing_of(batch)
            self.book.learn(missing, *self._read(missing))
        plan = make_plan(
            self.book,
            self.tree,
            self.head,
            [batch],
            accounts=self.book.accounts_of(batch),
            existing=self.entries,
            now=STARTED,
            rules=RULES,
        )
        self._write(plan.batch)
        return [told(answer) for answer in plan.answers]

    def forget(self) -> None:
        """Begin with an empty book, as a new process does."""
        self.book = Book()

    def _read(self, missing: Missing) -> tuple[Any, ...]:
        accounts, wallets, assets = map(set, missing)
        return (
            [row for row in self.accounts.values() if row.key in accounts],
            wallets & self.wallets,
            [asset for one, asset in self.assets.items() if one in assets],
            (),
            [freeze for freeze in self.freezes.values() if freeze.wallet in wallets],
        )

    def _write(self, batch: Batch) -> None:
        self.head = batch.after
        self.entries |= {row.id: StoredEntry(row.seq, row.body) for row in batch.entries}
        self.accounts |= {row.number: row for row in batch.new_accounts}
        for number, balance, flags, last_seq in zip(*batch.changed_accounts, strict=True):
            self.accounts[number] = AccountRow(number, self.accounts[number].key, balance, flags, last_seq)
        self.wallets |= {wallet for wallet, _ in batch.new_wallets}
        self.assets |= {asset.asset: asset for asset, _ in batch.new_assets}
        for _, freeze in batch.new_freezes:
            if freeze.stops:
                self.freezes[freeze.wallet, freeze.freeze] = freeze
            else:
                del self.freezes[freeze.wallet, freeze.freeze]


def require_order(book: Book) -> None:
    """Every account knows whether its wallet is frozen, and hangs on its wallet once."""
    for key, account in book.accounts.items():
        assert account.frozen is (key.wallet in book.frozen), key
    hanging = []
    for last in book.wallets.values():
        account = last
        while account is not None:
            hanging.append(account.key)
            account = account.beside
    assert len(hanging) == len(set(hanging))
    assert set(hanging) == {key for key in book.accounts if key.wallet != key.asset}


class Dice:
    """Choices out of bytes: a strategy for each of them would take a hundred times as long as the book itself.

    A case shrinks with its bytes: 0 is the first option everywhere.
    """

    def __init__(self, seed: bytes) -> None:
        self._left = iter(seed)

    def of(self, options: Sequence[Any]) -> Any:
        return options[next(self._left) % len(options)]


ACCOUNTS = (
    *(at(asset, wallet, position) for asset in (RUB, UNITS) for wallet in WALLETS for position in POSITIONS),
    *MIRRORS,
)
AMOUNTS = [1, 2, 5, 10, 30, -1, -7, -30]
SCOPES = [(None, None), (None, None), (RUB, None), (UNITS, None), (None, AssetKind.UNITS), (None, AssetKind.MONEY)]
STOPS = [(True, True), (False, True), (True, False), (False, False)]
BYTES_PER_TRANSACTION = 22
batches = st.lists(st.binary(min_size=BYTES_PER_TRANSACTION, max_size=BYTES_PER_TRANSACTION), min_size=1, max_size=6)


def move_within(wallet: UUID, kopecks: int) -> tuple[Posting, ...]:
    """Half of it is reserved, half locked."""
    half = kopecks // 2
    return (
        Posting(at(RUB, wallet), -2 * half),
        Posting(at(RUB, wallet, Position.RESERVED), half),
        Posting(at(RUB, wallet, Position.LOCKED), half),
    )


@cache
def _of_one_asset(accounts: tuple[AccountKey, ...], asset: UUID) -> list[AccountKey]:
    return [account for account in accounts if account.asset == asset]


def moves(dice: Dice, accounts: tuple[AccountKey, ...]) -> list[Posting]:
    """One to three moves between any two accounts of one asset; one time in ten they do not add up."""
    postings: list[Posting] = []
    for _ in range(dice.of([1, 1, 2, 3])):
        one, amount = dice.of(accounts), dice.of(AMOUNTS)
        two = dice.of(_of_one_asset(accounts, one.asset))
        postings += [Posting(one, -amount), Posting(two, amount)]
    if dice.of(range(10)) == 9:
        postings[-1] = Posting(postings[-1].account, postings[-1].amount + 1)
    return postings


def some_freeze(dice: Dice, wallets: Sequence[UUID]) -> tuple[SetFreeze, ...]:
    present, name, wallet = dice.of([0, 0, 1]), dice.of(FREEZES), dice.of(wallets)
    (credit, debit), scope, allowance = dice.of(STOPS), dice.of(SCOPES), dice.of([0, 0, 10])
    of_money = scope in [(None, None), (None, AssetKind.MONEY)]
    change = SetFreeze(name, wallet, credit, debit, *scope, allowance if debit and of_money else 0)
    return (change,) if present else ()


def any_transaction(seed: bytes) -> Transaction:
    dice = Dice(seed)
    linked = dice.of([None, None, UUID(int=1), UUID(int=2)])
    frozen = some_freeze(dice, [*WALLETS[:2], *WALLETS, UUID(int=77)])
    income_of = dice.of([None, None, UNITS])
    flags = (SetFlags(dice.of(ACCOUNTS), *dice.of(STOPS)),) if dice.of([0, 0, 0, 1]) else ()
    postings = moves(dice, ACCOUNTS)
    return Transaction(new_uuid7(), "machine:test", BASIS, tuple(postings), (), flags, linked, frozen, income_of)


@PURE
@given(st.lists(st.tuples(batches, st.booleans()), min_size=4, max_size=16))
def test_the_book_does_what_the_model_does(life: list[tuple[list[bytes], bool]]) -> None:
    rows, model = Rows(), Model()
    assert rows.post([tx(OpenAsset(RUB, AssetKind.MONEY, "RUB", 2))]) == ["committed"]
    assert rows.post([tx(units(UNITS, LIMIT), *(OpenWallet(wallet) for wallet in WALLETS))]) == ["committed"]
    for wallet in WALLETS[:2]:
        batch = [tx(*top_up(wallet, 40)), tx(*issue(UNITS, wallet, 15)), tx(*move_within(wallet, 20))]
        assert rows.post(batch) == model.post(batch)
    sent: list[Transaction] = []
    for seeds, forgotten in life:
        batch = [any_transaction(seed) for seed in seeds]
        if forgotten:
            rows.forget()
            batch = [*sent[len(sent) // 2 :][:1], *batch]
        assert rows.post(batch) == model.post(batch), batch
        sent += batch
        require_order(rows.book)
        assert {name: as_set(freeze) for name, freeze in rows.freezes.items()} == model.freezes
        for row in rows.accounts.values():
            assert row.balance == model.balances.get(row.key, 0), row


@pytest.mark.parametrize("unknown", ["wallet", "asset"])
def test_a_row_of_what_the_book_knows_not_to_be_there_is_left_alone(unknown: str) -> None:
    """Another process opened it since: this book's plans are not written any more, and making them must not fail."""
    book, key = Book(), at(RUB, WALLETS[0])
    first = book.missing([tx(*top_up(WALLETS[0], 1))])
    money = OpenAsset(RUB, AssetKind.MONEY, "RUB", 2)
    book.learn(first, (), [] if unknown == "wallet" else WALLETS[:1], [] if unknown == "asset" else [money])

    again = book.missing([tx(*top_up(WALLETS[0], 1))])
    book.learn(again, [AccountRow(0, key, 5, 0, 0)], [], [])

    assert key not in book.accounts
    require_order(book)


LATER = [UUID(int=WALLETS[-1].int + n) for n in (1, 2)]
OTHER_UNITS = UUID(int=UNITS.int + 1)
SOON = (
    *(at(asset, wallet) for asset in (RUB, UNITS, OTHER_UNITS) for wallet in [*WALLETS[:2], *LATER]),
    AccountKey(OTHER_UNITS, Position.ISSUED, OTHER_UNITS),
)


def opening_transaction(seed: bytes) -> Transaction:
    """Openings with postings and freezes of what they open; many are refused, alone or with their set."""
    dice = Dice(seed)
    linked = dice.of([None, UUID(int=1)])
    opens: list[OpenWallet | OpenAsset] = [OpenWallet(wallet) for wallet in LATER if dice.of([0, 0, 1])]
    if dice.of([0, 0, 1]):
        opens.append(units(OTHER_UNITS))
    frozen = some_freeze(dice, [WALLETS[0], *LATER])
    postings = moves(dice, SOON) if dice.of([0, 1, 1]) else []
    return Transaction(new_uuid7(), "machine:test", BASIS, tuple(postings), tuple(opens), (), linked, frozen)


@PURE
@given(st.lists(batches, min_size=2, max_size=8))
def test_accounts_of_what_was_opened_or_taken_back_know_their_wallets_freezes(life: list[list[bytes]]) -> None:
    rows = Rows()
    rows.post([tx(OpenAsset(RUB, AssetKind.MONEY, "RUB", 2), units(UNITS), *(OpenWallet(w) for w in WALLETS))])
    rows.post([tx(*top_up(WALLETS[0], 40))])
    for seeds in life:
        rows.post([opening_transaction(seed) for seed in seeds])
        require_order(rows.book)
