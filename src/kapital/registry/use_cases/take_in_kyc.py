"""Use case: what identity tells moves participants on, and opens the wallets of those approved."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from kapital.contracts import registry as contract
from kapital.kernel.actor import machine_actor
from kapital.kernel.ids import wallet_id_of
from kapital.kernel.roles import Role
from kapital.ledger.api import (
    Basis,
    BasisKind,
    Ledger,
    OpenWallet,
    Refused,
)
from kapital.ledger.api import Transaction as LedgerTransaction
from kapital.platform.events import CloudEvent, Event
from kapital.platform.unit_of_work import Transaction
from kapital.registry.domain.events import WALLET_OPENED
from kapital.registry.domain.participant import wallet_opening_id_of, wallet_profile_of
from kapital.registry.domain.problems import ParticipantNotFound, WalletNotOpened
from kapital.registry.domain.standing import Participant
from kapital.registry.domain.status import Status, found_by_identification
from kapital.registry.ports import ParticipantStore, StatusStore, Wallet
from kapital.registry.use_cases.state_changes import note_change, standing
from kapital.registry.use_cases.status_changes import held_after, note_changes

_MACHINE: Final = machine_actor(Role.SCHEDULER)


class KycNews(StrEnum):
    """What may be heard of a participant from identity."""

    RECORDED = "recorded"  # documents were recorded
    REFERRED = "referred"  # a hit, high risk or doubt: a person has to look
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    FROZEN = "frozen"
    RELEASED = "released"


_CHANGES: Final[Mapping[KycNews, Callable[[Participant], None]]] = {
    KycNews.RECORDED: Participant.note_identification,
    KycNews.REFERRED: Participant.refer_kyc,
    KycNews.APPROVED: Participant.approve_kyc,
    KycNews.REJECTED: Participant.reject_kyc,
    KycNews.EXPIRED: Participant.expire_kyc,
    KycNews.FROZEN: Participant.freeze,
    KycNews.RELEASED: Participant.release,
}
_OF_MEASURES: Final = frozenset({KycNews.FROZEN, KycNews.RELEASED})


@dataclass(frozen=True, slots=True, kw_only=True)
class KycFact:
    """One piece of news, and the event that brought it. Of an approval: what it finds, and until when it holds."""

    participant_id: UUID
    news: KycNews
    cause: CloudEvent
    is_qualified: bool = False
    valid_until: datetime | None = None


async def take_in_kyc(
    tx: Transaction,
    facts: Sequence[KycFact],
    *,
    participants: ParticipantStore,
    statuses: StatusStore,
    ledger: Ledger,
) -> None:
    """Apply news in order, inside the transaction that notes the events as used.

    The ledger is called while this transaction is open. That is safe, for the opening's id is derived: if
    this transaction is lost after the ledger has committed, the next delivery gets the same entry back. It is
    called once for a whole batch, and after the rows are locked: no wallet is opened for somebody just
    rejected or frozen. A measure on somebody who is no participant (an owner, a representative) is none of ours.

    Raises: ParticipantNotFound, WrongState, WalletNotOpened - then nothing of the batch is kept here, and the
    bus delivers its events one by one.
    """
    found = await participants.lock(tx.conn, [fact.participant_id for fact in facts])
    known = [fact for fact in facts if fact.participant_id in found or fact.news not in _OF_MEASURES]
    for fact in known:
        if fact.participant_id not in found:
            raise ParticipantNotFound(facts={"participant_id": str(fact.participant_id)})
    wallets = await _open_wallets(_awaiting(known, found), ledger=ledger)
    held = await statuses.held_by(tx.conn, [fact.participant_id for fact in known if fact.news is KycNews.APPROVED])
    altered: dict[UUID, Status] = {}
    changed: dict[UUID, Participant] = {}
    for fact in known:
        participant = found[fact.participant_id]
        before = standing(participant)
        _CHANGES[fact.news](participant)
        if fact.news is KycNews.APPROVED and not participant.has_ended:
            # Told before the wallet: who hears of a wallet knows what its owner may buy.
            altered |= await _take_in_category(tx, fact, held)
        if standing(participant) == before:
            continue
        changed[participant.participant_id] = participant
        await _note(tx, f"registry.kyc_{fact.news}_taken_in", participant, before=before, cause=fact.cause)
        if participant.awaits_wallet:
            await _activate(tx, participant, wallets[participant.participant_id], cause=fact.cause)
    await statuses.save(tx.conn, list(altered.values()))
    await participants.save(tx.conn, list(changed.values()), now=tx.now)
    await participants.add_wallets(tx.conn, list(wallets.values()))


async def _take_in_category(tx: Transaction, fact: KycFact, held: dict[UUID, list[Status]]) -> dict[UUID, Status]:
    """Note that the identification finds a qualified investor, or does not any more; by the ids of what changed."""
    who = fact.participant_id
    changes = found_by_identification(
        who,
        held[who],
        is_qualified=fact.is_qualified,
        decision_id=fact.cause.id,
        valid_until=fact.valid_until,
        now=tx.now,
    )
    if changes:
        held[who] = held_after(held[who], changes)
        await note_changes(tx, who, changes, held[who], actor=_MACHINE, cause=fact.cause)
    return {one.status_id: one for one in changes}


def _awaiting(facts: Sequence[KycFact], found: Mapping[UUID, Participant]) -> list[Participant]:
    """Those whom these facts will approve for the first time: the facts are tried on copies."""
    trial = {participant_id: copy(participant) for participant_id, participant in found.items()}
    awaiting = []
    for fact in facts:
        participant = trial[fact.participant_id]
        _CHANGES[fact.news](participant)
        if participant.awaits_wallet:
            awaiting.append(found[fact.participant_id])
            participant.open_wallet()
    return awaiting


async def _open_wallets(awaiting: Sequence[Participant], *, ledger: Ledger) -> dict[UUID, Wallet]:
    """Open the wallets in the ledger, in one call. Raises: WalletNotOpened."""
    if not awaiting:
        return {}
    outcomes = await ledger.post([_opening(participant) for participant in awaiting])
    wallets = {}
    for participant, outcome in zip(awaiting, outcomes, strict=True):
        wallet_id = wallet_id_of(participant.participant_id)
        if isinstance(outcome, Refused):
            raise WalletNotOpened(outcome.detail, {"wallet_id": str(wallet_id), "ledger_code": outcome.code})
        wallets[participant.participant_id] = Wallet(
            wallet_id=wallet_id,
            participant_id=participant.participant_id,
            profile=wallet_profile_of(participant.roles),
            entry_seq=outcome.seq,
            opened_at=outcome.recorded_at,
        )
    return wallets


def _opening(participant: Participant) -> LedgerTransaction:
    """The record that opens a wallet; equal in every try, or the ledger would refuse the repeat."""
    return LedgerTransaction(
        id=wallet_opening_id_of(participant.participant_id),
        actor=_MACHINE.id,
        # The application, made with the rule book accepted, is the holder's instruction to keep a wallet.
        basis=Basis(
            kind=BasisKind.HOLDER_INSTRUCTION, reference=f"registry/application/{participant.participant_id}"
        ),
        opens=(OpenWallet(wallet=wallet_id_of(participant.participant_id)),),
    )


async def _activate(tx: Transaction, participant: Participant, wallet: Wallet, *, cause: CloudEvent) -> None:
    before = standing(participant)
    participant.open_wallet()
    await tx.outbox.add(
        Event(
            type=WALLET_OPENED,
            aggregate_id=str(participant.participant_id),
            aggregate_version=participant.version,
            data=contract.WalletOpened(
                wallet_id=wallet.wallet_id,
                participant_id=participant.participant_id,
                profile=contract.WalletProfile(wallet.profile.value),
                roles=[contract.ParticipantRole(role.value) for role in sorted(participant.roles)],
                entry_seq=wallet.entry_seq,
            ),
        ),
        cause=cause,
    )
    await _note(tx, "registry.wallet_opened", participant, before=before, cause=cause)


async def _note(
    tx: Transaction, action: str, participant: Participant, *, before: dict[str, Any], cause: CloudEvent
) -> None:
    basis = {"event_id": str(cause.id)}
    await note_change(tx, action, participant, before=before, actor=_MACHINE, basis=basis, cause=cause)
