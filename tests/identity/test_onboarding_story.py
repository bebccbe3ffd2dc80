"""Onboarding from application to wallet, over the real bus and the real ledger. Scenarios 30, 55."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio
from sqlalchemy import text

from kapital.identity.domain.kyc_case import DocumentKind, InvestorCategory, KycOutcome, ScreeningResult
from kapital.identity.service import IdentityService, identity_of
from kapital.identity.use_cases.decide_kyc import DecideKyc, NewKycDecision
from kapital.identity.use_cases.record_identifications import NewIdentification, RecordIdentifications
from kapital.identity.use_cases.screen_clients import NewClient, ScreenClients
from kapital.kernel.ids import CommandId, wallet_id_of
from kapital.ledger.service import LedgerService
from kapital.platform.bus import EmbeddedBus
from kapital.platform.clock import SteppedClock
from kapital.platform.database import Databases
from kapital.platform.rule_book import RuleBookInForce
from kapital.registry.service import RegistryService, registry_of
from kapital.registry.use_cases.register_participants import RegisterParticipants
from tests.acting import simple_acts
from tests.identity.conftest import nobody_listed
from tests.registry.people import AML_OFFICER, ONBOARDER, RULE_BOOK, investor


@dataclass
class House:
    """Registry, identity, ledger and the bus between them."""

    databases: Databases
    clock: SteppedClock
    registry: RegistryService
    identity: IdentityService
    ledger: LedgerService
    bus: EmbeddedBus

    async def register(self, count: int) -> list[UUID]:
        people = tuple(investor(number) for number in range(count))
        cmd = RegisterParticipants(command_id=CommandId("reg"), actor=ONBOARDER, participants=people)
        answer = await self.registry.use_cases.register_participants(cmd)
        await self.bus.drain()
        return [result.participant_id for result in answer.results if result.participant_id]

    async def identify(self, ids: list[UUID], outcome: KycOutcome, key: str) -> None:
        items = tuple(
            NewIdentification(
                participant_id=participant_id,
                document_kind=DocumentKind.PASSPORT_RF,
                document_sha256="ab" * 32,
                category=InvestorCategory.UNQUALIFIED,
                screening_list_version="rfm-2026-03-01",
                screening_result=ScreeningResult.CLEAR,
            )
            for participant_id in ids
        )
        clients = tuple(NewClient(participant_id=one, particulars=nobody_listed(one)) for one in ids)
        await self.identity.screening.screen_clients(
            ScreenClients(command_id=CommandId(f"screen-{key}"), actor=ONBOARDER, clients=clients)
        )
        recorded = await self.identity.use_cases.record_identifications(
            RecordIdentifications(command_id=CommandId(key), actor=ONBOARDER, identifications=items)
        )
        decisions = tuple(
            NewKycDecision(
                participant_id=result.participant_id,
                outcome=outcome,
                identification_sha256=result.identification_sha256 or "",
                basis_reference="ЗКЛ-1",
            )
            for result in recorded.results
        )
        decided = await self.identity.use_cases.decide_kyc(
            DecideKyc(command_id=CommandId(key), actor=AML_OFFICER, decisions=decisions)
        )
        assert all(result.problem is None for result in decided.results)
        await self.bus.drain()

    async def states(self) -> dict[UUID, str]:
        rows = await self.rows("registry", "SELECT participant_id, state FROM participant")
        return {UUID(str(row["participant_id"])): row["state"] for row in rows}

    async def rows(self, service: str, statement: str) -> list[dict[str, Any]]:
        async with self.databases.get(service).connect() as conn:
            return [dict(row._mapping) for row in await conn.execute(text(statement))]

    async def deliver_everything_again(self) -> None:
        """As after a restore: the consumers forget how far they had come and what they had used."""
        for service in ("registry", "identity"):
            async with self.databases.get(service).engine.begin() as conn:
                await conn.execute(text("UPDATE bus_cursor SET position = 0"))
                await conn.execute(text("DELETE FROM inbox"))
        await self.bus.drain()


@pytest_asyncio.fixture
async def house(make_databases) -> AsyncIterator[House]:
    clock = SteppedClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
    databases = await make_databases(
        registry="kapital.registry.migrations",
        identity="kapital.identity.migrations",
        ledger="kapital.ledger.migrations",
    )
    ledger = LedgerService(
        databases.get("ledger"), clock, rule_book_version=RULE_BOOK, code_version="1", origin="test/log"
    )
    acts = simple_acts(clock)
    registry = registry_of(
        databases.get("registry"),
        clock,
        ledger=ledger,
        custody=None,  # type: ignore[arg-type]
        operator="test",
        rule_book=RuleBookInForce(RULE_BOOK),
        acts=acts,
    )
    await registry.start()
    identity = identity_of(databases.get("identity"), clock, ledger=ledger, acts=acts, objects=acts.files)
    bus = EmbeddedBus(databases, clock)
    for name, service in (("registry", registry), ("identity", identity)):
        for event_types, handler in service.subscriptions:
            if event_types[0].startswith("kapital.tokenization."):
                continue  # not of this story
            bus.subscribe(name, event_types, handler)
    yield House(databases, clock, registry, identity, ledger, bus)
    await ledger.close()


async def test_identity_knows_who_was_registered_and_no_event_tells_it(house: House) -> None:
    ids = await house.register(2)
    await house.deliver_everything_again()

    known = await house.rows("identity", "SELECT participant_id, kind, name, inn FROM kyc_participant ORDER BY name")
    assert [(UUID(str(row.pop("participant_id"))), row) for row in known] == [
        (who, {"kind": "natural_person", "name": f"Инвестор {number}", "inn": investor(number).inn})
        for number, who in enumerate(ids)
    ]
    told = str(await house.rows("registry", "SELECT data FROM outbox"))
    assert "Инвестор" not in told
    assert investor(0).inn not in told


async def test_onboarding_renewal_and_redelivery(house: House) -> None:
    *good, bad = await house.register(4)

    await house.identify(good, KycOutcome.APPROVED, "good")
    await house.identify([bad], KycOutcome.REJECTED, "bad")

    assert await house.states() == {**dict.fromkeys(good, "active"), bad: "rejected"}
    for participant_id in good:
        [seq] = await house.ledger.statement(wallet_id_of(participant_id))
        [kept] = [
            row
            for row in await house.rows("registry", "SELECT participant_id, entry_seq FROM wallet")
            if UUID(str(row["participant_id"])) == participant_id
        ]
        assert kept["entry_seq"] == seq
    assert await house.ledger.size() == 3

    now = house.clock.advance(timedelta(days=366))
    for tick in house.identity.ticks:
        await tick(now)
    await house.bus.drain()
    lapsed = await house.states()
    await house.identify(good[:1], KycOutcome.APPROVED, "renewal")

    assert lapsed == {**dict.fromkeys(good, "restricted"), bad: "rejected"}
    renewed = await house.states()
    assert renewed[good[0]] == "active"
    assert renewed[good[1]] == "restricted"
    assert await house.ledger.size() == 3
    for service in ("registry", "identity"):
        assert await house.rows(service, "SELECT 1 FROM dead_letter") == []


async def test_a_redelivered_event_has_no_second_effect(house: House) -> None:
    ids = await house.register(3)
    await house.identify(ids, KycOutcome.APPROVED, "good")
    told = await house.rows("registry", "SELECT event_id FROM outbox ORDER BY id")
    acts = await house.rows("identity", "SELECT count(*) AS n FROM audit_event")

    await house.deliver_everything_again()

    assert await house.rows("registry", "SELECT event_id FROM outbox ORDER BY id") == told
    assert await house.rows("identity", "SELECT count(*) AS n FROM audit_event") == acts
    assert await house.ledger.size() == 3
    assert set((await house.states()).values()) == {"active"}
    for service in ("registry", "identity"):
        assert await house.rows(service, "SELECT 1 FROM dead_letter") == []


async def test_no_name_or_number_reaches_the_ledger(house: House) -> None:
    ids = await house.register(2)
    await house.identify(ids, KycOutcome.APPROVED, "good")

    bodies = b"".join(entry.body for entry in await house.ledger.entries(0, 2))

    assert str(wallet_id_of(ids[0])).encode() in bodies
    for number in range(2):
        person = investor(number)
        assert person.name.encode() not in bodies
        assert person.inn.encode() not in bodies
