"""Escrow at the sandbox bank of this process: the same engine as behind its HTTP interface."""

from collections.abc import Sequence
from typing import Final

from kapital.contracts import bank_nominal_account as contract
from kapital.sandbox.bank import escrow
from kapital.sandbox.bank.bank import PAGE_MAX, SandboxBank
from kapital.sandbox.bank.escrow_notices import list_changes
from kapital.sandbox.bank.problems import BankHoldNotFound, BankIdTaken, BankRequestInvalid, BankStateRefuses
from kapital.settlement.domain.escrow import HoldNotice, HoldOrder, HoldState, HoldStatus
from kapital.settlement.domain.payout_account import PayoutAccount

PURPOSE: Final = "Блокировка денежных средств покупателя"


class SandboxEscrow:
    """Implements `kapital.settlement.ports.escrow.Escrow` over the database kapital_sandbox_bank."""

    def __init__(self, bank: SandboxBank) -> None:
        self._bank = bank

    async def hold(self, order: HoldOrder) -> HoldStatus:
        """Block money, once per reference. Raises: BankSilent."""
        wanted = contract.PlaceEscrowHold(
            hold_id=order.reference,
            payer=_spoken(order.buyer_account),
            payee=_spoken(order.seller_account),
            amount_kopecks=order.amount_kopecks,
            purpose=PURPOSE,
        )
        try:
            async with self._bank.answering() as conn:
                return _status(await escrow.place_escrow_hold(conn, wanted, self._bank.clock.now(), None))
        except BankIdTaken as taken:
            return HoldStatus(HoldState.UNCLEAR, taken.code)
        except BankRequestInvalid as invalid:
            return HoldStatus(HoldState.REFUSED, invalid.code)

    async def status(self, order: HoldOrder) -> HoldStatus:
        """What became of a hold. Raises: BankSilent."""
        try:
            async with self._bank.answering() as conn:
                return _status(await escrow.get_escrow_hold(conn, order.reference, self._bank.clock.now()))
        except BankHoldNotFound:
            return HoldStatus(HoldState.NOT_FOUND)

    async def release(self, order: HoldOrder) -> HoldStatus:
        """Pay the seller, once. Raises: BankSilent."""
        payee = _spoken(order.seller_account)
        try:
            async with self._bank.answering() as conn:
                now = self._bank.clock.now()
                return _status(await escrow.release_escrow_hold(conn, order.reference, payee, now, None))
        except BankHoldNotFound:
            return HoldStatus(HoldState.NOT_FOUND)
        except BankStateRefuses:
            return await self.status(order)
        except BankRequestInvalid as invalid:
            return HoldStatus(HoldState.RELEASE_REJECTED, invalid.code)

    async def cancel(self, order: HoldOrder) -> HoldStatus:
        """Give the money back. Raises: BankSilent."""
        try:
            async with self._bank.answering() as conn:
                return _status(await escrow.cancel_escrow_hold(conn, order.reference, self._bank.clock.now()))
        except BankStateRefuses:
            return await self.status(order)

    async def notices(self, after_cursor: int, limit: int) -> Sequence[HoldNotice]:
        """Changes of holds after a place in the list. Raises: BankSilent."""
        async with self._bank.answering() as conn:
            page = await list_changes(conn, after_cursor, min(limit, PAGE_MAX))
        return [
            HoldNotice(
                cursor=one.cursor,
                notice_id=one.notice_id,
                reference=one.hold_id,
                number=one.number,
                state=HoldState(one.state.value),
                at=one.at,
            )
            for one in page.items
        ]


def _status(hold: contract.EscrowHold) -> HoldStatus:
    return HoldStatus(HoldState(hold.state.value), hold.reason)


def _spoken(account: PayoutAccount) -> contract.PayeeAccount:
    return contract.PayeeAccount(bic=account.bic, account=account.account)
