"""Read model: everything public of one issue."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.disclosure.domain.problems import IssuePageNotFound
from kapital.disclosure.domain.states import PUBLISHED

TIMELINE_MAX: Final = 500
_STEPS_OF_DELAY: Final = {"grace": "payout_overdue", "defaulted": "payout_defaulted"}
_UNKNOWN: Final = "unknown"
"""The kind of a payment of which only money was told."""

_PAGE: Final = text(
    """
    SELECT code, title, issuer_name, issuer_inn, issuer_ogrn, issuer_participant_id, right_kind, decision_sha256,
        quantity_min, quantity_max, price_kopecks, placement_start_at, placement_end_at, published_at
    FROM issue_page WHERE issue_id = :issue_id
    """
)
_DOCUMENTS: Final = text(
    "SELECT sha256, name, media_type, bytes FROM page_document WHERE issue_id = :issue_id ORDER BY place"
)
_SIGNATURES: Final = text(
    """
    SELECT key_name, algorithm, signature_b64, public_key_b64
    FROM page_signature WHERE issue_id = :issue_id ORDER BY place
    """
)
_EVENTS: Final = text(
    """
    SELECT kind, value, at FROM page_event WHERE issue_id = :issue_id ORDER BY number DESC LIMIT :limit
    """
)
_TOTALS: Final = text(
    """
    SELECT topic, subject_id, max(kind) AS kind, count(*) = max(parts) AS complete, min(at) AS first_at,
        max(at) AS last_at, sum(lines)::bigint AS lines, sum(units)::bigint AS units,
        sum(paid_kopecks)::bigint AS paid_kopecks, sum(refunded_kopecks)::bigint AS refunded_kopecks
    FROM page_total WHERE issue_id = :issue_id GROUP BY topic, subject_id ORDER BY min(at), subject_id
    """
)


class DocumentRow(NamedTuple):
    """A document of the publication."""

    sha256: str
    name: str
    media_type: str
    bytes: int


class SignatureRow(NamedTuple):
    """A signature over the decision."""

    key_name: str
    algorithm: str
    signature_b64: str
    public_key_b64: str


class Outcome(NamedTuple):
    """What came of the placement, summed over all orders."""

    outcome: str
    orders: int
    units: int
    raised_kopecks: int
    refunded_kopecks: int
    settled: bool


class Payout(NamedTuple):
    """A corporate action's money. `kind` is `unknown` while only the payment was told."""

    action_id: UUID
    kind: str
    state: str
    instructed_kopecks: int
    paid_kopecks: int
    payments: int
    at: datetime


class Delay(NamedTuple):
    """What was told of a payment that was not made when due. `kind`: empty when only settlement told of it."""

    action_id: UUID
    kind: str
    state: str
    at: datetime

    @classmethod
    def of(cls, value: str, at: datetime) -> "Delay":
        """As the reaction keeps it: `action`, or `action/kind/state`."""
        action_id, _, told = value.partition("/")
        kind, _, state = told.partition("/")
        return cls(UUID(action_id), kind, state, at)

    @property
    def step(self) -> str:
        """Which line of history it is."""
        return _STEPS_OF_DELAY.get(self.state, "payout_delayed")


class TimelineItem(NamedTuple):
    """One line of history."""

    at: datetime
    kind: str
    value: str


class IssuePage(NamedTuple):
    """The page of one issue."""

    issue_id: UUID
    code: str
    title: str
    issuer_name: str
    issuer_inn: str
    issuer_ogrn: str
    issuer_participant_id: UUID
    right_kind: str
    decision_sha256: str
    quantity_min: int
    quantity_max: int
    price_kopecks: int
    placement_start_at: datetime
    placement_end_at: datetime
    published_at: datetime
    state: str
    documents: list[DocumentRow]
    signatures: list[SignatureRow]
    outcome: Outcome | None
    payouts: list[Payout]
    timeline: list[TimelineItem]


async def get_issue_page(conn: AsyncConnection, issue_id: UUID) -> IssuePage:
    """The page of a published issue. Raises: IssuePageNotFound."""
    key = {"issue_id": issue_id}
    page = (await conn.execute(_PAGE, key)).one_or_none()
    if page is None:
        raise IssuePageNotFound(facts={"issue_id": str(issue_id)})
    documents = [DocumentRow(*row) for row in await conn.execute(_DOCUMENTS, key)]
    signatures = [SignatureRow(*row) for row in await conn.execute(_SIGNATURES, key)]
    events = (await conn.execute(_EVENTS, key | {"limit": TIMELINE_MAX})).all()
    totals = (await conn.execute(_TOTALS, key)).all()
    delays = [Delay.of(event.value, event.at) for event in reversed(events) if event.kind == "payout_delayed"]
    payouts = _payouts(totals, delays)
    states = [event.value for event in events if event.kind == "state"]
    return IssuePage(
        issue_id=issue_id,
        state=states[0] if states else PUBLISHED,
        documents=documents,
        signatures=signatures,
        outcome=_outcome(totals),
        payouts=payouts,
        timeline=_timeline(page.published_at, events, totals, {p.action_id: p.kind for p in payouts}),
        **page._asdict(),
    )


def _outcome(totals: Sequence[Any]) -> Outcome | None:
    """The sums of the ledger once complete, before that those of the decision; None while parts are missing."""
    whole = {row.topic: row for row in totals if row.complete}
    row = whole.get("allocation_settled") or whole.get("allocation_decided")
    if row is None:
        return None
    settled = row.topic == "allocation_settled"
    return Outcome(row.kind, row.lines, row.units, row.paid_kopecks, row.refunded_kopecks, settled)


def _payouts(totals: Sequence[Any], delays: Sequence[Delay]) -> list[Payout]:
    """One row an action, latest first; delayed until paid once the money was missing."""
    told = {row.subject_id: row for row in totals if row.topic == "payout_instructed"}
    paid = {row.subject_id: row for row in totals if row.topic == "payout_settled"}
    kinds = {delay.action_id: delay.kind for delay in delays if delay.kind}
    delayed = {delay.action_id: delay.at for delay in delays}
    payouts = []
    for action_id in told.keys() | paid.keys() | delayed.keys():
        instructed, settled = told.get(action_id), paid.get(action_id)
        state = "delayed" if action_id in delayed else "instructed"
        if settled is not None and settled.complete:
            state = "paid"
        steps = [row.last_at for row in (instructed, settled) if row is not None]
        steps += [delayed[action_id]] if action_id in delayed else []
        payouts.append(
            Payout(
                action_id,
                instructed.kind if instructed is not None else kinds.get(action_id, _UNKNOWN),
                state,
                instructed.paid_kopecks if instructed is not None else 0,
                settled.paid_kopecks if settled is not None else 0,
                settled.lines if settled is not None else 0,
                max(steps),
            )
        )
    return sorted(payouts, key=lambda payout: (payout.at, payout.action_id), reverse=True)


def _timeline(
    published_at: datetime, events: Sequence[Any], totals: Sequence[Any], kinds: dict[UUID, str]
) -> list[TimelineItem]:
    items = [TimelineItem(published_at, "published", PUBLISHED)]
    for row in totals:
        if row.topic == "payout_instructed":
            items.append(TimelineItem(row.first_at, "payout_instructed", row.kind))
        elif row.topic == "payout_settled" and row.complete:
            items.append(TimelineItem(row.last_at, "payout_paid", kinds[row.subject_id]))
        elif row.topic == "allocation_settled" and row.complete:
            items.append(TimelineItem(row.last_at, "placement_settled", row.kind))
    # Oldest first, so that the stable sort keeps the order of states that changed in one instant.
    for event in reversed(events):
        if event.kind == "payout_delayed":
            delay = Delay.of(event.value, event.at)
            value = delay.kind or kinds.get(delay.action_id, _UNKNOWN)
            items.append(TimelineItem(event.at, delay.step, value))
        else:
            items.append(TimelineItem(event.at, event.kind, event.value))
    items.sort(key=lambda item: item.at)
    return items[: -TIMELINE_MAX - 1 : -1]
