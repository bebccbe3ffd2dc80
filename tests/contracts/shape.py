"""The shape of a contract: what its callers and readers rely on, flat, so that two versions can be compared."""

from typing import Any

from tests.contracts.documents import load, operations, resolved

Shape = dict[str, Any]
LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_TOLD = ("enum", "const", "format", "pattern", *LOWER, *UPPER)


def http_shape(service: str) -> Shape:
    """Operations with their parameters, fields of requests and of successful answers."""
    shape: Shape = {"version": load("openapi", service)["info"]["version"], "operations": {}}
    for operation in operations(service):
        [status] = operation.success
        body = operation.body.get("requestBody", {}).get("content", {})
        shape["operations"][operation.label] = {
            "public": operation.is_public,
            "status": status,
            "parameters": {
                f"{p['in']}:{p['name']}": _facts(service, p["schema"], required=bool(p.get("required")))
                for p in operation.parameters
            },
            "request": {k: v for content in body.values() for k, v in _fields(service, content["schema"]).items()},
            "answers": {
                media_type: _fields(service, content.get("schema", {}))
                for media_type, content in operation.response(status).get("content", {}).items()
            },
        }
    return shape


def event_shape(teller: str) -> Shape:
    """Event types with the fields of their data."""
    document = load("events", teller)
    return {
        "version": document["info"]["version"],
        "events": {
            message["name"]: _fields("", message["payload"], document)
            for message in document["components"]["messages"].values()
        },
    }


def _follow(service: str, schema: dict[str, Any], document: dict[str, Any] | None) -> dict[str, Any]:
    if document is None:
        return resolved(service, schema)
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def _facts(
    service: str, schema: dict[str, Any], document: dict[str, Any] | None = None, *, required: bool
) -> dict[str, Any]:
    schema = _follow(service, schema, document)
    kinds: set[str] = set()
    facts: dict[str, Any] = {}
    for one in [_follow(service, part, document) for part in schema.get("oneOf", [schema])]:
        kind = one.get("type", "any")
        kinds |= set(kind) if isinstance(kind, list) else {kind}
        facts |= {key: one[key] for key in _TOLD if key in one}
    return {"required": required, "type": sorted(kinds)} | facts


def _fields(
    service: str, schema: dict[str, Any], document: dict[str, Any] | None = None, at: str = ""
) -> dict[str, dict[str, Any]]:
    """Path of a field → its facts: `orders[].units`. References are followed; the schemas hold no cycle."""
    found: dict[str, dict[str, Any]] = {}
    schema = _follow(service, schema, document)
    for part in schema.get("oneOf", [schema]):
        one = _follow(service, part, document)
        for name, field in one.get("properties", {}).items():
            path = f"{at}.{name}" if at else name
            found[path] = _facts(service, field, document, required=name in one.get("required", []))
            found |= _fields(service, field, document, path)
        if "items" in one:
            found[f"{at}[]"] = _facts(service, one["items"], document, required=True)
            found |= _fields(service, one["items"], document, f"{at}[]")
        if isinstance(one.get("additionalProperties"), dict):
            found[f"{at}{{}}"] = _facts(service, one["additionalProperties"], document, required=False)
            found |= _fields(service, one["additionalProperties"], document, f"{at}{{}}")
    return found


def breaks(before: Shape, now: Shape) -> list[str]:
    """What a caller or reader of `before` meets in `now` that it did not agree to; empty after mere additions."""
    found: list[str] = []
    for label, old in before.get("operations", {}).items():
        new = now["operations"].get(label)
        if new is None:
            found.append(f"{label}: removed")
            continue
        if old["public"] and not new["public"]:
            found.append(f"{label}: needs a token now")
        if old["status"] != new["status"]:
            found.append(f"{label}: succeeds with {new['status']}, was {old['status']}")
        found += [f"{label}: parameter {what}" for what in _asked(old["parameters"], new["parameters"])]
        found += [f"{label}: request {what}" for what in _asked(old["request"], new["request"])]
        for media_type, fields in old["answers"].items():
            if media_type not in new["answers"]:
                found.append(f"{label}: no longer answers {media_type}")
            else:
                found += [f"{label}: answer {what}" for what in _told(fields, new["answers"][media_type])]
    for event, fields in before.get("events", {}).items():
        if event not in now["events"]:
            found.append(f"{event}: removed")
        else:
            found += [f"{event}: {what}" for what in _told(fields, now["events"][event])]
    return found


def _asked(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What we take: nothing that was sent before may be refused now."""
    found = [f"{name}: removed" for name in before if name not in now]
    for name, new in now.items():
        old = before.get(name)
        if new["required"] and not (old or {}).get("required") and _stands_alone(name, before, old):
            found.append(f"{name}: required now")
        if old is None:
            continue
        if set(old["type"]) - set(new["type"]):
            found.append(f"{name}: no longer {sorted(set(old['type']) - set(new['type']))}")
        if "enum" in new and ("enum" not in old or set(old["enum"]) - set(new["enum"])):
            found.append(f"{name}: takes fewer values")
        found += [f"{name}: {key} changed" for key in ("format", "pattern", "const") if _tighter(key, old, new)]
        found += [f"{name}: {key} raised" for key in LOWER if key in new and new[key] > old.get(key, -(2**64))]
        found += [f"{name}: {key} lowered" for key in UPPER if key in new and new[key] < old.get(key, 2**64)]
    return found


def _stands_alone(name: str, before: dict[str, Any], old: Any) -> bool:
    """Whether its parent was known: what a new optional object or list is made of asks nothing of an old caller."""
    below = name.removesuffix("[]")
    parent = below if below != name else ".".join(name.split(".")[:-1])
    return old is not None or not parent or parent in before


def _tighter(key: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
    return key in new and new[key] != old.get(key)


def _told(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What we tell: whatever was there is there, of the same kind."""
    found = []
    for name, old in before.items():
        new = now.get(name)
        if new is None:
            found.append(f"{name}: removed")
            continue
        if old["required"] and not new["required"]:
            found.append(f"{name}: may be absent now")
        if set(new["type"]) - set(old["type"]):
            found.append(f"{name}: may be {sorted(set(new['type']) - set(old['type']))} now")
        if set(old.get("enum", ())) - set(new.get("enum", ())):
            found.append(f"{name}: lost a value")
        if old.get("format") != new.get("format"):
            found.append(f"{name}: format changed")
    return found


def is_new_major(before: Shape, now: Shape) -> bool:
    """Whether the version says that callers must look again."""
    return int(now["version"].split(".")[0]) > int(before["version"].split(".")[0])
