"""What each holder of a page of the list is paid: the payoff is asked once for all who hold the same."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final
from uuid import UUID

import msgspec

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


def unpaid_to(issuer_wallet_id: UUID | None, due: Sequence[PayoutLine]) -> list[PayoutLine]:
    """The lines as they are due: units that the issuer itself holds end with the others, and nobody owes itself.

    Law: 466-FZ of 15.12.2025 (records of debt ЦФА are extinguished when their issuer holds them).
    """
    return [
        msgspec.structs.replace(line, amount_kopecks=0) if line.wallet_id == issuer_wallet_id else line
        for line in due
    ]
