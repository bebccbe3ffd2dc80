"""What a fault run finds."""

from enum import StrEnum
from typing import Any

import msgspec


class Broken(Exception):
    """A promise that does not hold: a code, and what broke in words."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail


class Disturbed(Exception):
    """What looks at the house could not look: the case says nothing, and is played once more."""


class BankKind(StrEnum):
    """How the bank of a world is spoken to."""

    PLAIN = "plain"  # over HTTP; it keeps one sum
    SHARES = "shares"  # over HTTP; it keeps the shares of the beneficiaries
    FILES = "files"  # by an exchange folder


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What is played: a workload, what the bank does (a fault script, or `none`), and where a process dies."""

    workload: str
    script: str
    failpoint: str
    nth: int


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """A case in which something broke. With `seed` and `number` the same case is found again."""

    seed: int
    number: int
    workload: str
    script: str
    failpoint: str
    nth: int
    code: str
    detail: str


class Outcome(msgspec.Struct, kw_only=True):
    """What a run found so far. A case whose failpoint was not met is none: it is counted in `not_reached`."""

    seed: int
    cases: int = 0
    violations: list[Violation] = msgspec.field(default_factory=list)
    waiting_for_person: int = 0
    not_reached: list[Case] = msgspec.field(default_factory=list)
    reached: dict[str, int] = msgspec.field(default_factory=dict)
    scripts: dict[str, int] = msgspec.field(default_factory=dict)
    worlds: int = 0
    seconds: float = 0.0

    def told(self) -> dict[str, Any]:
        """As JSON is told."""
        return {**msgspec.to_builtins(self), "seconds": round(self.seconds, 1)}
