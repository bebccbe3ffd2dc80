"""Use case: another person confirms or rejects a residency; the tax of its year is counted anew."""

from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import moscow_day
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.contract_forms import shown
from kapital.settlement.domain.tax_problems import (
    TaxIsBeingCounted,
    TaxResidencyMustBeOpen,
    TaxResidencyMustMatch,
    TaxResidencyNotFound,
)
from kapital.settlement.domain.tax_residency import ResidencyState, TaxResidency, corrections
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.two_persons import Seen, TwoPersons, decide_by_two


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideTaxResidency:
    """The decision on exactly what was recorded (`content_sha256`)."""

    command_id: CommandId
    actor: Actor
    residency_id: UUID
    content_sha256: str
    confirm: bool


def _seen(record: TaxResidency) -> Seen:
    return Seen(record.state, record.state is ResidencyState.RECORDED, record.recorded_by, record.content_sha256)


_RULE: Final = TwoPersons(
    action="decide_tax_residency",
    kind="TaxResidency",
    told=contract.TaxResidency,
    seen=_seen,
    not_found=lambda _: TaxResidencyNotFound(),
    not_open=TaxResidencyMustBeOpen,
    not_same=TaxResidencyMustMatch,
)


async def decide_tax_residency(cmd: DecideTaxResidency, parts: Parts) -> contract.TaxResidency:
    """Confirm or reject. Confirmed, it holds from its day on, and payments of its year are corrected by new records.

    What was paid keeps its own record; a correction stands beside it, and what is due besides is collected by the
    schedule (`collect_tax`). Law: Tax Code art. 207, 226, 231 (1.1); scenario 66.
    Raises: IdempotencyKeyReused, NotPermitted, TaxResidencyNotFound, TaxResidencyMustBeOpen,
    MakerAndCheckerMustDiffer, TaxResidencyMustMatch, TaxIsBeingCounted, ParameterNotInForce.
    """

    async def lock(conn: AsyncConnection, residency_id: UUID) -> TaxResidency | None:
        await parts.tax.records.alone(conn)
        return await parts.tax.records.lock(conn, residency_id)

    return await decide_by_two(
        _RULE,
        cmd,
        parts,
        about=cmd.residency_id,
        content_sha256=cmd.content_sha256,
        lock=lock,
        effect=partial(_decide, cmd, parts),
    )


async def _decide(
    cmd: DecideTaxResidency, parts: Parts, tx: Transaction, record: TaxResidency
) -> contract.TaxResidency:
    state = ResidencyState.CONFIRMED if cmd.confirm else ResidencyState.REJECTED
    decided = msgspec.structs.replace(record, state=state, decided_by=cmd.actor.id, decided_at=tx.now)
    await parts.tax.records.decide(tx.conn, record.residency_id, state, cmd.actor.id, tx.now)
    corrected = await _correct(tx, parts, decided) if cmd.confirm else 0
    await tx.audit.append(
        "settlement.tax_residency_decided",
        record.residency_id,
        cmd.actor,
        basis={"content_sha256": record.content_sha256},
        before={"state": record.state.value},
        after={"state": state.value, "corrections": corrected},
    )
    return shown(decided)


async def _correct(tx: Transaction, parts: Parts, confirmed: TaxResidency) -> int:
    """Correct the payments of the year in which the residency begins, and of the years after it."""
    records, made = parts.tax.records, 0
    today = moscow_day(tx.now)
    for year in range(confirmed.valid_from.year, today.year + 1):
        if await records.is_being_paid(tx.conn, confirmed.participant_id, year):
            raise TaxIsBeingCounted
        paid = await records.year_of(tx.conn, confirmed.participant_id, year)
        kind = await records.kind_of(tx.conn, confirmed.participant_id)
        found = corrections(paid, confirmed, kind, parts.tax.law)
        await records.correct(tx.conn, confirmed.participant_id, year, found, today)
        made += len(found)
    return made
