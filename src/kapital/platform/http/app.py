"""The application: all services' routes behind the same guards, and what operators look at."""

import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from litestar import Litestar, Request, Router
from litestar.datastructures import State
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import Message

from kapital.kernel.problems import ensure
from kapital.platform.context import CORRELATION_ID_LENGTH_MAX, bind_context
from kapital.platform.database import Databases
from kapital.platform.http.access import TokenVerifier, require_actor, require_asked
from kapital.platform.http.commands import require_idempotency_key
from kapital.platform.http.contract_pages import CONTRACT_ROUTES
from kapital.platform.http.operations import OPERATION_ROUTES, Stopped
from kapital.platform.http.problems import EXCEPTION_HANDLERS
from kapital.platform.http.requests import StrictRequest, require_plain_query
from kapital.platform.settings import Settings
from kapital.platform.telemetry import REQUESTS, span

_CORRELATION_ID: Final = re.compile(rf"[A-Za-z0-9._-]{{1,{CORRELATION_ID_LENGTH_MAX}}}")
_SAFE_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)

Hook = Callable[[], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class ServiceRoutes:
    """What a service brings: Litestar handlers with full paths, and what is injected into them by name."""

    name: str
    handlers: Sequence[Any]
    dependencies: Mapping[str, Any] = field(default_factory=dict)


class HttpApp(Litestar):
    """Litestar, with correlation, metrics and headers around everything, unknown addresses included."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        began, status = time.perf_counter(), 500
        given = dict(scope["headers"]).get(b"x-correlation-id", b"").decode("latin-1")

        with (
            bind_context(correlation_id=given if _CORRELATION_ID.fullmatch(given) else None) as context,
            span("http.request"),
        ):

            async def send_marked(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    headers = list(message["headers"])
                    headers.append((b"x-correlation-id", context.correlation_id.encode()))
                    there = {name.lower() for name, _ in headers}
                    headers += [header for header in _SAFE_HEADERS if header[0] not in there]
                    # Answers in a body only: a refusal after the kept answer was found is no replay of it.
                    if context.noted.replayed and status < 300 and b"idempotency-replayed" not in there:
                        headers.append((b"idempotency-replayed", b"true"))
                    if b"cache-control" not in there:
                        headers.append((b"cache-control", b"no-store"))
                    message["headers"] = headers
                await send(message)

            try:
                await super().__call__(scope, receive, send_marked)
            finally:
                route = str(scope.get("path_template") or "unmatched")
                elapsed = time.perf_counter() - began
                REQUESTS.labels(scope["method"], route, str(status)).observe(elapsed)


def create_app(
    services: Sequence[ServiceRoutes],
    *,
    settings: Settings,
    databases: Databases,
    verifier: TokenVerifier,
    parts: Mapping[str, Stopped] | None = None,
    on_startup: Sequence[Hook] = (),
    on_shutdown: Sequence[Hook] = (),
) -> HttpApp:
    """The application of the given services; the caller opens and closes the databases.

    Deny by default: a route without `opt=PUBLIC` needs a token that `verifier` knows.
    `parts` are asked at every `/health`.
    """
    routers = [
        Router(path="/", route_handlers=list(service.handlers), dependencies=dict(service.dependencies))
        for service in services
    ]
    app = HttpApp(
        route_handlers=[*routers, *OPERATION_ROUTES, *CONTRACT_ROUTES],
        before_request=_guard,
        after_request=require_asked,
        exception_handlers=EXCEPTION_HANDLERS,
        request_class=StrictRequest,
        request_max_body_size=settings.body_limit_bytes,
        openapi_config=None,
        logging_config=None,
        debug=False,
        pdb_on_exception=False,
        on_startup=list(on_startup),
        on_shutdown=list(on_shutdown),
        state=State({"settings": settings, "databases": databases, "token_verifier": verifier, "parts": parts or {}}),
    )
    ensure(all(map(_is_guarded, app.routes)), "no route is without the guard")
    return app


def _is_guarded(route: BaseRoute) -> bool:
    """Whether all that serves the route comes behind the guard; a handler's own hook would take its place."""
    return isinstance(route, HTTPRoute) and all(
        handler.resolve_before_request() is _guard for handler in route.route_handlers
    )


async def _guard(request: Request[Any, Any, Any]) -> None:
    """Guard of every route, before anything of the request is read.

    Not one of the framework's own guards: for each of them it copies the handler, which costs a tenth of a request.
    """
    handler = request.route_handler
    await require_actor(request, handler)
    await require_idempotency_key(request, handler)
    await require_plain_query(request, handler)


def served_routes(app: Litestar) -> set[tuple[str, str]]:
    """Every (method, path) that the application answers, paths as OpenAPI writes them:
    `/v1/wallets/{wallet_id}`.

    OPTIONS and HEAD, which the framework adds, are left out; operations and contract pages are in.
    """
    return {
        (method, route.path_format)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods
        if method not in {"OPTIONS", "HEAD"}
    }
