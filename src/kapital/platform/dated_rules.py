"""Rules of the settings that hold from a day to a day: their common fields, and how they are found by day."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from kapital.kernel.parameters import Confidence, DatedParameter


class DatedRule(BaseModel):
    """From a day to a day, both included, on this basis. What an installation says of the law awaits a lawyer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    effective_from: date
    effective_to: date | None = None
    basis: str = Field(min_length=1, max_length=500)


Rule = TypeVar("Rule", bound=DatedRule)


def by_day(name: str, rules: Iterable[Rule]) -> DatedParameter[Rule] | None:
    """The rules as one parameter; None without any. Raises: InvariantBroken for rules that overlap."""
    given = sorted(rules, key=lambda rule: rule.effective_from)
    rows = [(rule.effective_from, rule.effective_to, rule, rule.basis, Confidence.DOUBTFUL) for rule in given]
    return DatedParameter(name, rows) if rows else None


class DatedSwitch(Generic[Rule]):
    """What is so on the days of its rules, and on no other. `setting` names where the rules stand.

    Raises on making: InvariantBroken for rules that overlap.
    """

    setting: ClassVar[str]

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules = by_day(self.setting, rules)

    def _holds_on(self, on: date) -> bool:
        return self._rules is not None and self._rules.find_row_at(on) is not None
