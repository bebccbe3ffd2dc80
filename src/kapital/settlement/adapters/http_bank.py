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
from typing import Any, Final
from uuid import uuid4

import httpx
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from kapital.kernel.canonical import sha256_hex
from kapital.kernel.problems import InvariantBroken
from kapital.platform.logging import get_logger
from kapital.platform.telemetry import BANK_MESSAGES
from kapital.settlement.adapters.http_bank_shapes import (
    PAGE_MAX,
    AccountSaid,
    PageSaid,
    PaymentSaid,
    QrSaid,
    Refusal,
)
from kapital.settlement.adapters.http_payments import BASE, spoken_payment
from kapital.settlement.adapters.tls_refusal import tls_refusal
from kapital.settlement.domain.incoming import BankCredit
from kapital.settlement.domain.payout_account import Payee
from kapital.settlement.domain.problems import BankAnswerNotTrusted, BankRefusesUs, BankSilent
from kapital.settlement.domain.sbp import link_is_of
from kapital.settlement.ports import PayoutState, PayoutStatus, RawMessages, RegisteredQr
from kapital.settlement.ports.sbp import Channel

ANSWER_BYTES_MAX: Final = 8 * 1024 * 1024
TRIES: Final = 4
WAIT_MAX_S: Final = 5.0
"""The longest time that a bank may ask us to wait between two tries; a longer one is left to the next tick."""

_STATES: Final[Mapping[str, PayoutState]] = {
    "pending": PayoutState.PENDING,
    "in_progress": PayoutState.PENDING,
    "succeeded": PayoutState.EXECUTED,
    "failed": PayoutState.REJECTED,
    "cancelled": PayoutState.REJECTED,
}
REFUSED: Final = frozenset({400, 413, 422})
"""Statuses by which the bank says that it does not take such a payment, now or ever."""
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bank answered, signed where a key is named."""

    status: int
    body: bytes
    retry_after_s: float


class HttpBank:
    """Implements `kapital.settlement.ports.Bank`. `answer_key`: the bank's; without it answers are not checked.

    Promise: a payment carries its reference as its id and as its idempotency key, in every try. An answer that tells
    of credits, and one that the bank did not sign, is kept in `raw` as it came before anybody hears of it.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        token: str,
        answer_key: Ed25519PublicKey | None,
        raw: RawMessages | None = None,
    ) -> None:
        self._client, self._token, self._answer_key, self._raw = client, token, answer_key, raw

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def incoming(self, after_cursor: int, limit: int) -> Sequence[BankCredit]:
        """Credits after a place in the bank's list. Raises: BankSilent and its kin."""
        target = f"{BASE}/incoming-payments?after_cursor={after_cursor}&limit={min(limit, PAGE_MAX)}"
        answer = require_ok(await self.ask("GET", target))
        page = decoded(PageSaid, answer)
        if page.items:
            await self._keep(answer.body, "valid" if self._answer_key else "not_checked")
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
        self,
        reference: str,
        amount_kopecks: int,
        account: Payee,
        purpose: str,
        beneficiary_id: str | None = None,
    ) -> PayoutStatus:
        """Pay from the nominal account, once per reference. Raises: BankSilent and its kin."""
        target, body = spoken_payment(reference, amount_kopecks, account, purpose, beneficiary_id)
        answer = await self.ask("POST", target, body, key=reference)
        if answer.status in {404, 409, *REFUSED}:
            code = decoded(Refusal, answer).code
            if code in {"bank_id_taken", "idempotency_key_reused"}:
                raise InvariantBroken(f"payout {reference} came again with other content")
            if answer.status in REFUSED or code == "bank_object_not_found":
                return PayoutStatus(PayoutState.REJECTED, code)
        return _status(decoded(PaymentSaid, require_ok(answer)), reference, amount_kopecks)

    async def payout_status(self, reference: str) -> PayoutStatus:
        """What became of a payout. Raises: BankSilent and its kin."""
        answer = await self.ask("GET", f"{BASE}/payments/{reference}")
        # Another 404 is a wrong address, and says nothing of the payment.
        if answer.status == httpx.codes.NOT_FOUND and decoded(Refusal, answer).code == "bank_payment_not_found":
            return PayoutStatus(PayoutState.NOT_FOUND)
        return _status(decoded(PaymentSaid, require_ok(answer)), reference, None)

    async def register_sbp_qr(
        self, reference: str, amount_kopecks: int, purpose: str, expires_at: datetime
    ) -> RegisteredQr:
        """A QR code of the SBP, the same for the same reference. Raises: BankSilent and its kin."""
        body = {
            "order_id": reference,
            "amount_kopecks": amount_kopecks,
            "purpose": purpose,
            "expires_at": expires_at.isoformat(),
        }
        answer = require_ok(await self.ask("POST", f"{BASE}/sbp-qr-codes", body, key=reference))
        made: QrSaid = decoded(QrSaid, answer)
        if (made.order_id, made.amount_kopecks) != (reference, amount_kopecks):
            raise not_trusted("of_another_payment")
        if not link_is_of(made.link, made.qr_id, amount_kopecks):
            raise not_trusted("link")
        return RegisteredQr(made.qr_id, made.link)

    async def balance_kopecks(self) -> int:
        """The present balance of the nominal account. Raises: BankSilent and its kin."""
        account: AccountSaid = decoded(AccountSaid, require_ok(await self.ask("GET", BASE)))
        return account.balance_kopecks

    async def ask(self, method: str, target: str, body: Any = None, *, key: str | None = None) -> Answer:
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

    async def _ask_once(self, method: str, target: str, content: bytes | None, key: str | None) -> Answer:
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
                        raise not_trusted("too_large")
        except (httpx.HTTPError, ssl.SSLError) as error:  # an alert of TLS 1.3 comes through as it is
            if (refusal := tls_refusal(error)) is not None:
                _log.error("settlement.bank_tls_refused", code=str(refusal.facts["reason"]))
                raise refusal from error
            if isinstance(error, httpx.ConnectError):
                raise
            raise BankSilent from error
        if said.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise BankSilent
        status, answered = said.status_code, bytes(read)
        if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            _log.error("settlement.bank_refused_us", code="bank_refuses_us", status=status)
            raise BankRefusesUs(facts={"status": status})
        signature = said.headers.get("Bank-Signature", "")
        if not self._is_signed(signature, method, target, request_id, status, answered):
            await self._keep(answered, "invalid" if signature else "absent")
            raise not_trusted("signature")
        return Answer(status, answered, _seconds(said.headers.get("Retry-After", "")))

    async def _keep(self, body: bytes, outcome: str) -> None:
        if self._raw is not None:
            await self._raw.keep(Channel.ANSWER, body, outcome)

    def _is_signed(self, said: str, method: str, target: str, request_id: str, status: int, body: bytes) -> bool:
        """Whether the bank signed this answer to this request; anything is believed where no key is named."""
        if self._answer_key is None:
            return True
        lines = ("kapital-bank-answer-v1", method, target, request_id, str(status), sha256_hex(body))
        try:
            self._answer_key.verify(
                base64.b64decode(said, validate=True), "".join(f"{line}\n" for line in lines).encode()
            )
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


def open_http_bank(
    url: str,
    *,
    token_file: Path,
    answer_key_file: Path | None,
    authorities: Path | None,
    certificate: Path | None,
    certificate_key: Path | None,
    timeout_s: float,
    raw: RawMessages | None = None,
) -> HttpBank:
    """The bank at an address, with secrets from files; with `certificate` we show it (mTLS).

    Raises: OSError, ValueError, ssl.SSLError for files that cannot be used.
    """
    key = load_pem_public_key(answer_key_file.read_bytes()) if answer_key_file else None
    if key is not None and not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{answer_key_file} is not an Ed25519 key")
    tls: ssl.SSLContext | bool = False
    if not url.startswith("http://") or authorities is not None or certificate is not None:
        tls = ssl.create_default_context(cafile=str(authorities) if authorities else None)
        if certificate is not None:
            tls.load_cert_chain(certificate, certificate_key)
    # No proxy or password of the environment, no redirect: the bank is at the address of the settings or nowhere.
    client = httpx.AsyncClient(base_url=url, timeout=timeout_s, verify=tls, follow_redirects=False, trust_env=False)
    return HttpBank(client, token=token_file.read_text(encoding="ascii").strip(), answer_key=key, raw=raw)


def require_ok(answer: Answer) -> Answer:
    """The answer, if it is none of a refusal. Raises: BankAnswerNotTrusted."""
    if answer.status not in {httpx.codes.OK, httpx.codes.CREATED}:
        raise not_trusted(f"status_{answer.status}")
    return answer


def decoded(shape: Any, answer: Answer) -> Any:
    """The body as the contract has it. Raises: BankAnswerNotTrusted."""
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except msgspec.DecodeError:
        raise not_trusted("unreadable") from None


def _status(payment: PaymentSaid, reference: str, amount_kopecks: int | None) -> PayoutStatus:
    if payment.payment_id != reference or amount_kopecks not in {None, payment.amount_kopecks}:
        raise not_trusted("of_another_payment")
    if payment.state not in _STATES:
        raise not_trusted("state_unknown")
    state = _STATES[payment.state]
    return PayoutStatus(state, (payment.reason or payment.state) if state is PayoutState.REJECTED else None)


def not_trusted(reason: str) -> BankAnswerNotTrusted:
    """Say that an answer is none of the bank, and why."""
    _log.error("settlement.bank_answer_not_trusted", code=reason)
    BANK_MESSAGES.labels("refused", f"answer_{reason}").inc()
    return BankAnswerNotTrusted(facts={"reason": reason})


def _seconds(said: str) -> float:
    """Retry-After in seconds; one that is no number is one second."""
    return float(said) if said.isascii() and said.isdigit() and len(said) < 10 else 1.0
