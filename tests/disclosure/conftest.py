"""Disclosure on a real PostgreSQL behind the real bus: what others tell, and the page that comes of it."""

import hashlib
import itertools
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from kapital.contracts import settlement, tokenization
from kapital.disclosure.adapters.pages import SqlPages
from kapital.disclosure.queries.issue_page import IssuePage, get_issue_page
from kapital.disclosure.reactions import EVENT_TYPES, page_writer
from kapital.disclosure.service import disclosure_of
from kapital.kernel.actor import Actor
from kapital.platform.bus import EmbeddedBus
from kapital.platform.clock import SteppedClock
from kapital.platform.database import Database, Databases
from kapital.platform.events import CloudEvent, Event, source_of
from kapital.platform.http import create_app
from kapital.platform.ids import new_uuid7
from kapital.platform.objects import ObjectStore
from kapital.platform.settings import Settings
from kapital.platform.unit_of_work import UnitOfWork

ISSUE = UUID("01980a2b-7c10-7f3e-9a44-0d5f5b1c2e02")
ISSUER = UUID("01980a2b-7c10-7f3e-9a44-0d5f5b1c2e01")
WALLET = UUID("01980a2b-7c10-7f3e-9a44-0d5f5b1c2e0a")
COUPON = UUID("01980a2b-7c10-7f3e-9a44-0d5f5b1c2e0c")
REDEMPTION = UUID(int=99)
CALL = {"action_id": str(REDEMPTION), "kind": "call", "pay_on": "2027-09-14"}
OUTCOME = {"fixing_id": str(REDEMPTION), "outcome": "launched", "state": "contested"}
SUBSTITUTE = {
    "fixing_id": str(REDEMPTION),
    "series": "cbr_key_rate",
    "observed_on": "2027-07-30",
    "taken_series": "cbr_key_rate",
    "taken_from_on": "2027-07-29",
    "value": "16.50",
    "reason": "Значение не опубликовано",
}
EXCHANGE = {
    "proposal_id": str(REDEMPTION),
    "new_issue_id": str(REDEMPTION),
    "units_per_unit": 1,
    "document_sha256": "5e" * 32,
}
START = datetime(2026, 11, 24, 9, tzinfo=UTC)
SETTLED = "kapital.settlement.allocation_settled.v1"
DECIDED = "kapital.tokenization.allocation_decided.v1"
STATE = "kapital.tokenization.issue_state_changed.v1"
PUBLISHED = "kapital.tokenization.decision_published.v1"
INSTRUCTED = "kapital.tokenization.payouts_instructed.v1"
PAID = "kapital.settlement.payouts_settled.v1"
REFUSED = "kapital.settlement.payouts_refused.v1"
DELAYED = "kapital.tokenization.payout_delayed.v1"
_CONTRACTS = tokenization.EVENT_TYPES | settlement.EVENT_TYPES


class World:
    """Others tell; the bus carries; the page is read."""

    def __init__(self, databases: Databases, objects: ObjectStore) -> None:
        self.databases, self.objects = databases, objects
        self.clock = SteppedClock(START)
        self.handler = page_writer(SqlPages(), objects)
        self.bus = EmbeddedBus(databases, self.clock)
        self.bus.subscribe("disclosure", EVENT_TYPES, self.handler)

    @property
    def database(self) -> Database:
        return self.databases.get("disclosure")

    async def tell(self, *told: tuple[str, dict[str, Any]]) -> None:
        """Publish events (type, data), each in the form of its contract, and let the bus carry them."""
        for event_type, data in told:
            msgspec.convert(data, _CONTRACTS[event_type])
            producer = event_type.split(".")[1]
            async with UnitOfWork(self.databases.get(producer), self.clock).begin() as tx:
                await tx.outbox.add(Event(type=event_type, aggregate_id=data["issue_id"], data=data))
        await self.bus.drain()

    async def hand(self, *told: tuple[str, dict[str, Any]]) -> None:
        """Give events straight to the handler, as one batch."""
        async with UnitOfWork(self.database, self.clock).begin() as tx:
            await self.handler(tx, [cloud(event_type, data) for event_type, data in told])

    async def page(self) -> IssuePage:
        async with self.database.connect() as conn:
            return await get_issue_page(conn, ISSUE)

    async def count(self, table: str) -> int:
        conn = await self.database.listen()
        try:
            return int(await conn.fetchval(f"SELECT count(*) FROM {table}"))
        finally:
            await conn.close()

    async def publication(self, **changes: Any) -> tuple[str, dict[str, Any]]:
        """A publication whose documents lie in the store; `title` and `documents` may be given."""
        title = changes.pop("title", "Денежные требования к ООО «Пример»")
        decision = json.dumps(
            {"issuer": {"inn": "7707083893", "name": "ООО «Пример»", "ogrn": "1027700132195"}, "title": title},
            ensure_ascii=False,
        ).encode()
        named = [
            (decision, "decision.json", "application/json"),
            *changes.pop("documents", [("# Решение\n".encode(), "Решение о выпуске.md", "text/markdown")]),
        ]
        documents = [
            {"sha256": await self.objects.put(body), "name": name, "media_type": kind, "bytes": len(body)}
            for body, name, kind in named
        ]
        data = {
            "issue_id": str(ISSUE),
            "code": "KPT-2026-001",
            "issuer_participant_id": str(ISSUER),
            "issuer_wallet_id": str(WALLET),
            "right_kind": "money_claim",
            "decision_sha256": hashlib.sha256(decision).hexdigest(),
            "documents": documents,
            "quantity_min": 10_000,
            "quantity_max": 50_000,
            "price_kopecks": 100_000,
            "placement_start_at": "2026-11-25T07:00:00Z",
            "placement_end_at": "2026-11-27T12:00:00Z",
            "signatures": [
                {
                    "key_name": f"issuer/{ISSUER}",
                    "algorithm": "ed25519",
                    "signature_b64": "0uLtq2Vb" * 11,
                    "public_key_b64": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
                },
                {
                    "key_name": "operator",
                    "algorithm": "ed25519",
                    "signature_b64": "kqXb2Lru" * 11,
                    "public_key_b64": "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=",
                },
            ],
        }
        return PUBLISHED, data | changes


def cloud(event_type: str, data: dict[str, Any], at: datetime = START) -> CloudEvent:
    return CloudEvent(
        id=new_uuid7(),
        source=source_of(event_type.split(".")[1]),
        type=event_type,
        subject=data["issue_id"],
        time=at,
        data=data,
        correlationid="test",
    )


def state(name: str, at: str = "2026-11-25T07:00:00Z") -> tuple[str, dict[str, Any]]:
    return STATE, {"issue_id": str(ISSUE), "state": name, "at": at}


_orders = itertools.count(1)


def decided(
    outcome: str, lines: list[tuple[int, int, int]], part: int = 1, parts: int = 1
) -> tuple[str, dict[str, Any]]:
    return DECIDED, {
        "issue_id": str(ISSUE),
        "outcome": outcome,
        "part": part,
        "parts": parts,
        "asset_id": str(ISSUE),
        "issuer_wallet_id": str(WALLET),
        "lines": [
            {
                "order_id": str(UUID(int=next(_orders))),
                "wallet_id": str(WALLET),
                "units": units,
                "pay_kopecks": pay,
                "refund_kopecks": refund,
                "reserved_kopecks": pay + refund,
            }
            for units, pay, refund in lines
        ],
    }


def settled(
    outcome: str, lines: list[tuple[int, int, int]], part: int = 1, parts: int = 1
) -> tuple[str, dict[str, Any]]:
    return SETTLED, {
        "issue_id": str(ISSUE),
        "outcome": outcome,
        "part": part,
        "parts": parts,
        "lines": [
            {
                "order_id": str(UUID(int=next(_orders))),
                "entry_seq": 5,
                "units": units,
                "pay_kopecks": pay,
                "refund_kopecks": refund,
            }
            for units, pay, refund in lines
        ],
    }


def instructed(
    amounts: list[int], kind: str = "coupon", part: int = 1, parts: int = 1, action: UUID = COUPON
) -> tuple[str, dict[str, Any]]:
    line = {"wallet_id": str(WALLET), "position": "available", "units": 1, "extinguish_units": 0}
    return INSTRUCTED, {
        "action_id": str(action),
        "issue_id": str(ISSUE),
        "kind": kind,
        "part": part,
        "parts": parts,
        "payer_wallet_id": str(WALLET),
        "asset_id": str(ISSUE),
        "record_size": 10,
        "debits_stopped": False,
        "lines": [line | {"amount_kopecks": amount} for amount in amounts],
    }


def paid(amounts: list[int], part: int = 1, parts: int = 1, action: UUID = COUPON) -> tuple[str, dict[str, Any]]:
    return PAID, {
        "action_id": str(action),
        "issue_id": str(ISSUE),
        "part": part,
        "parts": parts,
        "lines": [{"wallet_id": str(WALLET), "entry_seq": 9, "amount_kopecks": a} for a in amounts],
    }


def delayed(
    state: str = "underfunded", at: str = "2027-03-15T21:00:00Z", kind: str = "coupon", action: UUID = COUPON
) -> tuple[str, dict[str, Any]]:
    return DELAYED, {
        "issue_id": str(ISSUE),
        "action_id": str(action),
        "kind": kind,
        "state": state,
        "at": at,
    }


def refused(action: UUID = COUPON, part: int = 1) -> tuple[str, dict[str, Any]]:
    return REFUSED, {
        "action_id": str(action),
        "issue_id": str(ISSUE),
        "part": part,
        "needed_kopecks": 500,
        "available_kopecks": 123_456_789,
        "code": "balance_insufficient",
    }


@pytest.fixture
async def world(make_databases: Any, tmp_path: Path) -> World:
    databases = await make_databases(
        tokenization="tests.platform.migrations",
        settlement="tests.platform.migrations",
        disclosure="kapital.disclosure.migrations",
    )
    return World(databases, ObjectStore(tmp_path / "objects"))


class NobodyKnown:
    async def verify(self, token: str) -> Actor | None:
        return None


@pytest.fixture
async def client(world: World, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    service = disclosure_of(world.database, world.objects, operator_name="Оператор «Капитал»")
    app = create_app(
        [service.routes],
        settings=Settings(data_dir=tmp_path),
        databases=world.databases,
        verifier=NobodyKnown(),
    )
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://kapital.example") as client:
        yield client
