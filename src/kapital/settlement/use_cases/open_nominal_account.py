"""At start: the ledger knows money, and the wallets on which money of unknown owners and withheld tax lie."""

from typing import Final

from kapital.kernel.problems import Problem, ensure
from kapital.ledger.api import Ledger, Refused
from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET
from kapital.settlement.domain.tax import TAX_WALLET
from kapital.settlement.use_cases.entries import MONEY, opening

_ALREADY: Final = frozenset({"asset_exists", "wallet_exists"})
_UNKNOWN: Final = "wallet_not_found"


async def open_nominal_account(ledger: Ledger) -> None:
    """Open the money asset and the operator's wallets, unless they are open.

    Asked before it is posted: after a repeat the ledger takes the next calls the slow way, expecting more.
    Promise: any number of processes may do this at once.
    """
    if await _are_open(ledger):
        return
    for answer in await ledger.post(opening()):
        if isinstance(answer, Refused):
            ensure(answer.code in _ALREADY, f"the nominal account cannot be opened: {answer.code}")


async def _are_open(ledger: Ledger) -> bool:
    if not await ledger.has_asset(MONEY):
        return False
    try:
        for wallet in (UNIDENTIFIED_WALLET, TAX_WALLET):
            await ledger.wallet_balances(wallet)
    except Problem as problem:
        if problem.code != _UNKNOWN:
            raise
        return False
    return True
