"""Book what came to the bank: each credit once, to the wallet its purpose names, or to the operator's wallet."""

from collections.abc import Sequence

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.actor import machine_actor
from kapital.kernel.roles import Role
from kapital.ledger.api import Committed, Refused
from kapital.platform.events import Event
from kapital.platform.failpoints import failpoint
from kapital.platform.ids import new_uuid7
from kapital.platform.logging import get_logger
from kapital.settlement.domain.incoming import (
    NAMELESS,
    UNIDENTIFIED_WALLET,
    BankCredit,
    IncomingPayment,
    UnidentifiedReason,
    decide_incoming,
)
from kapital.settlement.domain.problems import BankFeedMustAdvance, TopUpRefused
from kapital.settlement.domain.sbp import qr_ids_in
from kapital.settlement.domain.states import INCOMING, IncomingState
from kapital.settlement.ports import KeptCredit, Parts
from kapital.settlement.use_cases.entries import top_up

PAGE = 500
POSTED_PAGE = 5_000
"""Payments that are entered in one call of the ledger."""

_log = get_logger(__name__)


async def book_incoming(parts: Parts) -> int:
    """Read the bank's list to its end and book every credit; returns how many were booked here and now.

    Promise: a credit is booked once under repeats of the bank, a crash at any line, and several processes at once. It
    is kept (with its cursor) before it is booked; its ledger id comes from the kept row; whoever marks the row tells.
    Raises: BankSilent, BankFeedMustAdvance; what was kept until then is booked by the next call.
    """
    async with parts.edge.hold():
        return await book_to_the_end(parts)


async def book_to_the_end(parts: Parts) -> int:
    """As `book_incoming`, for a caller that holds the bank's edge."""
    booked = await book_kept(parts)
    while await _keep_page(parts):
        booked += await book_kept(parts)
    return booked


async def _keep_page(parts: Parts) -> bool:
    """Keep the next page of the bank's list; False at its end."""
    async with parts.uow.begin() as tx:
        after = await parts.incoming.lock_cursor(tx.conn)
    # The bank is asked outside of any transaction; the cursor is read again before anything is kept.
    page = await parts.bank.incoming(after, PAGE)
    if not page:
        return False
    cursors = [credit.cursor for credit in page]
    if cursors != sorted(set(cursors)) or cursors[0] <= after or len(page) > PAGE:
        raise BankFeedMustAdvance(f"asked for {PAGE} credits after {after}", {"after": after, "first": cursors[0]})
    failpoint("settlement.incoming.read")
    async with parts.uow.begin() as tx:
        if await parts.incoming.lock_cursor(tx.conn) != after:
            return True
        fresh, refused = await sort_out(parts, tx.conn, page)
        await parts.incoming.add(tx.conn, fresh, tx.now)
        await parts.incoming.refuse(tx.conn, refused, tx.now)
        await parts.incoming.move_cursor(tx.conn, cursors[-1])
        for credit, reason in refused:
            await tx.audit.append(
                "settlement.notice_refused", credit.cursor, machine_actor(Role.BANK), after={"reason": reason}
            )
    failpoint("settlement.incoming.kept")
    for _credit, reason in refused:
        _log.error("settlement.notice_refused", code=reason)
    return True


async def sort_out(
    parts: Parts, conn: AsyncConnection, page: Sequence[BankCredit]
) -> tuple[list[IncomingPayment], list[tuple[BankCredit, str]]]:
    """Split a page into what is new and what is refused; repeats of what is kept fall away."""
    sound: list[BankCredit] = []
    refused: list[tuple[BankCredit, str]] = []
    for credit in page:
        if credit.is_well_formed():
            sound.append(credit)
        else:
            refused.append((credit, "malformed"))
    known = await parts.incoming.known(conn, sound)
    kept, contents = dict(known.by_bank_id), set(known.contents)
    codes = {code for credit in sound for code in credit.codes[0]}
    wallets = await parts.beneficiaries.wallets_by_code(conn, codes)
    qr_codes = await parts.sbp.top_ups.codes(conn, {qr for credit in sound for qr in qr_ids_in(credit.purpose)})
    fresh: list[IncomingPayment] = []
    for credit in sound:
        content = credit.content_sha256
        if credit.bank_id not in kept:
            # A statement without ids may have told the same money before the bank's list did: that is for people.
            told = credit.core in known.nameless and not credit.bank_id.startswith(NAMELESS)
            seen = content in contents or told
            payment = decide_incoming(new_uuid7(), credit, wallets, content_seen=seen, qr_codes=qr_codes)
            fresh.append(payment)
            kept[credit.bank_id] = KeptCredit(content, credit.core, of_list=credit.cursor > 0)
            contents.add(content)
            if payment.qr_id is not None and payment.reason is None:
                qr_codes[payment.qr_id] = msgspec.structs.replace(qr_codes[payment.qr_id], is_paid=True)
        elif not kept[credit.bank_id].is_told_again_by(credit):
            refused.append((credit, "altered"))
    return fresh, refused


async def book_kept(parts: Parts) -> int:
    """Enter every kept payment in the ledger and mark it; returns how many were marked here."""
    count = 0
    while True:
        async with parts.uow.begin() as tx:
            waiting = await parts.incoming.list_unbooked(tx.conn, POSTED_PAGE)
        if not waiting:
            return count
        entered = await _enter(parts, waiting)
        failpoint("settlement.incoming.entered")
        booked = [(payment, _booked_state(payment), entry.seq) for payment, entry in entered]
        async with parts.uow.begin() as tx:
            marked = await parts.incoming.mark_booked(tx.conn, booked, tx.now)
            for payment, state, seq in booked:
                if payment.payment_id in marked and state is IncomingState.MATCHED:
                    await tx.outbox.add(_top_up_booked(payment, seq))
        failpoint("settlement.incoming.booked")
        count += len(marked)
        if len(entered) < len(waiting):
            raise TopUpRefused(facts={"refused": len(waiting) - len(entered)})


async def _enter(parts: Parts, payments: Sequence[IncomingPayment]) -> list[tuple[IncomingPayment, Committed]]:
    """Enter payments; money that a wallet may not be credited with goes to the operator's wallet instead.

    Both tries have one ledger id, so that whatever happened before, one of them is the entry that exists.
    """
    entered, refused = await _post(parts, payments)
    elsewhere = [
        msgspec.structs.replace(payment, wallet_id=UNIDENTIFIED_WALLET, reason=UnidentifiedReason.CREDIT_REFUSED)
        for payment in refused
        if payment.wallet_id != UNIDENTIFIED_WALLET
    ]
    if elsewhere:
        entered += (await _post(parts, elsewhere))[0]
    return entered


async def _post(
    parts: Parts, payments: Sequence[IncomingPayment]
) -> tuple[list[tuple[IncomingPayment, Committed]], list[IncomingPayment]]:
    answers = await parts.ledger.post([top_up(payment) for payment in payments])
    entered: list[tuple[IncomingPayment, Committed]] = []
    refused: list[IncomingPayment] = []
    for payment, answer in zip(payments, answers, strict=True):
        if isinstance(answer, Refused):
            _log.error("settlement.top_up_refused", code=answer.code, payment_id=str(payment.payment_id))
            refused.append(payment)
        else:
            entered.append((payment, answer))
    return entered, refused


def _booked_state(payment: IncomingPayment) -> IncomingState:
    on = "owner_credited" if payment.reason is None else "owner_unknown"
    return INCOMING.step(payment.state, on).target


def _top_up_booked(payment: IncomingPayment, seq: int) -> Event:
    return Event(
        type="kapital.settlement.top_up_booked.v1",
        aggregate_id=str(payment.wallet_id),
        data={
            "wallet_id": str(payment.wallet_id),
            "amount_kopecks": payment.credit.amount_kopecks,
            "entry_seq": seq,
        },
    )
