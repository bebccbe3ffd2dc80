"""Use case: a person binds certificates of signatures to participants."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.contracts import identity as contract
from kapital.identity.domain.certificate import (
    Certificate,
    documented_numbers,
    require_documented,
    require_same_numbers,
)
from kapital.identity.domain.events import CERTIFICATE_BOUND
from kapital.identity.domain.problems import CertificateAlreadyBound, KycCaseNotFound
from kapital.identity.domain.states import CertificateState
from kapital.identity.ports import CertificateStore, RegisteredPersonStore
from kapital.kernel.actor import Actor
from kapital.kernel.canonical import sha256_hex
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import Problem, ensure
from kapital.platform.acts.checking import Acts
from kapital.platform.acts.owners import ShownPower, check_certificate, require_owner, require_power
from kapital.platform.events import Event
from kapital.platform.problems import item_problem
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint

BATCH_MAX: Final = 20


class NewCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """`owner` maps kinds of numbers to digits: the participant's own, of the register or of its questionnaire."""

    participant_id: UUID
    certificate: bytes
    owner: dict[str, str]
    power: ShownPower | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BindCertificates:
    """Shape: 1 to 20 items; each stands alone."""

    command_id: CommandId
    actor: Actor
    items: tuple[NewCertificate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A certificate found good, with the end of its term, and the files of its power."""

    valid_until: datetime
    power_sha256: str | None = None
    power_signature_sha256: str | None = None


async def bind_certificates(
    cmd: BindCertificates,
    *,
    uow: UnitOfWork,
    certificates: CertificateStore,
    persons: RegisteredPersonStore,
    acts: Acts,
    new_id: Callable[[], UUID],
) -> contract.BindCertificatesResponse:
    """Check certificates and bind those that are good; one answer per item.

    Authorities are asked before the transaction. Names stay in the certificate; events carry its hash.
    Law: 63-FZ art. 11, 17, 17.2; domain.md 3.1 (certificate bound at identification).
    Raises: IdempotencyKeyReused, NotPermitted. Per item: KycCaseNotFound, CertificateMustBeReadable,
    SignatureNotValid and its kin, SignatureIndeterminate, OwnerNumberUndocumented, OwnerNumbersMustStay,
    SignatureOwnerDiffers, PowerOfAttorneyRequired, PowerOfAttorneyUnreadable, PowerOfAttorneyInsufficient,
    CertificateAlreadyBound.
    """
    ensure(0 < len(cmd.items) <= BATCH_MAX, "a batch has 1 to 20 items")
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.BindCertificatesResponse)
        tx.access.require(cmd.actor, "bind_certificates")
        known = await certificates.known(tx.conn, [item.participant_id for item in cmd.items])
    seen = await asyncio.gather(*(_look(item, known, acts) for item in cmd.items))
    async with uow.begin() as tx:
        whose = [item.participant_id for item in cmd.items]
        kept = await certificates.lock_numbers(tx.conn, whose)
        registered = await persons.find(tx.conn, whose)
        recorded = await certificates.questionnaires(tx.conn, whose)
        documented = {who: documented_numbers(registered.get(who), recorded.get(who)) for who in whose}
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.BindCertificatesResponse)
        tx.access.require(cmd.actor, "bind_certificates")
        results = [
            await _bind(tx, item, found, kept, documented, cmd.actor, certificates, new_id)
            for item, found in zip(cmd.items, seen, strict=True)
        ]
        answer = contract.BindCertificatesResponse(results=results)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


async def _look(item: NewCertificate, known: set[UUID], acts: Acts) -> _Seen | Problem:
    """Whether the certificate may be bound, as far as the outside world tells."""
    try:
        if item.participant_id not in known:
            raise KycCaseNotFound(facts={"participant_id": str(item.participant_id)})
        read = await check_certificate(acts, item.certificate)
        if item.power is None:
            require_owner(read, item.owner)
            return _Seen(valid_until=read.not_after)
        await require_power(acts, item.power, numbers=item.owner, holder=read.owner)
        return _Seen(
            valid_until=read.not_after,
            power_sha256=await acts.files.put(item.power.document),
            power_signature_sha256=await acts.files.put(item.power.signature),
        )
    except Problem as problem:
        return problem


async def _bind(
    tx: Transaction,
    item: NewCertificate,
    found: _Seen | Problem,
    kept: dict[UUID, dict[str, str]],
    documented: Mapping[UUID, Mapping[str, str]],
    actor: Actor,
    certificates: CertificateStore,
    new_id: Callable[[], UUID],
) -> contract.BoundCertificate:
    if isinstance(found, Problem):
        return _refusal(item, found)
    numbers: Mapping[str, str] = kept.setdefault(item.participant_id, {})
    try:
        require_documented(documented[item.participant_id], item.owner)
        require_same_numbers(numbers, item.owner)
    except Problem as problem:
        return _refusal(item, problem)
    one = Certificate(
        certificate_id=new_id(),
        participant_id=item.participant_id,
        certificate_sha256=sha256_hex(item.certificate),
        encoded=item.certificate,
        power_sha256=found.power_sha256,
        power_signature_sha256=found.power_signature_sha256,
        state=CertificateState.ACTIVE,
        valid_until=found.valid_until,
        bound_by=actor.id,
        bound_at=tx.now,
        changed_by=actor.id,
        changed_at=tx.now,
    )
    if not await certificates.add(tx.conn, [one]):
        return _refusal(item, CertificateAlreadyBound())
    await certificates.put_numbers(tx.conn, {item.participant_id: item.owner})
    kept[item.participant_id] = {**item.owner, **numbers}
    await tx.audit.append(
        "identity.certificate_bound",
        one.certificate_id,
        actor,
        after={"state": one.state, "certificate_sha256": one.certificate_sha256, "power_sha256": one.power_sha256},
    )
    await tx.outbox.add(bound_event(one))
    return contract.BoundCertificate(
        participant_id=one.participant_id,
        certificate_id=one.certificate_id,
        certificate_sha256=one.certificate_sha256,
        state=contract.CertificateState(one.state.value),
        valid_until=one.valid_until,
        problem=None,
    )


def bound_event(one: Certificate) -> Event:
    """What others are told of a certificate that may sign."""
    return Event(
        type=CERTIFICATE_BOUND,
        aggregate_id=str(one.participant_id),
        data=contract.CertificateBound(
            participant_id=one.participant_id,
            certificate_id=one.certificate_id,
            certificate_sha256=one.certificate_sha256,
            valid_until=one.valid_until,
            power_sha256=one.power_sha256,
            power_signature_sha256=one.power_signature_sha256,
        ),
    )


def _refusal(item: NewCertificate, problem: Problem) -> contract.BoundCertificate:
    return contract.BoundCertificate(
        participant_id=item.participant_id,
        certificate_id=None,
        certificate_sha256=None,
        state=None,
        valid_until=None,
        problem=item_problem(problem, contract.ItemProblem),
    )
