"""The read models of identity bound to its database."""

from dataclasses import dataclass
from uuid import UUID

from kapital.contracts import identity as contract
from kapital.identity.domain.states import CaseState, HitState
from kapital.identity.ports import HitRows
from kapital.identity.queries import kyc_cases, kyc_status, list_versions, screening_hits
from kapital.kernel.actor import Actor
from kapital.kernel.clock import Clock
from kapital.platform.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityReads:
    """All read models."""

    database: Database
    clock: Clock

    async def list_kyc_cases(
        self,
        *,
        actor: Actor,
        state: CaseState | None = None,
        after: UUID | None = None,
        limit: int = 100,
    ) -> contract.KycCasePage:
        """See `queries.kyc_cases.list_kyc_cases`."""
        async with self.database.connect() as conn:
            return await kyc_cases.list_kyc_cases(conn, actor=actor, state=state, after=after, limit=limit)

    async def get_kyc_status(self, participant_id: UUID, *, actor: Actor) -> contract.KycStatus:
        """See `queries.kyc_status.get_kyc_status`."""
        async with self.database.connect() as conn:
            return await kyc_status.get_kyc_status(conn, participant_id, actor=actor, now=self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningReads:
    """The read models of screening."""

    database: Database
    hit_of: HitRows

    async def list_screening_hits(
        self, *, actor: Actor, state: HitState | None = None, after: UUID | None = None, limit: int = 100
    ) -> contract.ScreeningHitPage:
        """See `queries.screening_hits.list_screening_hits`."""
        async with self.database.connect() as conn:
            return await screening_hits.list_screening_hits(
                conn, actor=actor, hit_of=self.hit_of, state=state, after=after, limit=limit
            )

    async def list_screening_lists(self, *, actor: Actor, limit: int = 100) -> contract.ListVersionPage:
        """See `queries.list_versions.list_screening_lists`."""
        async with self.database.connect() as conn:
            return await list_versions.list_screening_lists(conn, actor=actor, limit=limit)
