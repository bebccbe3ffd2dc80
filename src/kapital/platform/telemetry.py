"""Metrics (Prometheus) and traces (OpenTelemetry API; without a configured exporter they cost nothing)."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any, Final

from opentelemetry import trace
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import text

from kapital.kernel.problems import Problem, Unavailable
from kapital.platform.context import bound_context
from kapital.platform.database import Databases
from kapital.platform.logging import get_logger
from kapital.platform.problems import problem_of

REGISTRY: Final = CollectorRegistry()
_SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The library's own variable: the folder in which several processes keep their figures together."""

REQUESTS: Final = Histogram(
    "kapital_http_request_seconds", "Time to answer", ["method", "route", "status"], registry=REGISTRY
)
USE_CASES: Final = Counter(
    "kapital_use_case_total", "Finished use cases", ["name", "outcome", "code"], registry=REGISTRY
)
USE_CASE_SECONDS: Final = Histogram("kapital_use_case_seconds", "Duration of use cases", ["name"], registry=REGISTRY)
REFUSALS: Final = Counter(
    "kapital_access_refused_total", "Questions the access policies answered no", ["action"], registry=REGISTRY
)
EVENTS_HANDLED: Final = Counter(
    "kapital_events_total",
    "Events given to consumers",
    ["consumer", "producer", "outcome"],
    registry=REGISTRY,
)
OUTBOX_AGE: Final = Gauge(
    "kapital_outbox_oldest_waiting_seconds", "Age of the oldest event without a position", ["service"],
    multiprocess_mode="mostrecent", registry=REGISTRY,
)  # fmt: skip
DEAD_LETTERS: Final = Gauge(
    "kapital_dead_letters_open", "Open dead letters", ["service"], multiprocess_mode="mostrecent", registry=REGISTRY
)
ACTS: Final = Counter(
    "kapital_acts_total", "Signatures of acts checked", ["kind", "outcome", "code"], registry=REGISTRY
)
ACTS_WAITING: Final = Gauge(
    "kapital_acts_waiting", "Acts whose signature can be neither confirmed nor refused yet", ["service"],
    multiprocess_mode="mostrecent", registry=REGISTRY,
)  # fmt: skip
ORDER_REVIEWS_OPEN: Final = Gauge(
    "kapital_order_reviews_open",
    "Signed acts of orders that keep a placement from its allocation",
    multiprocess_mode="mostrecent",
    registry=REGISTRY,
)
ORDERS_AWAITING_FUNDS: Final = Gauge(
    "kapital_orders_awaiting_funds",
    "Orders that await their money until a cut-off",
    multiprocess_mode="mostrecent",
    registry=REGISTRY,
)
ALLOCATIONS_WAITING: Final = Gauge(
    "kapital_allocations_waiting",
    "Parts of allocations that wait for a frozen wallet of an issuer",
    multiprocess_mode="mostrecent",
    registry=REGISTRY,
)
STEPS_STOPPED: Final = Gauge(
    "kapital_steps_stopped",
    "Steps of issues and of their corporate actions that a rule stopped at the last tick",
    ["step"],
    multiprocess_mode="mostrecent",
    registry=REGISTRY,
)
HITS_OVERDUE: Final = Gauge(
    "kapital_screening_hits_overdue",
    "Hits in lists that wait for a decision whose term has passed",
    multiprocess_mode="mostrecent",
    registry=REGISTRY,
)
BANK_MESSAGES: Final = Counter(
    "kapital_bank_messages_total",
    "Messages of the bank by what became of them",
    ["state", "reason"],
    registry=REGISTRY,
)
BREAKS_OPEN: Final = Gauge(
    "kapital_reconciliation_breaks_open",
    "Breaks between bank, register and books that stop withdrawals",
    multiprocess_mode="mostrecent",
    registry=REGISTRY,
)
RECONCILED_AT: Final = Gauge(
    "kapital_reconciled_at_seconds",
    "When bank, register and books were last compared, in seconds since 1970",
    multiprocess_mode="mostrecent",
    registry=REGISTRY,
)
MESSAGES_PARKED: Final = Gauge(
    "kapital_bank_messages_parked",
    "Messages of the bank that wait for a person",
    multiprocess_mode="mostrecent",
    registry=REGISTRY,
)
BREAK_AGE: Final = Gauge(
    "kapital_reconciliation_break_oldest_seconds",
    "Age of the oldest break that stops withdrawals; 0 without one",
    multiprocess_mode="mostrecent",
    registry=REGISTRY,
)
ESCROW_REVIEWS: Final = Gauge(
    "kapital_escrow_reviews_waiting",
    "Instructions of the escrow rail that wait for the decision of two persons",
    multiprocess_mode="mostrecent",
    registry=REGISTRY,
)
WITHDRAWALS_AWAITING: Final = Gauge(
    "kapital_withdrawals_awaiting_approval",
    "Withdrawals above the limit of a day that wait for the decision of two persons",
    multiprocess_mode="mostrecent",
    registry=REGISTRY,
)
DATABASE_UP: Final = Gauge(
    "kapital_database_up", "1 if the database answers", ["service"], multiprocess_mode="mostrecent", registry=REGISTRY
)


def exposed() -> CollectorRegistry:
    """What is shown to a scraper: the figures of this process, or of all that serve together."""
    if _SHARED_FOLDER not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together


tracer: Final = trace.get_tracer("kapital")


def span(name: str) -> AbstractContextManager[Any]:
    """A span around a block that tells its faults itself; nothing where nobody takes spans."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return _NO_SPAN
    return tracer.start_as_current_span(name, record_exception=False)


_NO_SPAN: Final = nullcontext()
_log = get_logger("use_case")


@asynccontextmanager
async def use_case(name: str) -> AsyncIterator[None]:
    """Count, time, trace and log one use case: `async with use_case("registry.register_staff"):`.

    Outcomes: `done`, `refused` (Problem), `unavailable`, `broken` (all else).
    """
    began = time.perf_counter()
    result, code = "done", ""
    with tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except Unavailable as problem:
            result, code = "unavailable", problem.code
            raise
        except Problem as problem:
            result, code = "refused", problem.code
            raise
        except BaseException as error:
            result, code = "broken", type(error).__name__
            raise
        finally:
            elapsed = time.perf_counter() - began
            USE_CASES.labels(name, result, code).inc()
            USE_CASE_SECONDS.labels(name).observe(elapsed)
            context = bound_context()
            replayed = context is not None and context.noted.replayed
            level = {"broken": _log.error, "unavailable": _log.warning}.get(result, _log.info)
            level(
                "use_case.finished", name=name, outcome=result, code=code, replayed=replayed,
                duration_ms=round(elapsed * 1000, 1),
            )  # fmt: skip


_WAITING = text(
    "SELECT extract(epoch FROM now() - min(occurred_at))::float8 AS age FROM outbox WHERE position IS NULL"
)
_PARKED = text("SELECT count(*) AS parked FROM dead_letter WHERE state NOT IN ('resolved', 'skipped')")


async def measure_databases(databases: Databases) -> None:
    """Refresh the gauges that are read from the databases; one that is away is shown as down, not as healthy."""
    for name in databases.names:
        try:
            async with databases.get(name).connect() as conn:
                there = (await conn.execute(text("SELECT to_regclass('outbox') IS NOT NULL"))).scalar_one()
                if there:
                    age = (await conn.execute(_WAITING)).scalar_one()
                    OUTBOX_AGE.labels(name).set(max(0.0, age or 0.0))
                    DEAD_LETTERS.labels(name).set((await conn.execute(_PARKED)).scalar_one())
            DATABASE_UP.labels(name).set(1)
        except Exception as error:
            if problem_of(error) is None:
                raise
            DATABASE_UP.labels(name).set(0)
