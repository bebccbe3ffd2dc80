"""Reading the text of terms: YAML 1.2 or JSON into plain values, and every departure from the expected shape.

YAML is read from parser events and not with a constructor: no tag can build an object, no alias can multiply
a text, and a number with a fraction never becomes a float on the way.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    DocumentEndEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from kapital.kernel.problems import Family, FieldFault, Problem, Retry

BYTES_MAX: Final = 256 * 1024
DEPTH_MAX: Final = 16
VALUES_MAX: Final = 6_000
_FAULTS_MAX: Final = 200

_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER_LIKE: Final = re.compile(
    r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|0[xob][0-9a-fA-F_]+|[-+]?\.inf|\.nan",
    re.IGNORECASE,
)
# The closing quote is optional, so that a text of unclosed quotes is looked at once and not once per quote.
_JSON_BRACKETS: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
# Controls, line and paragraph separators, marks that reorder what is shown, halves of surrogate pairs: the
# text people read must be the text that is hashed.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_AT: Final = re.compile(r" - at `.*`$")


class TermsTooLarge(Problem):
    """The text is above the size or the number of values. Facts: `limit` and what it counts."""

    code = "terms_too_large"
    title = "The terms are too large"
    retry = Retry.AFTER_CHANGE
    family = Family.TOO_LARGE


class TermsUnreadable(Problem):
    """The text is neither YAML nor JSON of the kind that terms are written in."""

    code = "terms_unreadable"
    title = "The terms cannot be read"
    retry = Retry.AFTER_CHANGE
    family = Family.UNREADABLE


class TermsTooDeep(Problem):
    """Values are nested too deep. Facts: `limit`."""

    code = "terms_too_deep"
    title = "The terms are nested too deep"
    retry = Retry.AFTER_CHANGE
    family = Family.UNREADABLE


class TermsAliasRefused(Problem):
    """A YAML anchor, alias or tag is used: each value stands where it is meant."""

    code = "terms_alias_refused"
    title = "Anchors, aliases and tags are not allowed in terms"
    retry = Retry.AFTER_CHANGE
    family = Family.UNREADABLE


class TermsDuplicateKey(Problem):
    """One key stands twice in one object, so that two readers could read two decisions. Facts: `key`."""

    code = "terms_duplicate_key"
    title = "A field is given twice"
    retry = Retry.AFTER_CHANGE
    family = Family.UNREADABLE


class TermsMustBeGivenOnce(Problem):
    """A draft carries its terms as an object or as a text, not as both and not as neither."""

    code = "terms_must_be_given_once"
    title = "Give the terms once: as an object, or as the text of a YAML file"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class TermsMalformed(Problem):
    """The text is readable but is not terms; `errors` points at every bad field (at most 200)."""

    code = "terms_malformed"
    title = "The terms do not have the required form"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


@dataclass(frozen=True, slots=True)
class UnquotedNumber:
    """A number that is not a plain integer; kept as text so that the fault can name its place."""

    text: str


def plain_value(data: bytes) -> Any:
    """Read a text as dicts, lists, str, int, bool, None and UnquotedNumber.

    Raises: TermsTooLarge, TermsUnreadable, TermsTooDeep, TermsAliasRefused, TermsDuplicateKey.
    """
    if len(data) > BYTES_MAX:
        raise TermsTooLarge(f"at most {BYTES_MAX} bytes", {"limit": BYTES_MAX, "bytes": len(data)})
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TermsUnreadable("the text is not UTF-8", {"byte": error.start}) from None
    return _read_json(text) if text.lstrip().startswith("{") else _YamlText(text).value()


def check_shape(value: Any, shape: type[msgspec.Struct]) -> list[FieldFault]:
    """Every field of a plain value that is not as `shape` wants it; if none, `msgspec.convert` succeeds."""
    return [fault for fault, _ in zip(_faults(value, shape, ""), range(_FAULTS_MAX), strict=False)]


def _read_json(text: str) -> Any:
    depth = 0
    for found in _JSON_BRACKETS.finditer(text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(found[0], 0)
        if depth > DEPTH_MAX:
            raise _too_deep()
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=UnquotedNumber,
            parse_int=_integer,
            parse_constant=UnquotedNumber,
        )
    except json.JSONDecodeError as error:
        raise TermsUnreadable(f"not JSON: {error.msg}", {"line": error.lineno, "column": error.colno}) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        _add(members, key, value)
    return members


def _add(members: dict[str, Any], key: str, value: Any) -> None:
    if key in members:
        shown = key[:100].encode("utf-8", "replace").decode("utf-8")
        raise TermsDuplicateKey(f"the field {shown!r} is given twice", {"key": shown})
    members[key] = value


def _integer(text: str) -> int | UnquotedNumber:
    return int(text) if _INTEGER.fullmatch(text) else UnquotedNumber(text)


class _YamlText:
    """One YAML document, read by its events."""

    def __init__(self, text: str) -> None:
        # The JSON Schema core of YAML 1.2 is applied here, whatever a %YAML directive says.
        self._events: Iterator[Event] = YAML(typ="safe", pure=True).parse(text)
        self._values = 0

    def value(self) -> Any:
        self._next(StreamStartEvent)
        if isinstance(self._next(), StreamEndEvent):  # otherwise the document begins
            raise TermsUnreadable("the text is empty")
        value = self._node(self._next(), 1)
        self._next(DocumentEndEvent)
        if not isinstance(self._next(), StreamEndEvent):
            raise TermsUnreadable("one decision is one document")
        return value

    def _next(self, *_expected: type[Event]) -> Event:
        try:
            return next(self._events)
        except (YAMLError, ValueError, OverflowError) as error:
            # The scanner lets ValueError escape for a character code beyond Unicode.
            raise TermsUnreadable("not YAML", _place(error)) from None

    def _node(self, event: Event, depth: int) -> Any:
        self._values += 1
        if self._values > VALUES_MAX:
            raise TermsTooLarge(f"at most {VALUES_MAX} values", {"limit": VALUES_MAX})
        if not isinstance(event, NodeEvent) or event.anchor is not None or getattr(event, "tag", None) is not None:
            raise TermsAliasRefused(facts=_place(event))
        if isinstance(event, ScalarEvent):
            return _plain_scalar(event.value) if event.implicit[0] else event.value
        if depth > DEPTH_MAX:
            raise _too_deep()
        return self._mapping(depth) if isinstance(event, MappingStartEvent) else self._sequence(depth)

    def _sequence(self, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            self._node(event, depth + 1)
            if not isinstance(event, ScalarEvent):
                raise TermsUnreadable("a field name is a text", _place(event))
            _add(members, event.value, self._node(self._next(), depth + 1))
        return members


def _plain_scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    return _integer(text) if _NUMBER_LIKE.fullmatch(text) else text


_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None, "": None}


def _place(where: Any) -> dict[str, str | int]:
    mark = getattr(where, "problem_mark", None) or getattr(where, "start_mark", None)
    return {} if mark is None else {"line": mark.line + 1, "column": mark.column + 1}


def _too_deep() -> TermsTooDeep:
    return TermsTooDeep(f"at most {DEPTH_MAX} levels", {"limit": DEPTH_MAX})


def _faults(value: Any, hint: Any, pointer: str) -> Iterator[FieldFault]:
    choices = _choices(hint)
    structs = [choice for choice in choices if isinstance(choice, type) and issubclass(choice, msgspec.Struct)]
    if isinstance(value, UnquotedNumber):
        yield FieldFault(pointer, f"write the number {value.text[:40]} in quotes, or as a plain integer")
    elif isinstance(value, str) and (found := _UNPRINTABLE.search(value)):
        yield FieldFault(pointer, f"the character U+{ord(found[0]):04X} is not allowed")
    elif structs and not (value is None and NoneType in choices):
        yield from _object_faults(value, structs, pointer)
    elif get_origin(_bare(hint)) is tuple and isinstance(value, list):
        yield from _leaf_faults([None] * len(value), _as_list(hint), pointer)
        for index, item in enumerate(value):
            yield from _faults(item, get_args(_bare(hint))[0], f"{pointer}/{index}")
    else:
        yield from _leaf_faults(value, hint, pointer)


def _object_faults(value: Any, structs: list[type[msgspec.Struct]], pointer: str) -> Iterator[FieldFault]:
    if not isinstance(value, dict):
        yield FieldFault(pointer, "an object with fields is expected")
        return
    tag_field = structs[0].__struct_config__.tag_field
    by_tag = {struct.__struct_config__.tag: struct for struct in structs}
    if tag_field is None:
        struct = structs[0]
    elif isinstance(tag := value.get(tag_field), str) and tag in by_tag:
        struct = by_tag[tag]
    else:
        yield FieldFault(f"{pointer}/{tag_field}", f"one of {', '.join(sorted(map(str, by_tag)))} is expected")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for name in sorted(value.keys() - fields.keys() - {tag_field}):
        yield FieldFault(f"{pointer}/{_escaped(name)}", "there is no such field")
    for name, field in fields.items():
        if name in value:
            yield from _faults(value[name], field.type, f"{pointer}/{name}")
        elif field.required:
            yield FieldFault(f"{pointer}/{name}", "the field is missing")


def _leaf_faults(value: Any, hint: Any, pointer: str) -> Iterator[FieldFault]:
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        yield FieldFault(pointer, _AT.sub("", str(error)))


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _choices(hint: Any) -> tuple[Any, ...]:
    bare = _bare(hint)
    return get_args(bare) if get_origin(bare) in (Union, UnionType) else (bare,)


def _as_list(hint: Any) -> Any:
    # Only the length is asked here; the items are looked at one by one.
    metas = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return Annotated[(list[Any], *metas)] if metas else list[Any]


def _escaped(name: str) -> str:
    shown = name[:100].encode("utf-8", "replace").decode("utf-8")
    return shown.replace("~", "~0").replace("/", "~1")
