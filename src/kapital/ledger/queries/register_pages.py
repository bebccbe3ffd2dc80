"""The holder register in pages: what a payment to a million holders reads without holding them all in memory.

The register after a number of entries never changes, so pages read at different times are pages of one list.
"""

from typing import Final
from uuid import UUID

from kapital.kernel.problems import ensure
from kapital.ledger.adapters.store import Connection
from kapital.ledger.api import MIRROR_POSITIONS, Position, RegisterPage, RegisterRow
from kapital.ledger.queries.holdings import OF_NUMBERS, require_asset, require_size

PAGE_MIN: Final = 100
"""More than a wallet has positions: a page always has a whole wallet."""
PAGE_MAX: Final = 10_000

_HELD: Final = [str(position) for position in Position if position not in MIRROR_POSITIONS]
_NOBODY: Final = UUID(int=0)
# One short walk along the index (asset, position, wallet) for each position; the first of all of them are the page.
_ACCOUNTS: Final = """
    SELECT found.number, found.wallet
    FROM unnest($2::text[]) AS p(position)
    CROSS JOIN LATERAL (
        SELECT a.number, a.wallet FROM account a
        WHERE a.asset = $1 AND a.position = p.position AND a.wallet > $3
        ORDER BY a.wallet LIMIT $4
    ) AS found
    ORDER BY found.wallet LIMIT $4
"""


async def register_page(
    connection: Connection, asset: UUID, size: int, after: UUID | None, limit: int
) -> RegisterPage:
    """Return who held the asset after `size` entries, by wallet and position, of the wallets above `after`.

    Raises AssetNotFound, SizeAheadOfLog. Law: 259-FZ art. 6 and 8 (register of holders, extract as of an instant).
    """
    ensure(PAGE_MIN <= limit <= PAGE_MAX, f"a page looks at {PAGE_MIN} to {PAGE_MAX} accounts")
    await require_asset(connection, asset, size)
    await require_size(connection, size)
    accounts = await connection.fetch(_ACCOUNTS, asset, _HELD, after or _NOBODY, limit)
    last = None
    if len(accounts) == limit:
        # The last wallet may go on beyond the page: it comes with the next one, whole.
        cut = accounts[-1][1]
        accounts = [account for account in accounts if account[1] != cut]
        last = accounts[-1][1]
    rows = await connection.fetch(OF_NUMBERS, size, [number for number, _ in accounts])
    held = [RegisterRow(r[2], Position(r[1]), r[3]) for r in rows if r[3]]
    return RegisterPage(sorted(held, key=lambda row: (row.wallet, row.position)), last)


async def totals(connection: Connection, asset: UUID) -> dict[Position, int]:
    """Return the present sum of the asset's balances in each position, mirror positions included."""
    rows = await connection.fetch(
        "SELECT position, sum(balance)::bigint FROM account WHERE asset = $1 GROUP BY position", asset
    )
    return {Position(position): total for position, total in rows}
