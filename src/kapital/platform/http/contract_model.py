"""A contract as what its page shows: operations, schemas, events. Pure; the templates only print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from kapital.platform.contract_files import load_contract
from kapital.platform.http.contract_words import EVENTS, OPERATIONS, SERVICES

METHODS: Final = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class TypeText:
    """A type in words: `text`, and the schema it links to on the page, if any."""

    text: str
    link: str | None = None
    many: bool = False


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of a schema or one parameter."""

    name: str
    type: TypeText
    required: bool
    limits: str
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    anchor: str
    summary: str
    description: str
    public: bool
    parameters: tuple[FieldRow, ...]
    request: TypeText | None
    responses: tuple[tuple[str, str, TypeText | None], ...]


@dataclass(frozen=True, slots=True)
class SchemaRow:
    """One named schema."""

    name: str
    description: str
    fields: tuple[FieldRow, ...]
    values: tuple[str, ...]
    limits: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event type."""

    type: str
    title: str
    description: str
    payload: TypeText | None


@dataclass(frozen=True, slots=True)
class ContractPage:
    """All that the page of one service shows."""

    service: str
    title: str
    summary: str
    version: str
    description: str
    operations: tuple[Operation, ...]
    schemas: tuple[SchemaRow, ...]
    events: tuple[EventRow, ...]
    tags: tuple[tuple[str, str], ...] = field(default=())


def in_russian(page: ContractPage) -> ContractPage:
    """The page with its service, operations and events named in Russian; descriptions stay in English."""
    title, summary = SERVICES[page.service]
    return replace(
        page,
        title=title,
        summary=summary,
        operations=tuple(replace(one, summary=OPERATIONS[one.anchor]) for one in page.operations),
        events=tuple(replace(one, title=EVENTS[one.type]) for one in page.events),
    )


def contract_page(service: str) -> ContractPage | None:
    """The page of a service, None when it has no contract at all."""
    http, events = load_contract("openapi", service), load_contract("events", service)
    if http is None and events is None:
        return None
    info: Mapping[str, Any] = (http or events or {}).get("info", {})
    own = {**_components(events, "schemas"), **_components(http, "schemas")}
    operations, told = tuple(_operations(http or {})), tuple(_events(events or {}))
    schemas = [_schema(name, schema) for name, schema in own.items()]
    schemas += _shared_schemas([*_links(operations, told), *(f.type.link for s in schemas for f in s.fields)], own)
    return ContractPage(
        service=service,
        title=str(info.get("title", service)),
        summary=str(info.get("summary", "")),
        version=str(info.get("version", "")),
        description=str(info.get("description") or info.get("summary") or ""),
        operations=operations,
        schemas=tuple(schemas),
        events=told,
        tags=tuple((t.get("name", ""), t.get("description", "")) for t in (http or {}).get("tags", [])),
    )


def _links(operations: Sequence[Operation], events: Sequence[EventRow]) -> list[str | None]:
    types = [event.payload for event in events]
    for operation in operations:
        types += [operation.request, *(body for _, _, body in operation.responses)]
        types += [parameter.type for parameter in operation.parameters]
    return [shown.link for shown in types if shown is not None]


def _shared_schemas(links: Sequence[str | None], own: Mapping[str, Any]) -> list[SchemaRow]:
    """The schemas of common.yaml that the page refers to, and those which these refer to: links stay on the page."""
    common = _components(load_contract("openapi", "common"), "schemas")
    found: dict[str, SchemaRow] = {}
    waiting = [link for link in links if link is not None]
    while waiting:
        name = waiting.pop()
        if name in common and name not in own and name not in found:
            found[name] = _schema(name, common[name])
            waiting += [row.type.link for row in found[name].fields if row.type.link is not None]
    return [found[name] for name in sorted(found)]


def _components(document: Mapping[str, Any] | None, kind: str) -> dict[str, Any]:
    return dict(((document or {}).get("components") or {}).get(kind) or {})


def _resolve(document: Mapping[str, Any], node: Any) -> Any:
    """Follow one reference, into this document or into common.yaml; an unknown one shows as it is."""
    reference = node.get("$ref") if isinstance(node, dict) else None
    if not isinstance(reference, str):
        return node
    file, _, pointer = reference.partition("#/")
    found: Any = (load_contract("openapi", "common") or {}) if file.endswith("common.yaml") else document
    for token in pointer.split("/"):
        found = found.get(token.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {"description": reference}


def _operations(document: Mapping[str, Any]) -> list[Operation]:
    rows = []
    for path, item in (document.get("paths") or {}).items():
        shared = item.get("parameters", [])
        for method in METHODS:
            if (operation := item.get(method)) is None:
                continue
            parameters = [_resolve(document, p) for p in [*shared, *operation.get("parameters", [])]]
            rows.append(
                Operation(
                    method=method.upper(),
                    path=path,
                    anchor=str(operation.get("operationId") or f"{method}-{path.strip('/').replace('/', '-')}"),
                    summary=str(operation.get("summary", "")),
                    description=str(operation.get("description", "")),
                    public=operation.get("security", document.get("security")) == [],
                    parameters=tuple(_parameter(p) for p in parameters),
                    request=_content(_resolve(document, operation.get("requestBody") or {})),
                    responses=tuple(_response(document, *pair) for pair in operation.get("responses", {}).items()),
                )
            )
    return rows


def _parameter(parameter: Mapping[str, Any]) -> FieldRow:
    schema = parameter.get("schema") or {}
    return FieldRow(
        name=f"{parameter.get('name', '')} ({parameter.get('in', '')})",
        type=type_text(schema),
        required=bool(parameter.get("required")),
        limits=limits_text(schema),
        description=str(parameter.get("description", "")),
    )


def _response(document: Mapping[str, Any], status: Any, node: Any) -> tuple[str, str, TypeText | None]:
    response = _resolve(document, node)
    return str(status), str(response.get("description", "")), _content(response)


def _content(body: Mapping[str, Any]) -> TypeText | None:
    for media_type, content in (body.get("content") or {}).items():
        if "json" in media_type:
            return type_text(content.get("schema") or {})
        return TypeText(media_type)
    return None


def _schema(name: str, schema: Mapping[str, Any]) -> SchemaRow:
    required = set(schema.get("required", []))
    return SchemaRow(
        name=name,
        description=str(schema.get("description", "")),
        fields=tuple(
            FieldRow(
                name=key,
                type=type_text(part),
                required=key in required,
                limits=limits_text(part),
                description=str(part.get("description", "")),
            )
            for key, part in (schema.get("properties") or {}).items()
        ),
        values=tuple(str(value) for value in schema.get("enum", [])),
        limits=""
        if schema.get("properties") or schema.get("enum")
        else f"{type_text(schema).text} {limits_text(schema)}",
    )


def _events(document: Mapping[str, Any]) -> list[EventRow]:
    return [
        EventRow(
            type=str(message.get("name", key)),
            title=str(message.get("title") or message.get("summary") or ""),
            description=str(message.get("description", "")),
            payload=type_text(message.get("payload") or {}),
        )
        for key, message in _components(document, "messages").items()
    ]


def type_text(schema: Mapping[str, Any]) -> TypeText:
    """A schema in a few words; a named one becomes a link."""
    if reference := schema.get("$ref"):
        name = str(reference).rsplit("/", 1)[-1]
        return TypeText(name, link=name if "#/components/schemas/" in str(reference) else None)
    for key in ("oneOf", "anyOf", "allOf"):
        if parts := schema.get(key):
            texts = [type_text(part) for part in parts]
            link = next((text.link for text in texts if text.link), None)
            return TypeText(" | ".join(text.text for text in texts), link=link)
    kind = schema.get("type", "any")
    if kind == "array":
        item = type_text(schema.get("items") or {})
        return TypeText(item.text, link=item.link, many=True)
    if isinstance(kind, list):
        return TypeText(" | ".join(map(str, kind)) + _format(schema))
    if "const" in schema:
        return TypeText(f"{kind} = {schema['const']!r}")
    return TypeText(f"{kind}{_format(schema)}")


def _format(schema: Mapping[str, Any]) -> str:
    return f" · {schema['format']}" if schema.get("format") else ""


_LIMITS: Final = {
    "minimum": "≥ {}",
    "maximum": "≤ {}",
    "exclusiveMinimum": "> {}",
    "exclusiveMaximum": "< {}",
    "minLength": "len ≥ {}",
    "maxLength": "len ≤ {}",
    "minItems": "n ≥ {}",
    "maxItems": "n ≤ {}",
    "pattern": "/{}/",
    "default": "= {}",
}


def limits_text(schema: Mapping[str, Any]) -> str:
    """The bounds of a schema, short."""
    shown = [text.format(schema[key]) for key, text in _LIMITS.items() if key in schema]
    if values := schema.get("enum"):
        shown.append(" · ".join(map(str, values)))
    return ", ".join(shown)
