"""Flags on every account of an issue's units: of a redemption window, of a call."""

from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from kapital.ledger.api import MIRROR_POSITIONS, AccountKey, Position, RegisterRow
from kapital.ledger.api import Transaction as LedgerTransaction
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.ledger_calls import post_or_refuse

ACCOUNTS_PER_PAGE: Final = 5000


async def lock_units(issue_id: UUID, record_of: Callable[[AccountKey], LedgerTransaction], parts: Parts) -> None:
    """Post the record of each account of the units, page by page, until no new one is found. Raises: LedgerRefused.

    Promise: where `record_of` derives ids from the account, calling again sets nothing twice.
    """
    before = None
    while True:
        # Again after each round: units may have moved to a new account between a page and its locks.
        size = await parts.ledger.size()
        if not await _lock_new(issue_id, record_of, parts, before=before, size=size):
            return
        before = size


async def _lock_new(
    issue_id: UUID,
    record_of: Callable[[AccountKey], LedgerTransaction],
    parts: Parts,
    *,
    before: int | None,
    size: int,
) -> bool:
    """Lock what had units after `size` entries and none after `before`; whether there was any."""
    found, after = False, None
    while True:
        page = await parts.ledger.register_page(issue_id, size=size, after=after, limit=ACCOUNTS_PER_PAGE)
        accounts = sorted(unit_accounts(issue_id, page.rows))
        if before is not None:
            had = await parts.ledger.balances_at(accounts, size=before)
            accounts = [account for account, units in zip(accounts, had, strict=True) if not units]
        await post_or_refuse([record_of(account) for account in accounts], parts)
        found |= bool(accounts)
        if (after := page.last_wallet) is None:
            return found


def unit_accounts(issue_id: UUID, rows: Iterable[RegisterRow]) -> set[AccountKey]:
    """The accounts of the units that their holders may dispose of: not those locked for a put or an offer."""
    skipped = MIRROR_POSITIONS | {Position.LOCKED}
    return {AccountKey(issue_id, row.position, row.wallet) for row in rows if row.position not in skipped}
