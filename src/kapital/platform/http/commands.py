"""What a route needs to hand a command on: the actor and the command id (the idempotency key)."""

import re
from typing import Any, Final, TypeAlias

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import Family, InvariantBroken, Problem, Retry, ensure

HttpRequest: TypeAlias = Request[Any, Any, Any]

NO_IDEMPOTENCY_KEY: Final[dict[str, Any]] = {"no_idempotency_key": True}
"""For `opt=` of an unsafe route whose repetition does no harm."""

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_KEY: Final = re.compile(r'"([!#-~]{1,198})"|([!#-~]{1,200})')


class IdempotencyKeyRequired(Problem):
    """Unsafe methods need the key."""

    code = "idempotency_key_required"
    title = "Send an Idempotency-Key"
    retry = Retry.AFTER_CHANGE
    family = Family.UNREADABLE


class IdempotencyKeyInvalid(Problem):
    """1 to 200 visible ASCII signs, with or without double quotes around."""

    code = "idempotency_key_invalid"
    title = "The Idempotency-Key has a wrong form"
    retry = Retry.AFTER_CHANGE
    family = Family.UNREADABLE


async def require_idempotency_key(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard of every route: refuse an unsafe method without a well-formed key before its body is read."""
    method = str(connection.scope.get("method", "GET"))
    if method in SAFE_METHODS or handler.opt.get("no_idempotency_key"):
        return
    connection.scope["state"]["command_id"] = _command_id(connection.headers.get("idempotency-key"))


def _command_id(header: str | None) -> CommandId:
    if header is None or not header.strip():
        raise IdempotencyKeyRequired
    found = _KEY.fullmatch(header.strip())
    if found is None:
        raise IdempotencyKeyInvalid
    return CommandId(found[1] or found[2])


def actor_of(request: HttpRequest) -> Actor:
    """Who asks; only in routes that are not public."""
    actor = request.scope.get("user")
    if not isinstance(actor, Actor):
        raise InvariantBroken("a public route has no actor")
    return actor


def command_context(request: HttpRequest) -> tuple[Actor, CommandId]:
    """Actor and command id of an unsafe request."""
    command_id = request.scope["state"].get("command_id")
    ensure(command_id is not None, "a command needs an unsafe method with an idempotency key")
    return actor_of(request), CommandId(str(command_id))
