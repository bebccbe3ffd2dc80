"""Escrow at a bank over HTTP: the port `Escrow` spoken as contracts/outside/bank_nominal_account.yaml says.

What is not certain is silence, as with payments (`http_bank`). What the bank says for certain and what contradicts
our order – another sum, our reference with other content – is UNCLEAR: a person looks at it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import httpx
import msgspec
from msgspec import Meta

from kapital.platform.logging import get_logger
from kapital.settlement.adapters.http_bank import REFUSED, Answer, HttpBank, decoded, require_ok
from kapital.settlement.adapters.http_bank_shapes import PAGE_MAX, Refusal
from kapital.settlement.domain.escrow import HoldNotice, HoldOrder, HoldState, HoldStatus
from kapital.settlement.domain.payout_account import PayoutAccount

BASE: Final = "/v1/escrow"
PURPOSE: Final = "Блокировка денежных средств покупателя цифровых финансовых активов"
_SPOKEN: Final[Mapping[str, HoldState]] = {
    state.value: state for state in HoldState if state is not HoldState.NOT_FOUND
}
_log = get_logger(__name__)


# What is read of answers; fields that came later are let pass.
class _Hold(msgspec.Struct, frozen=True):
    hold_id: str
    amount_kopecks: int | None
    state: str
    reason: Annotated[str, Meta(pattern="^[a-z0-9_]{1,64}$")] | None = None


class _Notice(msgspec.Struct, frozen=True):
    cursor: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    notice_id: Annotated[str, Meta(min_length=1, max_length=64)]
    hold_id: Annotated[str, Meta(max_length=64)]
    number: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    state: str
    at: Annotated[datetime, Meta(tz=True)]


class _Page(msgspec.Struct, frozen=True):
    items: Annotated[list[_Notice], Meta(max_length=PAGE_MAX)]


class HttpEscrow:
    """Implements `kapital.settlement.ports.escrow.Escrow` over the connection of `HttpBank`.

    Promise: a hold carries its reference as its id and as its idempotency key, in every try; a release the key of its
    try.
    """

    def __init__(self, bank: HttpBank) -> None:
        self._bank = bank

    async def hold(self, order: HoldOrder) -> HoldStatus:
        """Block money, once per reference. Raises: BankSilent and its kin."""
        body = {
            "hold_id": order.reference,
            "payer": _spoken(order.buyer_account),
            "payee": _spoken(order.seller_account),
            "amount_kopecks": order.amount_kopecks,
            "purpose": PURPOSE,
        }
        answer = await self._bank.ask("POST", f"{BASE}/holds", body, key=order.reference)
        if answer.status in {httpx.codes.CONFLICT, *REFUSED}:
            return _refused(answer, by_form=HoldState.REFUSED)
        return _status(order, answer)

    async def status(self, order: HoldOrder) -> HoldStatus:
        """What became of a hold. Raises: BankSilent and its kin."""
        return _found(order, await self._bank.ask("GET", f"{BASE}/holds/{order.reference}"))

    async def release(self, order: HoldOrder) -> HoldStatus:
        """Pay the seller, once. Raises: BankSilent and its kin."""
        body = {"payee": _spoken(order.seller_account)}
        target = f"{BASE}/holds/{order.reference}/release"
        answer = await self._bank.ask("POST", target, body, key=order.release_key)
        if answer.status in REFUSED:
            return _refused(answer, by_form=HoldState.RELEASE_REJECTED)
        if answer.status == httpx.codes.CONFLICT:
            return await self.status(order)  # past that already, or never held: it says where it stands
        return _found(order, answer)

    async def cancel(self, order: HoldOrder) -> HoldStatus:
        """Give the money back. Raises: BankSilent and its kin."""
        target = f"{BASE}/holds/{order.reference}/cancel"
        answer = await self._bank.ask("POST", target, {}, key=f"{order.reference}-c")
        if answer.status == httpx.codes.CONFLICT:
            return await self.status(order)
        return _found(order, answer)

    async def notices(self, after_cursor: int, limit: int) -> Sequence[HoldNotice]:
        """Changes of holds after a place in the bank's list. Raises: BankSilent and its kin."""
        target = f"{BASE}/notices?after_cursor={after_cursor}&limit={min(limit, PAGE_MAX)}"
        page: _Page = decoded(_Page, require_ok(await self._bank.ask("GET", target)))
        return [
            HoldNotice(
                cursor=one.cursor,
                notice_id=one.notice_id,
                reference=one.hold_id,
                number=one.number,
                state=_SPOKEN.get(one.state, HoldState.UNCLEAR),
                at=one.at,
            )
            for one in page.items
        ]


def _found(order: HoldOrder, answer: Answer) -> HoldStatus:
    # Another 404 is a wrong address, and says nothing of the hold.
    if answer.status == httpx.codes.NOT_FOUND and decoded(Refusal, answer).code == "bank_hold_not_found":
        return HoldStatus(HoldState.NOT_FOUND)
    return _status(order, answer)


def _status(order: HoldOrder, answer: Answer) -> HoldStatus:
    hold: _Hold = decoded(_Hold, require_ok(answer))
    if hold.hold_id != order.reference:
        return _unclear("of_another_hold")
    # A hold that the bank never saw has no sum when it is cancelled.
    if hold.amount_kopecks != order.amount_kopecks and hold.amount_kopecks is not None:
        return _unclear("of_another_sum")
    state = _SPOKEN.get(hold.state)
    return _unclear("state_unknown") if state is None else HoldStatus(state, hold.reason)


def _refused(answer: Answer, *, by_form: HoldState) -> HoldStatus:
    code = decoded(Refusal, answer).code
    if code in {"bank_id_taken", "idempotency_key_reused"} or answer.status == httpx.codes.CONFLICT:
        _log.error("settlement.escrow_hold_contradicted", code=code)
        return HoldStatus(HoldState.UNCLEAR, code)
    return HoldStatus(by_form, code)


def _unclear(reason: str) -> HoldStatus:
    _log.error("settlement.escrow_hold_contradicted", code=reason)
    return HoldStatus(HoldState.UNCLEAR, reason)


def _spoken(account: PayoutAccount) -> dict[str, Any]:
    return {"bic": account.bic, "account": account.account}
