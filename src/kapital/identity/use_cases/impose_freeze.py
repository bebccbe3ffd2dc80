"""Use case: freeze property, or propose to."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import identity as contract
from kapital.identity.contract_forms import freeze_answer
from kapital.identity.domain.freeze import Freeze, FreezeBasis, Reach, imposed
from kapital.identity.domain.freeze_entry import asked
from kapital.identity.domain.problems import FreezeAssetMustExist, FreezeWalletMustBeTheParticipants
from kapital.identity.domain.states import FreezeState
from kapital.identity.ports import ClientStore, FreezeStore, HitStore
from kapital.identity.use_cases.measures import apply_measures
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId, wallet_id_of
from kapital.ledger.api import Ledger
from kapital.platform.access import SERVICE
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class ImposeFreeze:
    """Freeze `reach` of a participant's property."""

    command_id: CommandId
    actor: Actor
    participant_id: UUID
    reach: Reach
    basis: FreezeBasis
    reason: str


async def impose_freeze(
    cmd: ImposeFreeze,
    *,
    uow: UnitOfWork,
    freezes: FreezeStore,
    clients: ClientStore,
    hits: HitStore,
    ledger: Ledger,
    new_id: Callable[[], UUID],
) -> contract.Freeze:
    """Freeze at once for an AML officer, propose for compliance; the register follows (`enter_freezes`).

    Law: 115-FZ art. 7(1)(6), 7.5; domain.md 3.1 (one officer is enough: this protects, and cannot wait), 3.8.
    Raises: IdempotencyKeyReused, NotPermitted, FreezeScopeMustFit, FreezeWalletMustBeTheParticipants,
    FreezeAssetMustExist – in this order of precedence.
    """
    mark = fingerprint(cmd)
    known = cmd.reach.asset_id is None or await ledger.has_asset(cmd.reach.asset_id)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.Freeze)
        tx.access.require(cmd.actor, "impose_freeze")
        cmd.reach.require_fit()
        await freezes.lock_acts(tx.conn)
        freeze = Freeze(
            freeze_id=new_id(),
            participant_id=cmd.participant_id,
            reach=cmd.reach,
            basis=cmd.basis,
            hit_id=None,
            source=None,
            list_number=None,
            state=FreezeState.PROPOSED,
            reason=cmd.reason,
            made_by=cmd.actor.id,
            made_at=tx.now,
        )
        wallets = await wallets_of(tx.conn, freeze, freezes)
        if not known:
            raise FreezeAssetMustExist
        if all(tx.access.decide(cmd.actor, "freeze_at_once", [SERVICE])):
            freeze = imposed(freeze)
        await freezes.add(tx.conn, [freeze])
        if freeze.is_live:
            await freezes.ask(tx.conn, asked(freeze, wallets, tx.now))
            await apply_measures(tx, [freeze.participant_id], actor=cmd.actor, clients=clients, hits=hits)
        await note(tx, freeze, cmd.actor, before=None)
        answer = freeze_answer(freeze, await freezes.entries(tx.conn, [freeze.freeze_id]))
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


async def wallets_of(conn: AsyncConnection, freeze: Freeze, freezes: FreezeStore) -> list[UUID]:
    """The wallets that a freeze is of: the one named, or all, the first one also before it opens.

    Raises: FreezeWalletMustBeTheParticipants.
    """
    known = {*await freezes.wallets(conn, freeze.participant_id), wallet_id_of(freeze.participant_id)}
    named = freeze.reach.wallet_id
    if named is None:
        return sorted(known)
    if named not in known:
        raise FreezeWalletMustBeTheParticipants
    return [named]


async def note(tx: Transaction, freeze: Freeze, actor: Actor, *, before: FreezeState | None) -> None:
    """Keep in the audit trail what became of a freeze. Reasons may hold personal data and stay in the freeze."""
    await tx.audit.append(
        "identity.freeze_changed",
        freeze.freeze_id,
        actor,
        basis={"document_sha256": freeze.basis.document_sha256, "hit_id": freeze.hit_id},
        before=None if before is None else {"state": before},
        after={"state": freeze.state, "step": freeze.step, "reach": freeze.reach},
    )
