"""What is served is what the contracts promise: the same routes, access, keys and successful answers."""

from typing import Any

import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from kapital.platform.http import served_routes
from tests.contracts.documents import SAFE, Operation, all_operations
from tests.contracts.story import Story

# Repeating these does no harm, and their contract says so.
WITHOUT_KEY = {
    "POST /v1/settlement/reconciliations",
    "POST /v1/settlement/acts",
    "POST /v1/settlement/sbp-withdrawals/act",
    "POST /v1/tokenization/acts",
    "POST /v1/registry/acts",
    "POST /v1/registry/mandate-acts",
    "POST /v1/settlement/bank-notices",
}
# The signature is over the bytes, so the handler reads them and not what a framework made of them.
READ_AS_BYTES = {"POST /v1/settlement/bank-notices"}
BY_LABEL = {operation.label: operation for operation in all_operations()}


@pytest.fixture(scope="package")
def handlers(story: Story) -> dict[str, HTTPRouteHandler]:
    """Every handler of the application by the label of its operation."""
    assert story.app is not None
    found: dict[str, HTTPRouteHandler] = {}
    for route in story.app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                    found[f"{method} {route.path_format}"] = handler
    return found


def test_every_served_route_is_in_a_contract_and_every_promised_one_is_served(story: Story) -> None:
    assert story.app is not None
    served = {f"{method} {path}" for method, path in served_routes(story.app)}

    assert served - set(BY_LABEL) == set(), "served without a contract"
    assert set(BY_LABEL) - served == set(), "promised, but not served"


@pytest.mark.parametrize("operation", all_operations(), ids=lambda operation: operation.label)
def test_a_route_and_its_contract_agree(operation: Operation, handlers: dict[str, Any]) -> None:
    handler = handlers[operation.label]

    assert operation.success == [str(handler.status_code)]
    assert operation.is_public == bool(handler.opt.get("public"))
    unsafe = operation.method not in SAFE
    assert operation.needs_key == (unsafe and not handler.opt.get("no_idempotency_key"))
    decoded = "requestBody" in operation.body and operation.label not in READ_AS_BYTES
    assert decoded == (handler.parsed_data_field is not None)


def test_every_unsafe_operation_needs_a_key_but_the_named_ones() -> None:
    unsafe = {operation.label for operation in all_operations() if operation.method not in SAFE}

    assert {label for label in unsafe if not BY_LABEL[label].needs_key} == WITHOUT_KEY


@pytest.mark.parametrize(
    "operation", [o for o in all_operations() if o.needs_key], ids=lambda operation: operation.label
)
def test_an_operation_with_a_key_says_how_a_kept_answer_is_known(operation: Operation) -> None:
    [status] = operation.success

    assert "Idempotency-Replayed" in operation.response(status).get("headers", {})


@pytest.mark.parametrize("operation", all_operations(), ids=lambda operation: operation.label)
def test_query_parameters_of_the_contract_are_those_of_the_handler(
    operation: Operation, handlers: dict[str, Any]
) -> None:
    signature = handlers[operation.label].parsed_fn_signature.parameters
    injected = {"request", "data", "state", *handlers[operation.label].resolve_dependencies()}
    taken = set()
    for name, parameter in signature.items():
        is_header = any(getattr(m, "header", None) for m in (*parameter.metadata, parameter.kwarg_definition))
        if name not in injected and not is_header:
            alias = next((m.query for m in parameter.metadata if getattr(m, "query", None)), None) or getattr(
                parameter.kwarg_definition, "query", None
            )
            taken.add(alias or name)
    path = {p["name"] for p in operation.parameters if p["in"] == "path"}

    assert taken - path == {p["name"] for p in operation.parameters if p["in"] == "query"}
