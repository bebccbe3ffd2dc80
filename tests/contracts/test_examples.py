"""Every example is what the contract that its name speaks of allows; terms and evidence are what their schemas say.

The rule of the names stands in contracts/README.md.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from ruamel.yaml import YAML

from kapital.tokenization.domain.evaluator import EVALUATORS
from kapital.tokenization.domain.terms import load_terms
from tests.contracts.documents import (
    CONTRACTS,
    REPOSITORY,
    Operation,
    all_operations,
    event_schemas,
    event_validator,
    validator,
)
from tests.contracts.story import Story

EXAMPLES = sorted((CONTRACTS / "examples").glob("*/*"))
TERMS = sorted((REPOSITORY / "examples/issues").glob("*.yaml"))
BY_ID = {(operation.service, operation.body["operationId"]): operation for operation in all_operations()}


def schema_named_by(path: Path) -> Draft202012Validator:
    """The schema that an example's folder and name speak of; an AssertionError for a name that speaks of none."""
    service, stem = path.parent.name, path.stem
    if (event := f"kapital.{service}.{stem}") in event_schemas():
        return event_validator(event)
    operation_id, _, part = stem.rpartition("_")
    assert part in {"request", "answer"}, f"{path.name} is neither an event nor a request nor an answer"
    assert (service, operation_id) in BY_ID, f"{service} has no operation {operation_id}"
    operation = BY_ID[service, operation_id]
    body = operation.body["requestBody"] if part == "request" else operation.response(operation.success[0])
    file, _, pointer = body["content"]["application/json"]["schema"]["$ref"].partition("#/")
    return validator(f"#/components/schemas/{Path(file).stem or service}_{pointer.rsplit('/', 1)[-1]}")


def requests_of(operation: Operation) -> set[str]:
    [status] = operation.success
    name = f"{operation.service}/{operation.body['operationId']}"
    asked = {f"{name}_request"} if "requestBody" in operation.body else set()
    return asked | ({f"{name}_answer"} if "application/json" in operation.response(status)["content"] else set())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_example_is_what_its_name_says(path: Path) -> None:
    assert path.suffix == ".json"
    schema_named_by(path).validate(json.loads(path.read_text(encoding="utf-8")))


def test_every_event_has_an_example_and_every_command_one_of_its_request_and_of_its_answer() -> None:
    there = {f"{path.parent.name}/{path.stem}" for path in EXAMPLES}
    commands = {name for o in all_operations() if o.needs_key for name in requests_of(o)}
    events = {event.removeprefix("kapital.").replace(".", "/", 1) for event in event_schemas()}

    assert commands | events <= there


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_example_is_written_to_be_read(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=2) + "\n"


@pytest.mark.parametrize("path", TERMS, ids=lambda path: path.stem)
def test_an_example_of_terms_fits_the_schema_and_the_code(path: Path) -> None:
    schema = json.loads((CONTRACTS / "terms/issuance_terms.schema.json").read_text(encoding="utf-8"))
    loaded = YAML(typ="safe", pure=True).load(path.read_bytes())
    plain = json.loads(json.dumps(loaded, default=lambda day: day.isoformat()))

    Draft202012Validator(schema, format_checker=FormatChecker()).validate(plain)
    assert load_terms(json.dumps(plain).encode()) == load_terms(path.read_bytes())


@pytest.mark.parametrize("kind", ["entry", "statement"])
def test_a_generated_evidence_package_fits_its_schema(story: Story, kind: str) -> None:
    schema = json.loads((CONTRACTS / "evidence/package.schema.json").read_text(encoding="utf-8"))
    package: dict[str, Any] = json.loads(story.packages[kind])

    Draft202012Validator(schema, format_checker=FormatChecker()).validate(package)
    assert package["kind"] == kind


def test_the_example_decisions_name_the_code_that_computes_their_payments() -> None:
    named = {path.name: load_terms(path.read_bytes()).smart_contract_clause.code_sha256 for path in TERMS}
    digests = {one.code_sha256: one.file for one in EVALUATORS}

    assert set(named.values()) <= set(digests), f"write one of {digests}"
