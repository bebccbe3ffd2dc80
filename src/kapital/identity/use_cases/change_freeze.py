"""Use cases: an AML officer decides on a proposed freeze, proposes a release, or decides on another's proposal."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.contracts import identity as contract
from kapital.identity.contract_forms import freeze_answer
from kapital.identity.domain.freeze import Freeze, FreezeBasis, ProposedRelease, Reach, ReleaseKind
from kapital.identity.domain.freeze_entry import asked
from kapital.identity.domain.problems import FreezeNotFound
from kapital.identity.domain.states import FreezeState
from kapital.identity.ports import ClientStore, FreezeStore, HitStore
from kapital.identity.use_cases.impose_freeze import note, wallets_of
from kapital.identity.use_cases.measures import apply_measures
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import MOSCOW
from kapital.kernel.ids import CommandId
from kapital.platform.access import Resource
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideFreeze:
    """Impose or reject a proposed freeze, having seen `freeze_sha256`."""

    command_id: CommandId
    actor: Actor
    freeze_id: UUID
    impose: bool
    freeze_sha256: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeFreezeRelease:
    """Propose to release, having seen `freeze_sha256`. Shape: `remaining` of a part has the freeze's own wallet."""

    command_id: CommandId
    actor: Actor
    freeze_id: UUID
    kind: ReleaseKind
    remaining: Reach | None
    amount_kopecks: int | None
    basis: FreezeBasis
    freeze_sha256: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideFreezeRelease:
    """Approve or reject a proposed release, having seen `freeze_sha256`."""

    command_id: CommandId
    actor: Actor
    freeze_id: UUID
    approve: bool
    freeze_sha256: str
    reason: str


Command = DecideFreeze | ProposeFreezeRelease | DecideFreezeRelease

_ACTIONS: Final = {
    DecideFreeze: "decide_freeze",
    ProposeFreezeRelease: "propose_freeze_release",
    DecideFreezeRelease: "decide_freeze_release",
}


async def change_freeze(
    cmd: Command, *, uow: UnitOfWork, freezes: FreezeStore, clients: ClientStore, hits: HitStore
) -> contract.Freeze:
    """Make the act; what it asks of the register follows (`enter_freezes`).

    Law: 115-FZ art. 7(1)(6), 7.5; domain.md 3.8 (release by two).
    Raises: IdempotencyKeyReused, NotPermitted, FreezeNotFound, then what the act of the freeze raises.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.Freeze)
        version = await freezes.row_version(tx.conn, cmd.freeze_id)
        tx.access.require(cmd.actor, _ACTIONS[type(cmd)], Resource("Freeze", cmd.freeze_id, version))
        await freezes.lock_acts(tx.conn)
        freeze = await freezes.find(tx.conn, cmd.freeze_id)
        if freeze is None:
            raise FreezeNotFound
        before, step = freeze.state, freeze.step
        released = await freezes.released_kopecks(tx.conn, freeze.participant_id, _month_began(tx.now))
        kind = freeze.release.kind if freeze.release else None
        _act(cmd, freeze, tx, released)
        await freezes.save(tx.conn, freeze)
        if freeze.step > step:
            await _ask(tx, freeze, freezes, kind)
            await apply_measures(tx, [freeze.participant_id], actor=cmd.actor, clients=clients, hits=hits)
        await note(tx, freeze, cmd.actor, before=before)
        answer = freeze_answer(freeze, await freezes.entries(tx.conn, [freeze.freeze_id]))
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


def _act(cmd: Command, freeze: Freeze, tx: Transaction, released_kopecks: int) -> None:
    who, seen = cmd.actor.id, cmd.freeze_sha256
    match cmd:
        case DecideFreeze():
            freeze.decide(impose=cmd.impose, freeze_sha256=seen, officer_id=who, reason=cmd.reason, now=tx.now)
        case ProposeFreezeRelease():
            remaining = cmd.remaining
            if remaining is not None:
                remaining = msgspec.structs.replace(remaining, wallet_id=freeze.reach.wallet_id)
            release = ProposedRelease(
                kind=cmd.kind,
                remaining=remaining,
                amount_kopecks=cmd.amount_kopecks,
                basis=cmd.basis,
                proposed_by=who,
                proposed_at=tx.now,
                reason=cmd.reason,
            )
            freeze.propose_release(release, freeze_sha256=seen, released_kopecks=released_kopecks)
        case DecideFreezeRelease():
            freeze.decide_release(
                approve=cmd.approve,
                freeze_sha256=seen,
                officer_id=who,
                reason=cmd.reason,
                now=tx.now,
                released_kopecks=released_kopecks,
            )


async def _ask(tx: Transaction, freeze: Freeze, freezes: FreezeStore, kind: ReleaseKind | None) -> None:
    first = freeze.state is FreezeState.ACTIVE
    wallets = await (
        wallets_of(tx.conn, freeze, freezes) if first else freezes.asked_wallets(tx.conn, freeze.freeze_id)
    )
    await freezes.ask(tx.conn, asked(freeze, wallets, tx.now, kind))


def _month_began(now: datetime) -> datetime:
    return now.astimezone(MOSCOW).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
