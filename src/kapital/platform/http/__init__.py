"""HTTP of all services: one application, problem details for every failure, deny by default.

For the authors of routes:

    @post("/v1/registry/staff", status_code=201)
    async def register_staff(
        data: contract.RegisterStaffRequest, request: HttpRequest, registry: RegistryUseCases
    ) -> contract.Staff:
        actor, command_id = command_context(request)
        …

- `data` is a generated contract type; it is decoded strictly (no `"5"` for 5), unknown fields are refused.
- Every route needs a valid access token unless it says `opt=PUBLIC`; every unsafe method needs an
  `Idempotency-Key` unless it says `opt=NO_IDEMPOTENCY_KEY` (both: `opt=PUBLIC | NO_IDEMPOTENCY_KEY`).
- Raise problems; never build an error response. The kept answer of an earlier try is marked without your doing
  (`Idempotency-Replayed`), because `Replies.find` notes it in the context of the request.
"""

from kapital.platform.http.access import PUBLIC, TokenVerifier
from kapital.platform.http.app import HttpApp, ServiceRoutes, create_app, served_routes
from kapital.platform.http.commands import NO_IDEMPOTENCY_KEY, HttpRequest, actor_of, command_context
from kapital.platform.http.problems import OperationOnHold, status_of

__all__ = [
    "NO_IDEMPOTENCY_KEY",
    "PUBLIC",
    "HttpApp",
    "HttpRequest",
    "OperationOnHold",
    "ServiceRoutes",
    "TokenVerifier",
    "actor_of",
    "command_context",
    "create_app",
    "served_routes",
    "status_of",
]
