"""Structured logs: one JSON line per event on stderr, with an allow-list of field names.

The log is for engineers and may be lost; it never holds personal data, keys, bodies or reasons of measures.
So a field that is not on the list is dropped in production and raises in tests, and of an exception only the
class and the places are written, not its message.
"""

import logging as std_logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from kapital.platform.context import bound_context

ALLOWED_FIELDS: Final = frozenset(
    """
    event level timestamp component exception_at
    correlation_id causation_id command_id actor_id service_version
    name outcome code duration_ms replayed status method route
    service database consumer producer event_id event_type subject_id error_type errno attempts count position
    seq size issue_id asset_id wallet_id order_id instruction_id payment_id document_sha256 participant_id
    action_id batch_size path port host pid version state on
    """.split()  # noqa: SIM905 - a table of words
)


class UnknownLogField(Exception):
    """A log call used a field name that is not on the list."""


_strict = False


def configure_logging(*, level: str = "INFO", strict: bool = False) -> None:
    """Send all logs, also those of libraries (warnings and above), as JSON lines to stderr.

    `strict` (tests): an unknown field raises UnknownLogField instead of being dropped.
    """
    global _strict  # noqa: PLW0603 - one process, one log
    _strict = strict
    _configure_structlog(level)
    root = std_logging.getLogger()
    root.handlers[:] = [_ToStructlog()]
    root.setLevel(std_logging.WARNING)


def _configure_structlog(level: str) -> None:
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(getattr(std_logging, level)),
        # Asked for each time: whoever replaces sys.stderr (a test, a daemon) gets the lines.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> Any:
    """A logger whose events are dotted and in the past: `log.info("registry.wallet_opened", wallet_id=…)`."""
    return structlog.get_logger(component=name)


class _ToStructlog(std_logging.Handler):
    """Libraries write free text; only its template (never its arguments) and the class of an exception are kept."""

    def emit(self, record: std_logging.LogRecord) -> None:
        fields: dict[str, Any] = {"component": record.name, "code": str(record.msg)[:200]}
        if record.exc_info and record.exc_info[0] is not None:
            fields["error_type"] = record.exc_info[0].__name__
        level = "error" if record.levelno >= std_logging.ERROR else "warning"
        getattr(structlog.get_logger(), level)("library.said", **fields)


def _add_context(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if (context := bound_context()) is not None:
        event.setdefault("correlation_id", context.correlation_id)
        if context.causation_id:
            event.setdefault("causation_id", context.causation_id)
        if context.actor_id:
            event.setdefault("actor_id", context.actor_id)
    return event


def _place_of_exception(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace `exc_info` by class and code places; a message may quote what the log must not hold."""
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info
    if isinstance(error, BaseException):
        event.setdefault("error_type", type(error).__name__)
        frames = traceback.extract_tb(error.__traceback__)[-12:]
        event["exception_at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _only_allowed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    unknown = [name for name in event if name not in ALLOWED_FIELDS]
    if unknown and _strict:
        raise UnknownLogField(f"not on the list of log fields: {', '.join(sorted(unknown))}")
    for name in unknown:
        del event[name]
    return event


_PROCESSORS: Final[list[Any]] = [
    structlog.processors.add_log_level,
    _add_context,
    _place_of_exception,
    _only_allowed,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.JSONRenderer(),
]

# Also a process that never calls configure_logging must not log what is not on the list.
_configure_structlog("INFO")
