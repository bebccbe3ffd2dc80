"""DvP instructions and their batches, newest first; one instruction with its links and what was entered of it."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.contracts.base import unset_if_none
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.settlement.domain.dvp_problems import DvpInstructionNotFound
from kapital.settlement.dvp_forms import shown_batch, shown_instruction
from kapital.settlement.dvp_rows import COLUMNS, batch_of, instruction_of

_BATCHES: Final = text(
    """
    SELECT * FROM dvp_batch
    WHERE (CAST(:state AS text) IS NULL OR state = :state)
        AND (CAST(:before AS uuid) IS NULL OR batch_id < :before)
    ORDER BY batch_id DESC LIMIT :limit
    """
)
_LIST: Final = text(
    f"""
    SELECT {COLUMNS} FROM dvp_instruction d
    WHERE (CAST(:state AS text) IS NULL OR d.state = :state)
        AND (CAST(:rail AS text) IS NULL OR d.rail = :rail)
        AND (CAST(:batch AS uuid) IS NULL OR d.batch_id = :batch)
        AND (CAST(:before AS uuid) IS NULL OR d.instruction_id < :before)
    ORDER BY d.instruction_id DESC LIMIT :limit
    """  # noqa: S608 - constants; values are bound
)
_ONE: Final = text(f"SELECT {COLUMNS} FROM dvp_instruction d WHERE d.instruction_id = :one")  # noqa: S608 - constants
_LINKS: Final = text(
    """
    SELECT CASE WHEN l.kind = 'with' OR l.instruction_id = :one THEN l.kind ELSE 'before' END AS kind,
        CASE WHEN l.instruction_id = :one THEN l.other_id ELSE l.instruction_id END AS other_id
    FROM dvp_link l WHERE l.instruction_id = :one OR l.other_id = :one ORDER BY 2, 1 LIMIT :limit
    """
)
_PARTS: Final = text(
    """
    SELECT units, amount_kopecks, entry_seq, recorded_at FROM dvp_part WHERE instruction_id = :one
    ORDER BY entry_seq LIMIT :limit
    """
)
_ESCROW: Final = text(
    """
    SELECT reference, seller_bic, seller_account, release_try, bank_state, bank_reason FROM dvp_escrow
    WHERE instruction_id = :one
    """
)
_DETAILS_MAX: Final = 1_000


async def list_dvp_batches(
    conn: AsyncConnection,
    actor: Actor,
    *,
    state: contract.DvpBatchState | None = None,
    before: UUID | None = None,
    limit: int = 100,
) -> contract.DvpBatchPage:
    """A page of batches; staff only. Raises: NotPermitted."""
    access.require(actor, "list_dvp_batches")
    values = {"state": state and state.value, "before": before, "limit": limit}
    rows = await conn.execute(_BATCHES, values)
    return contract.DvpBatchPage(batches=[shown_batch(batch_of(row)) for row in rows])


async def list_dvp_instructions(
    conn: AsyncConnection,
    actor: Actor,
    *,
    state: contract.DvpState | None = None,
    rail: contract.DvpRail | None = None,
    batch_id: UUID | None = None,
    before: UUID | None = None,
    limit: int = 100,
) -> contract.DvpInstructionPage:
    """A page of instructions; staff only. Raises: NotPermitted."""
    access.require(actor, "list_dvp_instructions")
    values = {
        "state": state and state.value,
        "rail": rail and rail.value,
        "batch": batch_id,
        "before": before,
        "limit": limit,
    }
    rows = await conn.execute(_LIST, values)
    return contract.DvpInstructionPage(instructions=[shown_instruction(instruction_of(row)) for row in rows])


async def get_dvp_instruction(
    conn: AsyncConnection, actor: Actor, instruction_id: UUID
) -> contract.DvpInstructionDetails:
    """One instruction; of links and parts the first 1,000. Raises: NotPermitted, DvpInstructionNotFound."""
    access.require(actor, "get_dvp_instruction")
    row = (await conn.execute(_ONE, {"one": instruction_id})).one_or_none()
    if row is None:
        raise DvpInstructionNotFound(facts={"instruction_id": str(instruction_id)})
    asked = {"one": instruction_id, "limit": _DETAILS_MAX}
    links, parts = await conn.execute(_LINKS, asked), await conn.execute(_PARTS, asked)
    return contract.DvpInstructionDetails(
        instruction=shown_instruction(instruction_of(row)),
        escrow=unset_if_none(await _escrow(conn, instruction_id)),
        links=[
            contract.DvpLink(kind=contract.DvpLinkKind(link.kind), instruction_id=UUID(str(link.other_id)))
            for link in links
        ],
        parts=[
            contract.DvpPart(
                units=part.units,
                amount_kopecks=part.amount_kopecks,
                entry_seq=part.entry_seq,
                recorded_at=part.recorded_at,
            )
            for part in parts
        ],
    )


async def _escrow(conn: AsyncConnection, instruction_id: UUID) -> contract.DvpEscrow | None:
    row = (await conn.execute(_ESCROW, {"one": instruction_id})).one_or_none()
    if row is None:
        return None
    return contract.DvpEscrow(
        reference=row.reference,
        seller_account=contract.PayoutAccount(bic=row.seller_bic, account=row.seller_account),
        release_try=row.release_try,
        bank_state=unset_if_none(row.bank_state),
        bank_reason=unset_if_none(row.bank_reason),
    )
