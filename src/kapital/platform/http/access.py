"""Who asks: the bearer token becomes an actor, or the request ends here."""

from typing import Any, Final, Protocol

from litestar import Response
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from kapital.contracts.operations import OPERATIONS
from kapital.kernel.actor import Actor
from kapital.kernel.problems import Family, InvariantBroken, Problem, Retry
from kapital.platform import access
from kapital.platform.context import current_context, set_actor

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
    """Guard of every route: put the actor into the connection, or raise. What is public is so by the policies too."""
    operation = current_context().noted.operation = operation_of(connection.scope)
    if handler.opt.get("public"):
        if operation is not None:
            access.require(access.ANONYMOUS, operation)
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


def operation_of(scope: Any) -> str | None:
    """The `operationId` of the contract that the matched route has; None for a route without a contract."""
    return OPERATIONS.get((str(scope.get("method")), str(scope.get("path_template"))))


async def require_asked(response: Response[Any]) -> Response[Any]:
    """Let no good answer out of a route whose handler never asked the policies of its operation: deny by default.

    The kept answer of an earlier try was asked for then. A refusal needs no permission.
    """
    noted = current_context().noted
    good = response.status_code is None or response.status_code < 400
    if noted.operation is not None and good and not noted.replayed and noted.operation not in noted.asked:
        raise InvariantBroken(f"the answer of {noted.operation} was made without asking the access policies")
    return response
