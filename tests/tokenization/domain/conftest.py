"""Example decisions as plain values, and one way to change them."""

import copy
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kapital.kernel.calendar import BusinessCalendar, russian_calendar
from kapital.tokenization.domain.terms import IssuanceTerms, load_terms
from kapital.tokenization.domain.terms_text import plain_value

EXAMPLES = Path(__file__).parents[3] / "examples" / "issues"

Changed = Callable[..., IssuanceTerms]


def changed_value(value: Any, changes: Mapping[str, Any]) -> Any:
    """A copy of a plain value with the values at the JSON Pointers replaced or added."""
    value = copy.deepcopy(value)
    for pointer, new in changes.items():
        *path, last = pointer.split("/")[1:]
        place = value
        for step in path:
            place = place[int(step) if isinstance(place, list) else step]
        place[int(last) if isinstance(place, list) else last] = new
    return value


@cache
def _plain(name: str) -> Any:
    # Read once: properties ask for an example a hundred times.
    return plain_value((EXAMPLES / f"{name}.yaml").read_bytes())


@pytest.fixture(scope="session")
def calendar() -> BusinessCalendar:
    return russian_calendar()


@pytest.fixture(scope="session")
def plain() -> Callable[[str], Any]:
    """The plain value of an example by its file name without the ending."""
    return _plain


@pytest.fixture(scope="session")
def example(plain: Callable[[str], Any]) -> Changed:
    """Terms of an example, with values at JSON Pointers changed."""

    def load(name: str, changes: Mapping[str, Any] | None = None) -> IssuanceTerms:
        return load_terms(json.dumps(changed_value(plain(name), changes or {})).encode())

    return load


@pytest.fixture(scope="session")
def early() -> Callable[..., IssuanceTerms]:
    """Terms with a call, a put and an offer to buy back, with values at JSON Pointers changed."""
    value = plain_value((EXAMPLES / "put-call-buyback.yaml").read_bytes())

    def load(changes: Mapping[str, Any] | None = None) -> IssuanceTerms:
        return load_terms(json.dumps(changed_value(value, changes or {})).encode())

    return load


@pytest.fixture(scope="session")
def changed() -> Callable[[Any, Mapping[str, Any]], Any]:
    """`changed_value`, for tests that draw the changes themselves."""
    return changed_value
