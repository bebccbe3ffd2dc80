"""Use case: approvals whose term has come end."""

from datetime import datetime
from typing import Final

from kapital.contracts import identity as contract
from kapital.identity.domain.events import KYC_EXPIRED
from kapital.identity.ports import CaseStore
from kapital.kernel.actor import machine_actor
from kapital.kernel.roles import Role
from kapital.platform.events import Event
from kapital.platform.unit_of_work import UnitOfWork

BATCH_MAX: Final = 1_000


async def expire_cases(now: datetime, *, uow: UnitOfWork, cases: CaseStore) -> int:
    """Move every APPROVED case whose `valid_until` is at or before `now` to EXPIRED; return how many.

    Promise: batch by batch, each its own transaction; safe to run in several processes at once and to break
    off anywhere; each case expires, and is told of, once.
    Law: 115-FZ art. 7(1)(3).
    """
    total = 0
    while count := await _expire_batch(now, uow=uow, cases=cases):
        total += count
    return total


async def _expire_batch(now: datetime, *, uow: UnitOfWork, cases: CaseStore) -> int:
    scheduler = machine_actor(Role.SCHEDULER)
    async with uow.begin() as tx:
        ended = await cases.lock_ended(tx.conn, now=now, limit=BATCH_MAX)
        for case in ended:
            case.expire(now=now)
            await tx.audit.append(
                "identity.kyc_expired",
                case.case_id,
                scheduler,
                basis={"valid_until": case.valid_until},
                before={"state": "approved"},
                after={"state": case.state},
            )
            await tx.outbox.add(
                Event(
                    type=KYC_EXPIRED,
                    aggregate_id=str(case.participant_id),
                    data=contract.KycExpired(participant_id=case.participant_id),
                )
            )
        await cases.save(tx.conn, ended)
        return len(ended)
