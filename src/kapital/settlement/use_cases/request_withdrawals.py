"""Use case: a beneficiary asks for money to be paid out to bank accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import InvariantBroken, Problem
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
from kapital.settlement.domain.act_texts import TEXT_VERSION, withdrawals_command, withdrawals_text
from kapital.settlement.domain.bank_directory import BANK_REFUSALS
from kapital.settlement.domain.problems import (
    ReconciliationBreakStopsWithdrawals,
    WithdrawalBatchMalformed,
)
from kapital.settlement.domain.states import WithdrawalState
from kapital.settlement.domain.withdrawal import Withdrawal, WithdrawalItem, refusal_of, shown_reason
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.refuse_banks import refuse_banks
from kapital.settlement.use_cases.withdrawal_steps import changed, lock_money

BATCH_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestWithdrawals:
    """Shape: 1 to 1,000 items; each stands alone, a refused one spoils nobody else."""

    command_id: CommandId
    actor: Actor
    items: tuple[WithdrawalItem, ...]
    signed_act: SignedAct | None = None


class WithdrawalAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Accepted: the money is locked. Refused: the code of the rule, ours or the ledger's."""

    outcome: str
    withdrawal_id: UUID | None = None
    code: str | None = None
    detail: str | None = None


def wording_of_withdrawals(items: Sequence[WithdrawalItem]) -> Wording:
    """What a person signs who withdraws money."""
    return Wording(
        kind=ActKind.WITHDRAW_MONEY,
        command=withdrawals_command(items),
        text=withdrawals_text(items),
        text_version=TEXT_VERSION,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareWithdrawalsAct:
    """`idempotency_key` is that of the command to come."""

    actor: Actor
    idempotency_key: str
    items: tuple[WithdrawalItem, ...]


def prepare_withdrawals_act(cmd: PrepareWithdrawalsAct, parts: Parts) -> Act:
    """The act that a participant signs; kept nowhere. Raises: NotPermitted."""
    access.require(cmd.actor, "prepare_withdrawals_act")
    made_at = parts.uow.clock.now().replace(microsecond=0)
    wording = wording_of_withdrawals(cmd.items)
    return act_of(wording, actor=cmd.actor, idempotency_key=cmd.idempotency_key, made_at=made_at)


async def request_withdrawals(cmd: RequestWithdrawals, parts: Parts) -> list[WithdrawalAnswer]:
    """Lock the money of each item in the register and answer in the order of the items.

    The bank is not called here: `run_withdrawals` does it after all this is committed.
    Promise: a crash at any line is resumed by the same command or by the next tick, with the same ledger ids.
    Raises: WithdrawalBatchMalformed, NotPermitted, IdempotencyKeyReused, refusals of acts,
    ReconciliationBreakStopsWithdrawals.
    """
    if not 1 <= len(cmd.items) <= BATCH_MAX:
        raise WithdrawalBatchMalformed(facts={"count": len(cmd.items), "limit": BATCH_MAX})
    mark = fingerprint(cmd)
    act = await _authorise(cmd, mark, parts)
    async with parts.uow.begin() as tx:
        if (kept := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(kept, type=list[WithdrawalAnswer])
        tx.access.require(cmd.actor, "request_withdrawals", Resource("Beneficiary", owner=cmd.actor.participant_id))
        if not await _of(parts, tx, cmd):
            await _note_wallets(parts, tx, cmd)
            await keep_acts(tx.conn, [act] if act else [])
            await _plan(parts, tx, cmd)
    failpoint("settlement.withdrawal.requested")
    async with parts.uow.begin() as tx:
        # The rows are locked before the reply is looked for again, so of two equal calls one keeps the answer.
        locked = await _of(parts, tx, cmd, lock=True)
        if (kept := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(kept, type=list[WithdrawalAnswer])
        await lock_money(parts, tx, [one for one in locked if one.state is WithdrawalState.REQUESTED])
        answers = await _answers(parts, tx, cmd)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answers))
    failpoint("settlement.withdrawal.checked")
    return answers


async def _authorise(cmd: RequestWithdrawals, mark: str, parts: Parts) -> ActRecord | None:
    """The row of the signed act; None without one, or when the command was planned or answered before."""
    owner = cmd.actor.participant_id
    if owner is None or (cmd.signed_act is None and not parts.acts.needs_signature(ActKind.WITHDRAW_MONEY)):
        return None
    async with parts.uow.begin() as tx:
        if await tx.replies.find(cmd.command_id, cmd.actor, mark) is not None or await _of(parts, tx, cmd):
            return None
        bound = await bound_to(tx.conn, [owner])
    given = ActToCheck(
        wording=wording_of_withdrawals(cmd.items),
        actor=cmd.actor,
        command_id=cmd.command_id,
        signed=cmd.signed_act,
        bound=bound.get(owner, {}),
    )
    return await authorise(parts.acts, parts.uow, "settlement", given)


async def _of(parts: Parts, tx: Transaction, cmd: RequestWithdrawals, *, lock: bool = False) -> list[Withdrawal]:
    return await parts.withdrawals.list_of_command(
        tx.conn, actor_id=cmd.actor.id, command_id=cmd.command_id, lock=lock
    )


async def _plan(parts: Parts, tx: Transaction, cmd: RequestWithdrawals) -> None:
    """Keep a row for each item that passes our own rules."""
    if (broken := await parts.breaks.open_breaks(tx.conn)).count:
        facts = {"difference_kopecks": broken.difference_kopecks, "breaks": broken.count}
        raise ReconciliationBreakStopsWithdrawals(facts=facts)
    refusals = await _refusals(parts, tx, cmd)
    planned = [
        Withdrawal(
            withdrawal_id=new_uuid7(),
            requested_by=cmd.actor.id,
            item=index,
            wallet_id=item.wallet_id,
            amount_kopecks=item.amount_kopecks,
            payout_account=item.payout_account,
            state=WithdrawalState.REQUESTED,
        )
        for index, item in enumerate(cmd.items)
        if refusals[index] is None
    ]
    await parts.withdrawals.add(tx.conn, planned, command_id=cmd.command_id, now=tx.now)
    for one in planned:
        await tx.audit.append("settlement.withdrawal_requested", one.withdrawal_id, cmd.actor)
    await tx.outbox.add(*(changed(one, WithdrawalState.REQUESTED) for one in planned))
    await refuse_banks(parts, tx, planned)


async def _note_wallets(parts: Parts, tx: Transaction, cmd: RequestWithdrawals) -> None:
    """Record what the policies say of each wallet that is known; another's is refused item by item (`_refusals`)."""
    owners = await parts.beneficiaries.owners(tx.conn, {item.wallet_id for item in cmd.items})
    # Whose a wallet is never changes: its row stays at the first version.
    asked = [Resource("Beneficiary", wallet_id, 1, owner=owner) for wallet_id, owner in owners.items()]
    tx.access.decide(cmd.actor, "request_withdrawals", asked)


async def _refusals(parts: Parts, tx: Transaction, cmd: RequestWithdrawals) -> list[Problem | None]:
    owners = await parts.beneficiaries.owners(tx.conn, {item.wallet_id for item in cmd.items})
    participant = cmd.actor.participant_id
    return [refusal_of(item, owner=owners.get(item.wallet_id), participant_id=participant) for item in cmd.items]


async def _answers(parts: Parts, tx: Transaction, cmd: RequestWithdrawals) -> list[WithdrawalAnswer]:
    """Our own refusals are decided anew (they rest on the command and on owners, which do not change)."""
    by_item = {one.item: one for one in await _of(parts, tx, cmd)}
    return [_answer(by_item.get(index), refusal) for index, refusal in enumerate(await _refusals(parts, tx, cmd))]


def _answer(one: Withdrawal | None, refusal: Problem | None) -> WithdrawalAnswer:
    if refusal is not None:
        return WithdrawalAnswer(outcome="refused", code=refusal.code, detail=refusal.detail)
    if one is None:
        raise InvariantBroken("an item that nobody refused has no withdrawal")
    if one.state is WithdrawalState.REFUSED:
        detail = BANK_REFUSALS.get(one.reason or "", "the register does not lock this amount")
        return WithdrawalAnswer(outcome="refused", code=shown_reason(one.reason, own=True), detail=detail)
    return WithdrawalAnswer(outcome="accepted", withdrawal_id=one.withdrawal_id)
