"""The one canonical spelling of JSON (RFC 8785) with what the verifier needs: the standard library only.

The verifier must not lean on the program that wrote the bytes, so it has its own reader and writer. Numbers
are integers within 2^53; anything larger or fractional travels as a string.
"""

import json
from typing import Any, Final, NoReturn

INTEGER_MAX: Final = 2**53 - 1


class JsonInvalid(Exception):
    """Bytes that are not JSON, or JSON in another spelling; `code` is stable, `reason` is for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def encode_canonical(value: Any) -> bytes:
    """Return the RFC 8785 bytes of dicts, lists, strings, integers, booleans and None.

    Raises: JsonInvalid.
    """
    try:
        return json.dumps(_ordered(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise JsonInvalid("json_not_unicode", "a string holds half of a surrogate pair") from None
    except RecursionError:
        raise JsonInvalid("json_too_deep", "the JSON is nested too deeply") from None


def decode_json(data: bytes) -> Any:
    """Read JSON, refusing what two readers could understand in two ways: equal keys, fractions, NaN.

    Raises: JsonInvalid with `json_empty`, `json_torn` (the end is missing), `json_not_utf8`,
    `json_malformed`, `json_key_repeated`, `json_number_not_integer`, `json_number_out_of_range`,
    `json_too_deep`.
    """
    if not data:
        raise JsonInvalid("json_empty", "there are no bytes")
    try:
        text = data.decode()
        return json.loads(
            text,
            object_pairs_hook=_distinct,
            parse_int=_integer,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except UnicodeDecodeError as error:
        torn = error.reason == "unexpected end of data"
        raise JsonInvalid("json_torn" if torn else "json_not_utf8", f"not UTF-8: {error.reason}") from None
    except json.JSONDecodeError as error:
        # Cut off: the reader wanted more at the end, or stopped inside what the end should have closed.
        torn = error.pos >= len(text) or error.msg.startswith("Unterminated string")
        torn = torn or (text.startswith("{") and not text.endswith("}"))
        raise JsonInvalid("json_torn" if torn else "json_malformed", f"not JSON: {error}") from None
    except RecursionError:
        raise JsonInvalid("json_too_deep", "the JSON is nested too deeply") from None


def decode_canonical(data: bytes) -> Any:
    """Read JSON whose bytes are exactly its canonical form.

    Raises: JsonInvalid as `decode_json`, and `json_not_canonical`, `json_not_unicode`.
    """
    value = decode_json(data)
    if encode_canonical(value) != data:
        raise JsonInvalid("json_not_canonical", "the bytes are not the RFC 8785 form of what they say")
    return value


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        # RFC 8785 orders names by UTF-16 code units, which differs from code points above U+FFFF.
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return {name: _ordered(value[name]) for name in names}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > INTEGER_MAX):
        raise JsonInvalid("json_number_out_of_range", f"{value} is not an integer within 2^53")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise JsonInvalid("json_key_repeated", "an object names one member twice")
    return members


def _integer(digits: str) -> int:
    # The length is checked first: reading a number of a million digits is work without an end.
    if len(digits) > 17 or abs(int(digits)) > INTEGER_MAX:
        raise JsonInvalid("json_number_out_of_range", "an integer is beyond 2^53")
    return int(digits)


def _refuse_number(text: str) -> NoReturn:
    raise JsonInvalid("json_number_not_integer", f"{text[:40]} is not an integer")
