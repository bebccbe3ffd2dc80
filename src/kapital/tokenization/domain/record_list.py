"""The list of holders at the record moment (список на дату), taken page by page and cut into parts.

A part is what is instructed, paid and noted as one: at most 1,000 lines, whole wallets.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Final
from uuid import UUID

from msgspec import Struct

from kapital.kernel.problems import ensure
from kapital.tokenization.domain.events import LINES_PER_PART
from kapital.tokenization.domain.payoff import Holding, PayoutLine

PARTS_UNDER_WAY: Final = 16
"""So many parts of one action are instructed and not yet answered at a time: what bounds memory and events."""


class RecordList(Struct, frozen=True, kw_only=True):
    """How far the list of an action is taken: every wallet up to `after_wallet`, of the register after `record_size`.

    `after_wallet` None: nothing is taken yet. Sums are of what is taken.
    """

    action_id: UUID
    record_size: int
    after_wallet: UUID | None = None
    holders: int = 0
    total_kopecks: int = 0
    parts: int = 0

    def taken(
        self, holdings: Sequence[Holding], cut: Sequence[Sequence[PayoutLine]], after: UUID | None
    ) -> "RecordList":
        """The list with one more page: who is in it, and the parts that it was cut into."""
        return RecordList(
            action_id=self.action_id,
            record_size=self.record_size,
            after_wallet=after,
            holders=self.holders + len({holding.wallet_id for holding in holdings}),
            total_kopecks=self.total_kopecks + sum(line.amount_kopecks for part in cut for line in part),
            parts=self.parts + len(cut),
        )


def cut_into_parts(lines: Sequence[PayoutLine], most: int = LINES_PER_PART) -> list[list[PayoutLine]]:
    """Cut lines into parts of at most `most`, in order, the lines of one wallet never apart.

    Shape: the lines of a wallet are neighbours; a wallet has fewer lines than a part takes.
    """
    parts: list[list[PayoutLine]] = []
    for _, of_wallet in groupby(lines, key=lambda line: line.wallet_id):
        together = list(of_wallet)
        ensure(len(together) <= most, "a wallet has more positions than a part has lines")
        if not parts or len(parts[-1]) + len(together) > most:
            parts.append([])
        parts[-1] += together
    return parts
