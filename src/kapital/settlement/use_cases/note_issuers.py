"""At start: whose the assets are that were delivered before settlement noted it."""

from uuid import UUID

from kapital.ledger.api import Position
from kapital.platform.logging import get_logger
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.entries import MONEY
from kapital.settlement.use_cases.read_entries import ReadEntry, read_entries

_log = get_logger(__name__)


async def note_issuers(parts: Parts) -> None:
    """Note the issuer of every asset that was delivered and has none: who was paid by the entry of a first delivery.

    Nothing is left to do from the second start on. Assets that are delivered from now on are noted with their
    allocation (`settle_allocation`), whether their decision was published before or after.
    """
    async with parts.uow.begin() as tx:
        unnoted = await parts.issuers.unnoted(tx.conn)
    paid: dict[UUID, UUID] = {}
    for asset, seq in unnoted.items():
        entries = await read_entries(parts.ledger, seq, seq + 1)
        paid |= {of: wallet for entry in entries for of, wallet in _paid_for(entry).items() if of == asset}
    async with parts.uow.begin() as tx:
        await parts.issuers.note_paid(tx.conn, paid, tx.now)
    for asset in unnoted.keys() - paid.keys():
        _log.warning("settlement.issuer_unknown", code="issuer_unknown", subject_id=str(asset))


def _paid_for(entry: ReadEntry) -> dict[UUID, UUID]:
    """The asset of a first delivery with the wallet that got money for it, and none of its units."""
    credited = [one.account for one in entry.postings if int(one.amount) > 0]
    buyers = {account.wallet for account in credited if account.asset != MONEY}
    paid = {account.wallet for account in credited if account.asset == MONEY} - buyers
    issued = {one.account.asset for one in entry.postings if one.account.position is Position.ISSUED}
    return dict.fromkeys(issued, *paid) if len(paid) == 1 else {}
