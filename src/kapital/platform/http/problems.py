"""Problems as HTTP answers: RFC 9457 bodies, and the one table from a problem's family to its status."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from kapital.contracts import common
from kapital.kernel.problems import Family, FieldFault, InvariantBroken, Problem, Retry, Unavailable
from kapital.platform.context import current_context
from kapital.platform.logging import get_logger
from kapital.platform.problems import problem_of

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 2

STATUS: Final[Mapping[Family, int]] = {
    Family.UNREADABLE: 400,
    Family.UNAUTHENTICATED: 401,
    Family.FORBIDDEN: 403,
    Family.NOT_FOUND: 404,
    Family.CONFLICT: 409,
    Family.STALE: 412,
    Family.TOO_LARGE: 413,
    Family.UNPROCESSABLE: 422,
    Family.LIMITED: 429,
    Family.UNAVAILABLE: 503,
}

_log = get_logger("http")


class BodyNotReadable(Problem):
    """The body is not JSON."""

    code = "body_not_readable"
    title = "The body is not readable JSON"
    retry = Retry.AFTER_CHANGE
    family = Family.UNREADABLE


class BodyMustMatchContract(Problem):
    """The body is JSON, but not what the contract says; `errors` names the place."""

    code = "body_must_match_contract"
    title = "The body does not match the contract"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ParameterMustMatchContract(Problem):
    """A path, query or header parameter is not what the contract says."""

    code = "parameter_must_match_contract"
    title = "A parameter does not match the contract"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class OperationOnHold(Problem):
    """The one neutral answer of every confidential measure; ordinary holds use it too, so that it tells nothing."""

    code = "operation_on_hold"
    title = "The operation is on hold"
    retry = Retry.NEVER
    family = Family.CONFLICT


_OF_TRANSPORT: Final[Mapping[int, tuple[str, str, Retry]]] = {
    400: ("request_not_readable", "The request is not readable", Retry.AFTER_CHANGE),
    404: ("route_not_found", "No such address", Retry.NEVER),
    405: ("method_not_allowed", "This address does not know the method", Retry.NEVER),
    406: ("media_type_not_offered", "No such representation", Retry.AFTER_CHANGE),
    413: ("body_too_large", "The body is too large", Retry.AFTER_CHANGE),
    415: ("content_type_not_supported", "Send the body as application/json", Retry.AFTER_CHANGE),
    429: ("too_many_requests", "Too many requests", Retry.SAME_REQUEST),
    500: ("internal_error", "Something broke on our side", Retry.SAME_REQUEST),
}
"""Refusals that only HTTP knows; everything else is a Problem."""


def transport_problem(code: str) -> tuple[int, str, Retry] | None:
    """Status, title and retry of a code that only HTTP knows."""
    for status, (known, title, retry) in _OF_TRANSPORT.items():
        if known == code:
            return status, title, retry
    return None


def status_of(problem: Problem) -> int:
    """The HTTP status of a problem."""
    return STATUS[problem.family]


def problem_response(problem: Problem) -> Response[bytes]:
    """The answer for a problem; a confidential one is replaced by the neutral body."""
    shown = OperationOnHold() if problem.confidential else problem
    headers = {}
    if isinstance(shown, Unavailable) or shown.family is Family.LIMITED:
        headers["Retry-After"] = str(shown.facts.get("retry_after_s", RETRY_AFTER_S))
    if shown.family is Family.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return _response(
        status_of(shown), shown.code, shown.title, shown.detail, shown.retry, facts=shown.facts, errors=shown.errors,
        headers=headers,
    )  # fmt: skip


def transport_response(status: int, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    """The answer for a refusal of the transport itself."""
    code, title, retry = _OF_TRANSPORT[status]
    return _response(status, code, title, title, retry, headers=headers)


def _response(
    status: int,
    code: str,
    title: str,
    detail: str,
    retry: Retry,
    *,
    facts: Mapping[str, str | int] | None = None,
    errors: list[FieldFault] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[bytes]:
    body = common.Problem(
        type=f"/problems/{code}",
        title=title,
        status=status,
        detail=detail,
        instance=f"urn:kapital:request:{current_context().correlation_id}",
        code=code,
        retry=common.ProblemRetry(retry.value),
        facts=dict(facts or {}),
        errors=[common.FieldFault(pointer=fault.pointer, message=fault.message) for fault in errors or []],
    )
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def invalid_body(error: msgspec.ValidationError) -> BodyMustMatchContract:
    """msgspec's refusal as a problem: it ends with ` - at `$.orders[0].units``, which becomes a JSON Pointer."""
    message, _, path = str(error).partition(" - at `")
    fault = FieldFault(json_pointer(path.rstrip("`")), message)
    return BodyMustMatchContract(errors=[fault])


def json_pointer(path: str) -> str:
    """`$.orders[0].units` → `/orders/0/units` (RFC 6901). `[...]` stands for a key of a map and is kept as `*`."""
    steps = re.findall(r"\.([^.\[\]]+)|\[([^\]]*)\]", path)
    tokens = [name or ("*" if index == "..." else index) for name, index in steps]
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def _on_problem(_: Request[Any, Any, Any], problem: Problem) -> Response[bytes]:
    return problem_response(problem)


def _on_http_exception(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    if isinstance(error, ValidationException):
        return problem_response(_invalid_parameter(error))
    status = error.status_code if error.status_code in _OF_TRANSPORT else 400
    if error.status_code >= 500:
        return _on_unexpected(_, error)
    allow = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return transport_response(status, allow)


def _invalid_parameter(error: ValidationException) -> Problem:
    faults = []
    for entry in error.extra if isinstance(error.extra, list) else []:
        if isinstance(entry, dict):
            name, source = str(entry.get("key", "")), str(entry.get("source", ""))
            if source == "body" or name == "data":
                return BodyMustMatchContract("a body is required", errors=[FieldFault("", "required")])
            faults.append(FieldFault(f"/parameters/{name}", str(entry.get("message", ""))))
    if not faults:
        named = re.search(r"parameter '([^']+)'", error.detail)
        faults = [FieldFault(f"/parameters/{named[1]}" if named else "", "required")]
    return ParameterMustMatchContract(errors=faults)


def _on_unexpected(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    if (problem := problem_of(error)) is not None:
        return problem_response(problem)
    event = "http.invariant_broken" if isinstance(error, InvariantBroken) else "http.request_failed"
    _log.error(event, error_type=type(error).__name__, exc_info=error)
    return transport_response(500)


EXCEPTION_HANDLERS: Final[ExceptionHandlersMap] = {
    Problem: _on_problem,
    HTTPException: _on_http_exception,
    Exception: _on_unexpected,
}
