"""Use cases: agreements by which banks identify for the operator are entered, notified and ended."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import msgspec

from kapital.contracts import identity as contract
from kapital.identity.contract_forms import delegation
from kapital.identity.domain.delegation import Delegation
from kapital.identity.domain.kyc_problems import DelegationNotFound
from kapital.identity.domain.parameters import day_of
from kapital.identity.ports import DelegationStore
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import UnitOfWork, fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterDelegation:
    """Enter an agreement. Shape: days are included; `notified_on` when the Bank of Russia was told."""

    command_id: CommandId
    actor: Actor
    agent_name: str
    agent_bic: str
    number: str
    valid_from: date
    valid_until: date
    notified_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDelegation:
    """Record the notice to the Bank of Russia, or the end of an agreement."""

    command_id: CommandId
    actor: Actor
    delegation_id: UUID
    version: int
    notified_on: date | None = None
    ended_on: date | None = None


async def enter_delegation(
    cmd: EnterDelegation, *, uow: UnitOfWork, delegations: DelegationStore, new_id: Callable[[], UUID]
) -> contract.Delegation:
    """Enter an agreement with a bank.

    Law: 115-FZ art. 7(1.5); Bank of Russia Ordinance 6798-U.
    Raises: IdempotencyKeyReused, NotPermitted, BicMalformed, DelegationTermUnsound.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.Delegation)
        tx.access.require(cmd.actor, "enter_delegation")
        entered = Delegation(
            delegation_id=new_id(),
            agent_name=cmd.agent_name,
            agent_bic=cmd.agent_bic,
            number=cmd.number,
            valid_from=cmd.valid_from,
            valid_until=cmd.valid_until,
            notified_on=cmd.notified_on,
            entered_by=cmd.actor.id,
            entered_at=tx.now,
        )
        entered.require_sound()
        await delegations.add(tx.conn, entered)
        answer = delegation(entered)
        await tx.audit.append("identity.delegation_entered", entered.delegation_id, cmd.actor, after=answer)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


async def change_delegation(
    cmd: ChangeDelegation, *, uow: UnitOfWork, delegations: DelegationStore
) -> contract.Delegation:
    """Record that the Bank of Russia was told, or that the agreement ended.

    Raises: IdempotencyKeyReused, NotPermitted, DelegationNotFound, StaleVersion, DelegationTermUnsound.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.Delegation)
        tx.access.require(cmd.actor, "change_delegation")
        found = await delegations.lock(tx.conn, cmd.delegation_id)
        if found is None:
            raise DelegationNotFound
        before = delegation(found)
        found.change(version=cmd.version, notified_on=cmd.notified_on, ended_on=cmd.ended_on, today=day_of(tx.now))
        await delegations.save(tx.conn, found)
        answer = delegation(found)
        await tx.audit.append(
            "identity.delegation_changed", found.delegation_id, cmd.actor, before=before, after=answer
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer
