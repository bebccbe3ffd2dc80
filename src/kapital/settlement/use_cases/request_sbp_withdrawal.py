"""Use case: a beneficiary asks for money to be paid out by the SBP, to a phone at a member bank."""

from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID

import msgspec

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import MOSCOW, moscow_day
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import InvariantBroken
from kapital.platform import access
from kapital.platform.access import Resource
from kapital.platform.acts.bindings import bound_to
from kapital.platform.acts.commands import ActToCheck, authorise
from kapital.platform.acts.form import Act, SignedAct, Wording, act_of
from kapital.platform.acts.policy import ActKind
from kapital.platform.acts.records import ActRecord, keep_acts
from kapital.platform.failpoints import failpoint
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.settlement.domain.act_texts import TEXT_VERSION, sbp_withdrawal_command, sbp_withdrawal_text
from kapital.settlement.domain.file_problems import SbpNotOffered
from kapital.settlement.domain.payout_account import SbpPayee
from kapital.settlement.domain.problems import ReconciliationBreakStopsWithdrawals
from kapital.settlement.domain.sbp_payout import PARTS_MAX, SbpWithdrawal, split
from kapital.settlement.domain.sbp_problems import SbpAmountExceedsLimit, SbpDayLimitExceeded
from kapital.settlement.domain.states import WithdrawalState
from kapital.settlement.domain.withdrawal import Withdrawal
from kapital.settlement.ports import Parts
from kapital.settlement.sbp_withdrawal_rows import shown_sbp_withdrawals
from kapital.settlement.use_cases.withdrawal_steps import changed, lock_money


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSbpWithdrawal:
    """`amount_kopecks` above zero; it is split where the system pays less at once."""

    command_id: CommandId
    actor: Actor
    wallet_id: UUID
    amount_kopecks: int
    payee: SbpPayee
    signed_act: SignedAct | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareSbpWithdrawalAct:
    """`idempotency_key` is that of the command to come."""

    actor: Actor
    idempotency_key: str
    wallet_id: UUID
    amount_kopecks: int
    payee: SbpPayee


def prepare_sbp_withdrawal_act(cmd: PrepareSbpWithdrawalAct, parts: Parts) -> Act:
    """The act that a participant signs; kept nowhere. Raises: NotPermitted."""
    access.require(cmd.actor, "prepare_sbp_withdrawal_act")
    made_at = parts.uow.clock.now().replace(microsecond=0)
    return act_of(_wording(cmd), actor=cmd.actor, idempotency_key=cmd.idempotency_key, made_at=made_at)


async def request_sbp_withdrawal(cmd: RequestSbpWithdrawal, parts: Parts) -> contract.SbpWithdrawal:
    """Split the sum, lock all parts in the register together, and answer with the parts as they stand.

    Each part is a withdrawal of its own reference: `run_withdrawals` brings it to its end. So a part that the bank
    rejects is re-credited once, the others stay paid, and what was asked for tells which.
    Promise: a crash at any line is resumed by the same command or by the next tick, with the same ledger ids.
    Raises: IdempotencyKeyReused, NotPermitted, SbpNotOffered, SbpPayeeMalformed, ReconciliationBreakStopsWithdrawals,
    SbpAmountExceedsLimit, SbpDayLimitExceeded, ParameterNotInForce, refusals of acts.
    """
    mark = fingerprint(cmd)
    act = await _authorise(cmd, mark, parts)
    async with parts.uow.begin() as tx:
        if (kept := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(kept, type=contract.SbpWithdrawal)
        owner = (await parts.beneficiaries.owners(tx.conn, [cmd.wallet_id])).get(cmd.wallet_id)
        # Whose a wallet is never changes: its row stays at the first version.
        asked_for = Resource("Beneficiary", cmd.wallet_id, 1, owner=owner)
        tx.access.require(cmd.actor, "request_sbp_withdrawal", asked_for)
        if await _asked(cmd, parts, tx) is None:
            if not parts.sbp.offered:
                raise SbpNotOffered
            await keep_acts(tx.conn, [act] if act else [])
            await _plan(cmd, parts, tx)
    failpoint("settlement.sbp_withdrawal.planned")
    async with parts.uow.begin() as tx:
        locked = await _parts_of(cmd, parts, tx, lock=True)
        if (kept := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(kept, type=contract.SbpWithdrawal)
        await lock_money(parts, tx, [one for one in locked if one.state is WithdrawalState.REQUESTED])
        asked = await _asked(cmd, parts, tx)
        if asked is None:
            raise InvariantBroken("a withdrawal that was planned is gone")
        owner = cmd.actor.participant_id
        (answer,) = await shown_sbp_withdrawals(tx.conn, owner, one=asked.sbp_withdrawal_id, before=None, limit=1)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
    failpoint("settlement.sbp_withdrawal.answered")
    return answer


async def _plan(cmd: RequestSbpWithdrawal, parts: Parts, tx: Transaction) -> None:
    cmd.payee.require_valid()
    if (broken := await parts.breaks.open_breaks(tx.conn)).count:
        facts = {"difference_kopecks": broken.difference_kopecks, "breaks": broken.count}
        raise ReconciliationBreakStopsWithdrawals(facts=facts)
    today = moscow_day(tx.now)
    one, day = parts.sbp.rules.payout_at(today), parts.sbp.rules.payout_day_at(today)
    since = datetime.combine(today, time(), MOSCOW)
    left = day.kopecks - await parts.sbp.withdrawals.promised_since(tx.conn, cmd.payee, since)
    if cmd.amount_kopecks > left:
        # Not how much is left: others may have paid this phone, and what it got is nobody else's business.
        raise SbpDayLimitExceeded(facts={"limit_kopecks": day.kopecks, "basis": day.basis})
    if cmd.amount_kopecks > PARTS_MAX * one.kopecks:
        raise SbpAmountExceedsLimit(facts={"limit_kopecks": PARTS_MAX * one.kopecks, "basis": one.basis})
    asked = SbpWithdrawal(
        sbp_withdrawal_id=new_uuid7(),
        wallet_id=cmd.wallet_id,
        amount_kopecks=cmd.amount_kopecks,
        payee=cmd.payee,
        requested_by=cmd.actor.id,
    )
    await parts.sbp.withdrawals.add(tx.conn, asked, command_id=cmd.command_id, now=tx.now)
    planned = [
        Withdrawal(
            withdrawal_id=new_uuid7(),
            requested_by=cmd.actor.id,
            item=number,
            wallet_id=cmd.wallet_id,
            amount_kopecks=kopecks,
            payout_account=cmd.payee,
            state=WithdrawalState.REQUESTED,
            sbp_withdrawal_id=asked.sbp_withdrawal_id,
        )
        for number, kopecks in enumerate(split(cmd.amount_kopecks, one.kopecks))
    ]
    await parts.withdrawals.add(tx.conn, planned, command_id=cmd.command_id, now=tx.now)
    await tx.audit.append(
        "settlement.sbp_withdrawal_requested",
        asked.sbp_withdrawal_id,
        cmd.actor,
        after={"wallet_id": str(cmd.wallet_id), "amount_kopecks": cmd.amount_kopecks, "parts": len(planned)},
    )
    await tx.outbox.add(*(changed(part, WithdrawalState.REQUESTED) for part in planned))


async def _authorise(cmd: RequestSbpWithdrawal, mark: str, parts: Parts) -> ActRecord | None:
    """The row of the signed act; None without one, or when the command was planned or answered before."""
    owner = cmd.actor.participant_id
    if owner is None or (cmd.signed_act is None and not parts.acts.needs_signature(ActKind.WITHDRAW_MONEY)):
        return None
    async with parts.uow.begin() as tx:
        answered = await tx.replies.find(cmd.command_id, cmd.actor, mark)
        if answered is not None or await _asked(cmd, parts, tx) is not None:
            return None
        bound = await bound_to(tx.conn, [owner])
    given = ActToCheck(
        wording=_wording(cmd),
        actor=cmd.actor,
        command_id=cmd.command_id,
        signed=cmd.signed_act,
        bound=bound.get(owner, {}),
    )
    return await authorise(parts.acts, parts.uow, "settlement", given)


def _wording(cmd: RequestSbpWithdrawal | PrepareSbpWithdrawalAct) -> Wording:
    return Wording(
        kind=ActKind.WITHDRAW_MONEY,
        command=sbp_withdrawal_command(cmd.wallet_id, cmd.amount_kopecks, cmd.payee),
        text=sbp_withdrawal_text(cmd.wallet_id, cmd.amount_kopecks, cmd.payee),
        text_version=TEXT_VERSION,
    )


async def _asked(cmd: RequestSbpWithdrawal, parts: Parts, tx: Transaction) -> SbpWithdrawal | None:
    return await parts.sbp.withdrawals.of_command(tx.conn, actor_id=cmd.actor.id, command_id=cmd.command_id)


async def _parts_of(
    cmd: RequestSbpWithdrawal, parts: Parts, tx: Transaction, *, lock: bool = False
) -> list[Withdrawal]:
    return await parts.withdrawals.list_of_command(
        tx.conn, actor_id=cmd.actor.id, command_id=cmd.command_id, lock=lock
    )
