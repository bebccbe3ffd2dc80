"""The commands of identity bound to their parts, counted and timed: what routes and other programs call."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kapital.contracts import identity as contract
from kapital.identity.ports import CaseStore
from kapital.identity.use_cases import decide_kyc, expire_cases, record_identifications
from kapital.platform.telemetry import use_case
from kapital.platform.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityUseCases:
    """Each method is the use case of its name; see there for promises and refusals."""

    uow: UnitOfWork
    cases: CaseStore
    new_id: Callable[[], UUID]

    async def record_identifications(
        self, cmd: record_identifications.RecordIdentifications
    ) -> contract.RecordIdentificationsResponse:
        """See `use_cases.record_identifications`."""
        async with use_case("identity.record_identifications"):
            return await record_identifications.record_identifications(
                cmd, uow=self.uow, cases=self.cases, new_id=self.new_id
            )

    async def decide_kyc(self, cmd: decide_kyc.DecideKyc) -> contract.DecideKycResponse:
        """See `use_cases.decide_kyc`."""
        async with use_case("identity.decide_kyc"):
            return await decide_kyc.decide_kyc(cmd, uow=self.uow, cases=self.cases)

    async def expire_cases(self, now: datetime) -> int:
        """See `use_cases.expire_cases`. Not counted: it runs every second and mostly finds nothing."""
        return await expire_cases.expire_cases(now, uow=self.uow, cases=self.cases)
