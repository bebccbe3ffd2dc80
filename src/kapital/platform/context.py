"""What a piece of work carries along: the correlation id, the cause, the actor's pseudonym.

Bound once per request, event or command line run; logs, outbox and problem bodies read it from here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from kapital.platform.ids import new_uuid7

CORRELATION_ID_LENGTH_MAX = 64


@dataclass(slots=True)
class Noted:
    """What the work tells about itself to whoever bound its context."""

    replayed: bool = False
    """The answer is the kept one of an earlier try of the same command."""
    operation: str | None = None
    """The `operationId` of the request's route."""
    asked: set[str] = field(default_factory=set)
    """The actions of which the access policies were asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkContext:
    """`correlation_id` spans all that one outside act caused; `causation_id` is the event that caused this step."""

    correlation_id: str
    causation_id: str | None = None
    actor_id: str | None = None
    noted: Noted = field(default_factory=Noted, compare=False)


_current: ContextVar[WorkContext | None] = ContextVar("kapital_work_context", default=None)


def current_context() -> WorkContext:
    """The bound context; outside of any, a fresh one that is not kept."""
    return _current.get() or WorkContext(correlation_id=str(new_uuid7()))


def bound_context() -> WorkContext | None:
    """The bound context or None."""
    return _current.get()


@contextmanager
def bind_context(
    *, correlation_id: str | None = None, causation_id: str | None = None, actor_id: str | None = None
) -> Iterator[WorkContext]:
    """Bind a context for the block; without a correlation id the outer one goes on, or a new one starts."""
    outer = _current.get()
    context = WorkContext(
        correlation_id=correlation_id or (outer.correlation_id if outer else str(new_uuid7())),
        causation_id=causation_id,
        actor_id=actor_id or (outer.actor_id if outer else None),
    )
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


def set_actor(actor_id: str) -> None:
    """Add the actor's pseudonym to the bound context once it is known."""
    if (context := _current.get()) is not None:
        _current.set(
            WorkContext(
                correlation_id=context.correlation_id,
                causation_id=context.causation_id,
                actor_id=actor_id,
                noted=context.noted,
            )
        )


def note_asked(action: str) -> None:
    """Tell the binder of the context that the access policies were asked: HTTP gives no answer without."""
    if (context := _current.get()) is not None:
        context.noted.asked.add(action)


def note_replay() -> None:
    """Tell the binder of the context that the answer was kept by an earlier try: HTTP marks it."""
    if (context := _current.get()) is not None:
        context.noted.replayed = True
