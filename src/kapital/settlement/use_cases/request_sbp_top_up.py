"""Use case: a QR code of the Faster Payments System by which a beneficiary tops up its wallet."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import moscow_day
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import InvariantBroken
from kapital.platform.access import Resource
from kapital.platform.failpoints import failpoint
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.settlement.contract_forms import shown_top_up
from kapital.settlement.domain.file_problems import SbpNotOffered
from kapital.settlement.domain.sbp import PURPOSE, SbpTopUp
from kapital.settlement.domain.sbp_problems import SbpAmountExceedsLimit
from kapital.settlement.ports import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSbpTopUp:
    """`amount_kopecks` above zero."""

    command_id: CommandId
    actor: Actor
    wallet_id: UUID
    amount_kopecks: int


async def request_sbp_top_up(cmd: RequestSbpTopUp, parts: Parts) -> contract.SbpTopUp:
    """Have the bank make a code for this payment alone, and answer once its id is kept.

    Promise: nobody sees a code whose id is not kept, so money by it always finds its wallet; the same command again
    gets the same code, also after a crash or a silence of the bank in between.
    Raises: IdempotencyKeyReused, NotPermitted, SbpNotOffered, SbpAmountExceedsLimit, ParameterNotInForce, BankSilent
    and its kin.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (kept := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(kept, type=contract.SbpTopUp)
        owner = (await parts.beneficiaries.owners(tx.conn, [cmd.wallet_id])).get(cmd.wallet_id)
        # Whose a wallet is never changes: its row stays at the first version.
        tx.access.require(cmd.actor, "request_sbp_top_up", Resource("Beneficiary", cmd.wallet_id, 1, owner=owner))
        planned = await _planned(cmd, parts, tx)
    if planned.qr_id is None:
        failpoint("settlement.sbp_top_up.kept")
        made = await parts.bank.register_sbp_qr(
            planned.reference, planned.amount_kopecks, PURPOSE, planned.expires_at
        )
        failpoint("settlement.sbp_top_up.code_made")
    async with parts.uow.begin() as tx:
        top_up = await _of(cmd, parts, tx)
        if top_up is None:
            raise InvariantBroken("a top-up that was planned is gone")
        if (kept := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(kept, type=contract.SbpTopUp)
        if top_up.qr_id is None:
            await parts.sbp.top_ups.activate(tx.conn, top_up.top_up_id, made.qr_id, made.link)
            top_up = msgspec.structs.replace(top_up, qr_id=made.qr_id, link=made.link, expires_at=planned.expires_at)
        answer = shown_top_up(top_up, tx.now)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
    failpoint("settlement.sbp_top_up.activated")
    return answer


async def _planned(cmd: RequestSbpTopUp, parts: Parts, tx: Transaction) -> SbpTopUp:
    """The kept row: of an earlier try, with a term that is not over, or a new one."""
    expires_at = _whole_second(tx.now + timedelta(seconds=parts.sbp.qr_lives_s))
    earlier = await _of(cmd, parts, tx)
    if earlier is not None:
        if earlier.qr_id is not None or tx.now < earlier.expires_at:
            return earlier
        await parts.sbp.top_ups.renew(tx.conn, earlier.top_up_id, expires_at)
        return msgspec.structs.replace(earlier, expires_at=expires_at)
    if not parts.sbp.offered:
        raise SbpNotOffered
    limit = parts.sbp.rules.top_up_at(moscow_day(tx.now))
    if cmd.amount_kopecks > limit.kopecks:
        raise SbpAmountExceedsLimit(facts={"limit_kopecks": limit.kopecks, "basis": limit.basis})
    top_up = SbpTopUp(
        top_up_id=new_uuid7(),
        wallet_id=cmd.wallet_id,
        amount_kopecks=cmd.amount_kopecks,
        requested_by=cmd.actor.id,
        requested_at=tx.now,
        expires_at=expires_at,
    )
    await parts.sbp.top_ups.add(tx.conn, top_up, command_id=cmd.command_id)
    await tx.audit.append(
        "settlement.sbp_top_up_requested",
        top_up.top_up_id,
        cmd.actor,
        after={"wallet_id": str(top_up.wallet_id), "amount_kopecks": top_up.amount_kopecks},
    )
    return top_up


async def _of(cmd: RequestSbpTopUp, parts: Parts, tx: Transaction) -> SbpTopUp | None:
    return await parts.sbp.top_ups.of_command(tx.conn, actor_id=cmd.actor.id, command_id=cmd.command_id)


def _whole_second(at: datetime) -> datetime:
    return at.replace(microsecond=0)
