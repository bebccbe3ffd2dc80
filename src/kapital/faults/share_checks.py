"""What must hold at a bank that keeps shares: each is what the register has, less what the bank was not told yet."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

from kapital.faults.finding import BankKind, Broken
from kapital.faults.world import World
from kapital.ledger.api import MIRROR_POSITIONS, money_asset
from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET

_TOLD: Final = "SELECT DISTINCT ON (bank_id) bank_id, amount_kopecks FROM notice ORDER BY bank_id, cursor"
_MISTOLD: Final = f"""
    SELECT bank_id FROM credit AS c JOIN ({_TOLD}) AS n USING (bank_id) WHERE n.amount_kopecks <> c.amount_kopecks
"""  # noqa: S608 - a constant of this module
_MADE_TRUE: Final = f"""
    UPDATE credit AS c SET amount_kopecks = n.amount_kopecks FROM ({_TOLD}) AS n
    WHERE n.bank_id = c.bank_id AND n.amount_kopecks <> c.amount_kopecks
"""  # noqa: S608 - a constant of this module
_WALKED: Final = "SELECT next_seq FROM bank_share_walk"
_WAITING: Final = """
    SELECT count(*) FROM bank_share_order
    WHERE state = 'waiting' AND (incoming_id IS NULL OR incoming_id <> ALL(CAST($1 AS text[])))
"""
_OWED: Final = "SELECT wallet_id, owed_kopecks FROM bank_share_holder WHERE owed_kopecks <> 0"
_UNDISTRIBUTED: Final = """
    SELECT l.wallet_id, l.amount_kopecks FROM bank_share_line AS l JOIN bank_share_order AS o USING (order_id)
    WHERE o.state = 'waiting' AND o.kind = 'distribution'
"""
_AT_BANK: Final = "SELECT beneficiary_id, amount_kopecks FROM beneficiary WHERE amount_kopecks <> 0"
_OPENED: Final = "SELECT subject FROM reconciliation_break WHERE stands AND subject LIKE 'share/%'"


async def mistold(world: World) -> list[str]:
    """Credits that the bank has told with another sum: it distributes none of these until its people have looked."""
    return [row["bank_id"] for row in await world.fetch("sandbox_bank", _MISTOLD)]


async def make_told_true(world: World) -> None:
    """The bank's people find that what it told of a credit was right. The balance is put right apart from it."""
    await world.fetch("sandbox_bank", _MADE_TRUE)


async def shares_untold(world: World) -> AsyncIterator[str]:
    """What the bank is still to be told, and can be."""
    if world.kind is not BankKind.SHARES:
        return
    wrong = await mistold(world)
    if await world.value("settlement", _WALKED) < await world.kapital.ledger.size():
        yield "entries that the bank was not told"
    if waiting := await world.value("settlement", _WAITING, wrong):
        yield f"{waiting} distributions or deals"
    # Who waits for a payment that the bank does not distribute keeps those waiting who get from it.
    if not wrong and (owed := await world.fetch("settlement", _OWED)):
        yield f"shares of {len(owed)} owners"


async def check_shares(world: World) -> None:
    """All of it, when nothing moves. Raises: Broken."""
    if world.kind is not BankKind.SHARES:
        return
    due: Counter[str] = Counter()
    for row in await world.kapital.ledger.register(money_asset()):
        if row.position not in MIRROR_POSITIONS and row.wallet != UNIDENTIFIED_WALLET:
            due[str(row.wallet)] += row.balance
    for owed in await world.fetch("settlement", _OWED):
        due[str(owed["wallet_id"])] -= owed["owed_kopecks"]
    for line in await world.fetch("settlement", _UNDISTRIBUTED):
        due[str(line["wallet_id"])] -= line["amount_kopecks"]
    found = {row["beneficiary_id"]: row["amount_kopecks"] for row in await world.fetch("sandbox_bank", _AT_BANK)}
    due.subtract(found)
    if differ := {beneficiary: kopecks for beneficiary, kopecks in due.items() if kopecks}:
        raise Broken("share_differs", f"the bank has less by {differ}")
    if opened := await world.fetch("settlement", _OPENED):
        raise Broken("share_break_opened", ", ".join(row["subject"] for row in opened))
