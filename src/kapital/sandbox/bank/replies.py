"""Answers by idempotency key: the same request gets the same answer and has one effect."""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from litestar import Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.base import Contract
from kapital.kernel.canonical import sha256_hex
from kapital.platform.http import HttpRequest
from kapital.platform.problems import IdempotencyKeyReused
from kapital.sandbox.bank.bank import SandboxBank
from kapital.settlement.domain.problems import BankSilent

# Two requests with one key at once: the second waits for the first to commit.
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
_FIND: Final = text("SELECT request_sha256, status, answer FROM reply WHERE key = :key")
_KEEP: Final = text(
    "INSERT INTO reply (key, request_sha256, status, answer) VALUES (:key, :sha256, :status, :answer)"
)


def request_hash(method: str, path: str, body: bytes) -> str:
    """What makes two requests the same one."""
    return sha256_hex(f"{method} {path}\n".encode() + body)


async def find_reply(conn: AsyncConnection, key: str, sha256: str) -> tuple[int, bytes] | None:
    """Status and body of the kept answer; the key is locked until the commit. Raises: IdempotencyKeyReused."""
    await conn.execute(_LOCK, {"key": key})
    kept = (await conn.execute(_FIND, {"key": key})).one_or_none()
    if kept is None:
        return None
    if kept.request_sha256 != sha256:
        raise IdempotencyKeyReused("the same key was used for a request with other content")
    return kept.status, bytes(kept.answer)


async def keep_reply(conn: AsyncConnection, key: str, sha256: str, status: int, answer: bytes) -> None:
    """Keep an answer with its effect."""
    await conn.execute(_KEEP, {"key": key, "sha256": sha256, "status": status, "answer": answer})


async def once(
    request: HttpRequest,
    bank: SandboxBank,
    work: Callable[[AsyncConnection], Awaitable[Contract | None]],
    status: int,
) -> Response[bytes]:
    """Do the work once per idempotency key; its effect and its answer are kept by one commit.

    Work that returns nothing was a request that got lost. Raises: IdempotencyKeyReused, BankSilent.
    """
    key = str(request.scope["state"]["command_id"])
    sha256 = request_hash(request.method, request.url.path, await request.body())
    async with bank.answering() as conn:
        kept = await find_reply(conn, key, sha256)
        if kept is not None:
            return _json(kept[1], kept[0], {"Idempotency-Replayed": "true"})
        done = await work(conn)
        answer = msgspec.json.encode(done)
        if done is not None:
            await keep_reply(conn, key, sha256, status, answer)
    if done is None:
        raise BankSilent
    return _json(answer, status)


def _json(body: bytes, status: int, headers: dict[str, str] | None = None) -> Response[bytes]:
    return Response(body, status_code=status, media_type="application/json", headers=headers or {})
