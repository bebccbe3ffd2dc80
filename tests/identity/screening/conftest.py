"""Screening on a real PostgreSQL, with lists that a test writes."""

import json
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator, FormatChecker
from sqlalchemy import text

from kapital.contracts import identity as contract
from kapital.identity.adapters.lists.files import ListFile, ListFormat
from kapital.identity.domain.screening import Identifier, IdentifierKind, ListSource, Particulars, SubjectKind
from kapital.identity.domain.screening_list import ListVersion
from kapital.identity.queries.bound import ScreeningReads
from kapital.identity.service import IdentityService, identity_of
from kapital.identity.use_cases.bound import ScreeningUseCases
from kapital.identity.use_cases.decide_hit import DecideHit, HitDecision
from kapital.identity.use_cases.decide_list_version import DecideListVersion
from kapital.identity.use_cases.load_list import LoadList
from kapital.identity.use_cases.screen_clients import NewClient, ScreenClients
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.ledger.service import MIGRATIONS, LedgerService
from kapital.platform.clock import SteppedClock
from kapital.platform.contract_files import load_contract
from kapital.platform.database import Database
from kapital.platform.ids import new_uuid7
from tests.acting import simple_acts
from tests.conftest import MakeDatabase
from tests.ledger.conftest import build

DATA = Path(__file__).resolve().parents[2] / "data/screening"
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def engine() -> None:
    """The packages of the extra `screening`; skipped with what to install where they are not."""
    if find_spec("nomenklatura") is None:
        message = "no nomenklatura: install g++, pkg-config and libicu-dev, then make setup"
        (pytest.fail if os.environ.get("KAPITAL_REQUIRE_ALL") == "1" else pytest.skip)(message)


def staff(number: int, *roles: Role) -> Actor:
    return Actor(id=str(UUID(int=(0xC << 124) + number)), participant_id=None, roles=frozenset(roles))


LOADER = staff(1, Role.AML_OFFICER)
OFFICER = staff(2, Role.AML_OFFICER)
OTHER_OFFICER = staff(3, Role.AML_OFFICER)
ONBOARDER = staff(4, Role.ONBOARDING)


def person(*names: str, born: str | None = None, inn: str | None = None, passport: str | None = None) -> Particulars:
    numbers = [(IdentifierKind.INN, inn), (IdentifierKind.PASSPORT, passport)]
    made = [Identifier.of(kind, number) for kind, number in numbers if number is not None]
    return Particulars(
        kind=SubjectKind.PERSON,
        names=names,
        birth_dates=() if born is None else (born,),
        identifiers=tuple(number for number in made if number is not None),
    )


def company(*names: str, inn: str | None = None) -> Particulars:
    number = None if inn is None else Identifier.of(IdentifierKind.INN, inn)
    return Particulars(kind=SubjectKind.ORGANISATION, names=names, identifiers=() if number is None else (number,))


def perechen(*subjects: tuple[str, str, str | None], date: str = "2026-03-01") -> bytes:
    """A list of Rosfinmonitoring: (number, name, birth date)."""
    body = "".join(
        f"<Субъект><ИдСубъекта>{uid}</ИдСубъекта><ТипСубъекта><Идентификатор>4</Идентификатор></ТипСубъекта>"
        f"<ФЛ><ФИО>{name}</ФИО>{f'<ДатаРождения>{born}</ДатаРождения>' if born else ''}</ФЛ></Субъект>"
        for uid, name, born in subjects
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Перечень><ВерсияФормата>2.1</ВерсияФормата><ДатаПеречня>{date}'
        f"</ДатаПеречня><АктуальныйПеречень>{body}</АктуальныйПеречень></Перечень>"
    ).encode()


def ftm(*entities: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(entity, ensure_ascii=False).encode() + b"\n" for entity in entities)


def ftm_person(uid: str, name: str, **properties: list[str]) -> dict[str, Any]:
    return {"id": uid, "schema": "Person", "properties": {"name": [name], **properties}}


@dataclass
class World:
    """Screening, and what a test asks of it."""

    database: Database
    clock: SteppedClock
    do: ScreeningUseCases
    read: ScreeningReads
    folder: Path
    ledger: LedgerService
    service: IdentityService
    _commands: int = field(default=0)

    def command_id(self) -> CommandId:
        self._commands += 1
        return CommandId(f"command-{self._commands}")

    async def load(
        self,
        content: bytes,
        *,
        file_format: ListFormat = ListFormat.ROSFINMONITORING_XML,
        source: ListSource = ListSource.ROSFINMONITORING_TERROR,
        actor: Actor = LOADER,
    ) -> ListVersion:
        path = self.folder / f"{new_uuid7()}.list"
        path.write_bytes(content)
        return await self.do.load_list(LoadList(actor=actor, source=source, file=ListFile(path, file_format)))

    async def load_persons(self, *subjects: tuple[str, str, str | None], date: str = "2026-03-01") -> ListVersion:
        return await self.load(perechen(*subjects, date=date))

    async def screen(self, *clients: Particulars) -> list[contract.ScreenedClient]:
        return await self.screen_as(*((new_uuid7(), client) for client in clients))

    async def screen_as(self, *clients: tuple[UUID, Particulars]) -> list[contract.ScreenedClient]:
        items = tuple(NewClient(participant_id=participant, particulars=said) for participant, said in clients)
        cmd = ScreenClients(command_id=self.command_id(), actor=ONBOARDER, clients=items)
        return (await self.do.screen_clients(cmd)).results

    async def rescreen(self) -> int:
        return await self.do.rescreen_clients(self.clock.now())

    async def hits(self) -> Sequence[contract.ScreeningHit]:
        return (await self.read.list_screening_hits(actor=OFFICER, limit=1000)).hits

    async def decide(
        self, hit: contract.ScreeningHit, decision: HitDecision, *, actor: Actor = OFFICER, sha256: str | None = None
    ) -> contract.DecidedHit:
        cmd = DecideHit(
            command_id=self.command_id(),
            actor=actor,
            hit_id=hit.hit_id,
            decision=decision,
            hit_sha256=sha256 or hit.hit_sha256,
            reason="ЗКЛ-7",
        )
        return await self.do.decide_hit(cmd)

    async def release(self, hit: contract.ScreeningHit) -> contract.DecidedHit:
        await self.decide(hit, HitDecision.PROPOSE_RELEASE)
        return await self.decide(hit, HitDecision.APPROVE_RELEASE, actor=OTHER_OFFICER)

    async def decide_list(
        self, version_id: UUID, *, approved: bool = True, actor: Actor = OFFICER
    ) -> contract.ListVersion:
        cmd = DecideListVersion(
            command_id=self.command_id(), actor=actor, version_id=version_id, approved=approved, reason="ЗКЛ-8"
        )
        return await self.do.decide_list_version(cmd)

    async def count(self, statement: str) -> int:
        async with self.database.connect() as conn:
            return int((await conn.execute(text(statement))).scalar_one())

    async def told(self) -> list[dict[str, Any]]:
        """Measures told, in order; every one is checked against both forms of the contract."""
        async with self.database.connect() as conn:
            rows = (await conn.execute(text("SELECT type, aggregate_id, data FROM outbox ORDER BY id"))).all()
        document = load_contract("events", "identity")
        assert document is not None
        for row in rows:
            assert row.type == "kapital.identity.measure_changed.v1"
            msgspec.convert(row.data, contract.EVENT_TYPES[row.type])
            schema = {"$ref": "#/components/schemas/MeasureChanged", "components": document["components"]}
            Draft202012Validator(schema, format_checker=FormatChecker()).validate(row.data)
            assert row.aggregate_id == row.data["participant_id"]
        return [row.data for row in rows]

    async def all_text(self, *tables: str) -> str:
        """Everything in these tables as one text."""
        async with self.database.connect() as conn:
            rows = [(await conn.execute(text(f"SELECT t::text FROM {table} t"))).scalars().all() for table in tables]
        return "\n".join(line for part in rows for line in part)


@pytest.fixture(scope="session")
def clock_start() -> datetime:
    return START


@pytest_asyncio.fixture
async def world(make_database: MakeDatabase, tmp_path: Path) -> AsyncIterator[World]:
    database = await make_database("identity", "kapital.identity.migrations")
    clock = SteppedClock(START)
    ledger = build(await make_database("ledger", MIGRATIONS), clock=clock)
    service = identity_of(database, clock, ledger=ledger, acts=simple_acts(clock))
    yield World(database, clock, service.screening, service.screening_reads, tmp_path, ledger, service)
    await ledger.close()
