"""The request with strict bodies: what the contract's type does not say is refused, nothing is coerced."""

import re
from functools import lru_cache
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException

from kapital.platform.http.problems import BodyMustMatchContract, BodyNotReadable, invalid_body

_NUL_ESCAPE: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


@lru_cache(maxsize=1024)
def _decoder(contract: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(contract, strict=True)


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
            return decoder.decode(body)
        except msgspec.ValidationError as error:
            raise invalid_body(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise BodyNotReadable from None
