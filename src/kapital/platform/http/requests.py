"""The strict request: what the contract's types do not say is refused, nothing is coerced or chosen from."""

import json
import re
from functools import lru_cache
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler

from kapital.kernel.problems import FieldFault
from kapital.platform.http.problems import (
    BodyMustMatchContract,
    BodyNotReadable,
    ParameterMustMatchContract,
    invalid_body,
)

_NUL_ESCAPE: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


@lru_cache(maxsize=1024)
def _decoder(contract: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(contract, strict=True)


@lru_cache(maxsize=1024)
def _no_text(handler: BaseRouteHandler) -> frozenset[str]:
    """Query names of the optional parameters that are not texts: for these the framework reads `null` as absent."""
    return frozenset(
        str(getattr(field.kwarg_definition, "query", None) or name)
        for name, field in handler.parsed_fn_signature.parameters.items()
        if field.is_optional and all(inner.annotation is not str for inner in field.inner_types)
    )


async def require_plain_query(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard of every route: each query parameter once, and `null` is no id.

    A client that writes its empty cursor as `after=null` would else read the first page for ever.
    Raises: ParameterMustMatchContract.
    """
    if not connection.scope["query_string"]:
        return
    seen: set[str] = set()
    for name, value in connection.query_params.multi_items():
        if name in seen:
            raise ParameterMustMatchContract(errors=[FieldFault(f"/parameters/{name}", "given more than once")])
        if str(value).lower() == "null" and name in _no_text(handler):
            raise ParameterMustMatchContract(errors=[FieldFault(f"/parameters/{name}", "leave it out instead")])
        seen.add(name)


class _NameTwice(Exception):
    """A JSON object has two members of one name (RFC 8259 §4 leaves open what that means)."""


def _once(members: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            raise _NameTwice(name[:64])
        seen.add(name)


# Numbers are left as text: only the names are looked at.
_require_names_once: Final = json.JSONDecoder(object_pairs_hook=_once, parse_int=str, parse_float=str).decode


class StrictRequest(Request[Any, Any, Any]):
    """Decodes the body into the type of the route's `data` itself; the framework would turn `"5"` into 5."""

    async def json(self) -> Any:
        """The decoded body.

        Raises: 415, BodyNotReadable, BodyMustMatchContract.
        """
        media_type, _ = self.content_type
        if media_type != "application/json" and not re.fullmatch(r"application/[\w.-]+\+json", media_type):
            raise HTTPException(status_code=415)
        body = await self.body()
        field = self.route_handler.parsed_data_field
        decoder = _decoder(field.raw if field is not None else Any)
        # PostgreSQL keeps no NUL in texts; refused here, it cannot fail deep inside.
        if b"u0000" in body and _NUL_ESCAPE.search(body):
            raise BodyMustMatchContract("a text may not hold the sign U+0000")
        try:
            decoded = decoder.decode(body)
            _require_names_once(body.decode())
        # One of the two would silently win, and who reads the body elsewhere may see the other.
        except _NameTwice as error:
            raise BodyMustMatchContract(f"a name stands twice in one object: {error}") from None
        except msgspec.ValidationError as error:
            raise invalid_body(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise BodyNotReadable from None
        return decoded
