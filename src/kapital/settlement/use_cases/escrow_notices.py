"""What the bank tells of holds by itself: kept once, applied in the order of a hold's changes, not believed alone."""

from typing import Final

from kapital.platform.failpoints import failpoint
from kapital.platform.logging import get_logger
from kapital.settlement.domain.problems import BankSilent
from kapital.settlement.ports import Parts
from kapital.settlement.ports.escrow import Escrow

PAGE: Final = 500
PAGES: Final = 20
_log = get_logger(__name__)


async def take_in_notices(parts: Parts, bank: Escrow) -> None:
    """Keep new notices and apply those whose turn it is: the bank is asked about their holds at once.

    Promise: a notice is kept once by its id, and one that comes before its turn waits for those before it. No notice
    makes a step: the answer to our enquiry does, so that none that is early, late, lost, double or false moves money.
    """
    records = parts.escrow.records
    for _ in range(PAGES):
        async with parts.uow.database.connect() as conn:
            cursor = await records.cursor(conn)
        try:
            told = await bank.notices(cursor, PAGE)
        except BankSilent:
            _log.warning("settlement.bank_was_silent", count=1)
            return
        async with parts.uow.begin() as tx:
            if told:
                last = max(one.cursor for one in told)
                if contradicted := await records.keep_notices(tx.conn, told, last, tx.now):
                    _log.error("settlement.escrow_notice_contradicted", count=contradicted)
            await records.apply_notices(tx.conn, tx.now)
        if told:
            failpoint("settlement.escrow.notices_kept")
        if len(told) < PAGE:
            return
