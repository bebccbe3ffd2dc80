"""The columns of dvp_instruction, and rows as the domain knows them, for adapters and queries."""

from typing import Any, Final
from uuid import UUID

from kapital.settlement.domain.dvp import BatchState, DvpBatch, DvpInstruction, Rail
from kapital.settlement.domain.states import DvpState

COLUMNS: Final = (
    "d.instruction_id, d.batch_id, d.item, d.reference, d.asset_id, d.issue_id, d.seller_wallet_id, "
    "d.buyer_wallet_id, d.units, d.amount_kopecks, d.rail, d.is_held, d.priority, d.is_partial_allowed, "
    "d.intended_on, d.cut_off_at, d.state, d.settled_units, d.settled_kopecks, d.settling_id, d.settling_units, "
    "d.settling_kopecks, d.reason, d.end_code, d.entry_seq, d.row_version, d.changed_at"
)


def instruction_of(row: Any) -> DvpInstruction:
    """A row of `COLUMNS` as the domain knows it."""
    return DvpInstruction(
        instruction_id=UUID(bytes=row.instruction_id.bytes),
        batch_id=UUID(bytes=row.batch_id.bytes),
        item=row.item,
        reference=row.reference,
        asset_id=UUID(bytes=row.asset_id.bytes),
        issue_id=UUID(bytes=row.issue_id.bytes),
        seller_wallet_id=UUID(bytes=row.seller_wallet_id.bytes),
        buyer_wallet_id=UUID(bytes=row.buyer_wallet_id.bytes),
        units=row.units,
        amount_kopecks=row.amount_kopecks,
        rail=Rail(row.rail),
        is_held=row.is_held,
        priority=row.priority,
        is_partial_allowed=row.is_partial_allowed,
        intended_on=row.intended_on,
        cut_off_at=row.cut_off_at,
        state=DvpState(row.state),
        settled_units=row.settled_units,
        settled_kopecks=row.settled_kopecks,
        settling_id=row.settling_id and UUID(bytes=row.settling_id.bytes),
        settling_units=row.settling_units,
        settling_kopecks=row.settling_kopecks,
        reason=row.reason,
        end_code=row.end_code,
        entry_seq=row.entry_seq,
        row_version=row.row_version,
        changed_at=row.changed_at,
    )


def batch_of(row: Any) -> DvpBatch:
    """A row of dvp_batch as the domain knows it."""
    return DvpBatch(
        batch_id=UUID(bytes=row.batch_id.bytes),
        content_sha256=row.content_sha256,
        state=BatchState(row.state),
        instructions=row.instructions,
        instructed_by=row.instructed_by,
        instructed_at=row.instructed_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )
