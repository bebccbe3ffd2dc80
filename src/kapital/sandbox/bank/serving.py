"""The bank as a program that is asked over HTTP: what goes wrong happens here, around the routes.

Order of one call: token and rate, the fault it meets, the route, the message kept, the signature, the answer. A fault
is used up before the route runs, in a transaction of its own: a restart in the middle does not meet it again.
"""

import asyncio
import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar import Litestar
from litestar.di import Provide
from sqlalchemy import text

from kapital.contracts.bank_nominal_account import FaultKind, FaultPoint
from kapital.kernel.problems import Problem
from kapital.platform.context import bind_context
from kapital.platform.contract_files import load_contract
from kapital.platform.http.commands import require_idempotency_key
from kapital.platform.http.problems import EXCEPTION_HANDLERS, MEDIA_TYPE, problem_response
from kapital.platform.http.requests import StrictRequest, require_plain_query
from kapital.sandbox.bank import faults, journal
from kapital.sandbox.bank.answers import signature, signed_text
from kapital.sandbox.bank.bank import SandboxBank
from kapital.sandbox.bank.clock import BankClock
from kapital.sandbox.bank.console import CONSOLE_ROUTES
from kapital.sandbox.bank.escrow_routes import ESCROW_ROUTES
from kapital.sandbox.bank.problems import BankOutOfService, BankRateExceeded, BankTokenInvalid
from kapital.sandbox.bank.routes import HANDLERS
from kapital.sandbox.bank.routes_sbp import SBP_HANDLERS

CONTRACT: Final = "bank_nominal_account"
BODY_MAX: Final = 1_048_576
NO_ANSWER: Final = 504
"""A server cannot keep silent for ever: who still waits after the time of the fault gets this, unsigned."""

_REQUEST_ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}")
_AMOUNT: Final = re.compile(rb'("(?:amount|balance)_kopecks":)(\d+)')
_SKEW: Final = text("SELECT clock_skew_s FROM account")
_SET_SKEW: Final = text("UPDATE account SET clock_skew_s = clock_skew_s + :seconds RETURNING clock_skew_s")
_OF_ROUTE: Final = frozenset({FaultKind.reject, FaultKind.pending, FaultKind.unclear})


@dataclass(slots=True)
class Rates:
    """How many requests of one operation are taken in a second; 0: any number."""

    per_second: int = 0
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    def take(self, operation: str) -> None:
        """Count one. Raises: BankRateExceeded."""
        if self.per_second == 0:
            return
        second = int(time.monotonic())
        begun, count = self._seen.get(operation, (second, 0))
        count = count + 1 if begun == second else 1
        self._seen[operation] = (second, count)
        if count > self.per_second:
            raise BankRateExceeded(facts={"retry_after_s": 1})


@dataclass(slots=True)
class _Answer:
    """An answer while it is still in our hands."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    async def take(self, message: Any) -> None:
        """An ASGI `send`."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


@dataclass(slots=True)
class _Body:
    """Reads the request and remembers it."""

    receive: Any
    seen: bytearray = field(default_factory=bytearray)

    async def __call__(self) -> Any:
        message = await self.receive()
        if message["type"] == "http.request" and len(self.seen) < journal.TEXT_MAX:
            self.seen += message.get("body", b"")
        return message

    async def whole(self) -> None:
        """Read to the end of the request."""
        while True:
            message = await self()
            if message["type"] == "http.disconnect" or not message.get("more_body"):
                return

    async def until_gone(self) -> None:
        """Return when the caller has hung up."""
        while (await self())["type"] != "http.disconnect":
            pass


class BankApp(Litestar):
    """The routes of the contract and the console page, behind what a fault script does to them."""

    bank: SandboxBank
    bank_clock: BankClock
    token: str
    key: Ed25519PrivateKey
    rates: Rates
    restart: Callable[[], None]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one ASGI connection."""
        operation = operation_of(scope) if scope["type"] == "http" else None
        if operation is None:
            await super().__call__(scope, receive, send)
            return
        with bind_context(correlation_id=None):
            await self._serve(operation, scope, receive, send)

    async def _serve(self, operation: str, scope: Any, receive: Any, send: Any) -> None:
        body, answer, fault = _Body(receive), _Answer(), None
        try:
            require_token(scope, self.token)
            if operation in _POINTS:
                self.rates.take(operation)
                fault = await self._fault(FaultPoint(operation))
            if await self._before(fault, body):
                scope["fault"] = fault if fault and fault.kind in _OF_ROUTE else None
                await super().__call__(scope, body, answer.take)
        except Problem as problem:
            answer = _refused(problem)
        await self._keep(operation, scope, body, answer, fault)
        if await self._after(fault, body):
            await self._send(scope, answer, fault, send)
        else:
            await send({"type": "http.response.start", "status": NO_ANSWER, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    async def _fault(self, point: FaultPoint) -> faults.Fault | None:
        async with self.bank.answering() as conn:
            fault = await faults.take(conn, point, self.bank_clock.now())
            if fault is not None and fault.kind is FaultKind.clock_skew:
                skew = (await conn.execute(_SET_SKEW, {"seconds": fault.seconds})).scalar_one()
                self.bank_clock.skew = timedelta(seconds=skew)
        return fault

    async def _before(self, fault: faults.Fault | None, body: _Body) -> bool:
        """Whether the request reaches the bank. Raises: BankOutOfService, BankRateExceeded."""
        match fault.kind if fault else None:
            case FaultKind.unavailable:
                raise BankOutOfService(facts=_retry_after(fault))
            case FaultKind.too_many_requests:
                raise BankRateExceeded(facts=_retry_after(fault))
            case FaultKind.restart_before:
                self.restart()
            case FaultKind.request_lost:
                await body.whole()
                return False
            case FaultKind.delay:
                await _wait(fault)
        return True

    async def _after(self, fault: faults.Fault | None, body: _Body) -> bool:
        """Whether the answer reaches the caller."""
        if fault is not None and fault.kind is FaultKind.restart_after:
            self.restart()
        if fault is None or fault.kind not in {FaultKind.request_lost, FaultKind.answer_lost}:
            return True
        waiting = [asyncio.create_task(_wait(fault)), asyncio.create_task(body.until_gone())]
        _, left = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        return False

    async def _send(self, scope: Any, answer: _Answer, fault: faults.Fault | None, send: Any) -> None:
        headers, body = list(answer.headers), bytes(answer.body)
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        if _REQUEST_ID.fullmatch(given):
            signed = signed_text(scope["method"], _target(scope), given, answer.status, body)
            wrong = fault is not None and fault.kind is FaultKind.bad_signature
            key = Ed25519PrivateKey.generate() if wrong else self.key
            headers.append((b"bank-signature", signature(key, signed).encode()))
        if fault is not None and fault.kind is FaultKind.altered_sum:
            body = _AMOUNT.sub(lambda found: found[1] + str(int(found[2]) + fault.kopecks).encode(), body, count=1)
            headers = [(name, value) for name, value in headers if name.lower() != b"content-length"]
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _keep(
        self, operation: str, scope: Any, body: _Body, answer: _Answer, fault: faults.Fault | None
    ) -> None:
        async with self.bank.database.engine.begin() as conn:
            await journal.keep(
                conn,
                at=self.bank_clock.now(),
                operation=operation,
                target=f"{scope['method']} {_target(scope)}",
                request=bytes(body.seen),
                status=answer.status or None,
                answer=bytes(answer.body),
                fault=fault.kind.value if fault else None,
            )


def bank_app(
    bank: SandboxBank,
    clock: BankClock,
    *,
    token: str,
    key: Ed25519PrivateKey,
    restart: Callable[[], None],
    rates: Rates | None = None,
) -> BankApp:
    """The application. `restart` ends the process at once and starts it again."""
    app = BankApp(
        route_handlers=[*HANDLERS, *ESCROW_ROUTES, *SBP_HANDLERS, *CONSOLE_ROUTES],
        dependencies={"bank": Provide(lambda: bank, sync_to_thread=False)},
        guards=[require_idempotency_key, require_plain_query],
        exception_handlers=EXCEPTION_HANDLERS,
        request_class=StrictRequest,
        request_max_body_size=BODY_MAX,
        openapi_config=None,
        logging_config=None,
        debug=False,
        pdb_on_exception=False,
    )
    app.bank, app.bank_clock, app.token, app.key = bank, clock, token, key
    app.rates, app.restart = rates or Rates(), restart
    return app


async def open_clock(bank_clock: BankClock, bank: SandboxBank) -> None:
    """Set the clock as far off as a script left it."""
    async with bank.database.engine.begin() as conn:
        bank_clock.skew = timedelta(seconds=(await conn.execute(_SKEW)).scalar_one())


def require_token(scope: Any, token: str) -> None:
    """Return if the caller has the token. Raises: BankTokenInvalid."""
    said = dict(scope["headers"]).get(b"authorization", b"")
    if not hmac.compare_digest(said, f"Bearer {token}".encode()):
        raise BankTokenInvalid


def operations() -> dict[tuple[str, str], str]:
    """(method, path) → operationId of the contract."""
    document = load_contract("outside", CONTRACT) or {}
    return {
        (method.upper(), path): item[method]["operationId"]
        for path, item in document["paths"].items()
        for method in item
    }


def operation_of(scope: Any) -> str | None:
    """The operation of the contract that a request is for."""
    for method, pattern, operation in _ROUTES:
        if scope["method"] == method and pattern.fullmatch(scope["path"]):
            return operation
    return None


_ROUTES: Final = [
    (method, re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operation)
    for (method, path), operation in operations().items()
]
_POINTS: Final = frozenset(point.value for point in FaultPoint)


def _refused(problem: Problem) -> _Answer:
    made = problem_response(problem)
    content = bytes(made.content)
    headers = {"content-type": MEDIA_TYPE, "content-length": str(len(content)), **made.headers}
    lines = [(name.lower().encode(), str(value).encode()) for name, value in headers.items()]
    return _Answer(made.status_code or 500, lines, bytearray(content))


def _target(scope: Any) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
    return f"{path}?{query}" if query else path


def _retry_after(fault: faults.Fault | None) -> dict[str, str | int]:
    return {"retry_after_s": max(1, round(fault.seconds)) if fault else 1}


async def _wait(fault: faults.Fault | None) -> None:
    await asyncio.sleep(fault.seconds if fault else 0)
