"""The holder register in pages is the holder register, at any past size, whatever the positions of a wallet."""

import random
from typing import Any

import pytest

from kapital.ledger.api import MIRROR_POSITIONS, OpenWallet, Position, Posting, RegisterRow
from kapital.ledger.domain.problems import AssetNotFound, SizeAheadOfLog
from kapital.ledger.queries.register_pages import PAGE_MIN
from kapital.ledger.service import LedgerService
from kapital.platform.ids import new_uuid7
from tests.ledger.words import AVAILABLE, LOCKED, RESERVED, RUB, at, issue, move, tx, units

UNITS = new_uuid7()
HELD = [AVAILABLE, RESERVED, LOCKED, Position.PLEDGED, Position.ARRESTED, Position.FROZEN]


async def in_pages(ledger: LedgerService, size: int) -> tuple[list[RegisterRow], int]:
    rows: list[RegisterRow] = []
    after, pages = None, 0
    while True:
        page = await ledger.register_page(UNITS, size=size, after=after, limit=PAGE_MIN)
        assert not rows or not page.rows or rows[-1].wallet < page.rows[0].wallet, "a wallet is cut by a page"
        rows += page.rows
        pages += 1
        if page.last_wallet is None:
            return rows, pages
        assert after is None or page.last_wallet > after
        after = page.last_wallet


async def test_pages_together_are_the_register_of_any_moment(ledger: LedgerService) -> None:
    chance = random.Random(31)
    wallets = [new_uuid7() for _ in range(150)]
    await ledger.open_money()
    await ledger.post([tx(*(OpenWallet(w) for w in wallets), units(UNITS))])
    await ledger.post([tx(*issue(UNITS, w, 1_000)) for w in wallets[:140]])
    moves: list[Any] = []
    for _ in range(400):
        one, two = chance.sample(wallets[:140], 2)
        moves.append(tx(*move(UNITS, one, two, chance.randint(1, 3))))
        place = chance.choice(HELD[1:])
        moves.append(tx(Posting(at(UNITS, one), -1), Posting(at(UNITS, one, place), 1)))
    # One who gave all away is in no page, and pages of nobody but such are not the end.
    moves += [tx(*move(UNITS, w, wallets[0], 1)) for w in wallets[1:5]]
    await ledger.post(moves)

    for size in [2, 100, 142, 300, 555, await ledger.size()]:
        whole = [r for r in await ledger.register(UNITS, size=size) if r.position not in MIRROR_POSITIONS]

        paged, pages = await in_pages(ledger, size)

        assert paged == whole
        assert pages > 1

    rows = await ledger.register(UNITS)
    sums = {p: sum(r.balance for r in rows if r.position is p) for p in {r.position for r in rows}}
    assert {p: total for p, total in (await ledger.totals(UNITS)).items() if total} == sums
    assert sum((await ledger.totals(UNITS)).values()) == 0


async def test_an_unknown_asset_and_a_size_to_come_are_refused(ledger: LedgerService) -> None:
    await ledger.open_money()
    with pytest.raises(AssetNotFound):
        await ledger.register_page(UNITS, size=1, after=None, limit=PAGE_MIN)
    with pytest.raises(SizeAheadOfLog):
        await ledger.register_page(RUB, size=10**6, after=None, limit=PAGE_MIN)
