"""Events: what a service tells the others, and the envelope in which it travels (CloudEvents 1.0)."""

import builtins
import re
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from kapital.kernel.problems import ensure

T = TypeVar("T")

TYPE_PATTERN = re.compile(r"kapital\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\.v[1-9][0-9]*")
AGGREGATE_ID_LENGTH_MAX = 200
DATA_BYTES_MAX = 262_144


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact, past tense, ready for the outbox.

    Shape: `type` is `kapital.<service>.<fact>.v<N>`; `aggregate_id` names the thing whose events keep their
    order (never personal data); `data` is the generated contract Struct, or a dict of JSON values.
    """

    type: str
    aggregate_id: str
    data: Any
    aggregate_version: int | None = None

    def __post_init__(self) -> None:
        """A wrong event is our fault, not the caller's."""
        ensure(TYPE_PATTERN.fullmatch(self.type) is not None, f"event type {self.type!r} is malformed")
        ensure(0 < len(self.aggregate_id) <= AGGREGATE_ID_LENGTH_MAX, "aggregate id must have 1 to 200 signs")


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event as it is delivered: CloudEvents 1.0 attributes, extensions in lower case without signs.

    `source` is `/kapital/<service>`, `subject` the aggregate id, `data` plain JSON values; use `data_as` for
    the contract's type.
    """

    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    data: dict[str, Any]
    correlationid: str
    specversion: str = msgspec.field(default="1.0")
    datacontenttype: str = msgspec.field(default="application/json")
    causationid: str | None = None
    aggregateversion: int | None = None

    @property
    def producer(self) -> str:
        """The service that tells."""
        return self.source.rsplit("/", 1)[-1]

    def data_as(self, contract: builtins.type[T]) -> T:
        """The payload as the generated contract type; raises msgspec.ValidationError when it does not fit."""
        return msgspec.convert(self.data, contract)

    def to_json(self) -> bytes:
        """The structured JSON form of the envelope; required attributes are always present."""
        body = msgspec.to_builtins(self)
        body |= {"specversion": self.specversion, "datacontenttype": self.datacontenttype}
        return msgspec.json.encode(body, order="deterministic")


def source_of(service: str) -> str:
    """The CloudEvents `source` of a service."""
    return f"/kapital/{service}"
