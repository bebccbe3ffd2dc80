"""Use case: a holder of an issue in default consents to the exchange for units of the new issue."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId, derive_uuid7
from kapital.kernel.problems import InvariantBroken, Problem
from kapital.ledger.api import AccountKey, Basis, BasisKind, Committed, Position, Posting, Refused, SetFlags
from kapital.ledger.api import Transaction as LedgerTransaction
from kapital.platform.access import of_row
from kapital.platform.acts.form import SignedAct, Wording
from kapital.platform.acts.policy import ActKind
from kapital.platform.acts.records import keep_acts
from kapital.platform.ids import new_uuid7
from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain.act_texts import TEXT_VERSION
from kapital.tokenization.domain.early import CallLock
from kapital.tokenization.domain.investor import why_orders_stay
from kapital.tokenization.domain.issue_proposal import (
    ExchangeConsent,
    IssueProposal,
    ProposalKind,
    ProposalState,
)
from kapital.tokenization.domain.life_texts import exchange_command, exchange_text
from kapital.tokenization.domain.problems import LedgerRefused, ParticipantMustBeActive, WalletMustBeOpen
from kapital.tokenization.domain.problems_life import HolderMustHaveUnits, ProposalMustMatch, ProposalNotFound
from kapital.tokenization.domain.states import ISSUE
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.acts import authorise_command
from kapital.tokenization.use_cases.perform_proposals import outstanding_units
from kapital.tokenization.use_cases.steps import SMART_CONTRACT, move_issue

_WAITS: Final = timedelta(seconds=30)
_BATCH: Final = 500
_FROZEN: Final = frozenset({"wallet_debits_frozen", "wallet_credits_frozen"})

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentToExchange:
    """`proposal_sha256` is the restructuring that the holder saw."""

    command_id: CommandId
    actor: Actor
    proposal_id: UUID
    proposal_sha256: str
    signed_act: SignedAct | None = None


def wording_of_exchange(proposal_id: UUID, proposal_sha256: str) -> Wording:
    """What the holder signs."""
    return Wording(
        kind=ActKind.CONSENT_TO_EXCHANGE,
        command=exchange_command(proposal_id, proposal_sha256),
        text=exchange_text(proposal_id, proposal_sha256),
        text_version=TEXT_VERSION,
    )


async def consent_to_exchange(cmd: ConsentToExchange, *, parts: Parts) -> ExchangeConsent:
    """Keep the consent and exchange: old units are extinguished and new ones credited in one entry.

    All of the holder's free units, those put or offered too; pledged, arrested and frozen ones are others' to free.
    When the last unit is exchanged, the old issue is RESTRUCTURED; who does not consent keeps the claims in default.
    Law: 259-FZ art. 4 (records on the holder's instruction); domain.md 3.3.
    Promise: a repeat after a crash at any line goes on with the same consent and the same entry.
    Raises: NotPermitted, IdempotencyKeyReused, refusals of acts, ProposalNotFound, ProposalMustMatch, WrongState,
    ParticipantMustBeActive, WalletMustBeOpen, HolderMustHaveUnits, LedgerRefused.
    """
    mark = fingerprint(cmd)
    wording = wording_of_exchange(cmd.proposal_id, cmd.proposal_sha256)
    act = await authorise_command(parts, cmd.actor, cmd.command_id, mark, wording, cmd.signed_act)
    held = await _held(cmd, parts)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=ExchangeConsent)
        owner = cmd.actor.participant_id
        found = await parts.proposals.read(tx.conn, cmd.proposal_id)
        asked = of_row("IssueProposal", cmd.proposal_id, found, owner=owner)
        tx.access.require(cmd.actor, "consent_to_exchange", asked)
        proposal = await _open_exchange(tx, parts, cmd, found)
        investor = (await parts.investors.read(tx.conn, [owner] if owner else [])).get(owner) if owner else None
        if (problem := why_orders_stay(investor)) is not None:
            raise problem
        if investor is None or investor.wallet_id is None:
            raise WalletMustBeOpen
        consent = await parts.proposals.open_consent(
            tx.conn,
            proposal.proposal_id,
            investor.wallet_id,
            actor_id=cmd.actor.id,
            command_id=cmd.command_id,
        )
        if consent is None:
            if not any(held):
                raise HolderMustHaveUnits
            consent = ExchangeConsent(
                consent_id=new_uuid7(),
                proposal_id=proposal.proposal_id,
                participant_id=investor.participant_id,
                wallet_id=investor.wallet_id,
                actor_id=cmd.actor.id,
                command_id=cmd.command_id,
                created_at=tx.now,
                act_file_sha256=act.file_sha256 if act else None,
                units=held[0],
                locked_units=held[1],
                clears_flags=await _may_be_locked(tx, parts, proposal.issue_id),
            )
            await parts.proposals.add_consent(tx.conn, consent)
            await keep_acts(tx.conn, [act] if act else [])
            await tx.audit.append(
                "tokenization.exchange_consented",
                consent.consent_id,
                cmd.actor,
                basis={"proposal_id": str(proposal.proposal_id), "act_file_sha256": consent.act_file_sha256},
                after={"units": held[0] + held[1], "version": 1},
            )
    done = await _exchange(consent, proposal, parts)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=ExchangeConsent)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(done))
    return done


async def resume_exchanges(*, parts: Parts) -> None:
    """Go on with consents that a dead process left without their entry."""
    async with parts.database.connect() as conn:
        due = await parts.proposals.consents_due(conn, parts.clock.now() - _WAITS, _BATCH)
        proposals = {one.proposal_id: await parts.proposals.read(conn, one.proposal_id) for one in due}
    for consent in due:
        proposal = proposals[consent.proposal_id]
        if proposal is None:
            raise InvariantBroken("a consent has its proposal")
        try:
            await _exchange(consent, proposal, parts)
        except Problem as problem:
            # The holder may consent again; others' exchanges go on.
            _log.warning("tokenization.exchange_refused", code=problem.code, subject_id=str(consent.consent_id))


async def _held(cmd: ConsentToExchange, parts: Parts) -> tuple[int, int]:
    """The holder's available and locked units of the old issue now."""
    async with parts.database.connect() as conn:
        proposal = await parts.proposals.read(conn, cmd.proposal_id)
        owner = cmd.actor.participant_id
        investor = (await parts.investors.read(conn, [owner])).get(owner) if owner else None
    if proposal is None or investor is None or investor.wallet_id is None:
        return 0, 0
    available, locked = await parts.ledger.balances(_old_accounts(proposal, investor.wallet_id))
    return available, locked


async def _open_exchange(
    tx: Transaction, parts: Parts, cmd: ConsentToExchange, proposal: IssueProposal | None
) -> IssueProposal:
    is_open = proposal is not None and proposal.state is ProposalState.APPROVED
    if proposal is None or not is_open or proposal.kind is not ProposalKind.RESTRUCTURE:
        raise ProposalNotFound
    if proposal.proposal_sha256 != cmd.proposal_sha256:
        raise ProposalMustMatch
    issue = (await parts.issues.lock(tx.conn, [proposal.issue_id]))[proposal.issue_id]
    ISSUE.step(issue.state, "restructured")
    return proposal


async def _may_be_locked(tx: Transaction, parts: Parts, issue_id: UUID) -> bool:
    issue = (await parts.issues.read(tx.conn, [issue_id]))[issue_id]
    actions = await parts.actions.of_issue(tx.conn, issue_id)
    called = any(a.early is not None and a.early.lock is not CallLock.NONE for a in actions)
    return called or issue.locked_at is not None


async def _exchange(consent: ExchangeConsent, proposal: IssueProposal, parts: Parts) -> ExchangeConsent:
    if consent.entry_seq is not None:
        return consent
    [answer] = await parts.ledger.post([_record(consent, proposal)])
    if isinstance(answer, Refused):
        async with parts.uow.begin() as tx:
            await parts.proposals.drop_consent(tx.conn, consent.consent_id)
        if answer.code in _FROZEN:
            # One neutral code for every reason: 115-FZ forbids telling a client of a freeze.
            raise ParticipantMustBeActive
        raise LedgerRefused(answer.detail, {"ledger_code": answer.code, **answer.facts})
    async with parts.uow.begin() as tx:
        return await _note(tx, parts, consent, proposal, answer)


async def _note(
    tx: Transaction, parts: Parts, consent: ExchangeConsent, proposal: IssueProposal, answer: Committed
) -> ExchangeConsent:
    """The exchange is in the register: the new issue has its units, and the old one ends with the last of its own."""
    new_issue_id = UUID(str(proposal.new_issue_id))
    issues = await parts.issues.lock(tx.conn, [proposal.issue_id, new_issue_id])
    kept = await parts.proposals.lock_consent(tx.conn, consent.consent_id)
    if kept is None:
        raise InvariantBroken("a consent that the register performed is kept")
    if kept.entry_seq is not None:
        return kept
    done = msgspec.structs.replace(kept, version=kept.version + 1, entry_seq=answer.seq)
    await parts.proposals.save_consent(tx.conn, done)
    await tx.audit.append(
        "tokenization.units_exchanged",
        consent.consent_id,
        SMART_CONTRACT,
        basis={"proposal_id": str(proposal.proposal_id), "entry_seq": answer.seq},
        after={"units": _units(consent), "version": done.version},
    )
    new_issue = issues[new_issue_id]
    given = new_issue.allocated_units + _units(consent) * int(proposal.units_per_unit or 0)
    await parts.issues.save(tx.conn, [new_issue.changed(allocated_units=given)])
    issue = issues[proposal.issue_id]
    exchanged = await parts.proposals.exchanged(tx.conn, proposal.proposal_id)
    if exchanged == await outstanding_units(tx, parts, issue):
        basis = {"proposal_id": str(proposal.proposal_id)}
        await move_issue(tx, parts, issue, "restructured", actor=SMART_CONTRACT, basis=basis)
    return done


def _units(consent: ExchangeConsent) -> int:
    return consent.units + consent.locked_units


def _old_accounts(proposal: IssueProposal, wallet_id: UUID) -> list[AccountKey]:
    return [AccountKey(proposal.issue_id, position, wallet_id) for position in (Position.AVAILABLE, Position.LOCKED)]


def _record(consent: ExchangeConsent, proposal: IssueProposal) -> LedgerTransaction:
    old, new = proposal.issue_id, UUID(str(proposal.new_issue_id))
    available, locked = _old_accounts(proposal, consent.wallet_id)
    given = _units(consent) * int(proposal.units_per_unit or 0)
    taken = [(available, -consent.units), (locked, -consent.locked_units)]
    return LedgerTransaction(
        id=derive_uuid7(consent.consent_id, "exchange"),
        actor=consent.actor_id,
        basis=Basis(
            kind=BasisKind.HOLDER_INSTRUCTION,
            reference=f"issue_proposal/{proposal.proposal_id}",
            document_sha256=proposal.document_sha256,
        ),
        postings=(
            *(Posting(account, amount) for account, amount in taken if amount),
            Posting(AccountKey(old, Position.EXTINGUISHED, old), _units(consent)),
            Posting(AccountKey(new, Position.ISSUED, new), -given),
            Posting(AccountKey(new, Position.AVAILABLE, consent.wallet_id), given),
        ),
        flags=(SetFlags(account=available, credits_stopped=False, debits_stopped=False),)
        if consent.clears_flags
        else (),
    )
