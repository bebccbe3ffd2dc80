"""Use case: one person records whether a participant is a tax resident, and by what that is known."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import msgspec

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import moscow_day
from kapital.kernel.ids import CommandId
from kapital.platform.access import Resource
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import fingerprint
from kapital.settlement.contract_forms import shown
from kapital.settlement.domain.tax import LEGAL_ENTITY, Residency
from kapital.settlement.domain.tax_problems import TaxPersonMustBeNatural, TaxResidencyDayOutOfRange
from kapital.settlement.domain.tax_residency import ResidencyState, TaxResidency
from kapital.settlement.ports import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTaxResidency:
    """A participant's residency from a day on. `basis`: the paper it is known by, 1 to 200 characters."""

    command_id: CommandId
    actor: Actor
    participant_id: UUID
    residency: Residency
    valid_from: date
    basis: str
    document_sha256: str | None = None


async def record_tax_residency(cmd: RecordTaxResidency, parts: Parts) -> contract.TaxResidency:
    """Keep a residency that another person has to confirm; nothing is counted by it before.

    Law: Tax Code art. 207 (residency), 226.2.
    Raises: IdempotencyKeyReused, NotPermitted, TaxResidencyDayOutOfRange, TaxPersonMustBeNatural.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.TaxResidency)
        tx.access.require(cmd.actor, "record_tax_residency", Resource("TaxResidency"))
        today = moscow_day(tx.now)
        if not date(today.year - 1, 1, 1) <= cmd.valid_from <= today:
            raise TaxResidencyDayOutOfRange(facts={"valid_from": cmd.valid_from.isoformat()})
        if await parts.tax.records.kind_of(tx.conn, cmd.participant_id) == LEGAL_ENTITY:
            raise TaxPersonMustBeNatural
        record = TaxResidency(
            residency_id=new_uuid7(),
            participant_id=cmd.participant_id,
            residency=cmd.residency,
            valid_from=cmd.valid_from,
            basis=cmd.basis,
            document_sha256=cmd.document_sha256,
            state=ResidencyState.RECORDED,
            recorded_by=cmd.actor.id,
            recorded_at=tx.now,
        )
        await parts.tax.records.add(tx.conn, record)
        told = shown(record)
        await tx.audit.append(
            "settlement.tax_residency_recorded",
            record.residency_id,
            cmd.actor,
            basis={"document_sha256": record.document_sha256},
            after={"participant_id": str(record.participant_id), "content_sha256": record.content_sha256},
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(told))
    return told
