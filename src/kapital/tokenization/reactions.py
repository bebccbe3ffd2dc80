"""What tokenization does on others' events. A handler runs in the bus's transaction, together with the inbox note."""

from collections.abc import Sequence
from typing import Any, Final

from kapital.contracts.base import given
from kapital.contracts.identity import KycDecided, KycExpired, KycOutcome, KycTermChanged, MeasureChanged
from kapital.contracts.registry import (
    MandateChanged,
    ParticipantRegistered,
    ParticipantStateChanged,
    ParticipantStatusesChanged,
    RuleBookAccepted,
    RuleBookEffective,
    WalletOpened,
)
from kapital.contracts.settlement import AllocationSettled, PayoutsRefused, PayoutsSettled, TopUpBooked
from kapital.platform.acts.bindings import EVENTS as CERTIFICATE_EVENTS
from kapital.platform.acts.bindings import note_certificates
from kapital.platform.bus import Handler
from kapital.platform.events import CloudEvent
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.investor import QUALIFIED, QUALIFIED_BY, TEST_PASSED, UNQUALIFIED
from kapital.tokenization.domain.mandate import Mandate
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.fund_orders import note_money
from kapital.tokenization.use_cases.hold_orders import hold_orders
from kapital.tokenization.use_cases.note_settlement import (
    note_allocation_settled,
    note_payouts_refused,
    note_payouts_settled,
)

MEASURE_CHANGED: Final = "kapital.identity.measure_changed.v1"


PARTICIPANT_EVENTS: Final = (
    "kapital.registry.participant_registered.v1",
    "kapital.registry.wallet_opened.v1",
    "kapital.registry.participant_state_changed.v1",
    "kapital.registry.participant_statuses_changed.v1",
    "kapital.registry.rule_book_accepted.v1",
    "kapital.identity.kyc_decided.v1",
    "kapital.identity.kyc_expired.v1",
    "kapital.identity.kyc_term_changed.v1",
    MEASURE_CHANGED,
)
MANDATE_EVENTS: Final = ("kapital.registry.mandate_changed.v1",)
RULE_BOOK_EVENTS: Final = ("kapital.registry.rule_book_effective.v1",)
SETTLEMENT_EVENTS: Final = (
    "kapital.settlement.allocation_settled.v1",
    "kapital.settlement.payouts_settled.v1",
    "kapital.settlement.payouts_refused.v1",
)
MONEY_EVENTS: Final = ("kapital.settlement.top_up_booked.v1",)


def subscriptions(parts: Parts) -> list[tuple[tuple[str, ...], Handler]]:
    """Event types and who handles them."""

    async def on_participants(tx: Transaction, events: list[CloudEvent]) -> None:
        await parts.investors.note(tx.conn, [_news(event) for event in events], tx.now)
        changed = [event.data_as(MeasureChanged) for event in events if event.type == MEASURE_CHANGED]
        await hold_orders(tx, parts, {told.participant_id: told.measure.value for told in changed})

    async def on_settlement(tx: Transaction, events: list[CloudEvent]) -> None:
        await _take_in_settlement(tx, parts, events)

    async def on_money(tx: Transaction, events: list[CloudEvent]) -> None:
        await note_money(tx, parts, {event.data_as(TopUpBooked).wallet_id for event in events})

    async def on_certificates(tx: Transaction, events: list[CloudEvent]) -> None:
        await note_certificates(tx.conn, events, tx.now)

    async def on_mandates(tx: Transaction, events: list[CloudEvent]) -> None:
        await parts.mandates.note(tx.conn, [_mandate(event.data_as(MandateChanged)) for event in events], tx.now)

    async def on_rule_books(tx: Transaction, events: list[CloudEvent]) -> None:
        for event in events:
            told = event.data_as(RuleBookEffective)
            await parts.investors.note_rule_book(tx.conn, told.rule_book_version, told.effective_at)

    return [
        (PARTICIPANT_EVENTS, on_participants),
        (RULE_BOOK_EVENTS, on_rule_books),
        (MANDATE_EVENTS, on_mandates),
        (CERTIFICATE_EVENTS, on_certificates),
        (SETTLEMENT_EVENTS, on_settlement),
        (MONEY_EVENTS, on_money),
    ]


def _news(event: CloudEvent) -> dict[str, Any]:
    """The columns of `investor` that an event tells."""
    match event.type.split(".")[2]:
        case "participant_registered":
            registered = event.data_as(ParticipantRegistered)
            return {
                "participant_id": registered.participant_id,
                "kind": registered.kind.value,
                "rule_book_version": registered.rule_book_version,
                "persons_sha256": given(registered.persons_sha256),
            }
        case "rule_book_accepted":
            accepted = event.data_as(RuleBookAccepted)
            return {
                "participant_id": accepted.participant_id,
                "rule_book_version": accepted.rule_book_version,
            }
        case "wallet_opened":
            opened = event.data_as(WalletOpened)
            return {"participant_id": opened.participant_id, "wallet_id": opened.wallet_id}
        case "participant_state_changed":
            changed = event.data_as(ParticipantStateChanged)
            return {"participant_id": changed.participant_id, "state": changed.state.value}
        case "participant_statuses_changed":
            return _statuses_news(event.data_as(ParticipantStatusesChanged))
        case "kyc_expired":
            expired = event.data_as(KycExpired)
            return {"participant_id": expired.participant_id, "kyc_valid_until": event.time}
        case "kyc_term_changed":
            shortened = event.data_as(KycTermChanged)
            return {"participant_id": shortened.participant_id, "kyc_valid_until": shortened.valid_until}
        case "measure_changed":
            measured = event.data_as(MeasureChanged)
            return {"participant_id": measured.participant_id, "measure": measured.measure.value}
        case _:
            return _kyc_news(event.data_as(KycDecided), event)


def _mandate(told: MandateChanged) -> Mandate:
    return Mandate(
        mandate_id=told.mandate_id,
        participant_id=told.participant_id,
        broker_id=told.broker_id,
        powers=frozenset(power.value for power in told.powers),
        order_limit_kopecks=told.order_limit_kopecks,
        day_limit_kopecks=told.day_limit_kopecks,
        valid_from=told.valid_from,
        valid_until=told.valid_until,
    )


def _kyc_news(decided: KycDecided, event: CloudEvent) -> dict[str, Any]:
    approved = decided.outcome is KycOutcome.approved
    told: dict[str, Any] = {
        "participant_id": decided.participant_id,
        # A rejection ends what was valid before, at its own instant.
        "kyc_valid_until": decided.valid_until if approved else event.time,
    }
    method = given(decided.method)
    if approved and method is not None:
        told |= {
            "identification_method": method.value,
            "operation_limit_kopecks": given(decided.operation_limit_kopecks),
        }
    return told


def _statuses_news(told: ParticipantStatusesChanged) -> dict[str, Any]:
    """Of all that is held only this matters: qualified by any of the two ways, a passed test, until when."""
    ends = [one.valid_until for one in told.statuses if one.status.value in QUALIFIED_BY]
    last = None if None in ends else max((end for end in ends if end is not None), default=None)
    category = QUALIFIED if ends else UNQUALIFIED
    tests = [one.valid_until for one in told.statuses if one.status.value == TEST_PASSED]
    return {
        "participant_id": told.participant_id,
        "category": category,
        "category_until": last,
        "test_passed": bool(tests),
        "test_until": tests[0] if tests else None,
    }


async def _take_in_settlement(tx: Transaction, parts: Parts, events: Sequence[CloudEvent]) -> None:
    for event in events:
        match event.type.split(".")[2]:
            case "allocation_settled":
                await note_allocation_settled(tx, parts, event.data_as(AllocationSettled))
            case "payouts_settled":
                await note_payouts_settled(tx, parts, event.data_as(PayoutsSettled))
            case _:
                await note_payouts_refused(tx, parts, event.data_as(PayoutsRefused))
