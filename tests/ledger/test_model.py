"""The ledger beside a model that fits on a page: any transactions, any grouping, any interleaving of callers."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kapital.ledger.adapters.writer_process import WriterProcess
from kapital.ledger.api import (
    AccountKey,
    AssetKind,
    Committed,
    Position,
    Posting,
    Refused,
    SetFlags,
    SetFreeze,
    Transaction,
)
from kapital.ledger.service import MIGRATIONS
from kapital.platform.database import Database, dsn_for
from kapital.platform.ids import new_uuid7
from kapital.platform.postgres import EmbeddedPostgres
from kapital.verify.verifier import verify
from tests.ledger.conftest import build
from tests.ledger.words import AVAILABLE, BASIS, LOCKED, RESERVED, RUB, at, top_up, tx, units

WALLETS = [UUID(int=(0x0190 << 112) | (7 << 76) | (2 << 62) | n) for n in range(1, 5)]
UNITS = UUID(int=(0x0190 << 112) | (7 << 76) | (2 << 62) | 99)
LIMIT = 50
FROZEN = Position.FROZEN
KINDS = {RUB: AssetKind.MONEY, UNITS: AssetKind.UNITS}
FREEZES = [UUID(int=(0x0190 << 112) | (7 << 76) | (2 << 62) | n) for n in (201, 202)]

POSITIONS = [AVAILABLE, AVAILABLE, RESERVED, FROZEN, LOCKED]
MIRRORS = [
    AccountKey(RUB, Position.BANK, RUB),
    AccountKey(UNITS, Position.ISSUED, UNITS),
    AccountKey(UNITS, Position.EXTINGUISHED, UNITS),
]
amounts = st.integers(-30, 30).filter(bool)
accounts = st.one_of(
    st.builds(at, st.sampled_from([RUB, UNITS]), st.sampled_from(WALLETS), st.sampled_from(POSITIONS)),
    st.sampled_from(MIRRORS),
)
# A wallet that never opens may be frozen too. Most scopes are everything.
freezes = st.builds(
    lambda name, wallet, credit, debit, scope, allowance: SetFreeze(
        name, wallet, credit, debit, *scope, allowance if debit and scope in _OF_MONEY else 0
    ),
    st.sampled_from(FREEZES),
    st.sampled_from([*WALLETS[:2], *WALLETS, UUID(int=77)]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(
        [(None, None), (None, None), (RUB, None), (UNITS, None), (None, AssetKind.UNITS), (None, AssetKind.MONEY)]
    ),
    st.sampled_from([0, 0, 10]),
)
_OF_MONEY = [(None, None), (None, AssetKind.MONEY)]


@st.composite
def balanced(draw: Any) -> tuple[Posting, ...]:
    """One to three moves between any two accounts of one asset."""
    postings: list[Posting] = []
    for _ in range(draw(st.integers(1, 3))):
        one, two, amount = draw(accounts), draw(accounts), draw(amounts)
        if one.asset == two.asset:
            postings += [Posting(one, -amount), Posting(two, amount)]
    return tuple(postings)


@st.composite
def transactions(draw: Any) -> Transaction:
    flags = draw(st.lists(st.builds(SetFlags, accounts, st.booleans(), st.booleans()), max_size=1))
    postings = draw(balanced())
    if draw(st.integers(0, 9)) == 0 and postings:
        postings = (*postings[:-1], Posting(postings[-1].account, postings[-1].amount + 1))
    linked = draw(st.sampled_from([None, None, UUID(int=1), UUID(int=2)]))
    frozen = draw(st.lists(freezes, max_size=1)) if draw(st.integers(0, 2)) == 0 else []
    income_of = draw(st.sampled_from([None, None, UNITS]))
    return Transaction(
        new_uuid7(), "machine:test", BASIS, postings, (), tuple(flags), linked, tuple(frozen), income_of
    )


class Model:
    """Balances, flags and freezes as dictionaries, and the rules in the plainest words."""

    def __init__(self) -> None:
        self.balances: dict[AccountKey, int] = {}
        self.flags: dict[AccountKey, tuple[bool, bool]] = {}
        self.freezes: dict[tuple[UUID, UUID], SetFreeze] = {}
        self.done: dict[UUID, Transaction] = {}

    def post(self, batch: list[Transaction]) -> list[str]:
        answers: list[str] = []
        start = 0
        while start < len(batch):
            stop = start + 1
            while stop < len(batch) and batch[start].linked_set and batch[stop].linked_set == batch[start].linked_set:
                stop += 1
            before = dict(self.balances), dict(self.flags), dict(self.freezes), dict(self.done)
            group = [self._one(t) for t in batch[start:stop]]
            if stop - start > 1 and any(a not in ("committed", "replayed") for a in group):
                kept = [a == "replayed" and t.id in before[3] for a, t in zip(group, batch[start:stop], strict=True)]
                self.balances, self.flags, self.freezes, self.done = before
                group = [
                    "replayed" if k else "linked_set_broken" if a in ("committed", "replayed") else a
                    for a, k in zip(group, kept, strict=True)
                ]
            answers += group
            start = stop
        return answers

    def _one(self, t: Transaction) -> str:
        if not (t.postings or t.flags or t.freezes):
            return "transaction_malformed"
        if t.id in self.done:
            return "replayed" if self.done[t.id] == t else "id_reused_with_other_content"
        flags = {**self.flags, **{f.account: (f.debits_stopped, f.credits_stopped) for f in t.flags}}
        after, frozen = dict(self.balances), dict(self.freezes)
        for f in t.freezes:
            if f.debits_stopped or f.credits_stopped:
                frozen.pop((f.wallet, f.freeze), None)
                frozen[f.wallet, f.freeze] = f
            elif frozen.pop((f.wallet, f.freeze), None) is None:
                return "freeze_not_in_force"
        entered = msgspec.structs.replace(t, postings=self._where_income_goes(t, frozen))
        for p in entered.postings:
            after[p.account] = after.get(p.account, 0) + p.amount
        refusal = (
            self._shape(entered)
            or self._stopped(entered, flags)
            or self._frozen(entered, frozen)
            or self._bounds(entered, after)
        )
        if refusal:
            return refusal
        self.balances, self.flags, self.freezes, self.done[t.id] = after, flags, frozen, t
        return "committed"

    @staticmethod
    def _covers(f: SetFreeze, asset: UUID) -> bool:
        return f.asset in (None, asset) and f.kind in (None, KINDS[asset])

    def _where_income_goes(self, t: Transaction, frozen: dict[tuple[UUID, UUID], SetFreeze]) -> tuple[Posting, ...]:
        if t.income_of is None:
            return t.postings
        entered = []
        for p in t.postings:
            key = p.account
            mine = [f for (wallet, _), f in frozen.items() if wallet == key.wallet]
            caught = any(self._covers(f, key.asset) or self._covers(f, t.income_of) for f in mine)
            if p.amount > 0 and key.position is AVAILABLE and caught:
                key = at(key.asset, key.wallet, FROZEN)
            entered.append(Posting(key, p.amount))
        return tuple(entered)

    def _frozen(self, t: Transaction, frozen: dict[tuple[UUID, UUID], SetFreeze]) -> str | None:
        spent: dict[tuple[UUID, UUID], int] = {}
        for wallet, asset in dict.fromkeys((p.account.wallet, p.account.asset) for p in t.postings):
            mine = {name: f for name, f in frozen.items() if name[0] == wallet}
            if not mine:
                continue
            moved = [p for p in t.postings if (p.account.wallet, p.account.asset) == (wallet, asset)]
            others = [p for p in t.postings if p.account.asset == asset and p.amount > 0]
            ends = t.income_of == asset and all(p.account.position is Position.EXTINGUISHED for p in others)
            out = dict.fromkeys(Position, 0)
            for p in moved:
                if p.amount < 0 and not ends:
                    out[p.account.position] -= p.amount
            if out[FROZEN]:
                return "wallet_debits_frozen"
            covering = {name: f for name, f in mine.items() if self._covers(f, asset)}
            came = sum(p.amount for p in moved if p.account.position is not FROZEN)
            if came > 0 and any(f.credits_stopped for f in covering.values()):
                return "wallet_credits_frozen"
            stopping = [name for name, f in covering.items() if f.debits_stopped]
            if not stopping:
                continue
            back = sum(p.amount for p in moved if p.amount > 0 and p.account.position in (AVAILABLE, FROZEN))
            paid = sum(p.amount for p in t.postings if p.account == AccountKey(asset, Position.BANK, asset))
            bank = min(out[LOCKED], max(paid, 0))
            leaves = out[AVAILABLE] + max(0, out[RESERVED] + out[LOCKED] - bank - back)
            if leaves and (asset == UNITS or leaves > min(mine[name].debit_allowance for name in stopping)):
                return "wallet_debits_frozen"
            if leaves:
                spent |= dict.fromkeys(stopping, leaves)
        for name, leaves in spent.items():
            left = frozen[name].debit_allowance - leaves
            frozen[name] = msgspec.structs.replace(frozen[name], debit_allowance=left)
        return None

    @staticmethod
    def _shape(t: Transaction) -> str | None:
        if any(p.amount == 0 for p in t.postings):
            return "amount_out_of_range"
        for asset in (RUB, UNITS):
            if sum(p.amount for p in t.postings if p.account.asset == asset):
                return "postings_unbalanced"
        return None

    @staticmethod
    def _stopped(t: Transaction, flags: dict[AccountKey, tuple[bool, bool]]) -> str | None:
        for p in t.postings:
            no_debits, no_credits = flags.get(p.account, (False, False))
            if p.amount < 0 and no_debits:
                return "account_debits_stopped"
            if p.amount > 0 and no_credits:
                return "account_credits_stopped"
        return None

    @staticmethod
    def _bounds(t: Transaction, after: dict[AccountKey, int]) -> str | None:
        for p in t.postings:
            if p.account.position is Position.ISSUED:
                if after[p.account] < -LIMIT:
                    return "issue_limit_exceeded"
            elif p.account.position is not Position.BANK and after[p.account] < 0:
                return "balance_insufficient"
        return None


def told(answer: Committed | Refused) -> str:
    if isinstance(answer, Refused):
        return answer.code
    return "replayed" if answer.replayed else "committed"


class LedgerLife(RuleBasedStateMachine):
    """Two ledgers (two processes' worth of writers) over one database, and the model."""

    server: EmbeddedPostgres
    template: str

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.name = f"life_{new_uuid7().hex}"
        self.run(self._admin(f'CREATE DATABASE "{self.name}" TEMPLATE "{self.template}"'))
        self.database = Database("ledger", dsn_for(self.server.dsn(), self.name))
        self.ledgers = [build(self.database), build(self.database, writer=WriterProcess)]
        self.model = Model()
        self.sent: list[Transaction] = []
        self.history: list[tuple[int, dict[AccountKey, int]]] = []

    def run(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(coroutine)

    async def _admin(self, statement: str) -> None:
        connection = await asyncpg.connect(self.server.dsn())
        await connection.execute(statement)
        await connection.close()

    def teardown(self) -> None:
        try:
            self.everything_can_be_rebuilt_and_proved()
        finally:
            for ledger in self.ledgers:
                self.run(ledger.close())
            self.run(self.database.close())
            self.run(self._admin(f'DROP DATABASE "{self.name}" WITH (FORCE)'))
            self.loop.close()

    @initialize()
    def open(self) -> None:
        from kapital.ledger.api import OpenWallet

        self.run(self.ledgers[0].open_money())
        opening = tx(units(UNITS, LIMIT), *(OpenWallet(w) for w in WALLETS))
        assert isinstance(self.run(self.ledgers[0].post([opening]))[0], Committed)
        for wallet in WALLETS[:2]:
            self.post_one_call([tx(*top_up(wallet, 40))])

    def post_one_call(self, batch: list[Transaction], which: int = 0) -> None:
        answers = self.run(self.ledgers[which].post(batch))
        got, expected = [told(a) for a in answers], self.model.post(batch)
        assert got == expected, f"ledger {got}, model {expected}"
        self.sent += batch
        self.history.append((self.run(self.ledgers[which].size()), dict(self.model.balances)))

    @rule(batch=st.lists(transactions(), min_size=1, max_size=6), which=st.integers(0, 1))
    def one_call(self, batch: list[Transaction], which: int) -> None:
        self.post_one_call(batch, which)

    @rule(data=st.data(), which=st.integers(0, 1))
    def repeat_what_was_sent(self, data: Any, which: int) -> None:
        if self.sent:
            self.post_one_call([data.draw(st.sampled_from(self.sent))], which)

    @rule(data=st.data(), amount=amounts)
    def use_an_id_again_for_something_else(self, data: Any, amount: int) -> None:
        done = [t for t in self.sent if t.id in self.model.done]
        if done:
            other = tx(*top_up(WALLETS[0], abs(amount) + 100), entry_id=data.draw(st.sampled_from(done)).id)
            self.post_one_call([other])

    @rule(calls=st.lists(st.lists(transactions(), min_size=1, max_size=3), min_size=2, max_size=6))
    def calls_at_once(self, calls: list[list[Transaction]]) -> None:
        """Callers of one process are answered as if one after another, in the order they came."""

        async def all_at_once() -> list[list[Committed | Refused]]:
            return await asyncio.gather(*(self.ledgers[0].post(call) for call in calls))

        for call, answers in zip(calls, self.run(all_at_once()), strict=True):
            got, expected = [told(a) for a in answers], self.model.post(call)
            assert got == expected, f"ledger {got}, model {expected}"
            self.sent += call

    @invariant()
    def balances_are_the_models(self) -> None:
        keys = [at(a, w, p) for a in (RUB, UNITS) for w in WALLETS for p in set(POSITIONS)] + MIRRORS
        stored = self.run(self.ledgers[1].balances(keys))
        assert stored == [self.model.balances.get(k, 0) for k in keys]
        for asset in (RUB, UNITS):
            assert sum(b for k, b in zip(keys, stored, strict=True) if k.asset == asset) == 0

    @invariant()
    def freezes_are_the_models(self) -> None:
        in_force = self.run(self.ledgers[1].freezes([*WALLETS, UUID(int=77)]))
        assert {(f.freeze.wallet, f.freeze.freeze): f.freeze for f in in_force} == self.model.freezes

    @rule(data=st.data())
    def the_past_stays(self, data: Any) -> None:
        if self.history:
            size, balances = data.draw(st.sampled_from(self.history))
            keys = list(self.model.balances)
            assert self.run(self.ledgers[0].balances_at(keys, size=size)) == [balances.get(k, 0) for k in keys]

    def everything_can_be_rebuilt_and_proved(self) -> None:
        if not self.sent:
            return
        report = self.run(self.ledgers[1].check())
        assert report.findings == []
        package = self.run(self.ledgers[0].statement_evidence(WALLETS[0]))
        assert verify(package, trusted_keys=self.ledgers[0].verifier_keys).accepted
        self.run(self.ledgers[0].rebuild())
        assert self.run(self.ledgers[1].check()).findings == []
        self.balances_are_the_models()


async def test_the_ledger_does_what_the_model_does(
    postgres: EmbeddedPostgres, make_database: Callable[..., Any]
) -> None:
    template: Database = await make_database("ledger", MIGRATIONS)
    await template.close()
    LedgerLife.server = postgres
    LedgerLife.template = template.dsn.split("?")[0].rsplit("/", 1)[1]
    from hypothesis.stateful import run_state_machine_as_test

    await asyncio.to_thread(
        run_state_machine_as_test,
        LedgerLife,
        settings=settings(
            max_examples=25,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # Shrinking a case over a real database takes minutes; the printed steps and seed are enough to replay.
            phases=(Phase.explicit, Phase.generate),
        ),
    )
