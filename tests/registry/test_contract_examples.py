"""The examples beside the contracts of registry and identity say what the contracts allow."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from kapital.contracts import common, identity, registry
from kapital.identity.domain import problems as identity_problems
from kapital.kernel.problems import Problem
from kapital.platform.contract_files import contracts_folder, load_contract
from kapital.registry.domain import holder_problems, mandate_problems, staff_problems, status_problems
from kapital.registry.domain import problems as registry_problems

FILES = sorted(
    path
    for service in ("registry", "identity")
    for path in (contracts_folder() / "examples" / service).glob("*.json")
)


def schema_of(path: Path) -> tuple[str, str]:
    """The contract file and the pointer to the schema that the example's name speaks of."""
    service, stem = path.parent.name, path.stem
    if stem.endswith(".v1"):
        messages = (load_contract("events", service) or {})["components"]["messages"]
        reference = messages[stem.removesuffix(".v1")]["payload"]["$ref"]
        return f"events/{service}.yaml", reference
    operation_id, _, part = stem.rpartition("_")
    document = load_contract("openapi", service) or {}
    [operation] = [
        operation
        for item in document["paths"].values()
        for operation in item.values()
        if operation["operationId"] == operation_id
    ]
    body = operation["requestBody"] if part == "request" else next(iter(operation["responses"].values()))
    elsewhere, _, pointer = body["content"]["application/json"]["schema"]["$ref"].partition("#")
    return f"openapi/{elsewhere or f'{service}.yaml'}", f"#{pointer}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_example_fits_its_schema_and_its_type(path: Path) -> None:
    file, reference = schema_of(path)
    resources = [
        (name, Resource.from_contents(load_contract(*name.removesuffix(".yaml").split("/")), DRAFT202012))
        for name in {file, "openapi/common.yaml"}
    ]
    schemas: Registry[Any] = Registry().with_resources(resources)
    example = msgspec.json.decode(path.read_bytes())

    Draft202012Validator({"$ref": file + reference}, registry=schemas, format_checker=FormatChecker()).validate(
        example
    )

    types = {"registry": registry, "identity": identity, "common": common}[Path(file).stem]
    msgspec.convert(example, getattr(types, reference.rsplit("/", 1)[-1]))


def test_every_event_and_every_request_has_an_example() -> None:
    there = {f"{path.parent.name}/{path.stem}" for path in FILES}
    wanted = set()
    for service in ("registry", "identity"):
        wanted |= {f"{service}/{m}.v1" for m in (load_contract("events", service) or {})["components"]["messages"]}
        for item in (load_contract("openapi", service) or {})["paths"].values():
            for operation in item.values():
                if "requestBody" in operation:
                    wanted.add(f"{service}/{operation['operationId']}_request")

    assert wanted <= there


@pytest.mark.parametrize(
    ("service", "module"),
    [
        ("registry", registry_problems),
        ("registry", status_problems),
        ("registry", holder_problems),
        ("registry", mandate_problems),
        ("registry", staff_problems),
        ("identity", identity_problems),
    ],
)
def test_every_refusal_of_the_domain_is_named_in_the_contract(service: str, module: Any) -> None:
    text = (contracts_folder() / "openapi" / f"{service}.yaml").read_text(encoding="utf-8")
    # Met by events and the scheduler only; met by the command that loads a list's file.
    inner = {
        "wallet_not_opened",
        "freeze_must_be_entered",
        "list_file_must_be_readable",
        "list_file_exceeds_limit",
        "list_file_must_have_entries",
    }
    codes = {
        problem.code
        for problem in vars(module).values()
        if isinstance(problem, type) and issubclass(problem, Problem) and problem.__module__ == module.__name__
    }

    assert {code for code in codes - inner if f"`{code}`" not in text} == set()
