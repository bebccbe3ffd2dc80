"""The commands of identity bound to their parts, counted and timed: what routes and other programs call."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kapital.contracts import identity as contract
from kapital.identity.ports import CaseStore
from kapital.identity.use_cases import decide_kyc, expire_cases, record_identifications
from kapital.platform.telemetry import Outcome, use_case
from kapital.platform.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityUseCases:
    """All commands. `seen`, when given, is told whether the answer is the kept one of an earlier try."""

    uow: UnitOfWork
    cases: CaseStore
    new_id: Callable[[], UUID]

    async def record_identifications(
        self, cmd: record_identifications.RecordIdentifications, *, seen: Outcome | None = None
    ) -> contract.RecordIdentificationsResponse:
        """See `use_cases.record_identifications`."""
        async with _counted("record_identifications", seen) as outcome:
            return await record_identifications.record_identifications(
                cmd, uow=self.uow, cases=self.cases, new_id=self.new_id, outcome=outcome
            )

    async def decide_kyc(
        self, cmd: decide_kyc.DecideKyc, *, seen: Outcome | None = None
    ) -> contract.DecideKycResponse:
        """See `use_cases.decide_kyc`."""
        async with _counted("decide_kyc", seen) as outcome:
            return await decide_kyc.decide_kyc(cmd, uow=self.uow, cases=self.cases, outcome=outcome)

    async def expire_cases(self, now: datetime) -> int:
        """See `use_cases.expire_cases`. Not counted: it runs every second and mostly finds nothing."""
        return await expire_cases.expire_cases(now, uow=self.uow, cases=self.cases)


@asynccontextmanager
async def _counted(name: str, seen: Outcome | None) -> AsyncIterator[Outcome]:
    async with use_case(f"identity.{name}") as outcome:
        yield outcome
        if seen is not None:
            seen.replayed = outcome.replayed
