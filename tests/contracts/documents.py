"""The contracts as plain values: one by one, and all services' HTTP contracts as one self-contained document."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from ruamel.yaml import YAML

REPOSITORY = Path(__file__).resolve().parents[2]
CONTRACTS = REPOSITORY / "contracts"
METHODS = ("get", "post", "put", "patch", "delete")
SAFE = {"get", "head"}
SHARED = "common"
SERVICES = sorted(path.stem for path in (CONTRACTS / "openapi").glob("*.yaml") if path.stem != SHARED)
TELLERS = sorted(path.stem for path in (CONTRACTS / "events").glob("*.yaml"))


@cache
def load(kind: str, name: str) -> dict[str, Any]:
    """A contract file; not to be changed."""
    with (CONTRACTS / kind / f"{name}.yaml").open(encoding="utf-8") as stream:
        loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(stream)
    return loaded


@dataclass(frozen=True)
class Operation:
    """One method of one path, references resolved where they are looked at."""

    service: str
    method: str
    path: str
    body: dict[str, Any]
    shared_parameters: tuple[dict[str, Any], ...]

    @property
    def label(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def is_public(self) -> bool:
        return self.body.get("security", load("openapi", self.service).get("security")) == []

    @property
    def parameters(self) -> list[dict[str, Any]]:
        return [resolved(self.service, p) for p in (*self.shared_parameters, *self.body.get("parameters", ()))]

    @property
    def needs_key(self) -> bool:
        return any(p["name"] == "Idempotency-Key" for p in self.parameters)

    @property
    def success(self) -> list[str]:
        return [status for status in self.body["responses"] if status.startswith(("2", "3"))]

    def response(self, status: str) -> dict[str, Any]:
        return resolved(self.service, self.body["responses"][status])


def operations(service: str) -> Iterator[Operation]:
    for path, item in load("openapi", service)["paths"].items():
        for method in METHODS:
            if method in item:
                yield Operation(service, method, path, item[method], tuple(item.get("parameters", ())))


def all_operations() -> list[Operation]:
    return [operation for service in SERVICES for operation in operations(service)]


def resolved(service: str, node: dict[str, Any]) -> dict[str, Any]:
    """Follow references until something is there."""
    while "$ref" in node:
        file, _, pointer = node["$ref"].partition("#/")
        if file:
            service = Path(file).stem
        node = load("openapi", service)
        for token in pointer.split("/"):
            node = node[token]
    return node


@cache
def whole_contract() -> dict[str, Any]:
    """All services in one OpenAPI document without references to files; component names carry the service."""
    whole: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Kapital", "version": "1.0.0"},
        "paths": {},
        "components": {},
    }
    for service in (SHARED, *SERVICES):
        document = _with_local_references(deepcopy(load("openapi", service)), service)
        for kind, parts in document.get("components", {}).items():
            # The one scheme has the same name everywhere: requirements are not references.
            known = whole["components"].setdefault(kind, {})
            if kind == "securitySchemes":
                known.setdefault("bearer", {"type": "http", "scheme": "bearer"})
            else:
                known |= {f"{service}_{name}": part for name, part in parts.items()}
        for path, item in document["paths"].items():
            for method in METHODS:
                if method in item:
                    item[method].setdefault("security", document.get("security", []))
            assert path not in whole["paths"], f"{path} stands in two contracts"
            whole["paths"][path] = item
    return whole


def _with_local_references(node: Any, service: str) -> Any:
    if isinstance(node, list):
        return [_with_local_references(one, service) for one in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        file, _, pointer = node["$ref"].partition("#/")
        _, kind, name = pointer.split("/")
        return {"$ref": f"#/components/{kind}/{Path(file).stem if file else service}_{name}"}
    return {key: _with_local_references(value, service) for key, value in node.items()}


def validator(schema_reference: str) -> Draft202012Validator:
    """A validator of a component of the whole document, formats included: `#/components/schemas/registry_Wallet`."""
    schema = {"$ref": schema_reference, "components": whole_contract()["components"]}
    return Draft202012Validator(schema, format_checker=FormatChecker())


@cache
def event_schemas() -> dict[str, dict[str, Any]]:
    """Event type → the JSON Schema of its data, self-contained."""
    schemas: dict[str, dict[str, Any]] = {}
    for teller in TELLERS:
        document = load("events", teller)
        parts = {name: _with_schemas_here(part) for name, part in document["components"]["schemas"].items()}
        for message in document["components"]["messages"].values():
            reference = message["payload"]["$ref"]
            assert reference.startswith("#/components/schemas/"), f"{message['name']}: {reference}"
            schemas[message["name"]] = {"$ref": reference, "components": {"schemas": parts}}
    return schemas


def required_fields(event_type: str) -> list[str]:
    """The fields that each event of the type has; those that came later may be left out."""
    schema = event_schemas()[event_type]
    name = schema["$ref"].rsplit("/", 1)[-1]
    return list(schema["components"]["schemas"][name]["required"])


def _with_schemas_here(node: Any) -> Any:
    """References to common.yaml would have to be carried over; none is used, and this says so."""
    for reference in references(node):
        assert reference.startswith("#/components/schemas/"), f"an event refers to {reference}"
    return node


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def event_validator(event_type: str) -> Draft202012Validator:
    return Draft202012Validator(event_schemas()[event_type], format_checker=FormatChecker())
