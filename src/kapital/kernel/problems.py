"""Expected refusals (`Problem`), failures of the world (`Unavailable`), own faults (`InvariantBroken`)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, Final

_CODE: Final = re.compile(r"[a-z][a-z0-9_]{2,63}")


class InvariantBroken(Exception):
    """Our own fault: a rule that must always hold does not. Never caught to go on; raises the alarm."""


def ensure(condition: bool, message: str) -> None:
    """Raise InvariantBroken with `message` unless `condition` holds; unlike assert, `-O` leaves it in."""
    if not condition:
        raise InvariantBroken(message)


class Retry(StrEnum):
    """Whether asking again can help."""

    NEVER = "never"
    SAME_REQUEST = "same_request"
    AFTER_CHANGE = "after_change"


class Family(StrEnum):
    """Kind of refusal, free of any transport; the table family -> HTTP status lives in `platform`."""

    UNREADABLE = "unreadable"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    STALE = "stale"
    UNPROCESSABLE = "unprocessable"
    TOO_LARGE = "too_large"
    LIMITED = "limited"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One bad field of a request. Shape: `pointer` is an RFC 6901 JSON Pointer into the body."""

    pointer: str
    message: str


class Problem(Exception):
    """An expected refusal: says which rule refused, with the numbers, and whether trying again can help.

    Subclasses declare `code` (snake case, the rule that must hold or the amount exceeded; never renamed
    or reused), `title`, `retry` and `family`; the declaration is checked and registered on import.
    `retry` and `family` may come from a base class, `code` and `title` may not.
    `detail` and `facts` are for the client: no personal data, no secrets.
    `confidential` problems (115-FZ measures) are shown to the client as one neutral body.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    retry: ClassVar[Retry]
    family: ClassVar[Family]
    confidential: bool = False

    def __init__(
        self,
        detail: str = "",
        facts: Mapping[str, str | int] | None = None,
        *,
        errors: Sequence[FieldFault] = (),
        confidential: bool | None = None,
    ) -> None:
        ensure("code" in type(self).__dict__, "only declared problems are raised, never Problem itself")
        super().__init__(detail)
        self.detail = detail or self.title
        self.facts: dict[str, str | int] = dict(facts or {})
        self.errors: list[FieldFault] = list(errors)
        if confidential is not None:
            self.confidential = confidential

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        name = f"{cls.__module__}.{cls.__qualname__}"
        own = cls.__dict__
        code, title = own.get("code"), own.get("title")
        ensure(isinstance(code, str) and bool(_CODE.fullmatch(code)), f"{name}: code must be snake_case")
        ensure(isinstance(title, str) and bool(title.strip()), f"{name}: title is missing")
        ensure(isinstance(getattr(cls, "retry", None), Retry), f"{name}: retry is missing")
        ensure(isinstance(getattr(cls, "family", None), Family), f"{name}: family is missing")
        ensure(cls.code not in _REGISTRY, f"{name}: code {code} already belongs to another problem")
        _REGISTRY[cls.code] = cls

    def __str__(self) -> str:
        # What is confidential must not reach a log by way of a traceback.
        return self.code if self.confidential else f"{self.code}: {self.detail}"


_REGISTRY: Final[dict[str, type[Problem]]] = {}


def problem_codes() -> Mapping[str, type[Problem]]:
    """Every declared problem of the modules imported so far, by code; a live read-only view."""
    return MappingProxyType(_REGISTRY)


class Unavailable(Problem):
    """The world failed (bank, HSM, database, time-out): the same request may succeed later."""

    code = "unavailable"
    title = "A part this needs does not answer now"
    retry = Retry.SAME_REQUEST
    family = Family.UNAVAILABLE


class StaleVersion(Problem):
    """The caller decided on an older version of the object than the one now kept."""

    code = "stale_version"
    title = "The object has changed since it was read"
    retry = Retry.AFTER_CHANGE
    family = Family.STALE


class MakerAndCheckerMustDiffer(Problem):
    """Four eyes: the second step of an act is another person's (domain.md 3.0, 2E). One code for all services."""

    code = "maker_and_checker_must_differ"
    title = "Another person must do the second step"
    retry = Retry.NEVER
    family = Family.FORBIDDEN
