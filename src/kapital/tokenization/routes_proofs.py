"""HTTP of the proofs of a record moment. Bound to contracts/openapi/tokenization.yaml.

Translates and calls, decides nothing.
"""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from litestar import Response, get
from litestar.response import Stream

from kapital.platform.http import HttpRequest, actor_of
from kapital.tokenization.queries.record_proofs import own_record_holding, record_holders
from kapital.tokenization.use_cases.bound import TokenizationUseCases

_LINES: Final = "application/jsonl"
_NO_SNIFFING: Final = {"X-Content-Type-Options": "nosniff"}


@get("/v1/tokenization/actions/{action_id:uuid}/holders")
async def get_record_holders_route(
    request: HttpRequest, tokenization: TokenizationUseCases, action_id: UUID
) -> Stream:
    """The signed list."""
    lines = await record_holders(tokenization.parts, actor_of(request), action_id)
    # Before the answer begins: what is refused while the list is hashed is still a problem, and not a broken file.
    header = await anext(lines)
    return Stream(_from(header, lines), media_type=_LINES, headers=_named("holders", action_id))


@get("/v1/tokenization/actions/{action_id:uuid}/holding")
async def get_own_record_holding_route(
    request: HttpRequest, tokenization: TokenizationUseCases, action_id: UUID
) -> Response[bytes]:
    """The caller's own lines."""
    content = await own_record_holding(tokenization.parts, actor_of(request), action_id)
    return Response(content, media_type=_LINES, headers=_named("holding", action_id))


def _named(what: str, action_id: UUID) -> dict[str, str]:
    return _NO_SNIFFING | {"Content-Disposition": f'attachment; filename="{what}-{action_id}.kapital.jsonl"'}


async def _from(header: bytes, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield header
    async for line in lines:
        yield line


PROOF_HANDLERS: Final = (get_record_holders_route, get_own_record_holding_route)
