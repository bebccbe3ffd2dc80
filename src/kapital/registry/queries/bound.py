"""The read models of the registry bound to its database."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.clock import Clock
from kapital.platform.database import Database
from kapital.registry.queries import (
    holder_disclosures,
    mandates,
    participants,
    register_extract,
    representatives,
    rule_books,
    staff,
    statuses,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryReads:
    """All read models."""

    database: Database
    clock: Clock

    async def get_participant(self, participant_id: UUID, *, actor: Actor) -> contract.Participant:
        """See `queries.participants.get_participant`."""
        async with self.database.connect() as conn:
            return await participants.get_participant(conn, participant_id, actor=actor)

    async def list_participants(
        self,
        *,
        actor: Actor,
        sought: participants.Sought = participants.EVERYBODY,
        after: UUID | None = None,
        limit: int = 100,
    ) -> contract.ParticipantPage:
        """See `queries.participants.list_participants`."""
        async with self.database.connect() as conn:
            return await participants.list_participants(conn, actor=actor, sought=sought, after=after, limit=limit)

    async def register_extract(
        self, *, actor: Actor, at: datetime | None = None, after: UUID | None = None, limit: int = 100
    ) -> contract.RegisterExtract:
        """See `queries.register_extract.register_extract`."""
        async with self.database.connect() as conn:
            return await register_extract.register_extract(
                conn, actor=actor, now=self.clock.now(), at=at, after=after, limit=limit
            )

    async def list_representatives(
        self, participant_id: UUID, *, actor: Actor, after: UUID | None = None, limit: int = 100
    ) -> contract.RepresentativePage:
        """See `queries.representatives.list_representatives`."""
        async with self.database.connect() as conn:
            return await representatives.list_representatives(
                conn, participant_id, actor=actor, after=after, limit=limit
            )

    async def list_staff(
        self, *, actor: Actor, at: datetime | None = None, after: UUID | None = None, limit: int = 100
    ) -> contract.StaffPage:
        """See `queries.staff.list_staff`."""
        async with self.database.connect() as conn:
            return await staff.list_staff(conn, actor=actor, now=self.clock.now(), at=at, after=after, limit=limit)

    async def list_statuses(
        self, participant_id: UUID, *, actor: Actor, after: UUID | None = None, limit: int = 100
    ) -> contract.ParticipantStatusPage:
        """See `queries.statuses.list_statuses`."""
        async with self.database.connect() as conn:
            return await statuses.list_statuses(conn, participant_id, actor=actor, after=after, limit=limit)

    async def list_holder_disclosures(
        self,
        *,
        actor: Actor,
        participant_id: UUID | None = None,
        state: str | None = None,
        after: UUID | None = None,
        limit: int = 100,
    ) -> contract.HolderDisclosurePage:
        """See `queries.holder_disclosures.list_holder_disclosures`."""
        async with self.database.connect() as conn:
            return await holder_disclosures.list_holder_disclosures(
                conn, actor=actor, participant_id=participant_id, state=state, after=after, limit=limit
            )

    async def list_disclosed_holders(
        self, disclosure_id: UUID, *, actor: Actor, after: int = 0, limit: int = 100
    ) -> contract.DisclosedHolderPage:
        """See `queries.holder_disclosures.list_disclosed_holders`."""
        async with self.database.connect() as conn:
            return await holder_disclosures.list_disclosed_holders(
                conn, disclosure_id, actor=actor, after=after, limit=limit
            )

    async def list_mandates(
        self, participant_id: UUID, *, actor: Actor, after: UUID | None = None, limit: int = 100
    ) -> contract.MandatePage:
        """See `queries.mandates.list_mandates`."""
        async with self.database.connect() as conn:
            return await mandates.list_mandates(
                conn, participant_id, actor=actor, now=self.clock.now(), after=after, limit=limit
            )

    async def list_rule_books(self, *, actor: Actor) -> contract.RuleBookList:
        """See `queries.rule_books.list_rule_books`."""
        async with self.database.connect() as conn:
            return await rule_books.list_rule_books(conn, actor=actor)
