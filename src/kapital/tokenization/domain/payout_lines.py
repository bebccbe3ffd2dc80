"""What each holder of a page of the list is paid: the payoff is asked once for all who hold the same."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final
from uuid import UUID

from kapital.tokenization.domain.payoff import Holding, PayoutLine, UnitPayout, lines
from kapital.tokenization.domain.terms import IssuanceTerms

_NOBODY: Final = UUID(int=0)

_Shape = tuple[tuple[str, int], ...]
"""What a wallet holds, position by position; what it is paid follows from it and from nothing else of the wallet."""


def lines_of_page(terms: IssuanceTerms, unit: UnitPayout, holdings: Sequence[Holding]) -> list[PayoutLine]:
    """As `payoff.lines`, of holdings whose wallets stand together.

    Among a million holders few hold what nobody else does, and the exact arithmetic of one line costs as much as
    all else that is done for it. Raises: AmountOutOfRange.
    """
    known: dict[_Shape, list[PayoutLine]] = {}
    due: list[PayoutLine] = []
    for wallet, of_wallet in groupby(holdings, key=lambda holding: holding.wallet_id):
        shape = tuple([(holding.position, holding.units) for holding in of_wallet])
        if (paid := known.get(shape)) is None:
            asked = [Holding(wallet_id=_NOBODY, position=position, units=units) for position, units in shape]
            paid = known[shape] = lines(terms, unit, asked)
        due += [
            PayoutLine(
                wallet_id=wallet,
                position=line.position,
                units=line.units,
                amount_kopecks=line.amount_kopecks,
                extinguish_units=line.extinguish_units,
            )
            for line in paid
        ]
    return due
