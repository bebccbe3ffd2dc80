"""Shares at a bank over HTTP: the port `BankShares` spoken as contracts/outside/bank_nominal_account.yaml says.

A beneficiary is named by reference: its id is the wallet's, and no name, number or address goes over this interface.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Meta

from kapital.platform.logging import get_logger
from kapital.settlement.adapters.http_bank import REFUSED, Answer, HttpBank, decoded, not_trusted, require_ok
from kapital.settlement.adapters.http_bank_shapes import PAGE_MAX, Refusal
from kapital.settlement.adapters.http_payments import BASE
from kapital.settlement.domain.bank_shares import BankShare, DealState, DealStatus, Scored, Scoring, ShareOrder

_Code = Annotated[str, Meta(pattern="^[a-z0-9_]{1,64}$")]
_Kopecks = Annotated[int, Meta(ge=0, le=2**53 - 1)]
_NOT_TAKEN: Final = frozenset({httpx.codes.NOT_FOUND, httpx.codes.CONFLICT, *REFUSED})
_SCORED: Final = {one.value: one for one in Scoring if one is not Scoring.UNNAMED}
_SPOKEN: Final = {one.value: one for one in DealState if one not in {DealState.NOT_FOUND, DealState.REFUSED}}
_log = get_logger(__name__)


# What is read of answers; fields that came later are let pass.
class _Beneficiary(msgspec.Struct, frozen=True):
    beneficiary_id: Annotated[str, Meta(max_length=64)]
    scoring: str
    scoring_reasons: Annotated[list[_Code], Meta(max_length=100)]
    amount_kopecks: _Kopecks


class _Page(msgspec.Struct, frozen=True):
    items: Annotated[list[_Beneficiary], Meta(max_length=PAGE_MAX)]
    next_after: Annotated[str, Meta(max_length=64)] | None


class _Share(msgspec.Struct, frozen=True):
    beneficiary_id: str
    amount_kopecks: int


class _Distributed(msgspec.Struct, frozen=True):
    incoming_id: str
    shares: list[_Share]


class _Deal(msgspec.Struct, frozen=True):
    deal_id: str
    state: str
    deponents: list[_Share]
    recipients: list[_Share]
    reasons: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=2 * PAGE_MAX + 2)]


class HttpShares:
    """Implements `kapital.settlement.ports.bank_shares.BankShares` over the connection of `HttpBank`.

    Promise: every command has an idempotency key made of our id of its object, the same in every try.
    """

    def __init__(self, bank: HttpBank) -> None:
        self._bank = bank

    async def name(self, beneficiary_id: str) -> Scored:
        """Name a beneficiary by reference; one that the bank does not take has failed. Raises: BankSilent and kin."""
        body = {
            "beneficiary_id": beneficiary_id,
            "kind": "by_reference",
            "resident": None,
            "name": None,
            "inn": None,
        }
        answer = await self._bank.ask("POST", f"{BASE}/beneficiaries", body, key=f"b-{beneficiary_id}")
        if answer.status in _NOT_TAKEN:
            return Scored(Scoring.FAILED, (_refusal(answer),))
        return _scored(beneficiary_id, answer)

    async def scoring(self, beneficiary_id: str) -> Scored:
        """What the bank thinks of it now. Raises: BankSilent and its kin."""
        answer = await self._bank.ask("GET", f"{BASE}/beneficiaries/{beneficiary_id}")
        return Scored(Scoring.UNNAMED) if _is_unknown(answer) else _scored(beneficiary_id, answer)

    async def list(self, after: str | None, limit: int) -> tuple[Sequence[BankShare], str | None]:
        """A page of beneficiaries with their money. Raises: BankSilent and its kin."""
        going_on = f"&after={quote(after, safe='')}" if after else ""
        answer = require_ok(
            await self._bank.ask("GET", f"{BASE}/beneficiaries?limit={min(limit, PAGE_MAX)}{going_on}")
        )
        page: _Page = decoded(_Page, answer)
        ids = [one.beneficiary_id for one in page.items]
        if ids != sorted(set(ids)) or (ids and ids[0] <= (after or "")) or (page.next_after and not ids):
            raise not_trusted("list_must_ascend")
        shares = [
            BankShare(beneficiary_id=one.beneficiary_id, scored=_word(one), amount_kopecks=one.amount_kopecks)
            for one in page.items
        ]
        return shares, page.next_after

    async def distribute(self, order: ShareOrder) -> str | None:
        """Identify a payment; None when it is done, else the bank's refusal. Raises: BankSilent and its kin."""
        said = order.recipients()
        target = f"{BASE}/incoming-payments/{quote(str(order.incoming_id), safe='')}/distribution"
        answer = await self._bank.ask("POST", target, {"shares": _spoken(said)}, key=f"d-{order.reference}")
        if answer.status in _NOT_TAKEN:
            return _refusal(answer)
        done: _Distributed = decoded(_Distributed, require_ok(answer))
        if done.incoming_id != order.incoming_id or _heard(done.shares) != said:
            raise not_trusted("of_another_payment")
        return None

    async def deal(self, order: ShareOrder) -> DealStatus:
        """Where a deal stands. Raises: BankSilent and its kin."""
        answer = await self._bank.ask("GET", f"{BASE}/deals/{order.reference}")
        return DealStatus(DealState.NOT_FOUND) if _is_unknown(answer) else _status(order, answer)

    async def open(self, order: ShareOrder) -> DealStatus:
        """Draft a deal. Raises: BankSilent and its kin."""
        body = {
            "deal_id": order.reference,
            "deponents": _spoken(order.deponents()),
            "recipients": _spoken(order.recipients()),
        }
        answer = await self._bank.ask("POST", f"{BASE}/deals", body, key=f"{order.reference}-open")
        if answer.status in _NOT_TAKEN:
            return DealStatus(DealState.REFUSED, (_refusal(answer),))
        return _status(order, answer)

    async def accept(self, order: ShareOrder) -> DealStatus:
        """Hold what is given. Raises: BankSilent and its kin."""
        return await self._move(order, "accept")

    async def complete(self, order: ShareOrder) -> DealStatus:
        """Give what is held. Raises: BankSilent and its kin."""
        return await self._move(order, "complete")

    async def cancel(self, order: ShareOrder) -> DealStatus:
        """Let go what is held. Raises: BankSilent and its kin."""
        return await self._move(order, "cancel")

    async def _move(self, order: ShareOrder, verb: str) -> DealStatus:
        target = f"{BASE}/deals/{order.reference}/{verb}"
        answer = await self._bank.ask("POST", target, {}, key=f"{order.reference}-{verb}")
        if answer.status == httpx.codes.CONFLICT:
            return await self.deal(order)  # it says where the deal stands, and what stands against it
        return _status(order, answer)


def _scored(beneficiary_id: str, answer: Answer) -> Scored:
    found: _Beneficiary = decoded(_Beneficiary, require_ok(answer))
    if found.beneficiary_id != beneficiary_id:
        raise not_trusted("of_another_beneficiary")
    return _word(found)


def _word(found: _Beneficiary) -> Scored:
    if found.scoring not in _SCORED:
        raise not_trusted("state_unknown")
    return Scored(_SCORED[found.scoring], tuple(found.scoring_reasons))


def _status(order: ShareOrder, answer: Answer) -> DealStatus:
    deal: _Deal = decoded(_Deal, require_ok(answer))
    sides = (order.reference, order.deponents(), order.recipients())
    if (deal.deal_id, _heard(deal.deponents), _heard(deal.recipients)) != sides:
        raise not_trusted("of_another_deal")
    if deal.state not in _SPOKEN:
        raise not_trusted("state_unknown")
    return DealStatus(_SPOKEN[deal.state], tuple(deal.reasons))


def _is_unknown(answer: Answer) -> bool:
    # Another 404 is a wrong address, and says nothing of the object.
    return answer.status == httpx.codes.NOT_FOUND and decoded(Refusal, answer).code == "bank_object_not_found"


def _refusal(answer: Answer) -> str:
    code: str = decoded(Refusal, answer).code
    if code == "route_not_found":
        raise not_trusted("status_404")
    _log.error("settlement.bank_shares_refused", code=code)
    return code


def _spoken(shares: dict[str, int]) -> list[dict[str, Any]]:
    return [{"beneficiary_id": one, "amount_kopecks": kopecks} for one, kopecks in shares.items()]


def _heard(shares: list[_Share]) -> dict[str, int]:
    return {one.beneficiary_id: one.amount_kopecks for one in shares}
