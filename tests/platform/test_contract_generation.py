"""The generated types are what the contracts say, and the tool refuses what it cannot say well."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def load_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "generate_contracts", REPOSITORY / "tools" / "generate_contracts.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = load_tool()

OPENAPI = """
openapi: 3.1.0
info: {title: toy, version: 1.0.0}
paths: {}
components:
  schemas:
    Kind: {type: string, enum: [big, small]}
    Toy:
      type: object
      additionalProperties: false
      required: [toy_id, kind, amount_kopecks, made_at, made_on, owner]
      properties:
        toy_id: {type: string, format: uuid}
        kind: {$ref: '#/components/schemas/Kind'}
        amount_kopecks: {type: integer, minimum: 0}
        made_at: {type: string, format: date-time}
        made_on: {type: string, format: date}
        owner: {type: [string, 'null'], maxLength: 5}
        note: {type: string}
        problem: {$ref: 'common.yaml#/components/schemas/Problem'}
"""
EVENTS = """
asyncapi: 3.0.0
info: {title: toy events, version: 1.0.0}
components:
  messages:
    toy_made:
      name: kapital.toy.toy_made.v1
      payload: {$ref: '#/components/schemas/ToyMade'}
  schemas:
    ToyMade:
      type: object
      additionalProperties: false
      required: [toy_id]
      properties: {toy_id: {type: string, format: uuid}}
"""
GOOD = {
    "toy_id": "0191e7a2-7c1d-7f4e-9c7b-3a1f5a0c9d11",
    "kind": "big",
    "amount_kopecks": 1,
    "made_on": "2026-03-02",
    "made_at": "2026-03-02T09:00:00Z",
    "owner": None,
}


@pytest.fixture
def contracts(tmp_path: Path) -> Path:
    for folder, text in (("openapi", OPENAPI), ("events", EVENTS)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "toy.yaml").write_text(text)
    shared = (REPOSITORY / "contracts" / "openapi" / "common.yaml").read_text()
    (tmp_path / "openapi" / "common.yaml").write_text(shared)
    return tmp_path


@pytest.fixture
def toy(contracts: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("generated_toy")
    monkeypatch.setitem(sys.modules, "generated_toy", module)
    exec(compile(tool.generate_module("toy", contracts), "generated_toy", "exec"), module.__dict__)
    return module


def decode(toy: ModuleType, **changes: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(GOOD | changes), type=toy.Toy)


def test_the_modules_in_the_repository_are_fresh():
    assert tool.main(["--check"]) == 0


def test_a_message_goes_there_and_back(toy):
    made = decode(toy)

    assert made.made_at.utcoffset().total_seconds() == 0
    assert made.note is msgspec.UNSET
    assert msgspec.json.decode(msgspec.json.encode(made)) == GOOD


@pytest.mark.parametrize(
    "changes",
    [
        {"toy_id": "x"},
        {"kind": "medium"},
        {"amount_kopecks": -1},
        {"amount_kopecks": 2**63},
        {"amount_kopecks": "1"},
        {"made_at": "2026-03-02T09:00:00"},
        {"made_on": "02.03.2026"},
        {"owner": "longer"},
        {"odd": 1},
        {"note": None},
    ],
)
def test_what_the_contract_does_not_say_is_refused(toy, changes):
    with pytest.raises(msgspec.ValidationError):
        decode(toy, **changes)


def test_event_types_lead_to_their_payloads(toy):
    assert {"kapital.toy.toy_made.v1": toy.ToyMade} == toy.EVENT_TYPES


def test_the_same_contract_gives_the_same_bytes(contracts):
    assert tool.generate_module("toy", contracts) == tool.generate_module("toy", contracts)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("events", "kapital.toy.toy_made.v1", "kapital.other.toy_made.v1", "kapital.other.toy_made.v1"),
        ("events", "    ToyMade:\n", "    Toy:\n", "differs"),
        (
            "openapi",
            "common.yaml#/components/schemas/Problem",
            "other.yaml#/components/schemas/Problem",
            "other.yaml",
        ),
        ("openapi", "common.yaml#/components/schemas/Problem", "common.yaml#/components/schemas/Missing", "Missing"),
    ],
)
def test_a_contract_against_the_rules_is_refused_with_the_place(contracts, file, old, new, said):
    path = contracts / file / "toy.yaml"
    path.write_text(path.read_text().replace(old, new))

    with pytest.raises(tool.ContractError, match=said):
        tool.generate_module("toy", contracts)


def test_an_object_inside_a_schema_gets_a_name_of_its_place(contracts):
    path = contracts / "openapi" / "toy.yaml"
    inside = "note: {type: object, additionalProperties: false, properties: {text: {type: string}}}"
    path.write_text(path.read_text().replace("note: {type: string}", inside))

    assert "class ToyNote(" in tool.generate_module("toy", contracts)
