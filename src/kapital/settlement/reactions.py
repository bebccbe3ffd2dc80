"""What settlement does on the events of others. A handler works inside the bus's transaction, inbox note included."""

from kapital.contracts.base import given
from kapital.contracts.identity import Measure, MeasureChanged
from kapital.contracts.registry import ParticipantRegistered
from kapital.contracts.tokenization import DecisionPublished
from kapital.platform.acts.bindings import EVENTS as CERTIFICATE_EVENTS
from kapital.platform.acts.bindings import note_certificates
from kapital.platform.bus import Handler
from kapital.platform.events import CloudEvent
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.domain.instructions import AllocationDecided, PayoutsInstructed
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.register_beneficiaries import WalletOpened, register_beneficiaries
from kapital.settlement.use_cases.settle_allocation import settle_allocation
from kapital.settlement.use_cases.settle_payouts import settle_payouts


def subscriptions(parts: Parts) -> list[tuple[tuple[str, ...], Handler]]:
    """Event types and who handles them."""

    async def on_wallet_opened(tx: Transaction, events: list[CloudEvent]) -> None:
        await register_beneficiaries(parts, tx, [event.data_as(WalletOpened) for event in events])

    async def on_decision_published(tx: Transaction, events: list[CloudEvent]) -> None:
        told = [event.data_as(DecisionPublished) for event in events]
        # An issue is its asset in the register. Told before its allocation, so before there is a unit to be bought.
        issuers = {one.issue_id: one.issuer_participant_id for one in told}
        policies = {one.issue_id: policy.value for one in told if (policy := given(one.transfer_policy)) is not None}
        await parts.issuers.note(tx.conn, issuers, tx.now, policies=policies)

    async def on_allocation_decided(tx: Transaction, events: list[CloudEvent]) -> None:
        for event in events:
            await settle_allocation(parts, tx, event.data_as(AllocationDecided), event)

    async def on_payouts_instructed(tx: Transaction, events: list[CloudEvent]) -> None:
        await settle_payouts(parts, tx, [(event.data_as(PayoutsInstructed), event) for event in events])

    async def on_measure_changed(tx: Transaction, events: list[CloudEvent]) -> None:
        told = [event.data_as(MeasureChanged) for event in events]
        measures = {one.participant_id: None if one.measure is Measure.free else one.measure.value for one in told}
        await parts.measures.note(tx.conn, measures, tx.now)

    async def on_participant_registered(tx: Transaction, events: list[CloudEvent]) -> None:
        told = [event.data_as(ParticipantRegistered) for event in events]
        await parts.payouts.note_kinds(tx.conn, {one.participant_id: one.kind.value for one in told})

    async def on_certificates(tx: Transaction, events: list[CloudEvent]) -> None:
        await note_certificates(tx.conn, events, tx.now)

    return [
        (("kapital.identity.measure_changed.v1",), on_measure_changed),
        (CERTIFICATE_EVENTS, on_certificates),
        (("kapital.registry.participant_registered.v1",), on_participant_registered),
        (("kapital.registry.wallet_opened.v1",), on_wallet_opened),
        (("kapital.tokenization.decision_published.v1",), on_decision_published),
        (("kapital.tokenization.allocation_decided.v1",), on_allocation_decided),
        (("kapital.tokenization.payouts_instructed.v1",), on_payouts_instructed),
    ]
