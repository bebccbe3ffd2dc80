"""Who asks: the bearer token becomes an actor, or the request ends here."""

from typing import Any, Final, Protocol

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from kapital.kernel.actor import Actor
from kapital.kernel.problems import Family, Problem, Retry
from kapital.platform.context import set_actor

PUBLIC: Final[dict[str, Any]] = {"public": True}
"""For `opt=` of a route that needs no access token."""

TOKEN_LENGTH_MAX: Final = 8192


class TokenVerifier(Protocol):
    """Port to whatever gives out access tokens."""

    async def verify(self, token: str) -> Actor | None:
        """The actor behind a valid token; None for every token that is not valid now."""
        ...


class AccessTokenRequired(Problem):
    """The route needs an access token, and none came."""

    code = "access_token_required"
    title = "Send an access token"
    retry = Retry.AFTER_CHANGE
    family = Family.UNAUTHENTICATED


class AccessTokenInvalid(Problem):
    """The token is unknown, expired or withdrawn; which of them is not told."""

    code = "access_token_invalid"
    title = "The access token is not valid"
    retry = Retry.AFTER_CHANGE
    family = Family.UNAUTHENTICATED


async def require_actor(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard of every route: put the actor into the connection, or raise."""
    if handler.opt.get("public"):
        return
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise AccessTokenRequired
    verifier: TokenVerifier = connection.app.state["token_verifier"]
    actor = await verifier.verify(token.strip()) if len(token) <= TOKEN_LENGTH_MAX else None
    if actor is None:
        raise AccessTokenInvalid
    connection.scope["user"] = actor
    set_actor(actor.id)
