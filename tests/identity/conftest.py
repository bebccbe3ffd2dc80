"""Identity on a real PostgreSQL."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator, FormatChecker
from sqlalchemy import text

from kapital.contracts.identity import EVENT_TYPES, DecidedKyc, RecordedIdentification
from kapital.identity.domain.kyc_case import DocumentKind, InvestorCategory, KycOutcome, ScreeningResult
from kapital.identity.domain.screening import Particulars, SubjectKind
from kapital.identity.queries.bound import DossierReads, IdentityReads
from kapital.identity.reactions import open_cases
from kapital.identity.service import identity_of
from kapital.identity.use_cases.bound import DossierUseCases, IdentityUseCases, ScreeningUseCases
from kapital.identity.use_cases.decide_kyc import DecideKyc, NewKycDecision
from kapital.identity.use_cases.record_identifications import NewIdentification, RecordIdentifications
from kapital.identity.use_cases.screen_clients import NewClient, ScreenClients
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.platform.clock import SteppedClock
from kapital.platform.contract_files import load_contract
from kapital.platform.database import Database
from kapital.platform.events import CloudEvent
from kapital.platform.ids import new_uuid7
from kapital.platform.objects import ObjectStore
from kapital.platform.unit_of_work import UnitOfWork
from tests.acting import simple_acts

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
NO_LEDGER: Any = None  # nobody freezes here


def staff(number: int, *roles: Role) -> Actor:
    """A member of staff; the same number is the same person."""
    return Actor(id=str(UUID(int=(0xB << 124) + number)), participant_id=None, roles=frozenset(roles))


ONBOARDER = staff(1, Role.ONBOARDING)
OFFICER = staff(2, Role.AML_OFFICER)
OTHER_OFFICER = staff(3, Role.AML_OFFICER)
BOTH_ROLES = staff(4, Role.ONBOARDING, Role.AML_OFFICER)
AUDITOR = staff(5, Role.AUDITOR)


def identification(participant_id: UUID, **changes: Any) -> NewIdentification:
    said: dict[str, Any] = {
        "participant_id": participant_id,
        "document_kind": DocumentKind.PASSPORT_RF,
        "document_sha256": "ab" * 32,
        "category": InvestorCategory.UNQUALIFIED,
        "screening_list_version": "rfm-2026-03-01",
        "screening_result": ScreeningResult.CLEAR,
    }
    return NewIdentification(**(said | changes))


def nobody_listed(participant_id: UUID) -> Particulars:
    return Particulars(kind=SubjectKind.PERSON, names=(f"Проверкин {participant_id.hex}",))


@dataclass
class World:
    """The service, and what a test asks of it."""

    database: Database
    clock: SteppedClock
    do: IdentityUseCases
    read: IdentityReads
    screening: ScreeningUseCases
    files: DossierUseCases
    file_reads: DossierReads
    _commands: int = field(default=0)

    def command_id(self) -> CommandId:
        self._commands += 1
        return CommandId(f"command-{self._commands}")

    async def hear(self, *events: CloudEvent) -> None:
        async with UnitOfWork(self.database, self.clock).begin() as tx:
            await open_cases(tx, list(events), cases=self.do.cases)

    async def opened(self, count: int = 1, kind: str = "natural_person", *, screened: bool = True) -> list[UUID]:
        ids = [new_uuid7() for _ in range(count)]
        await self.hear(*(participant_registered(participant_id, kind) for participant_id in ids))
        if screened:
            await self.screened(*ids)
        return ids

    async def screened(self, *ids: UUID) -> None:
        """Record particulars: nobody is approved without."""
        clients = tuple(NewClient(participant_id=one, particulars=nobody_listed(one)) for one in ids)
        cmd = ScreenClients(command_id=self.command_id(), actor=ONBOARDER, clients=clients)
        await self.screening.screen_clients(cmd)

    async def record(self, *items: NewIdentification, actor: Actor = ONBOARDER) -> list[RecordedIdentification]:
        cmd = RecordIdentifications(command_id=self.command_id(), actor=actor, identifications=items)
        return (await self.do.record_identifications(cmd)).results

    async def identified(self, participant_id: UUID, *, actor: Actor = ONBOARDER, **changes: Any) -> str:
        [result] = await self.record(identification(participant_id, **changes), actor=actor)
        assert result.problem is None, result.problem
        assert result.identification_sha256 is not None
        return result.identification_sha256

    async def decide(
        self,
        participant_id: UUID,
        sha256: str,
        outcome: KycOutcome = KycOutcome.APPROVED,
        *,
        actor: Actor = OFFICER,
    ) -> DecidedKyc:
        [result] = await self.decide_all((participant_id, sha256), outcome=outcome, actor=actor)
        return result

    async def decide_all(
        self,
        *items: tuple[UUID, str],
        outcome: KycOutcome = KycOutcome.APPROVED,
        actor: Actor = OFFICER,
    ) -> list[DecidedKyc]:
        decisions = tuple(
            NewKycDecision(
                participant_id=participant_id,
                outcome=outcome,
                identification_sha256=sha256,
                basis_reference="ЗКЛ-1",
            )
            for participant_id, sha256 in items
        )
        cmd = DecideKyc(command_id=self.command_id(), actor=actor, decisions=decisions)
        return (await self.do.decide_kyc(cmd)).results

    async def approved(self, count: int = 1) -> list[UUID]:
        ids = await self.opened(count)
        for participant_id in ids:
            result = await self.decide(participant_id, await self.identified(participant_id))
            assert result.problem is None, result.problem
        return ids

    async def states(self, participant_id: UUID) -> list[str]:
        rows = await self.rows(
            "SELECT state FROM kyc_case WHERE participant_id = :id ORDER BY number", id=participant_id
        )
        return [row["state"] for row in rows]

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        async with self.database.connect() as conn:
            return [dict(row._mapping) for row in await conn.execute(text(statement), values)]

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        """What was told of decisions, in order."""
        return [event for event in await self.told() if event[0] not in {"identification_recorded", "kyc_referred"}]

    async def told(self) -> list[tuple[str, dict[str, Any]]]:
        """What was told, in order; every one is checked against both forms of the contract."""
        rows = await self.rows("SELECT type, aggregate_id, data FROM outbox ORDER BY id")
        document = load_contract("events", "identity")
        assert document is not None
        for row in rows:
            msgspec.convert(row["data"], EVENT_TYPES[row["type"]])
            name = EVENT_TYPES[row["type"]].__name__
            schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
            Draft202012Validator(schema, format_checker=FormatChecker()).validate(row["data"])
            assert row["aggregate_id"] == row["data"]["participant_id"]
        return [(row["type"].split(".")[2], row["data"]) for row in rows]


def participant_registered(participant_id: UUID, kind: str = "natural_person") -> CloudEvent:
    return CloudEvent(
        id=new_uuid7(),
        source="/kapital/registry",
        type="kapital.registry.participant_registered.v1",
        subject=str(participant_id),
        time=START,
        data={
            "participant_id": str(participant_id),
            "kind": kind,
            "roles": ["investor"],
            "rule_book_version": "2026-01-01",
        },
        correlationid="test",
    )


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


@pytest_asyncio.fixture
async def world(make_database, clock: SteppedClock, tmp_path: Path) -> World:
    database = await make_database("identity", "kapital.identity.migrations", pool_size=10)
    service = identity_of(
        database, clock, ledger=NO_LEDGER, acts=simple_acts(clock), objects=ObjectStore(tmp_path / "objects")
    )
    return World(
        database, clock, service.use_cases, service.reads, service.screening, service.dossiers, service.dossier_reads
    )
