"""Compare each beneficiary's share at a bank that keeps them with the register."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import Transaction as Work
from kapital.settlement.domain.bank_shares import (
    BankShare,
    Scored,
    Stretch,
    beneficiary_of,
    differences,
    wallet_of,
)
from kapital.settlement.ports import Parts
from kapital.settlement.ports.bank_shares import BankShares
from kapital.settlement.use_cases.entries import MONEY
from kapital.settlement.use_cases.tell_shares import follow

PAGE: Final = 1_000
PAGES_MAX: Final = 5
"""So many pages of the bank's list are compared at a time, for which others wait at the bank's edge; the next
comparison goes on after them, and from the start when the list has ended."""
REGISTER_PAGE: Final = 10_000

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SharesFound:
    """What each share has at the bank above the register, whose were not compared, what the bank thinks of each."""

    compared: Stretch
    differences: dict[str, int]
    passed_by: frozenset[str]
    scored: dict[UUID, Scored]


async def compare_shares(parts: Parts) -> SharesFound | None:
    """Compare a stretch of beneficiaries' shares with the register; None where the bank keeps none. The edge is held.

    A share is all that the register has of the wallet, less what the bank was not told yet. Beneficiaries whose money
    is on its way – an order the bank may or may not have done, a payout – are left to the next comparison.
    Law: Civil Code art. 860.1 (the bank keeps each beneficiary's share as it is told).
    Raises: BankSilent, BankAnswerNotTrusted – then nothing is concluded.
    """
    bank, records = parts.shares.bank, parts.shares.records
    if bank is None:
        return None
    has_all = False
    while not has_all:
        has_all = await follow(parts)
    async with parts.uow.begin() as tx:
        size, after = await records.walked(tx.conn), await records.compared_to(tx.conn)
        owed, on_their_way = await records.untold(tx.conn)
    shares, stretch = await _shares(bank, after)
    registered = await _registered(parts, size, stretch)
    passed_by = frozenset(map(beneficiary_of, on_their_way))
    at_bank = {one.beneficiary_id: one.amount_kopecks for one in shares}
    owed = {wallet: kopecks for wallet, kopecks in owed.items() if stretch.has(beneficiary_of(wallet))}
    found = differences(at_bank, registered, owed)
    return SharesFound(
        compared=stretch,
        differences={one: kopecks for one, kopecks in found.items() if one not in passed_by},
        passed_by=passed_by,
        scored=_scored(shares),
    )


async def note_shares(parts: Parts, work: Work, found: SharesFound, reconciliation_id: UUID) -> None:
    """Open a break for each beneficiary whose share differs, explain those that agree, keep what the bank thinks."""
    records = parts.shares.records
    await records.note_scored(work.conn, found.scored, work.now)
    by = f"reconciliation/{reconciliation_id}"
    await records.note_differences(work.conn, found.compared, found.differences, found.passed_by, by, work.now)
    if found.differences:
        _log.error("settlement.bank_share_differs", code="bank_share_differs", count=len(found.differences))


async def _shares(bank: BankShares, after: str | None) -> tuple[list[BankShare], Stretch]:
    shares: list[BankShare] = []
    last = after
    for _ in range(PAGES_MAX):
        page, last = await bank.list(last, PAGE)
        shares += page
        if last is None:
            break
    return shares, Stretch(after, last)


async def _registered(parts: Parts, size: int, stretch: Stretch) -> dict[UUID, int]:
    """All money of each wallet of the stretch after `size` entries."""
    registered: dict[UUID, int] = {}
    wallet = wallet_of(stretch.after)
    while True:
        page = await parts.ledger.register_page(MONEY, size=size, after=wallet, limit=REGISTER_PAGE)
        for row in page.rows:
            if stretch.has(beneficiary_of(row.wallet)):
                registered[row.wallet] = registered.get(row.wallet, 0) + row.balance
        wallet = page.last_wallet
        if wallet is None or (stretch.last is not None and beneficiary_of(wallet) >= stretch.last):
            return registered


def _scored(shares: list[BankShare]) -> dict[UUID, Scored]:
    """The bank's word on those that may be wallets of ours."""
    named = {wallet_of(one.beneficiary_id): one.scored for one in shares}
    # A beneficiary of somebody else's naming is none: its share is a difference.
    return {wallet: scored for wallet, scored in named.items() if wallet is not None}
