"""The read models of identity bound to its database."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kapital.contracts import identity as contract
from kapital.identity.domain.kyc_document import KycDocument
from kapital.identity.domain.states import AmlMessageState, CaseState, FreezeState, HitState
from kapital.identity.ports import DelegationStore, FreezeRows, FreezeStore, HitRows, RunStore
from kapital.identity.queries import (
    aml_messages,
    certificates,
    delegations,
    freezes,
    kyc_cases,
    kyc_dossier,
    kyc_status,
    list_versions,
    screening_hits,
    screening_runs,
)
from kapital.identity.queries.kyc_dossier import DossierParts
from kapital.kernel.actor import Actor
from kapital.kernel.clock import Clock
from kapital.platform.database import Database
from kapital.platform.telemetry import HITS_OVERDUE


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

    async def list_certificates(self, participant_id: UUID, *, actor: Actor) -> contract.CertificateBindings:
        """See `queries.certificates.list_certificates`."""
        async with self.database.connect() as conn:
            return await certificates.list_certificates(conn, participant_id, actor=actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeReads:
    """The read models of freezes."""

    database: Database
    freezes: FreezeStore
    freeze_of: FreezeRows

    async def list_freezes(
        self, *, actor: Actor, state: FreezeState | None = None, after: UUID | None = None, limit: int = 100
    ) -> contract.FreezePage:
        """See `queries.freezes.list_freezes`."""
        async with self.database.connect() as conn:
            return await freezes.list_freezes(
                conn,
                actor=actor,
                freezes=self.freezes,
                freeze_of=self.freeze_of,
                state=state,
                after=after,
                limit=limit,
            )

    async def get_freeze(self, freeze_id: UUID, *, actor: Actor) -> contract.Freeze:
        """See `queries.freezes.get_freeze`."""
        async with self.database.connect() as conn:
            return await freezes.get_freeze(
                conn, freeze_id, actor=actor, freezes=self.freezes, freeze_of=self.freeze_of
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierReads:
    """The read models with personal data, and the agreements with banks."""

    database: Database
    parts: DossierParts
    agreements: DelegationStore

    async def get_kyc_dossier(self, participant_id: UUID, *, actor: Actor) -> contract.KycDossier:
        """See `queries.kyc_dossier.get_kyc_dossier`."""
        async with self.database.connect() as conn:
            return await kyc_dossier.get_kyc_dossier(conn, participant_id, actor=actor, parts=self.parts)

    async def get_kyc_document(
        self, participant_id: UUID, document_id: UUID, *, actor: Actor
    ) -> tuple[KycDocument, bytes]:
        """See `queries.kyc_dossier.get_kyc_document`."""
        async with self.database.connect() as conn:
            return await kyc_dossier.get_kyc_document(
                conn, participant_id, document_id, actor=actor, parts=self.parts
            )

    async def list_delegations(self, *, actor: Actor, limit: int = 100) -> contract.DelegationPage:
        """See `queries.delegations.list_delegations`."""
        async with self.database.connect() as conn:
            return await delegations.list_delegations(conn, actor=actor, agreements=self.agreements, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningReads:
    """The read models of screening."""

    database: Database
    clock: Clock
    hit_of: HitRows
    message_of: aml_messages.MessageRows
    runs: RunStore
    run_of: screening_runs.RunRows

    async def list_screening_hits(
        self, *, actor: Actor, state: HitState | None = None, after: UUID | None = None, limit: int = 100
    ) -> contract.ScreeningHitPage:
        """See `queries.screening_hits.list_screening_hits`."""
        async with self.database.connect() as conn:
            return await screening_hits.list_screening_hits(
                conn, actor=actor, hit_of=self.hit_of, now=self.clock.now(), state=state, after=after, limit=limit
            )

    async def tell_overdue_hits(self, now: datetime) -> None:
        """Show how many hits nobody has decided in time, as a metric."""
        async with self.database.connect() as conn:
            HITS_OVERDUE.set(await screening_hits.count_overdue_hits(conn, now=now))

    async def list_screening_lists(self, *, actor: Actor, limit: int = 100) -> contract.ListVersionPage:
        """See `queries.list_versions.list_screening_lists`."""
        async with self.database.connect() as conn:
            return await list_versions.list_screening_lists(conn, actor=actor, limit=limit)

    async def list_screening_runs(self, *, actor: Actor, limit: int = 100) -> contract.ScreeningRunPage:
        """See `queries.screening_runs.list_screening_runs`."""
        async with self.database.connect() as conn:
            return await screening_runs.list_screening_runs(
                conn, actor=actor, runs=self.runs, run_of=self.run_of, limit=limit
            )

    async def list_aml_messages(
        self, *, actor: Actor, state: AmlMessageState | None = None, after: UUID | None = None, limit: int = 100
    ) -> contract.AmlMessagePage:
        """See `queries.aml_messages.list_aml_messages`."""
        async with self.database.connect() as conn:
            return await aml_messages.list_aml_messages(
                conn,
                actor=actor,
                message_of=self.message_of,
                now=self.clock.now(),
                state=state,
                after=after,
                limit=limit,
            )

    async def get_aml_message_file(self, message_id: UUID, *, actor: Actor) -> contract.AmlMessageFile:
        """See `queries.aml_messages.get_aml_message_file`."""
        async with self.database.connect() as conn:
            return await aml_messages.get_aml_message_file(conn, message_id, actor=actor, message_of=self.message_of)
