"""The real ledger with a note of what was entered and how often it was called."""

from collections.abc import Sequence
from typing import Any

from kapital.ledger.api import Committed, Refused, Transaction
from kapital.ledger.service import LedgerService


class WatchedLedger:
    def __init__(self, ledger: LedgerService) -> None:
        self._ledger = ledger
        self.calls = 0
        self.posted: dict[int, Transaction] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def post(self, transactions: Sequence[Transaction]) -> list[Committed | Refused]:
        self.calls += 1
        answers = await self._ledger.post(transactions)
        for one, answer in zip(transactions, answers, strict=True):
            if isinstance(answer, Committed):
                self.posted[answer.seq] = one
        return answers

    def last(self, count: int = 1) -> list[tuple[int, Transaction]]:
        """The last entries with their numbers, in order."""
        return sorted(self.posted.items())[-count:]
