"""Proposals of the operator on issues, and consents of holders to an exchange."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.adapters.versioned_table import VersionedTable
from kapital.tokenization.domain.issue_proposal import ExchangeConsent, IssueProposal

PROPOSAL_TABLE: Final = VersionedTable(
    IssueProposal,
    "issue_proposal",
    "proposal_id",
    {
        "proposal_id": "uuid",
        "issue_id": "uuid",
        "kind": "text",
        "state": "text",
        "version": "bigint",
        "reason": "text",
        "document_sha256": "text",
        "action_id": "uuid",
        "new_issue_id": "uuid",
        "units_per_unit": "bigint",
        "proposed_by": "text",
        "proposed_at": "timestamptz",
        "consent_by": "text",
        "consent_at": "timestamptz",
        "consent_act_sha256": "text",
        "decided_by": "text",
        "decided_at": "timestamptz",
        "performed_at": "timestamptz",
        "calculation_sha256": "text",
        "order_id": "uuid",
        "reason_code": "text",
    },
)
CONSENT_TABLE: Final = VersionedTable(
    ExchangeConsent,
    "exchange_consent",
    "consent_id",
    {
        "consent_id": "uuid",
        "proposal_id": "uuid",
        "participant_id": "uuid",
        "wallet_id": "uuid",
        "actor_id": "text",
        "command_id": "text",
        "created_at": "timestamptz",
        "version": "bigint",
        "act_file_sha256": "text",
        "units": "bigint",
        "locked_units": "bigint",
        "clears_flags": "boolean",
        "entry_seq": "bigint",
    },
)
_DROP: Final = text("DELETE FROM exchange_consent WHERE consent_id = :id AND entry_seq IS NULL")
_EXCHANGED: Final = text(
    """
    SELECT coalesce(sum(units + locked_units), 0) FROM exchange_consent
    WHERE proposal_id = :id AND entry_seq IS NOT NULL
    """
)


class ProposalTables:
    """Adapter of the port `Proposals` on PostgreSQL."""

    async def add(self, conn: AsyncConnection, proposal: IssueProposal) -> None:
        """Keep a new proposal."""
        await PROPOSAL_TABLE.insert(conn, [proposal])

    async def save(self, conn: AsyncConnection, proposal: IssueProposal) -> None:
        """Write the next version. Raises: StaleVersion."""
        await PROPOSAL_TABLE.update(conn, [proposal])

    async def lock(self, conn: AsyncConnection, proposal_id: UUID) -> IssueProposal | None:
        """The proposal, locked. The issue is locked after it."""
        rows = await PROPOSAL_TABLE.select(conn, "WHERE proposal_id = :id FOR NO KEY UPDATE", {"id": proposal_id})
        return rows[0] if rows else None

    async def read(self, conn: AsyncConnection, proposal_id: UUID) -> IssueProposal | None:
        """The proposal as it stands."""
        rows = await PROPOSAL_TABLE.select(conn, "WHERE proposal_id = :id", {"id": proposal_id})
        return rows[0] if rows else None

    async def page(
        self, conn: AsyncConnection, *, issue_id: UUID | None, after: UUID | None, limit: int, of_orders: bool
    ) -> list[IssueProposal]:
        """Proposals by id above `after`, of one issue if it is given; those about single orders only if asked for."""
        tail = """WHERE (CAST(:issue_id AS uuid) IS NULL OR issue_id = :issue_id)
              AND (CAST(:of_orders AS boolean) OR order_id IS NULL)
              AND (CAST(:after AS uuid) IS NULL OR proposal_id > :after)
            ORDER BY proposal_id LIMIT :limit"""
        values = {"issue_id": issue_id, "after": after, "limit": limit, "of_orders": of_orders}
        return await PROPOSAL_TABLE.select(conn, tail, values)

    async def to_perform(self, conn: AsyncConnection, limit: int) -> list[IssueProposal]:
        """Approved write-offs whose records are not all extinguished yet."""
        tail = """WHERE state = 'approved' AND kind = 'write_off' AND performed_at IS NULL
            ORDER BY proposal_id LIMIT :limit"""
        return await PROPOSAL_TABLE.select(conn, tail, {"limit": limit})

    async def add_consent(self, conn: AsyncConnection, consent: ExchangeConsent) -> bool:
        """Keep a consent; False if the wallet, or the command, has one."""
        return bool(await CONSENT_TABLE.insert(conn, [consent]))

    async def open_consent(
        self, conn: AsyncConnection, proposal_id: UUID, wallet_id: UUID, *, actor_id: str, command_id: str
    ) -> ExchangeConsent | None:
        """The consent that this command made, else the one of the wallet that waits for its entry."""
        tail = """WHERE (actor_id = :actor AND command_id = :command)
              OR (proposal_id = :proposal AND wallet_id = :wallet AND entry_seq IS NULL)
            ORDER BY (actor_id = :actor AND command_id = :command) DESC LIMIT 1"""
        values = {"proposal": proposal_id, "wallet": wallet_id, "actor": actor_id, "command": command_id}
        rows = await CONSENT_TABLE.select(conn, tail, values)
        return rows[0] if rows else None

    async def lock_consent(self, conn: AsyncConnection, consent_id: UUID) -> ExchangeConsent | None:
        """The consent, locked."""
        rows = await CONSENT_TABLE.select(conn, "WHERE consent_id = :id FOR NO KEY UPDATE", {"id": consent_id})
        return rows[0] if rows else None

    async def save_consent(self, conn: AsyncConnection, consent: ExchangeConsent) -> None:
        """Write the next version. Raises: StaleVersion."""
        await CONSENT_TABLE.update(conn, [consent])

    async def drop_consent(self, conn: AsyncConnection, consent_id: UUID) -> None:
        """Forget a consent that the register refused."""
        await conn.execute(_DROP, {"id": consent_id})

    async def consents_due(self, conn: AsyncConnection, before: datetime, limit: int) -> Sequence[ExchangeConsent]:
        """Consents without their entry, older than `before`."""
        tail = "WHERE entry_seq IS NULL AND created_at < :before ORDER BY consent_id LIMIT :limit"
        return await CONSENT_TABLE.select(conn, tail, {"before": before, "limit": limit})

    async def exchanged(self, conn: AsyncConnection, proposal_id: UUID) -> int:
        """Units of the old issue that were exchanged."""
        return int((await conn.execute(_EXCHANGED, {"id": proposal_id})).scalar_one())
