"""What the registry does on others' events. A handler runs in the bus's transaction, together with the inbox note."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from kapital.contracts.identity import RepresentativeIdentified
from kapital.ledger.api import Ledger
from kapital.platform.acts.bindings import note_certificates
from kapital.platform.events import CloudEvent
from kapital.platform.unit_of_work import Transaction
from kapital.registry.domain.events import (
    DECISION_PUBLISHED,
    IDENTIFICATION_RECORDED,
    ISSUE_STATE_CHANGED,
    KYC_DECIDED,
    KYC_EXPIRED,
    KYC_REFERRED,
    MEASURE_CHANGED,
)
from kapital.registry.ports import ParticipantStore, RepresentativeStore, StatusStore
from kapital.registry.use_cases.follow_certificates import CertificateWatch
from kapital.registry.use_cases.take_in_kyc import KycFact, KycNews, take_in_kyc

KYC_EVENTS: Final = (IDENTIFICATION_RECORDED, KYC_REFERRED, KYC_DECIDED, KYC_EXPIRED, MEASURE_CHANGED)
"""All in one subscription, so that their order is kept."""

ISSUE_EVENTS: Final = (DECISION_PUBLISHED, ISSUE_STATE_CHANGED)

_QUALIFIED: Final = "qualified"
_NEWS: Final = {
    IDENTIFICATION_RECORDED: KycNews.RECORDED,
    KYC_REFERRED: KycNews.REFERRED,
    KYC_EXPIRED: KycNews.EXPIRED,
}


async def on_kyc_news(
    tx: Transaction,
    events: list[CloudEvent],
    *,
    participants: ParticipantStore,
    statuses: StatusStore,
    ledger: Ledger,
    watch: CertificateWatch,
) -> None:
    """Move participants on, in the order of the events; whose wallet opens may need a certificate at once."""
    facts = [_fact(event) for event in events]
    await take_in_kyc(tx, facts, participants=participants, statuses=statuses, ledger=ledger)
    await watch.hear(tx, {fact.participant_id: fact.cause for fact in facts})


async def on_issue_news(tx: Transaction, events: list[CloudEvent], *, participants: ParticipantStore) -> None:
    """Know which decisions an issuer still has to perform: it may not leave before."""
    await participants.note_issues(tx.conn, [_issue(event) for event in events])


async def on_certificates(tx: Transaction, events: list[CloudEvent], *, watch: CertificateWatch) -> None:
    """Know whose certificates may sign acts here, and who has none."""
    await note_certificates(tx.conn, events, tx.now)
    await watch.hear(tx, {event.data_as(_KycData).participant_id: event for event in events})


async def on_representatives_identified(
    tx: Transaction, events: list[CloudEvent], *, representatives: RepresentativeStore
) -> None:
    """Know who may act: of one identified anew the last word counts."""
    told = [event.data_as(RepresentativeIdentified) for event in events]
    await representatives.note_identified(tx.conn, {one.representative_id: one.identified_at for one in told})


class _KycData(msgspec.Struct):
    """What the registry reads of identity's events. Fields it does not need may come and go."""

    participant_id: UUID
    outcome: str | None = None
    category: str | None = None
    valid_until: datetime | None = None
    measure: str | None = None


class _IssueData(msgspec.Struct):
    """What the registry reads of tokenization's events."""

    issue_id: UUID
    issuer_participant_id: UUID | None = None
    state: str | None = None


def _fact(event: CloudEvent) -> KycFact:
    data = event.data_as(_KycData)
    if event.type == MEASURE_CHANGED:
        news = KycNews.FROZEN if data.measure == "frozen" else KycNews.RELEASED
    elif event.type == KYC_DECIDED:
        news = KycNews(str(data.outcome))
    else:
        news = _NEWS[event.type]
    return KycFact(
        participant_id=data.participant_id,
        news=news,
        cause=event,
        is_qualified=data.category == _QUALIFIED,
        valid_until=data.valid_until,
    )


def _issue(event: CloudEvent) -> dict[str, Any]:
    data = event.data_as(_IssueData)
    return {"issue": data.issue_id, "issuer": data.issuer_participant_id, "state": data.state}
