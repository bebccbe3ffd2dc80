"""Use cases: the end of a relation is asked for, and another person decides."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId, wallet_id_of
from kapital.kernel.states import WrongState
from kapital.ledger.api import (
    MAX_POSTINGS_PER_TRANSACTION,
    AccountKey,
    Basis,
    BasisKind,
    Committed,
    Ledger,
    Position,
    Refused,
    SetFlags,
    money_asset,
)
from kapital.ledger.api import Transaction as LedgerTransaction
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint
from kapital.registry.contract_forms import state_answer
from kapital.registry.domain.mandate import MandateEnd
from kapital.registry.domain.problems import (
    IssuerOwesStill,
    NoDisputeNotStated,
    ParticipantHoldsSomething,
    ParticipantNotFound,
    WalletNotClosed,
)
from kapital.registry.domain.representative import RepresentativeEnd
from kapital.registry.domain.standing import Closing, Participant
from kapital.registry.domain.states import ParticipantState
from kapital.registry.ports import MandateStore, ParticipantStore
from kapital.registry.use_cases.end_representative import EndingParts, end_all
from kapital.registry.use_cases.mandate_parts import end_mandates
from kapital.registry.use_cases.state_changes import note_change, record_of, standing


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingParts:
    """What both use cases work with."""

    uow: UnitOfWork
    participants: ParticipantStore
    ledger: Ledger
    new_id: Callable[[], UUID]
    ending: EndingParts
    mandates: MandateStore


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestClosing:
    """Ask to end the relation; `basis_reference` names the application or document."""

    command_id: CommandId
    actor: Actor
    participant_id: UUID
    basis_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideClosing:
    """Close, or refuse to; `closing_sha256` is what was seen, `no_dispute_reference` the finding needed to close."""

    command_id: CommandId
    actor: Actor
    participant_id: UUID
    close: bool
    closing_sha256: str
    basis_reference: str
    no_dispute_reference: str | None = None


async def request_closing(cmd: RequestClosing, *, parts: ClosingParts) -> contract.ClosingRequested:
    """Move ACTIVE or RESTRICTED to CLOSING; from then on no order is taken.

    Raises: IdempotencyKeyReused, ParticipantNotFound (also for another's participant), NotPermitted, WrongState,
    IssuerOwesStill, ParticipantHoldsSomething.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.ClosingRequested)
        own = cmd.actor.participant_id == cmd.participant_id
        if not own and cmd.actor.participant_id is not None:
            raise ParticipantNotFound
        participant = await _locked(tx, parts, cmd, "request_closing")
        if own and participant.state is ParticipantState.FROZEN:
            # 115-FZ, no tipping off: a refusal that does not name the state.
            raise WrongState("a request to close is not possible now")
        participant.require("closing_asked")
        await _require_free(tx, parts, participant)
        await _accounts_if_empty(parts, participant)
        before = standing(participant)
        participant.ask_closing()
        closing = Closing(
            participant_id=cmd.participant_id,
            asked_by=cmd.actor.id,
            asked_at=tx.now,
            basis_reference=cmd.basis_reference,
        )
        await parts.participants.ask_closing(tx.conn, closing)
        await parts.participants.save(tx.conn, [participant], now=tx.now)
        basis = {"reference": cmd.basis_reference, "closing_sha256": closing.sha256}
        await note_change(tx, "registry.closing_asked", participant, before=before, actor=cmd.actor, basis=basis)
        answer = contract.ClosingRequested(
            participant_id=cmd.participant_id,
            state=contract.ParticipantState(participant.state.value),
            closing_sha256=closing.sha256,
            version=participant.version,
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


async def decide_closing(cmd: DecideClosing, *, parts: ClosingParts) -> contract.ParticipantStateAnswer:
    """Close the wallet in the ledger and the relation, or go on with both.

    The ledger is called while the participant's row is locked, so that a refusal of another process cannot open the
    wallet again behind this one. What it is told is set, not added: a decision repeated after a crash sets it again.
    Law: 115-FZ art. 7(4) (what is known is kept). Promise: a wallet that is CLOSED held nothing at the entry that
    stopped its accounts, and nothing is credited to them after it.
    Raises: IdempotencyKeyReused, NotPermitted, ParticipantNotFound, WrongState, ClosingHashMustMatch,
    ClosingNeedsAnotherPerson, NoDisputeNotStated, IssuerOwesStill, ParticipantHoldsSomething, WalletNotClosed.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.ParticipantStateAnswer)
        participant = await _locked(tx, parts, cmd, "decide_closing")
        participant.require("closed")
        closing = await parts.participants.closing(tx.conn, cmd.participant_id)
        if closing is None:
            raise ParticipantNotFound
        closing.require_decidable(cmd.actor.id, cmd.closing_sha256)
        before = standing(participant)
        if cmd.close:
            await _close(tx, parts, cmd, participant)
        else:
            await _set_flags(parts, cmd, participant, await _accounts(parts, participant), stopped=False)
            participant.refuse_closing()
            await parts.participants.end_closing(tx.conn, cmd.participant_id)
        await parts.participants.save(tx.conn, [participant], now=tx.now)
        basis = {
            "reference": cmd.basis_reference,
            "closing_sha256": closing.sha256,
            "no_dispute_reference": cmd.no_dispute_reference,
        }
        action = "registry.participant_closed" if cmd.close else "registry.closing_refused"
        await note_change(tx, action, participant, before=before, actor=cmd.actor, basis=basis)
        answer = state_answer(participant)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


async def _close(tx: Transaction, parts: ClosingParts, cmd: DecideClosing, participant: Participant) -> None:
    if cmd.no_dispute_reference is None:
        raise NoDisputeNotStated
    await _require_free(tx, parts, participant)
    accounts = await _accounts_if_empty(parts, participant)
    last = await _set_flags(parts, cmd, participant, accounts, stopped=True)
    try:
        # What came in between the look and the stop is still there.
        await _accounts_if_empty(parts, participant)
    except ParticipantHoldsSomething:
        await _set_flags(parts, cmd, participant, accounts, stopped=False)
        raise
    participant.close()
    living = await parts.ending.representatives.lock_living(tx.conn, cmd.participant_id)
    ended = [one.ended(RepresentativeEnd.PARTICIPANT_LEFT, now=tx.now) for one in living]
    # Their tokens open nothing any more: the state of the participant is looked at with each.
    await end_all(tx, ended, parts=parts.ending, actor=cmd.actor, reference=cmd.basis_reference)
    mandates = await parts.mandates.lock_living(tx.conn, [cmd.participant_id], now=tx.now)
    basis = {"reference": cmd.basis_reference}
    left = MandateEnd.PARTICIPANT_LEFT
    await end_mandates(tx, mandates, left, mandates=parts.mandates, actor=cmd.actor, basis=basis)
    await parts.participants.close_wallet(tx.conn, cmd.participant_id, seq=last.seq, at=last.recorded_at)


async def _locked(
    tx: Transaction, parts: ClosingParts, cmd: RequestClosing | DecideClosing, action: str
) -> Participant:
    found = (await parts.participants.lock(tx.conn, [cmd.participant_id])).get(cmd.participant_id)
    tx.access.require(cmd.actor, action, record_of(cmd.participant_id, found))
    if found is None:
        raise ParticipantNotFound
    return found


async def _require_free(tx: Transaction, parts: ClosingParts, participant: Participant) -> None:
    """Return if the participant owes nothing as an issuer. Raises: IssuerOwesStill."""
    if count := await parts.participants.live_issues(tx.conn, participant.participant_id):
        raise IssuerOwesStill(facts={"issues": count})


async def _accounts(parts: ClosingParts, participant: Participant) -> list[AccountKey]:
    """Every account of the wallet, and that of its money, which is the one that anybody may credit."""
    wallet = wallet_id_of(participant.participant_id)
    money = AccountKey(money_asset(), Position.AVAILABLE, wallet)
    return sorted({money, *(key for key, _ in await parts.ledger.wallet_balances(wallet))})


async def _accounts_if_empty(parts: ClosingParts, participant: Participant) -> list[AccountKey]:
    """The accounts, if nothing lies in them. Raises: ParticipantHoldsSomething."""
    balances = await parts.ledger.wallet_balances(wallet_id_of(participant.participant_id))
    held = {key.asset for key, balance in balances if balance}
    if held:
        raise ParticipantHoldsSomething(facts={"assets": len(held)})
    return await _accounts(parts, participant)


async def _set_flags(
    parts: ClosingParts, cmd: DecideClosing, participant: Participant, accounts: list[AccountKey], *, stopped: bool
) -> Committed:
    """Stop or allow what goes into and out of the accounts; return the last entry. Raises: WalletNotClosed."""
    basis = Basis(BasisKind.HOLDER_INSTRUCTION, f"registry/closing/{participant.participant_id}")
    entries = [
        LedgerTransaction(
            parts.new_id(),
            cmd.actor.id,
            basis,
            flags=tuple(SetFlags(key, credits_stopped=stopped, debits_stopped=stopped) for key in some),
        )
        for some in (
            accounts[start : start + MAX_POSTINGS_PER_TRANSACTION]
            for start in range(0, len(accounts), MAX_POSTINGS_PER_TRANSACTION)
        )
    ]
    entered: list[Committed] = []
    for answer in await parts.ledger.post(entries):
        if isinstance(answer, Refused):
            wallet = str(wallet_id_of(participant.participant_id))
            raise WalletNotClosed(answer.detail, {"wallet_id": wallet, "ledger_code": answer.code})
        entered.append(answer)
    return entered[-1]
