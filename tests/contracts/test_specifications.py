"""Each contract is a valid document of its kind, and every reference in it leads somewhere."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

import kapital.app  # noqa: F401 - with it every problem of every service is known
from kapital.contracts import custody, identity, registry, settlement, tokenization
from kapital.kernel.problems import problem_codes
from tests.contracts.documents import (
    CONTRACTS,
    REPOSITORY,
    SERVICES,
    SHARED,
    TELLERS,
    all_operations,
    event_schemas,
    load,
    references,
    whole_contract,
)

MODULES = {
    "custody": custody,
    "identity": identity,
    "registry": registry,
    "settlement": settlement,
    "tokenization": tokenization,
}


@pytest.mark.parametrize("service", [SHARED, *SERVICES])
def test_an_http_contract_is_valid_openapi_with_its_references_followed(service: str) -> None:
    document = load("openapi", service)
    base = (CONTRACTS / "openapi" / f"{service}.yaml").as_uri()

    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document, base_uri=base).validate()


@pytest.mark.parametrize("service", [SHARED, *SERVICES])
def test_no_text_of_a_contract_is_cut_by_a_comma(service: str) -> None:
    """In braces a text without quotes ends at its first comma, and the rest becomes a word without a value."""

    def cut(part: Any, at: str) -> list[str]:
        if isinstance(part, dict):
            words = [f"{at}: {word}" for word, value in part.items() if value is None and "description" in part]
            return words + [found for name, below in part.items() for found in cut(below, f"{at}/{name}")]
        return [found for below in part for found in cut(below, at)] if isinstance(part, list) else []

    assert cut(load("openapi", service), service) == []


def test_the_contracts_make_one_valid_document_together() -> None:
    OpenAPIV31SpecValidator(whole_contract()).validate()


def test_every_schema_is_valid_json_schema() -> None:
    for schema in whole_contract()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_no_reference_leads_nowhere_and_no_part_is_unused() -> None:
    whole = whole_contract()
    used = set(references(whole))
    there = {
        f"#/components/{kind}/{name}"
        for kind, parts in whole["components"].items()
        for name in parts
        if kind != "securitySchemes"
    }

    assert used <= there
    # The shared file is a stock; a service's own parts are there because something uses them.
    idle = {reference for reference in there - used if "/common_" not in reference}
    assert idle == set()


def test_operation_ids_are_unique_over_all_services() -> None:
    ids = [operation.body["operationId"] for operation in all_operations()]

    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("operation", all_operations(), ids=lambda operation: operation.label)
def test_an_operation_says_what_it_is_how_it_ends_and_what_a_refusal_looks_like(operation: Any) -> None:
    assert operation.body.get("summary")
    assert len(operation.success) == 1
    refusal = operation.response("default")["content"]
    assert set(refusal) == {"application/problem+json"}
    assert {p["name"] for p in operation.parameters if p["in"] == "path"} == set(
        re.findall(r"{(\w+)}", operation.path)
    )
    assert all(p["required"] for p in operation.parameters if p["in"] == "path")


@pytest.mark.parametrize("teller", TELLERS)
def test_an_event_contract_is_asyncapi_3_whose_parts_fit_together(teller: str) -> None:
    document = load("events", teller)
    messages = document["components"]["messages"]

    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version", "description"} <= set(document["info"])
    for reference in references(document):
        node: Any = document
        for token in reference.removeprefix("#/").split("/"):
            node = node[token]
    carried = {
        reference.rsplit("/", 1)[-1]
        for channel in document["channels"].values()
        for reference in references(channel["messages"])
    }
    assert carried == set(messages), "a message travels through a channel"
    told = {operation["channel"]["$ref"].rsplit("/", 1)[-1] for operation in document["operations"].values()}
    assert told == set(document["channels"])
    assert {operation["action"] for operation in document["operations"].values()} == {"send"}


@pytest.mark.parametrize("event_type", sorted(event_schemas()))
def test_the_data_of_an_event_is_valid_json_schema_and_closed(event_type: str) -> None:
    schema = event_schemas()[event_type]

    Draft202012Validator.check_schema(schema)
    for name, part in schema["components"]["schemas"].items():
        if part.get("type") == "object":
            assert part.get("additionalProperties") is False, name


def test_every_event_type_of_the_code_is_in_a_contract_and_the_reverse() -> None:
    generated = {event for module in MODULES.values() for event in module.EVENT_TYPES}
    named: set[str] = set()
    for path in (REPOSITORY / "src" / "kapital").rglob("*.py"):
        if "contracts" not in path.parts:
            named |= set(re.findall(r"kapital\.[a-z_]+\.[a-z_]+\.v[1-9]\d*", path.read_text(encoding="utf-8")))
    promised = set(event_schemas())

    assert set(TELLERS) == set(MODULES)
    assert generated == promised
    # An example in a docstring of the platform names no event of a service that exists in another version.
    assert {event for event in named if event.split(".")[1] in TELLERS} - promised == set()
    assert promised - named == set(), "promised, but nothing in the code tells it"


def test_the_schemas_of_terms_and_evidence_are_valid_json_schema() -> None:
    for path in (CONTRACTS / "terms/issuance_terms.schema.json", CONTRACTS / "evidence/package.schema.json"):
        Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


def test_every_refusal_that_a_contract_names_exists() -> None:
    known = set(problem_codes())
    named = {
        (operation.label, code)
        for operation in all_operations()
        for sentence in re.findall(r"[Rr]efus(?:als|ed)[^.]*", operation.body.get("description", ""))
        for code in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", sentence)
    }

    assert len(named) > 20
    assert {(label, code) for label, code in named if code not in known} == set()
