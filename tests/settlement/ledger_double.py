"""A ledger in memory with the rules that settlement relies on; the real one is `kapital.ledger`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from uuid import UUID

from kapital.ledger.api import (
    MIRROR_POSITIONS,
    AccountKey,
    Committed,
    OpenAsset,
    OpenWallet,
    Refused,
    RegisterRow,
    Transaction,
)


class LedgerInMemory:
    def __init__(self) -> None:
        self.posted: list[Transaction] = []
        self.calls = 0
        self._done: dict[UUID, tuple[Transaction, Committed]] = {}
        self._open: set[UUID] = set()
        self._balance: dict[AccountKey, int] = {}
        self._flags: dict[AccountKey, tuple[bool, bool]] = {}

    async def post(self, transactions: Sequence[Transaction]) -> list[Committed | Refused]:
        self.calls += 1
        answers: list[Committed | Refused] = []
        for linked, group in groupby(transactions, key=lambda one: one.linked_set):
            members = list(group)
            sets = [members] if linked else [[one] for one in members]
            for one_set in sets:
                answers += self._together(one_set)
        return answers

    def _together(self, members: list[Transaction]) -> list[Committed | Refused]:
        saved = dict(self._balance), dict(self._flags), dict(self._done), set(self._open), list(self.posted)
        answers = [self._enter(one) for one in members]
        if any(isinstance(answer, Refused) for answer in answers):
            self._balance, self._flags, self._done, self._open, self.posted = saved
            return [
                answer
                if isinstance(answer, Refused)
                else Refused(id=one.id, code="linked_set_broken", detail="another of the set was refused")
                for one, answer in zip(members, answers, strict=True)
            ]
        return answers

    def _enter(self, one: Transaction) -> Committed | Refused:
        if one.id in self._done:
            known, committed = self._done[one.id]
            if known != one:
                return Refused(id=one.id, code="id_reused_with_other_content", detail="the id is taken")
            return Committed(committed.id, committed.seq, committed.recorded_at, committed.leaf, replayed=True)
        if code := self._rule_broken(one):
            return Refused(id=one.id, code=code, detail=code)
        for posting in one.postings:
            self._balance[posting.account] = self._balance.get(posting.account, 0) + posting.amount
        committed = Committed(
            id=one.id,
            seq=len(self.posted),
            recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
            leaf=sha256(one.id.bytes).digest(),
        )
        self.posted.append(one)
        self._done[one.id] = (one, committed)
        return committed

    def _rule_broken(self, one: Transaction) -> str | None:
        for opening in one.opens:
            new = opening.wallet if isinstance(opening, OpenWallet) else opening.asset
            if new in self._open:
                return "asset_exists" if isinstance(opening, OpenAsset) else "wallet_exists"
            self._open.add(new)
        for flags in one.flags:
            self._flags[flags.account] = (flags.debits_stopped, flags.credits_stopped)
        sums: dict[UUID, int] = {}
        if len({posting.account for posting in one.postings}) < len(one.postings):
            return "transaction_malformed"
        for posting in one.postings:
            account, after = posting.account, self._balance.get(posting.account, 0) + posting.amount
            sums[account.asset] = sums.get(account.asset, 0) + posting.amount
            debits_stopped, credits_stopped = self._flags.get(account, (False, False))
            if account.wallet not in self._open:
                return "wallet_unknown"
            if account.asset not in self._open:
                return "asset_unknown"
            if debits_stopped and posting.amount < 0:
                return "account_debits_stopped"
            if credits_stopped and posting.amount > 0:
                return "account_credits_stopped"
            if after < 0 and account.position not in MIRROR_POSITIONS:
                return "balance_insufficient"
        return "postings_unbalanced" if any(sums.values()) else None

    async def balances(self, keys: Sequence[AccountKey]) -> list[int]:
        return [self._balance.get(key, 0) for key in keys]

    async def register(self, asset: UUID, *, size: int | None = None) -> list[RegisterRow]:
        return [
            RegisterRow(key.wallet, key.position, balance)
            for key, balance in self._balance.items()
            if key.asset == asset and balance
        ]

    async def size(self) -> int:
        return len(self.posted)
