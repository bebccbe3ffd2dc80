"""Read model: the versions of the rule book."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.registry.domain.access import STAFF_ROLES
from kapital.registry.domain.rule_book import WAS_IN_FORCE

LISTED_MAX: Final = 200

_LIST: Final = text(
    """
    SELECT version, document_sha256, state, effective_on, effective_at, drafted_at FROM rule_book
    WHERE CAST(:states AS text[]) IS NULL OR state = ANY(CAST(:states AS text[]))
    ORDER BY effective_on DESC, drafted_at DESC LIMIT :limit
    """
)


async def list_rule_books(conn: AsyncConnection, *, actor: Actor) -> contract.RuleBookList:
    """All versions for staff; those that are or were in force for participants: a draft binds nobody."""
    access.require(actor, "list_rule_books")
    staff = not actor.roles.isdisjoint(STAFF_ROLES)
    states = None if staff else sorted(WAS_IN_FORCE)
    rows = await conn.execute(_LIST, {"states": states, "limit": LISTED_MAX})
    return contract.RuleBookList(
        rule_books=[
            contract.RuleBook(
                rule_book_version=row.version,
                document_sha256=row.document_sha256,
                state=contract.RuleBookState(row.state),
                effective_on=row.effective_on,
                effective_at=row.effective_at,
                drafted_at=row.drafted_at,
            )
            for row in rows
        ]
    )
