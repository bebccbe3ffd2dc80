"""Canonical bytes: the one byte form of everything that is hashed or signed (RFC 8785, JCS).

Anybody must be able to recompute the form from JSON with an off-the-shelf RFC 8785 library, so only values
with exactly one JSON text go in. Money and quantities above 2**53 travel as decimal strings.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import msgspec

from kapital.kernel.problems import Family, Problem, Retry

INTEGER_MAX: Final = 2**53 - 1
"""Largest integer, either sign, that every JSON reader keeps exact (RFC 7493, 2.2)."""

DEPTH_MAX: Final = 64
_DECIMAL_DIGITS_MAX: Final = 64
_ZERO: Final = timedelta(0)
_TEXTS: Final = frozenset({str})
_AS_THEY_ARE: Final = frozenset({str, bool, type(None), UUID, date})


class ValueNotCanonical(Problem):
    """A value has no single canonical form. Facts: `reason`, and the type or limit it concerns."""

    code = "value_not_canonical"
    title = "The value cannot be written in canonical form"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


def canonical_bytes(value: object) -> bytes:
    """The RFC 8785 form of a value, in UTF-8.

    Shape: msgspec Structs (encoded field names and tag; UNSET fields are left out), dicts with text keys,
    lists and tuples, str, int within ±(2**53 - 1), bool, None; as text: UUID, StrEnum, date, datetime in
    UTC (`Z`, microseconds only if not zero), Decimal in plain notation with its digits as given.
    Keys stand in the order of their UTF-16 code units.

    Raises: ValueNotCanonical for anything else – floats, sets, bytes, other zones, lone surrogates,
    nesting beyond 64, Structs whose encoded fields depend on defaults or stand in an array.
    """
    try:
        if _is_plain(value, 0):
            return msgspec.json.encode(value, order="sorted")
        return msgspec.json.encode(_plain(value, 0))
    except UnicodeEncodeError:
        raise _refusal("lone_surrogate", "a text contains half of a surrogate pair") from None


def sha256_hex(content: bytes) -> str:
    """SHA-256 of bytes as 64 lower-case hexadecimal digits."""
    return sha256(content).hexdigest()


def _is_plain(value: Any, depth: int) -> bool:
    """Whether msgspec alone writes the canonical form of `value`; False is not yet a refusal.

    msgspec writes texts and integers as RFC 8785 wants them (a test compares), but it would also write
    floats and big integers, and it sorts keys by code point, which is UTF-16 order only up to U+D7FF.
    Ledger entries pass here whole, which is twice as fast as rebuilding them.
    """
    kind = type(value)
    items: Iterable[Any]
    if kind is list or kind is tuple:
        items = value
    elif kind is dict:
        if not {*map(type, value)} <= _TEXTS or not "".join(value).isascii():
            return False
        items = value.values()
    elif isinstance(value, msgspec.Struct):
        if not _has_ascii_names(type(value)):
            return False
        items = msgspec.structs.astuple(value)
    else:
        is_utc = kind is datetime and value.utcoffset() == _ZERO
        return is_utc or kind in _AS_THEY_ARE or isinstance(value, StrEnum)
    if depth == DEPTH_MAX:
        return False
    for item in items:
        kind = type(item)
        if kind in _AS_THEY_ARE:
            continue
        if kind is int:
            if not -INTEGER_MAX <= item <= INTEGER_MAX:
                return False
        elif not _is_plain(item, depth + 1):
            return False
    return True


def _plain(value: Any, depth: int) -> Any:
    """The same value in builtins that msgspec writes canonically: keys in order, odd scalars as text."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is int:
        return _integer(value)
    if not isinstance(value, (dict, list, tuple, msgspec.Struct)):
        return _scalar(value)
    if depth == DEPTH_MAX:
        raise _refusal("too_deep", f"values are nested deeper than {DEPTH_MAX}", limit=DEPTH_MAX)
    if isinstance(value, dict):
        return {key: _plain(value[key], depth + 1) for key in sorted(map(_key, value), key=_utf16)}
    if isinstance(value, msgspec.Struct):
        return _struct(value, depth)
    return [_plain(item, depth + 1) for item in value]


def _struct(value: msgspec.Struct, depth: int) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, attribute, tag in _layout(type(value)):
        item = tag if attribute is None else getattr(value, attribute)
        if item is not msgspec.UNSET:
            plain[name] = _plain(item, depth + 1)
    return plain


@cache
def _layout(struct: type[msgspec.Struct]) -> tuple[tuple[str, str | None, str | int | None], ...]:
    """Encoded name, attribute and tag value of each member, in canonical order."""
    config = struct.__struct_config__
    if config.array_like or config.omit_defaults:
        # With omitted defaults, changing a default would change the meaning of bytes already signed.
        raise _refusal("struct_form", "a Struct must write its fields by name, all of them", kind=struct.__name__)
    names = zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True)
    members: list[tuple[str, str | None, str | int | None]] = [(name, field, None) for name, field in names]
    if config.tag_field is not None:
        members.append((config.tag_field, None, config.tag))
    return tuple(sorted(members, key=lambda member: _utf16(member[0])))


@cache
def _has_ascii_names(struct: type[msgspec.Struct]) -> bool:
    return all(name.isascii() for name, _, _ in _layout(struct))


def _scalar(value: object) -> Any:
    match value:
        case Decimal():
            return _decimal(value)
        case datetime():
            if value.utcoffset() != _ZERO:
                raise _refusal("instant_not_utc", "an instant must be aware and in UTC")
            return value
        case StrEnum():  # by value, as msgspec does
            return value.value
        case int():  # IntEnum
            return _integer(int(value))
        case UUID():  # drivers have UUID classes of their own
            return str(value)
    raise _refusal("unsupported_type", "values of this type have no canonical form", kind=type(value).__name__)


def _integer(value: int) -> int:
    if not -INTEGER_MAX <= value <= INTEGER_MAX:
        raise _refusal("integer_too_large", "integers beyond 2**53 are written as decimal strings")
    return value


def _decimal(value: Decimal) -> str:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise _refusal("decimal_not_finite", "NaN and infinity have no canonical form")
    # Bounds before text: 1E+999999999 would be written as a gigabyte of zeros.
    if value.adjusted() >= _DECIMAL_DIGITS_MAX or exponent <= -_DECIMAL_DIGITS_MAX:
        raise _refusal("decimal_too_long", "the number has too many digits", limit=_DECIMAL_DIGITS_MAX)
    return format(value, "f")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise _refusal("key_not_text", "keys of an object are texts", kind=type(key).__name__)
    return str.__str__(key)


def _utf16(text: str) -> bytes:
    # Lone surrogates pass here and are refused when written, in one place for keys and values.
    return text.encode("utf-16-be", "surrogatepass")


def _refusal(reason: str, detail: str, **facts: str | int) -> ValueNotCanonical:
    return ValueNotCanonical(detail, {"reason": reason, **facts})
