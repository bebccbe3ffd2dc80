"""Generate `src/kapital/contracts/<service>.py` from the contracts.

    python tools/generate_contracts.py            write all modules
    python tools/generate_contracts.py registry   write one
    python tools/generate_contracts.py --check    write nothing; name the files that are stale, exit 1 if any

Read: `contracts/openapi/<service>.yaml` (OpenAPI 3.1), `contracts/events/<service>.yaml` (AsyncAPI 3) and
`contracts/outside/<party>.yaml` (OpenAPI 3.1 of somebody else's service: types, but no operation of ours), each
optional. One class per entry of `components.schemas` of the two files.

How to write the YAML
- Every object is a named schema under `components.schemas`; requests, responses and event payloads refer to
  it by `$ref`. An object with `properties` inside another schema gets the invented name `<Schema><Field>`
  (`<Schema><Field>Item` in a list): works, but say the name yourself.
- Every object with `properties` says `additionalProperties: false`; the type refuses unknown fields in any
  case. A map is an object without `properties`, with `additionalProperties: <schema>` or `true`.
- A schema name that stands in both files of a service must have the same content in both.
- Shared parts: `$ref: 'common.yaml#/components/schemas/…'` (events: `../openapi/common.yaml#/…`). Nothing
  else is referred to
  across files: a service's contract stands alone.
- `format: uuid` → UUID, `date-time` → aware datetime (offset required), `date` → date. `enum` strings →
  StrEnum with the values as member names. Money and other 64-bit integers: `type: integer` (or `format:
  int64`); without bounds the 64-bit bounds are checked.
- Optional (not in `required`): the field's default is `msgspec.UNSET` and it is left out of the JSON.
  Nullable: `type: [string, 'null']` or `oneOf: [{$ref: …}, {type: 'null'}]` → `T | None`. Prefer required and
  nullable in answers.
- Alternatives of objects (`oneOf`) need a field with a different `const` in each (msgspec tells them apart by
  it); prefer one object with a `kind`.
- AsyncAPI: `components.messages.<m>.name` is the event type (`kapital.registry.wallet_opened.v1`), `payload`
  a `$ref` into `components.schemas`. The module gets `EVENT_TYPES: dict[str, type]` from them.

Deterministic: same YAML, same bytes; classes stand in the order of the files, referenced ones first.
"""

import argparse
import copy
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from datamodel_code_generator import (
    DataModelType,
    InputFileType,
    OpenAPIScope,
    PythonVersion,
    generate,
)
from datamodel_code_generator.format import DatetimeClassType, Formatter
from ruamel.yaml import YAML

FOLDERS = ("openapi", "events", "outside")
REPOSITORY = Path(__file__).resolve().parent.parent
CONTRACTS = REPOSITORY / "contracts"
OUTPUT = REPOSITORY / "src" / "kapital" / "contracts"
HAND_WRITTEN = {"__init__", "base"}
OPERATIONS = "operations"
METHODS = {"get", "put", "post", "delete", "patch"}
SHARED = "common"
INT64 = (-(2**63), 2**63 - 1)


class ContractError(Exception):
    """The YAML breaks a rule of the module docstring; the text names file and place."""


def services(contracts: Path = CONTRACTS) -> list[str]:
    """Names of all services that have a contract, `common` included."""
    return sorted({path.stem for folder in FOLDERS for path in (contracts / folder).glob("*.yaml")})


def load(path: Path) -> dict[str, Any]:
    """One YAML file as plain values; an absent file is empty."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8") as stream:
        return YAML(typ="safe", pure=True).load(stream) or {}


def gather_schemas(service: str, contracts: Path = CONTRACTS) -> dict[str, Any]:
    """The schemas of both files and the shared ones they use, by name, with local references only."""
    gathered: dict[str, Any] = {}
    for folder in FOLDERS:
        path = contracts / folder / f"{service}.yaml"
        for name, schema in (load(path).get("components", {}).get("schemas") or {}).items():
            if name in gathered and gathered[name] != schema:
                raise ContractError(f"{path}: schema {name} differs from the one in openapi/{service}.yaml")
            gathered[name] = schema
    shared = load(contracts / "openapi" / f"{SHARED}.yaml").get("components", {}).get("schemas") or {}
    wanted = [name for schema in gathered.values() for name in shared_names(schema)]
    while wanted:
        name = wanted.pop()
        if name in gathered:
            continue
        if name not in shared:
            raise ContractError(
                f"{service}.yaml refers to common.yaml#/components/schemas/{name}, which is not there"
            )
        gathered[name] = shared[name]
        wanted += [ref.rsplit("/", 1)[-1] for ref in references(shared[name])]
    hoisted: dict[str, Any] = {}
    prepared = {
        name: prepare(copy.deepcopy(schema), f"{service}: {name}", name, hoisted) for name, schema in gathered.items()
    }
    if double := prepared.keys() & hoisted.keys():
        raise ContractError(f"{service}: give the objects inside other schemas names; {sorted(double)} exist already")
    return prepared | hoisted


def references(node: Any) -> list[str]:
    """Every `$ref` below a node."""
    if isinstance(node, dict):
        found = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return found + [ref for value in node.values() for ref in references(value)]
    return [ref for value in node for ref in references(value)] if isinstance(node, list) else []


def shared_names(schema: Any) -> list[str]:
    """Names of shared schemas that a schema refers to."""
    return [ref.rsplit("/", 1)[-1] for ref in references(schema) if f"{SHARED}.yaml#" in ref]


def prepare(node: Any, place: str, name: str, hoisted: dict[str, Any], *, top: bool = True) -> Any:
    """Make references local, give bounds to integers, move objects inside out into `hoisted`."""
    if isinstance(node, list):
        return [prepare(value, place, name, hoisted, top=False) for value in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        node["$ref"] = local_reference(node["$ref"], place)
    if node.get("type") == "integer" and "enum" not in node and "const" not in node:
        node.setdefault("minimum", INT64[0])
        node.setdefault("maximum", INT64[1])
    for key, value in node.items():
        if key == "properties":
            node[key] = {
                field: prepare(inner, f"{place}.{field}", name + camel(field), hoisted, top=False)
                for field, inner in value.items()
            }
        elif key not in {"example", "examples", "default", "const", "enum", "required"}:
            inner_name = f"{name}Item" if key == "items" and not top else name
            node[key] = prepare(value, f"{place}/{key}", inner_name, hoisted, top=False)
    if "properties" in node and not top:
        if hoisted.setdefault(name, node) != node:
            raise ContractError(f"{place}: two objects would both be called {name}; give them names")
        return {"$ref": f"#/components/schemas/{name}"}
    return node


def camel(field: str) -> str:
    """`bank_account` -> `BankAccount`."""
    return "".join(part[:1].upper() + part[1:] for part in field.split("_"))


def local_reference(reference: str, place: str) -> str:
    """`#/components/schemas/X`, whatever file it came from."""
    found = re.fullmatch(r"(?:(?:\.\./openapi/)?common\.yaml)?#/components/schemas/(\w+)", reference)
    if found is None:
        raise ContractError(f"{place}: reference {reference!r} must go to components.schemas here or in common.yaml")
    return f"#/components/schemas/{found[1]}"


def event_types(service: str, contracts: Path = CONTRACTS) -> dict[str, str]:
    """Event type → name of its payload schema."""
    types: dict[str, str] = {}
    path = contracts / "events" / f"{service}.yaml"
    for key, message in (load(path).get("components", {}).get("messages") or {}).items():
        name, payload = message.get("name", key), message.get("payload", {})
        if not re.fullmatch(rf"kapital\.{service}\.[a-z][a-z0-9_]*\.v[1-9]\d*", name):
            raise ContractError(f"{path}: message {key} has the name {name!r}, not kapital.{service}.<fact>.v<N>")
        if "$ref" not in payload:
            raise ContractError(f"{path}: payload of {name} must be a $ref to components.schemas")
        types[name] = local_reference(payload["$ref"], f"{path}: {name}").rsplit("/", 1)[-1]
    return types


def generate_module(service: str, contracts: Path = CONTRACTS) -> str:
    """The text of the service's module."""
    schemas = gather_schemas(service, contracts)
    if not schemas:
        raise ContractError(f"{service}: no schemas under components.schemas")
    document = {
        "openapi": "3.1.0",
        "info": {"title": service, "version": "1"},
        "paths": {},
        "components": {"schemas": schemas},
    }
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / f"{service}.yaml", Path(folder) / f"{service}.py"
        with source.open("w", encoding="utf-8") as stream:
            writer = YAML(typ="safe", pure=True)
            writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
            writer.dump(document, stream)
        generate(
            source,
            input_file_type=InputFileType.OpenAPI,
            output=target,
            output_model_type=DataModelType.MsgspecStruct,
            openapi_scopes=[OpenAPIScope.Schemas],
            target_python_version=PythonVersion.PY_311,
            base_class="kapital.contracts.base.Contract",
            use_annotated=True,
            field_constraints=True,
            disable_timestamp=True,
            use_standard_collections=True,
            use_union_operator=True,
            use_schema_description=True,
            use_standard_primitive_types=True,
            keyword_only=True,
            use_subclass_enum=True,
            use_double_quotes=True,
            output_datetime_class=DatetimeClassType.Datetime,
            formatters=[Formatter.BUILTIN],
            capitalise_enum_members=False,
        )
        text = target.read_text(encoding="utf-8")
    return finish(service, text, event_types(service, contracts))


def finish(service: str, text: str, types: dict[str, str]) -> str:
    """Put our head on it, make instants aware, add the table of event types."""
    body = text[text.index("from __future__") :].rstrip() + "\n"
    generated = "Generated by tools/generate_contracts.py; never edited by hand."
    head = f'"""Types of the contract of {service}. {generated}"""\n\n'
    if re.search(r"\bdatetime\b", body):
        body = re.sub(r"(?m)^from datetime import (.*)$", without_datetime, body)
        code = body.split("\n\n\n", 1)
        code[1] = re.sub(r"\bdatetime\b(?=\s*(?:[\],|=\n)]|$))", "AwareDatetime", code[1])
        body = "\n\n\n".join(code)
        body = body.replace(
            "from kapital.contracts.base import Contract",
            "from kapital.contracts.base import AwareDatetime, Contract",
        )
        if "import AwareDatetime" not in body:
            body = body.replace("\n\n\n", "\nfrom kapital.contracts.base import AwareDatetime\n\n\n", 1)
    if types:
        rows = "".join(f'    "{name}": {schema},\n' for name, schema in sorted(types.items()))
        body += "\n\nEVENT_TYPES: dict[str, type[Contract]] = {\n" + rows + "}\n"
        body += '"""Event type -> type of its data."""\n'
    return head + body


def without_datetime(match: re.Match[str]) -> str:
    """The import line without the naive class."""
    names = [name.strip() for name in match[1].split(",") if name.strip() != "datetime"]
    return f"from datetime import {', '.join(names)}" if names else ""


def generate_operations(contracts: Path = CONTRACTS) -> str:
    """The text of the module that names the operation of each route."""
    found: dict[tuple[str, str], str] = {}
    for path in sorted((contracts / "openapi").glob("*.yaml")):
        for route, item in (load(path).get("paths") or {}).items():
            for method in sorted(METHODS & item.keys()):
                name = item[method].get("operationId")
                if not name or name in found.values():
                    raise ContractError(f"{path}: {method} {route} needs an operationId of its own, has {name!r}")
                found[method.upper(), route] = name
    rows = "".join(f'    ("{method}", "{route}"): "{name}",\n' for (method, route), name in sorted(found.items()))
    return (
        '"""Operations of all contracts. Generated by tools/generate_contracts.py; never edited by hand."""\n\n'
        "from typing import Final\n\n"
        f"OPERATIONS: Final[dict[tuple[str, str], str]] = {{\n{rows}}}\n"
        '"""(method, path) -> operationId."""\n'
    )


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Generate the contract types.")
    parser.add_argument("services", nargs="*", help="default: all")
    parser.add_argument("--check", action="store_true", help="only name stale files")
    options = parser.parse_args(arguments)
    known = services()
    if unknown := set(options.services) - set(known):
        parser.error(f"no contract for {', '.join(sorted(unknown))}")
    stale, broken = [], False
    for service in options.services or [*known, OPERATIONS]:
        try:
            text = generate_operations() if service == OPERATIONS else generate_module(service)
        except ContractError as error:
            sys.stderr.write(f"{error}\n")
            broken = True
            continue
        path = OUTPUT / f"{service}.py"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path)
            if not options.check:
                path.write_text(text, encoding="utf-8")
    if not options.services:
        left_over = [p for p in sorted(OUTPUT.glob("*.py")) if p.stem not in {*known, *HAND_WRITTEN, OPERATIONS}]
        stale += left_over
        if not options.check:
            for path in left_over:
                path.unlink()
    for path in stale:
        sys.stdout.write(f"{'stale' if options.check else 'written'}: {path.relative_to(REPOSITORY)}\n")
    return 2 if broken else int(options.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
