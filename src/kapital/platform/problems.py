"""Refusals and failures that the platform itself raises."""

import re
import sys
from typing import TypeVar

import asyncpg
import msgspec

from kapital.kernel.problems import Family, Problem, Retry, Unavailable

T = TypeVar("T", bound=msgspec.Struct)


def item_problem(problem: Problem, form: type[T]) -> T:
    """Why one item of a batch was refused: `form` is the class of `ItemProblem` in the contract that answers."""
    said = {
        "code": problem.code,
        "title": problem.title,
        "detail": problem.detail,
        "retry": problem.retry.value,
        "facts": problem.facts,
    }
    return msgspec.convert(said, form)


class DatabaseUnavailable(Unavailable):
    """The database does not answer, or broke off."""

    code = "database_unavailable"
    title = "The database does not answer now"


class DatabaseBusy(Unavailable):
    """Lock time-out, deadlock or no free connection: nothing was written."""

    code = "database_busy"
    title = "Too much is going on at once"


class StorageFull(Unavailable):
    """The disk under the database or the object store is full."""

    code = "storage_full"
    title = "No space is left on the storage"


class IdempotencyKeyReused(Problem):
    """The same actor used this key for another request."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key belongs to another request"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DeadLetterNotFound(Problem):
    """No such dead letter waits in this database."""

    code = "dead_letter_not_found"
    title = "No such dead letter"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class DeadLetterNotFirst(Problem):
    """An earlier event of the same aggregate must be settled first."""

    code = "dead_letter_must_be_first"
    title = "An earlier event of the same aggregate waits"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class SkipNeedsTwoActors(Problem):
    """Who proposed to skip may not approve it."""

    code = "skip_needs_two_actors"
    title = "Another person must approve the skip"
    retry = Retry.NEVER
    family = Family.FORBIDDEN


class SkipReasonRequired(Problem):
    """A skip is given a reason of 1 to 500 signs, which stays in the audit trail."""

    code = "skip_reason_required"
    title = "Say in at most 500 signs why the event is given up"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ConsumerNotFound(Problem):
    """No service of this name gets events."""

    code = "consumer_not_found"
    title = "No such service gets events"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class ObjectNotFound(Problem):
    """No object with this hash is kept."""

    code = "object_not_found"
    title = "No such object"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class ObjectTooLarge(Problem):
    """The object is above the store's limit."""

    code = "object_too_large"
    title = "The object is too large"
    retry = Retry.AFTER_CHANGE
    family = Family.TOO_LARGE


_BUSY = {"55P03", "40P01", "40001", "57014", "53300"}
"""lock_not_available, deadlock_detected, serialization_failure, query_canceled (time-out), too_many_connections."""
_FULL = {"53100", "58030"}
"""disk_full, io_error: PostgreSQL reports a failed extension of a file by the second one on some systems."""
_AWAY = {"57P01", "57P02", "57P03", "57P05"}
"""admin_shutdown, crash_shutdown, cannot_connect_now, idle_session_timeout."""


def problem_of(error: BaseException) -> Problem | None:
    """Translate a failure of the database into its problem; None when it is no failure of the world.

    A constraint violation or a wrong statement stays what it is: our own fault, an internal error.
    """
    if isinstance(error, Problem):
        return error
    if "sqlalchemy.exc" in sys.modules:
        # The ledger's writer, which is started with each house, works without the library and need not load it.
        from sqlalchemy.exc import DBAPIError
        from sqlalchemy.exc import TimeoutError as PoolTimeout

        if isinstance(error, PoolTimeout):
            return DatabaseBusy("no database connection became free in time")
        if isinstance(error, DBAPIError) and error.orig is not None:
            if (known := _of_driver(error.orig)) is not None:
                return known
            return DatabaseUnavailable() if error.connection_invalidated else None
    return _of_driver(error)


def _of_driver(error: BaseException) -> Problem | None:
    """Look through the driver's chain: SQLAlchemy wraps asyncpg's errors, asyncpg wraps the socket's."""
    seen: BaseException | None = error
    while seen is not None:
        state = str(getattr(seen, "sqlstate", None) or "")
        if state in _FULL or (isinstance(seen, OSError) and seen.errno == 28):
            return StorageFull()
        if state in _BUSY:
            return DatabaseBusy()
        if state in _AWAY or state.startswith("08"):
            return DatabaseUnavailable()
        if isinstance(seen, asyncpg.InterfaceError) and _CLOSED.search(str(seen)):
            return DatabaseUnavailable()
        # A session that the server ended while it was idle, met before the driver saw the end of the stream.
        if isinstance(seen, asyncpg.InternalClientError):
            return DatabaseUnavailable()
        if isinstance(seen, ConnectionError | FileNotFoundError | TimeoutError):
            return DatabaseUnavailable()
        seen = seen.__cause__
    return None


_CLOSED = re.compile(r"connection (is|was) closed")
"""How asyncpg tells that a connection was lost before this call. It has one class for that and for every misuse of
its interface – a wrong number of arguments, two operations at once –, and a misuse is our own fault."""
