"""The commands of the registry bound to their parts, counted and timed: what routes and other programs call."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from kapital.contracts import registry as contract
from kapital.platform.telemetry import Outcome, use_case
from kapital.platform.unit_of_work import UnitOfWork
from kapital.registry.ports import AccessStore, ParticipantStore, SecretSource
from kapital.registry.use_cases import (
    issue_access_token,
    lift_restriction,
    register_participants,
    register_staff,
    restrict_participant,
    revoke_access_token,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryUseCases:
    """All commands. `seen`, when given, is told whether the answer is the kept one of an earlier try."""

    uow: UnitOfWork
    participants: ParticipantStore
    access: AccessStore
    secrets: SecretSource
    new_id: Callable[[], UUID]
    rule_book_version: str
    forget_token: Callable[[bytes], None]

    async def register_participants(
        self, cmd: register_participants.RegisterParticipants, *, seen: Outcome | None = None
    ) -> contract.RegisterParticipantsResponse:
        """See `use_cases.register_participants`."""
        async with _counted("register_participants", seen) as outcome:
            return await register_participants.register_participants(
                cmd,
                uow=self.uow,
                participants=self.participants,
                secrets=self.secrets,
                new_id=self.new_id,
                rule_book_version=self.rule_book_version,
                outcome=outcome,
            )

    async def restrict_participant(
        self, cmd: restrict_participant.RestrictParticipant, *, seen: Outcome | None = None
    ) -> contract.ParticipantStateAnswer:
        """See `use_cases.restrict_participant`."""
        async with _counted("restrict_participant", seen) as outcome:
            return await restrict_participant.restrict_participant(
                cmd, uow=self.uow, participants=self.participants, outcome=outcome
            )

    async def lift_restriction(
        self, cmd: lift_restriction.LiftRestriction, *, seen: Outcome | None = None
    ) -> contract.ParticipantStateAnswer:
        """See `use_cases.lift_restriction`."""
        async with _counted("lift_restriction", seen) as outcome:
            return await lift_restriction.lift_restriction(
                cmd, uow=self.uow, participants=self.participants, outcome=outcome
            )

    async def register_staff(
        self, cmd: register_staff.RegisterStaff, *, seen: Outcome | None = None
    ) -> contract.Staff:
        """See `use_cases.register_staff`."""
        async with _counted("register_staff", seen) as outcome:
            return await register_staff.register_staff(
                cmd, uow=self.uow, access=self.access, new_id=self.new_id, outcome=outcome
            )

    async def issue_access_token(
        self, cmd: issue_access_token.IssueAccessToken, *, seen: Outcome | None = None
    ) -> contract.IssuedAccessToken:
        """See `use_cases.issue_access_token`."""
        async with _counted("issue_access_token", seen) as outcome:
            return await issue_access_token.issue_access_token(
                cmd,
                uow=self.uow,
                participants=self.participants,
                access=self.access,
                secrets=self.secrets,
                new_id=self.new_id,
                outcome=outcome,
            )

    async def revoke_access_token(
        self, cmd: revoke_access_token.RevokeAccessToken, *, seen: Outcome | None = None
    ) -> contract.RevokedAccessToken:
        """See `use_cases.revoke_access_token`."""
        async with _counted("revoke_access_token", seen) as outcome:
            return await revoke_access_token.revoke_access_token(
                cmd, uow=self.uow, access=self.access, forget=self.forget_token, outcome=outcome
            )


@asynccontextmanager
async def _counted(name: str, seen: Outcome | None) -> AsyncIterator[Outcome]:
    async with use_case(f"registry.{name}") as outcome:
        yield outcome
        if seen is not None:
            seen.replayed = outcome.replayed
