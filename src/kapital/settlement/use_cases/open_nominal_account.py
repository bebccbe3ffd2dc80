"""At start: the ledger knows money, and the wallet on which money of unknown owners lies."""

from typing import Final

from kapital.kernel.problems import ensure
from kapital.ledger.api import Ledger, Refused
from kapital.settlement.use_cases.entries import opening

_ALREADY: Final = frozenset({"asset_exists", "wallet_exists"})


async def open_nominal_account(ledger: Ledger) -> None:
    """Open the money asset and the operator's wallet for unidentified money, unless they are open.

    Promise: any number of processes may do this at once.
    """
    for answer in await ledger.post(opening()):
        if isinstance(answer, Refused):
            ensure(answer.code in _ALREADY, f"the nominal account cannot be opened: {answer.code}")
