"""The rules of alerts name metrics of the code and pages that are there; each metric of the duty page has a rule."""

import re
from functools import cache
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest

from kapital.platform.telemetry import REGISTRY
from tests.docs.test_papers import REPOSITORY

RUNBOOKS = REPOSITORY / "docs" / "runbooks"
METRIC = re.compile(r"\bkapital_[a-z_]+")


@cache
def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load((RUNBOOKS / "alerts.yaml").read_text())["groups"]
    return list(group["rules"])


def exposed() -> set[str]:
    """Names under which `GET /metrics` shows samples, whether there are samples yet or not."""
    names: set[str] = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", generate_latest(REGISTRY).decode(), re.MULTILINE):
        names |= {f"{name}_{part}" for part in ("bucket", "count", "sum")} if kind == "histogram" else {name}
    return names


def not_exposed(one: dict[str, Any]) -> set[str]:
    return set(METRIC.findall(one["expr"])) - exposed()


def rows() -> list[tuple[set[str], str]]:
    """The duty page: (metrics of the sign, page of the alert)."""
    page = (RUNBOOKS / "README.md").read_text()
    table = re.findall(r"^\| .+ \| (.+) \| \[.+\]\((.+?)(?:#.+)?\) \|$", page, re.MULTILINE)
    return [(set(METRIC.findall(sign)), page) for sign, page in table]


@pytest.mark.parametrize("one", rules(), ids=lambda one: str(one["alert"]))
def test_a_rule_names_a_metric_of_the_code_and_the_page_that_the_duty_page_gives_for_it(one: dict[str, Any]) -> None:
    named = set(METRIC.findall(one["expr"]))
    page = REPOSITORY / one["annotations"]["runbook"]

    assert named
    assert not_exposed(one) == set()
    assert named <= set(METRIC.findall(page.read_text())), "the page does not say what to look at"
    assert (named, page.name) in rows()


def test_each_metric_of_the_duty_page_has_a_rule() -> None:
    shown = {name for names, _ in rows() for name in names}
    ruled = {name for one in rules() for name in METRIC.findall(one["expr"])}

    assert shown == ruled
    assert {"kapital_acts_waiting", "kapital_screening_hits_overdue"} <= ruled


def test_a_metric_that_the_code_does_not_have_is_found() -> None:
    assert not_exposed({"expr": "kapital_acts_wait > 0 or rate(kapital_use_case[5m]) > 0"}) == {
        "kapital_acts_wait",
        "kapital_use_case",
    }
