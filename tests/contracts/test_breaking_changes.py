"""A contract's change that breaks a caller or a reader needs a new major version; an addition only a fresh copy."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.contracts.freeze import FROZEN, shapes, written
from tests.contracts.shape import Shape, breaks, is_new_major

SHAPES = shapes()
PLACE, LIST = "POST /v1/tokenization/orders", "GET /v1/settlement/withdrawals"
REFRESH = "added something? run `.venv/bin/python -m tests.contracts.freeze` and commit the frozen files"


def frozen(name: str) -> Shape:
    shape: Shape = json.loads((FROZEN / f"{name}.json").read_text(encoding="utf-8"))
    return shape


def test_every_contract_has_a_frozen_shape_and_none_is_left_over() -> None:
    assert {path.stem for path in FROZEN.glob("*.json")} == set(SHAPES), REFRESH


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_nothing_is_broken_without_a_new_major_version(name: str) -> None:
    before, now = frozen(name), SHAPES[name]

    assert is_new_major(before, now) or breaks(before, now) == []


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_the_frozen_shape_is_the_present_one(name: str) -> None:
    assert (FROZEN / f"{name}.json").read_text(encoding="utf-8") == written(SHAPES[name]), REFRESH


def order(change: Callable[[dict[str, Any]], Any]) -> Callable[[Shape], Any]:
    return lambda shape: change(shape["operations"][PLACE])


def event(change: Callable[[dict[str, Any]], Any]) -> Callable[[Shape], Any]:
    return lambda shape: change(shape["events"]["kapital.settlement.withdrawal_changed.v1"])


def answer(operation: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = operation["answers"]["application/json"]
    return fields


TEXT = {"required": True, "type": ["string"]}
BREAKING: dict[str, tuple[str, Callable[[Shape], Any]]] = {
    "operation removed": ("tokenization.openapi", lambda s: s["operations"].pop(PLACE)),
    "token needed": (
        "disclosure.openapi",
        lambda s: s["operations"]["GET /v1/disclosure/issues"].update(public=False),
    ),
    "other success": ("tokenization.openapi", order(lambda o: o.update(status="202"))),
    "request field removed": ("tokenization.openapi", order(lambda o: o["request"].pop("orders[].units"))),
    "request field newly required": (
        "tokenization.openapi",
        order(lambda o: o["request"].update({"orders[].note": TEXT})),
    ),
    "request field of another type": (
        "tokenization.openapi",
        order(lambda o: o["request"]["orders[].units"].update(type=["string"])),
    ),
    "request list shortened": ("tokenization.openapi", order(lambda o: o["request"]["orders"].update(maxItems=10))),
    "request bound raised": (
        "tokenization.openapi",
        order(lambda o: o["request"]["orders[].units"].update(minimum=2)),
    ),
    "parameter newly required": (
        "tokenization.openapi",
        order(lambda o: o["parameters"].update({"query:dry": TEXT})),
    ),
    "parameter takes fewer values": (
        "settlement.openapi",
        lambda s: s["operations"][LIST]["parameters"]["query:state"]["enum"].remove("sent"),
    ),
    "answer field removed": ("tokenization.openapi", order(lambda o: answer(o).pop("items[].outcome"))),
    "answer field may be absent": (
        "tokenization.openapi",
        order(lambda o: answer(o)["items[].outcome"].update(required=False)),
    ),
    "answer value removed": (
        "tokenization.openapi",
        order(lambda o: answer(o)["items[].outcome"]["enum"].remove("pending")),
    ),
    "answer may be null": (
        "tokenization.openapi",
        order(lambda o: answer(o)["items[].outcome"].update(type=["null", "string"])),
    ),
    "answer in another media type": ("tokenization.openapi", order(lambda o: o["answers"].clear())),
    "event removed": ("settlement.events", lambda s: s["events"].pop("kapital.settlement.top_up_booked.v1")),
    "event field removed": ("settlement.events", event(lambda e: e.pop("state"))),
    "event value removed": ("settlement.events", event(lambda e: e["state"]["enum"].remove("confirmed"))),
    "event field of another type": (
        "settlement.events",
        event(lambda e: e["amount_kopecks"].update(type=["string"])),
    ),
}
ADDING: dict[str, tuple[str, Callable[[Shape], Any]]] = {
    "operation added": (
        "tokenization.openapi",
        lambda s: s["operations"].update({"GET /v1/tokenization/new": s["operations"][PLACE]}),
    ),
    "optional request field": (
        "tokenization.openapi",
        order(lambda o: o["request"].update({"orders[].note": TEXT | {"required": False}})),
    ),
    "required field of a new optional object": (
        "tokenization.openapi",
        order(lambda o: o["request"].update({"memo": {"required": False, "type": ["object"]}, "memo.text": TEXT})),
    ),
    "request list lengthened": (
        "tokenization.openapi",
        order(lambda o: o["request"]["orders"].update(maxItems=2000)),
    ),
    "request value added": (
        "settlement.openapi",
        lambda s: s["operations"][LIST]["parameters"]["query:state"]["enum"].append("stopped"),
    ),
    "answer field added": ("tokenization.openapi", order(lambda o: answer(o).update({"items[].note": TEXT}))),
    "event field added": ("settlement.events", event(lambda e: e.update(note=TEXT))),
}


@pytest.mark.parametrize("what", sorted(BREAKING))
def test_this_is_found_to_break(what: str) -> None:
    name, change = BREAKING[what]
    now = deepcopy(SHAPES[name])
    change(now)

    assert breaks(SHAPES[name], now) != []
    assert not is_new_major(SHAPES[name], now)
    assert is_new_major(SHAPES[name], now | {"version": "2.0.0"})


@pytest.mark.parametrize("what", sorted(ADDING))
def test_this_is_found_to_be_an_addition(what: str) -> None:
    name, change = ADDING[what]
    now = deepcopy(SHAPES[name])
    change(now)

    assert now != SHAPES[name]
    assert breaks(SHAPES[name], now) == []
