"""What disclosure does on others' events: it writes its pages.

Promise: any event may come again, the events of two producers in any order and parts in any order; the page that
results is the same.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

from kapital.disclosure.domain.decision import decision_head
from kapital.disclosure.domain.problems import DocumentDiffers
from kapital.disclosure.domain.states import NOT_PUBLIC, PUBLISHED
from kapital.disclosure.domain.tellings import (
    ActionAnnounced,
    AllocationTold,
    DecisionPublished,
    ExchangeAnnounced,
    IssueStateChanged,
    OutcomeAnnounced,
    PayoutDelayed,
    PayoutsInstructed,
    PayoutsRefused,
    PayoutsSettled,
    SubstituteAnnounced,
)
from kapital.disclosure.ports import Documents, PageEvent, Pages, PageTotal
from kapital.platform.events import CloudEvent
from kapital.platform.unit_of_work import Transaction

DECISION_PUBLISHED: Final = "kapital.tokenization.decision_published.v1"
ISSUE_STATE_CHANGED: Final = "kapital.tokenization.issue_state_changed.v1"
ALLOCATION_DECIDED: Final = "kapital.tokenization.allocation_decided.v1"
OUTCOME_ANNOUNCED: Final = "kapital.tokenization.outcome_announced.v1"
SUBSTITUTE_ANNOUNCED: Final = "kapital.tokenization.substitute_announced.v1"
EXCHANGE_ANNOUNCED: Final = "kapital.tokenization.exchange_announced.v1"
ACTION_ANNOUNCED: Final = "kapital.tokenization.action_announced.v1"
PAYOUTS_INSTRUCTED: Final = "kapital.tokenization.payouts_instructed.v1"
PAYOUT_DELAYED: Final = "kapital.tokenization.payout_delayed.v1"
ALLOCATION_SETTLED: Final = "kapital.settlement.allocation_settled.v1"
PAYOUTS_SETTLED: Final = "kapital.settlement.payouts_settled.v1"
PAYOUTS_REFUSED: Final = "kapital.settlement.payouts_refused.v1"

EVENT_TYPES: Final = (
    DECISION_PUBLISHED,
    ISSUE_STATE_CHANGED,
    ALLOCATION_DECIDED,
    PAYOUTS_INSTRUCTED,
    PAYOUT_DELAYED,
    ACTION_ANNOUNCED,
    OUTCOME_ANNOUNCED,
    SUBSTITUTE_ANNOUNCED,
    EXCHANGE_ANNOUNCED,
    ALLOCATION_SETTLED,
    PAYOUTS_SETTLED,
    PAYOUTS_REFUSED,
)


def page_writer(pages: Pages, documents: Documents) -> Callable[[Transaction, list[CloudEvent]], Awaitable[None]]:
    """Return the handler of all events of EVENT_TYPES."""

    async def write_pages(tx: Transaction, events: list[CloudEvent]) -> None:
        for event in events:
            if event.type == DECISION_PUBLISHED:
                await _publish(tx, event, pages, documents)
        lines = [line for event in events if (line := _page_event(event)) is not None]
        if lines:
            await pages.add_events(tx, lines)
        totals = [total for event in events if (total := _page_total(event)) is not None]
        if totals:
            await pages.add_totals(tx, _last_of_each(totals))

    return write_pages


async def _publish(tx: Transaction, event: CloudEvent, pages: Pages, documents: Documents) -> None:
    """Read every document once: what cannot be given byte for byte is not published in silence.

    Raises: ObjectNotFound, DocumentDiffers, DecisionUnreadable – the event then waits among the dead letters.
    """
    told = event.data_as(DecisionPublished)
    for document in told.documents:
        size = len(await documents.get(document.sha256))
        if size != document.bytes:
            raise DocumentDiffers(
                "the document kept has another size than the publication states",
                {"sha256": document.sha256, "bytes": size, "bytes_told": document.bytes},
            )
    head = decision_head(await documents.get(told.decision_sha256))
    await pages.publish(tx, told, head, event.time)


def _page_event(event: CloudEvent) -> PageEvent | None:
    if event.type == ISSUE_STATE_CHANGED:
        changed = event.data_as(IssueStateChanged)
        # The page itself says that and when it was published.
        if changed.state in NOT_PUBLIC or changed.state == PUBLISHED:
            return None
        return PageEvent(event.id, changed.issue_id, "state", changed.state, changed.at)
    if event.type == ACTION_ANNOUNCED:
        announced = event.data_as(ActionAnnounced)
        return PageEvent(event.id, announced.issue_id, "action_announced", announced.kind, announced.at)
    if event.type == OUTCOME_ANNOUNCED:
        outcome = event.data_as(OutcomeAnnounced)
        stands = outcome.state if outcome.reason is None else f"{outcome.state}_by_decision"
        return PageEvent(event.id, outcome.issue_id, "outcome", f"{stands}/{outcome.outcome}", outcome.at)
    if event.type == SUBSTITUTE_ANNOUNCED:
        one = event.data_as(SubstituteAnnounced)
        said = f"{one.series}/{one.observed_on}/{one.taken_series}/{one.taken_from_on}/{one.value}"
        return PageEvent(event.id, one.issue_id, "substitute", said, one.at)
    if event.type == EXCHANGE_ANNOUNCED:
        exchange = event.data_as(ExchangeAnnounced)
        return PageEvent(event.id, exchange.issue_id, "exchange", str(exchange.new_issue_id), exchange.at)
    if event.type == PAYOUTS_REFUSED:
        refused = event.data_as(PayoutsRefused)
        return PageEvent(event.id, refused.issue_id, "payout_delayed", str(refused.action_id), event.time)
    if event.type == PAYOUT_DELAYED:
        late = event.data_as(PayoutDelayed)
        value = f"{late.action_id}/{late.kind}/{late.state}"
        return PageEvent(event.id, late.issue_id, "payout_delayed", value, late.at)
    return None


def _page_total(event: CloudEvent) -> PageTotal | None:
    if event.type == ALLOCATION_DECIDED:
        return _of_allocation("allocation_decided", event.data_as(AllocationTold), event.time)
    if event.type == ALLOCATION_SETTLED:
        return _of_allocation("allocation_settled", event.data_as(AllocationTold), event.time)
    if event.type == PAYOUTS_INSTRUCTED:
        told = event.data_as(PayoutsInstructed)
        return _of_payout("payout_instructed", told, told.kind, event.time)
    if event.type == PAYOUTS_SETTLED:
        return _of_payout("payout_settled", event.data_as(PayoutsSettled), "", event.time)
    return None


def _of_allocation(topic: str, told: AllocationTold, at: datetime) -> PageTotal:
    return PageTotal(
        issue_id=told.issue_id,
        topic=topic,
        subject_id=told.issue_id,
        part=told.part,
        parts=told.parts,
        kind=told.outcome,
        lines=len(told.lines),
        units=sum(line.units for line in told.lines),
        paid_kopecks=sum(line.pay_kopecks for line in told.lines),
        refunded_kopecks=sum(line.refund_kopecks for line in told.lines),
        at=at,
    )


def _of_payout(topic: str, told: PayoutsInstructed | PayoutsSettled, kind: str, at: datetime) -> PageTotal:
    return PageTotal(
        issue_id=told.issue_id,
        topic=topic,
        subject_id=told.action_id,
        part=told.part,
        parts=told.parts,
        kind=kind,
        lines=len(told.lines),
        units=0,
        paid_kopecks=sum(line.amount_kopecks for line in told.lines),
        refunded_kopecks=0,
        at=at,
    )


def _last_of_each(totals: Sequence[PageTotal]) -> list[PageTotal]:
    """One row a part: a payout told again within one batch must not meet itself in one statement."""
    return list({(t.issue_id, t.topic, t.subject_id, t.part): t for t in totals}.values())
