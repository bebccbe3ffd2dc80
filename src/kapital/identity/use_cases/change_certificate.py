"""Use case: the binding of a certificate is suspended, restored or revoked; and what time alone ends."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.contracts import identity as contract
from kapital.identity.contract_forms import certificate_binding
from kapital.identity.domain.certificate import Certificate
from kapital.identity.domain.events import CERTIFICATE_ENDED
from kapital.identity.domain.problems import CertificateNotFound
from kapital.identity.domain.states import CertificateState
from kapital.identity.ports import CertificateStore
from kapital.identity.use_cases.bind_certificates import bound_event
from kapital.kernel.actor import Actor, machine_actor
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.platform.access import Resource
from kapital.platform.events import Event
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint

BATCH_MAX: Final = 1_000
STEPS: Final = {"suspend": "suspended", "restore": "restored", "revoke": "revoked"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCertificate:
    """`change` is a key of STEPS. `reason` is for the audit trail; it goes nowhere else."""

    command_id: CommandId
    actor: Actor
    certificate_id: UUID
    change: str
    reason: str


async def change_certificate(
    cmd: ChangeCertificate, *, uow: UnitOfWork, certificates: CertificateStore
) -> contract.CertificateBinding:
    """Move a binding one step. The participant itself may suspend and revoke its own; SECURITY any.

    Promise: acts that come once others have heard of it are refused; what was signed and accepted before stays.
    Raises: IdempotencyKeyReused, NotPermitted, CertificateNotFound (also for another participant's), WrongState,
    MakerAndCheckerMustDiffer.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.CertificateBinding)
        one = await certificates.lock(tx.conn, cmd.certificate_id)
        owner = None if one is None else one.participant_id
        version = await certificates.row_version(tx.conn, cmd.certificate_id)
        asked = Resource("Certificate", cmd.certificate_id, version, owner=owner, restores=cmd.change == "restore")
        is_own = owner is not None and owner == cmd.actor.participant_id
        hidden = None if is_own else CertificateNotFound
        own = Resource("Certificate", owner=cmd.actor.participant_id, restores=False)
        tx.access.require(cmd.actor, "change_certificate", asked, hidden=hidden, own=own)
        if one is None:
            raise CertificateNotFound
        moved = one.moved(STEPS[cmd.change], by=cmd.actor, at=tx.now)
        await _save(tx, certificates, [(one, moved)], cmd.actor, cmd.reason)
        answer = certificate_binding(moved)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


async def expire_certificates(now: datetime, *, uow: UnitOfWork, certificates: CertificateStore) -> int:
    """Move every live binding whose certificate's term is over to EXPIRED; return how many.

    Promise: batch by batch, each its own transaction; safe in several processes at once.
    """
    total, actor = 0, machine_actor(Role.SCHEDULER)
    while True:
        async with uow.begin() as tx:
            ended = await certificates.lock_ended(tx.conn, now=now, limit=BATCH_MAX)
            moves = [(one, one.moved("term_ended", by=actor, at=tx.now)) for one in ended]
            await _save(tx, certificates, moves, actor, "term ended")
        if not ended:
            return total
        total += len(ended)


async def _save(
    tx: Transaction,
    certificates: CertificateStore,
    moves: list[tuple[Certificate, Certificate]],
    actor: Actor,
    reason: str,
) -> None:
    await certificates.save(tx.conn, [after for _, after in moves])
    for before, after in moves:
        await tx.audit.append(
            f"identity.certificate_{after.state}",
            after.certificate_id,
            actor,
            basis={"reason": reason},
            before={"state": before.state},
            after={"state": after.state},
        )
    await tx.outbox.add(*(_told(after) for _, after in moves))


def _told(one: Certificate) -> Event:
    if one.state is CertificateState.ACTIVE:
        return bound_event(one)
    return Event(
        type=CERTIFICATE_ENDED,
        aggregate_id=str(one.participant_id),
        data=contract.CertificateEnded(
            participant_id=one.participant_id,
            certificate_id=one.certificate_id,
            certificate_sha256=one.certificate_sha256,
            end=contract.CertificateEnd(one.state.value),
            effective_at=one.changed_at,
        ),
    )
