"""Flags on every account of an issue's units: of a redemption window, of a call."""

from collections.abc import Callable, Iterable
from uuid import UUID

from kapital.ledger.api import MIRROR_POSITIONS, AccountKey, Position, RegisterRow
from kapital.ledger.api import Transaction as LedgerTransaction
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.ledger_calls import post_or_refuse


async def lock_units(issue_id: UUID, record_of: Callable[[AccountKey], LedgerTransaction], parts: Parts) -> None:
    """Post the record of each account of the units, until no new one is found. Raises: LedgerRefused.

    Promise: where `record_of` derives ids from the account, calling again sets nothing twice.
    """
    locked: set[AccountKey] = set()
    while True:
        # Again after each round: units may have moved to a new account between the list and its lock.
        fresh = sorted(unit_accounts(issue_id, await parts.ledger.register(issue_id)) - locked)
        if not fresh:
            return
        await post_or_refuse([record_of(account) for account in fresh], parts)
        locked |= set(fresh)


def unit_accounts(issue_id: UUID, rows: Iterable[RegisterRow]) -> set[AccountKey]:
    """The accounts of the units that their holders may dispose of: not those locked for a put or an offer."""
    skipped = MIRROR_POSITIONS | {Position.LOCKED}
    return {AccountKey(issue_id, row.position, row.wallet) for row in rows if row.position not in skipped}
