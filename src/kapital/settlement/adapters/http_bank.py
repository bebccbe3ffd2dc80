"""A bank over HTTP: the port `Bank` spoken as contracts/outside/bank_nominal_account.yaml says.

What is not certain is silence: no answer in time, a 5xx, an answer without the bank's signature or not as the
contract says. Settlement then asks by the reference before it does anything else. Only a request that cannot have
reached the bank (429, no connection) is sent again here, with the same key.
"""

import asyncio
import base64
import binascii
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

import httpx
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from msgspec import Meta

from kapital.kernel.canonical import sha256_hex
from kapital.kernel.problems import InvariantBroken
from kapital.platform.logging import get_logger
from kapital.settlement.domain.incoming import BankCredit
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.problems import BankAnswerNotTrusted, BankRefusesUs, BankSilent
from kapital.settlement.ports import PayoutState, PayoutStatus

BASE: Final = "/v1/nominal-account"
ANSWER_BYTES_MAX: Final = 8 * 1024 * 1024
TRIES: Final = 4
WAIT_MAX_S: Final = 5.0
"""The longest time that a bank may ask us to wait between two tries; a longer one is left to the next tick."""
PAGE_MAX: Final = 1_000

_STATES: Final[Mapping[str, PayoutState]] = {
    "pending": PayoutState.PENDING,
    "in_progress": PayoutState.PENDING,
    "succeeded": PayoutState.EXECUTED,
    "failed": PayoutState.REJECTED,
    "cancelled": PayoutState.REJECTED,
}
_REFUSED: Final = frozenset({400, 413, 422})
"""Statuses by which the bank says that it does not take such a payment, now or ever."""
_log = get_logger(__name__)


# What is read of answers; fields that came later are let pass.
class _Credit(msgspec.Struct, frozen=True):
    cursor: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    incoming_id: str
    amount_kopecks: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    purpose: str
    payer_account: str
    payer_name: str
    credited_at: Annotated[datetime, Meta(tz=True)]


class _Page(msgspec.Struct, frozen=True):
    items: Annotated[list[_Credit], Meta(max_length=PAGE_MAX)]


class _Payment(msgspec.Struct, frozen=True):
    payment_id: str
    amount_kopecks: int
    state: str
    reason: Annotated[str, Meta(max_length=64)] | None = None


class _Account(msgspec.Struct, frozen=True):
    balance_kopecks: Annotated[int, Meta(ge=0, le=2**53 - 1)]


class _Refusal(msgspec.Struct, frozen=True):
    code: Annotated[str, Meta(pattern="^[a-z0-9_]{1,64}$")]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    retry_after_s: float


class HttpBank:
    """Implements `kapital.settlement.ports.Bank`. `answer_key`: the bank's; without it answers are not checked.

    Promise: a payment carries its reference as its id and as its idempotency key, in every try.
    """

    def __init__(self, client: httpx.AsyncClient, *, token: str, answer_key: Ed25519PublicKey | None) -> None:
        self._client, self._token, self._answer_key = client, token, answer_key

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def incoming(self, after_cursor: int, limit: int) -> Sequence[BankCredit]:
        """Credits after a place in the bank's list. Raises: BankSilent and its kin."""
        target = f"{BASE}/incoming-payments?after_cursor={after_cursor}&limit={min(limit, PAGE_MAX)}"
        page = _decoded(_Page, _require_ok(await self._ask("GET", target)))
        return [
            BankCredit(
                cursor=one.cursor,
                bank_id=one.incoming_id,
                amount_kopecks=one.amount_kopecks,
                purpose=one.purpose,
                payer_account=one.payer_account,
                payer_name=one.payer_name,
                credited_at=one.credited_at,
            )
            for one in page.items
        ]

    async def pay_out(
        self, reference: str, amount_kopecks: int, account: PayoutAccount, purpose: str
    ) -> PayoutStatus:
        """Pay from the nominal account, once per reference. Raises: BankSilent and its kin."""
        body = {
            "payment_id": reference,
            "kind": "regular",
            "amount_kopecks": amount_kopecks,
            "payee": {"bic": account.bic, "account": account.account},
            "purpose": purpose,
        }
        answer = await self._ask("POST", f"{BASE}/payments", body, key=reference)
        if answer.status in {409, *_REFUSED}:
            code = _decoded(_Refusal, answer).code
            if code in {"bank_id_taken", "idempotency_key_reused"}:
                raise InvariantBroken(f"payout {reference} came again with other content")
            if answer.status in _REFUSED:
                return PayoutStatus(PayoutState.REJECTED, code)
        return _status(_decoded(_Payment, _require_ok(answer)), reference, amount_kopecks)

    async def payout_status(self, reference: str) -> PayoutStatus:
        """What became of a payout. Raises: BankSilent and its kin."""
        answer = await self._ask("GET", f"{BASE}/payments/{reference}")
        # Another 404 is a wrong address, and says nothing of the payment.
        if answer.status == httpx.codes.NOT_FOUND and _decoded(_Refusal, answer).code == "bank_payment_not_found":
            return PayoutStatus(PayoutState.NOT_FOUND)
        return _status(_decoded(_Payment, _require_ok(answer)), reference, None)

    async def balance_kopecks(self) -> int:
        """The present balance of the nominal account. Raises: BankSilent and its kin."""
        account: _Account = _decoded(_Account, _require_ok(await self._ask("GET", BASE)))
        return account.balance_kopecks

    async def _ask(self, method: str, target: str, body: Any = None, *, key: str | None = None) -> _Answer:
        """One answer, whatever its status below 500. Raises: BankSilent, BankAnswerNotTrusted, BankRefusesUs."""
        content = None if body is None else msgspec.json.encode(body)
        for left in reversed(range(TRIES)):
            try:
                answer = await self._ask_once(method, target, content, key)
            except httpx.ConnectError:
                wait_s = 0.2
            else:
                if answer.status != httpx.codes.TOO_MANY_REQUESTS:
                    return answer
                wait_s = answer.retry_after_s
            if not left or wait_s > WAIT_MAX_S:
                break
            await asyncio.sleep(wait_s)
        raise BankSilent

    async def _ask_once(self, method: str, target: str, content: bytes | None, key: str | None) -> _Answer:
        request_id = str(uuid4())
        headers = {"Authorization": f"Bearer {self._token}", "X-Request-Id": request_id}
        if content is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": str(key)}
        try:
            async with self._client.stream(method, target, content=content, headers=headers) as said:
                read = bytearray()
                async for part in said.aiter_bytes():
                    read += part
                    if len(read) > ANSWER_BYTES_MAX:
                        raise _not_trusted("too_large")
        except httpx.ConnectError:
            raise
        except httpx.HTTPError as error:
            raise BankSilent from error
        if said.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise BankSilent
        status, answered = said.status_code, bytes(read)
        if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            _log.error("settlement.bank_refused_us", code="bank_refuses_us", status=status)
            raise BankRefusesUs(facts={"status": status})
        self._require_signed(said.headers.get("Bank-Signature", ""), method, target, request_id, status, answered)
        return _Answer(status, answered, _seconds(said.headers.get("Retry-After", "")))

    def _require_signed(self, said: str, method: str, target: str, request_id: str, status: int, body: bytes) -> None:
        """Return if the bank signed this answer to this request. Raises: BankAnswerNotTrusted."""
        if self._answer_key is None:
            return
        lines = ("kapital-bank-answer-v1", method, target, request_id, str(status), sha256_hex(body))
        try:
            self._answer_key.verify(
                base64.b64decode(said, validate=True), "".join(f"{line}\n" for line in lines).encode()
            )
        except (InvalidSignature, binascii.Error, ValueError):
            raise _not_trusted("signature") from None


def open_http_bank(
    url: str,
    *,
    token_file: Path,
    answer_key_file: Path | None,
    authorities: Path | None,
    certificate: Path | None,
    certificate_key: Path | None,
    timeout_s: float,
) -> HttpBank:
    """The bank at an address, with secrets from files; with `certificate` we show it (mTLS).

    Raises: OSError, ValueError, ssl.SSLError for files that cannot be used.
    """
    key = load_pem_public_key(answer_key_file.read_bytes()) if answer_key_file else None
    if key is not None and not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{answer_key_file} is not an Ed25519 key")
    tls = ssl.create_default_context(cafile=str(authorities) if authorities else None)
    if certificate is not None:
        tls.load_cert_chain(certificate, certificate_key)
    # No proxy or password of the environment, no redirect: the bank is at the address of the settings or nowhere.
    client = httpx.AsyncClient(base_url=url, timeout=timeout_s, verify=tls, follow_redirects=False, trust_env=False)
    return HttpBank(client, token=token_file.read_text(encoding="ascii").strip(), answer_key=key)


def _require_ok(answer: _Answer) -> _Answer:
    if answer.status not in {httpx.codes.OK, httpx.codes.CREATED}:
        raise _not_trusted(f"status_{answer.status}")
    return answer


def _decoded(shape: Any, answer: _Answer) -> Any:
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except msgspec.DecodeError:
        raise _not_trusted("unreadable") from None


def _status(payment: _Payment, reference: str, amount_kopecks: int | None) -> PayoutStatus:
    if payment.payment_id != reference or amount_kopecks not in {None, payment.amount_kopecks}:
        raise _not_trusted("of_another_payment")
    if payment.state not in _STATES:
        raise _not_trusted("state_unknown")
    state = _STATES[payment.state]
    return PayoutStatus(state, (payment.reason or payment.state) if state is PayoutState.REJECTED else None)


def _not_trusted(reason: str) -> BankAnswerNotTrusted:
    _log.error("settlement.bank_answer_not_trusted", code=reason)
    return BankAnswerNotTrusted(facts={"reason": reason})


def _seconds(said: str) -> float:
    """Retry-After in seconds; one that is no number is one second."""
    return float(said) if said.isascii() and said.isdigit() and len(said) < 10 else 1.0
