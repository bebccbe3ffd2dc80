"""The commands of the registry bound to their parts, counted and timed: what routes and other programs call."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from kapital.contracts import registry as contract
from kapital.platform.telemetry import use_case
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
    """Each method is the use case of its name; see there for promises and refusals."""

    uow: UnitOfWork
    participants: ParticipantStore
    access: AccessStore
    secrets: SecretSource
    new_id: Callable[[], UUID]
    rule_book_version: str
    forget_token: Callable[[bytes], None]

    async def register_participants(
        self, cmd: register_participants.RegisterParticipants
    ) -> contract.RegisterParticipantsResponse:
        """See `use_cases.register_participants`."""
        async with use_case("registry.register_participants"):
            return await register_participants.register_participants(
                cmd,
                uow=self.uow,
                participants=self.participants,
                secrets=self.secrets,
                new_id=self.new_id,
                rule_book_version=self.rule_book_version,
            )

    async def restrict_participant(
        self, cmd: restrict_participant.RestrictParticipant
    ) -> contract.ParticipantStateAnswer:
        """See `use_cases.restrict_participant`."""
        async with use_case("registry.restrict_participant"):
            return await restrict_participant.restrict_participant(cmd, uow=self.uow, participants=self.participants)

    async def lift_restriction(self, cmd: lift_restriction.LiftRestriction) -> contract.ParticipantStateAnswer:
        """See `use_cases.lift_restriction`."""
        async with use_case("registry.lift_restriction"):
            return await lift_restriction.lift_restriction(cmd, uow=self.uow, participants=self.participants)

    async def register_staff(self, cmd: register_staff.RegisterStaff) -> contract.Staff:
        """See `use_cases.register_staff`."""
        async with use_case("registry.register_staff"):
            return await register_staff.register_staff(cmd, uow=self.uow, access=self.access, new_id=self.new_id)

    async def issue_access_token(self, cmd: issue_access_token.IssueAccessToken) -> contract.IssuedAccessToken:
        """See `use_cases.issue_access_token`."""
        async with use_case("registry.issue_access_token"):
            return await issue_access_token.issue_access_token(
                cmd,
                uow=self.uow,
                participants=self.participants,
                access=self.access,
                secrets=self.secrets,
                new_id=self.new_id,
            )

    async def revoke_access_token(self, cmd: revoke_access_token.RevokeAccessToken) -> contract.RevokedAccessToken:
        """See `use_cases.revoke_access_token`."""
        async with use_case("registry.revoke_access_token"):
            return await revoke_access_token.revoke_access_token(
                cmd, uow=self.uow, access=self.access, forget=self.forget_token
            )
