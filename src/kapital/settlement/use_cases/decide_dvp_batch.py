"""Use case: another person approves a batch of DvP instructions by its hash, or rejects it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

import msgspec

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.failpoints import failpoint
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.domain.dvp import BatchState, DvpBatch, DvpInstruction, DvpMove
from kapital.settlement.domain.dvp_problems import (
    DvpBatchMustBeOpen,
    DvpBatchMustMatch,
    DvpBatchNotFound,
)
from kapital.settlement.domain.states import DVP
from kapital.settlement.dvp_forms import shown_batch
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.barred_purchases import why_barred
from kapital.settlement.use_cases.dvp_told import ended
from kapital.settlement.use_cases.entries import MONEY
from kapital.settlement.use_cases.two_persons import Seen, TwoPersons, decide_by_two, permit

NOT_APPROVED: Final = "not_approved"
WALLET_UNKNOWN: Final = "wallet_must_be_of_a_beneficiary"
ASSET_UNKNOWN: Final = "asset_must_be_in_the_register"
CUT_OFF_PASSED: Final = "cut_off_passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideDvpBatch:
    """The decision on exactly what was instructed (`content_sha256`)."""

    command_id: CommandId
    actor: Actor
    batch_id: UUID
    content_sha256: str
    approve: bool


def _seen(batch: DvpBatch) -> Seen:
    return Seen(batch.state, batch.state is BatchState.INSTRUCTED, batch.instructed_by, batch.content_sha256)


_RULE: Final = TwoPersons(
    action="decide_dvp_batch",
    kind="DvpBatch",
    told=contract.DvpBatch,
    seen=_seen,
    not_found=lambda _: DvpBatchNotFound(),
    not_open=DvpBatchMustBeOpen,
    not_same=DvpBatchMustMatch,
)


async def decide_dvp_batch(cmd: DecideDvpBatch, parts: Parts) -> contract.DvpBatch:
    """Approve or reject. Approved, each instruction is checked by itself: what passes is `prechecked` and is tried
    from its intended day on, what does not is rolled back with the code of the rule.

    Raises: IdempotencyKeyReused, NotPermitted, DvpBatchNotFound, DvpBatchMustBeOpen, MakerAndCheckerMustDiffer,
    DvpBatchMustMatch.
    """
    assets = await _assets_known(cmd, parts)
    told = await decide_by_two(
        _RULE,
        cmd,
        parts,
        about=cmd.batch_id,
        content_sha256=cmd.content_sha256,
        lock=parts.dvp.lock_batch,
        effect=partial(_decide, cmd, parts, assets),
    )
    failpoint("settlement.dvp.decided")
    return told


async def _decide(
    cmd: DecideDvpBatch, parts: Parts, assets: frozenset[UUID], tx: Transaction, batch: DvpBatch
) -> contract.DvpBatch:
    state = BatchState.APPROVED if cmd.approve else BatchState.REJECTED
    instructions = await parts.dvp.of_batch(tx.conn, cmd.batch_id)
    moves = await _moves(tx, parts, instructions, assets) if cmd.approve else _rejected(instructions)
    await parts.dvp.move(tx.conn, moves, tx.now)
    ends = [(one, move.end_code) for one, move in zip(instructions, moves, strict=True) if move.end_code]
    await tx.outbox.add(*ended(ends))
    await parts.dvp.decide_batch(tx.conn, cmd.batch_id, state, cmd.actor.id, tx.now)
    await tx.audit.append(
        "settlement.dvp_batch_decided",
        batch.batch_id,
        cmd.actor,
        basis={"content_sha256": batch.content_sha256},
        before={"state": batch.state.value},
        after={"state": state.value, "rolled_back": len(ends)},
    )
    return shown_batch(msgspec.structs.replace(batch, state=state, decided_by=cmd.actor.id, decided_at=tx.now))


async def _assets_known(cmd: DecideDvpBatch, parts: Parts) -> frozenset[UUID]:
    """Those units of the batch that the register has. Asked before the transaction; an asset is never taken away.

    Raises: NotPermitted, so that the register is asked nothing for who may not decide.
    """
    if not cmd.approve:
        return frozenset()
    async with parts.uow.begin() as tx:
        await permit(tx, parts, cmd.actor, _RULE.action, _RULE.kind, cmd.batch_id)
        wanted = {one.asset_id for one in await parts.dvp.of_batch(tx.conn, cmd.batch_id)} - {MONEY}
    return frozenset([asset for asset in wanted if await parts.ledger.has_asset(asset)])


async def _moves(
    tx: Transaction, parts: Parts, instructions: Sequence[DvpInstruction], assets: frozenset[UUID]
) -> list[DvpMove]:
    wallets = {wallet for one in instructions for wallet in (one.seller_wallet_id, one.buyer_wallet_id)}
    owners = await parts.beneficiaries.owners(tx.conn, wallets)
    barred = await why_barred(tx.conn, parts, {(one.asset_id, one.buyer_wallet_id) for one in instructions})
    moves = []
    for one in instructions:
        if one.seller_wallet_id not in owners or one.buyer_wallet_id not in owners:
            failed: str | None = WALLET_UNKNOWN
        elif one.asset_id not in assets:
            failed = ASSET_UNKNOWN
        elif (problem := barred.get((one.asset_id, one.buyer_wallet_id))) is not None:
            failed = problem.code
        else:
            failed = CUT_OFF_PASSED if one.cut_off_at <= tx.now else None
        moves.append(_undone(one, "checks_failed", failed) if failed else _passed(one))
    return moves


def _rejected(instructions: Sequence[DvpInstruction]) -> list[DvpMove]:
    return [_undone(one, NOT_APPROVED, NOT_APPROVED) for one in instructions]


def _passed(one: DvpInstruction) -> DvpMove:
    return DvpMove(
        instruction_id=one.instruction_id, source=one.state, target=DVP.step(one.state, "checks_passed").target
    )


def _undone(one: DvpInstruction, on: str, end_code: str) -> DvpMove:
    target = DVP.step(DVP.step(one.state, on).target, "all_undone").target
    return DvpMove(instruction_id=one.instruction_id, source=one.state, target=target, end_code=end_code)
