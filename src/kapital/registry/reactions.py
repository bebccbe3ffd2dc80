"""What the registry does when identity has decided, or an identification has lapsed."""

from uuid import UUID

import msgspec

from kapital.ledger.api import Ledger
from kapital.platform.events import CloudEvent
from kapital.platform.unit_of_work import Transaction
from kapital.registry.domain.events import KYC_EXPIRED
from kapital.registry.ports import ParticipantStore
from kapital.registry.use_cases.take_in_kyc import KycFact, KycNews, take_in_kyc


async def on_kyc_news(
    tx: Transaction, events: list[CloudEvent], *, participants: ParticipantStore, ledger: Ledger
) -> None:
    """Move participants on, in the order of the events. Both kinds come here, so that their order is kept."""
    await take_in_kyc(tx, [_fact(event) for event in events], participants=participants, ledger=ledger)


class _KycData(msgspec.Struct):
    """What the registry reads of identity's events. Fields it does not need may come and go."""

    participant_id: UUID
    outcome: str | None = None


def _fact(event: CloudEvent) -> KycFact:
    data = event.data_as(_KycData)
    news = KycNews.EXPIRED if event.type == KYC_EXPIRED else KycNews(str(data.outcome))
    return KycFact(participant_id=data.participant_id, news=news, cause=event)
