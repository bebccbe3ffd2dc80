"""The registry on a real PostgreSQL, beside a ledger of a few lines."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jsonschema import Draft202012Validator, FormatChecker
from sqlalchemy import text

from kapital.contracts.registry import EVENT_TYPES, RegisteredParticipant
from kapital.kernel.ids import CommandId
from kapital.ledger.api import AccountKey, Committed, Position, Refused, Transaction, money_asset
from kapital.platform.certificate_rules import CertificateRules
from kapital.platform.clock import SteppedClock
from kapital.platform.contract_files import load_contract
from kapital.platform.database import Database
from kapital.platform.events import CloudEvent
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import UnitOfWork
from kapital.registry.adapters.access import AccessTable
from kapital.registry.adapters.holder_disclosures import HolderDisclosureTables
from kapital.registry.adapters.mandates import MandateTable
from kapital.registry.adapters.participants import ParticipantTable
from kapital.registry.adapters.representatives import RepresentativeTable
from kapital.registry.adapters.rule_books import RuleBookTable
from kapital.registry.adapters.secrets import SystemSecrets
from kapital.registry.adapters.staff import StaffTables
from kapital.registry.adapters.statuses import StatusTable
from kapital.registry.adapters.token_verifier import DatabaseTokenVerifier
from kapital.registry.domain.events import RULE_BOOK_EFFECTIVE
from kapital.registry.domain.participant import Application
from kapital.registry.queries.bound import RegistryReads
from kapital.registry.queries.register_extract import register_extract
from kapital.registry.queries.representatives import one_representative
from kapital.registry.reactions import on_kyc_news
from kapital.registry.use_cases.bound import RegistryUseCases
from kapital.registry.use_cases.follow_certificates import CertificateWatch
from kapital.registry.use_cases.register_participants import RegisterParticipants
from tests.acting import simple_acts
from tests.registry.people import ONBOARDER, RULE_BOOK, RULE_BOOK_SHA256

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class SmallLedger:
    """What the registry uses of the ledger: opens wallets once, repeats its first answer for a repeated id."""

    def __init__(self, clock: SteppedClock) -> None:
        self.clock = clock
        self.entries: list[Transaction] = []
        self.calls = 0
        self.refuse: set[UUID] = set()
        self.held: dict[UUID, int] = {}
        self.credit_after_stop = False
        self.units: dict[AccountKey, int] = {}
        self.asked_at: list[datetime] = []

    async def post(self, transactions: Sequence[Transaction]) -> list[Committed | Refused]:
        self.calls += 1
        return [self._enter(transaction) for transaction in transactions]

    def _enter(self, transaction: Transaction) -> Committed | Refused:
        for seq, earlier in enumerate(self.entries):
            if earlier.id == transaction.id:
                if earlier != transaction:
                    return Refused(transaction.id, "id_reused_with_other_content", "other content")
                return Committed(transaction.id, seq, self.clock.now(), b"", replayed=True)
        for opened in transaction.opens:
            if opened.wallet in self.refuse:  # type: ignore[union-attr]
                return Refused(transaction.id, "wallet_exists", "the wallet exists")
        self.entries.append(transaction)
        return Committed(transaction.id, len(self.entries) - 1, self.clock.now(), b"")

    async def wallet_balances(self, wallet: UUID) -> list[tuple[AccountKey, int]]:
        if self.credit_after_stop and any(entry.flags for entry in self.entries):
            self.held[wallet] = 1
        return [(AccountKey(money_asset(), Position.AVAILABLE, wallet), self.held.get(wallet, 0))]

    async def has_asset(self, asset: UUID) -> bool:
        return any(key.asset == asset for key in self.units)

    async def size_at(self, at: datetime) -> int:
        self.asked_at.append(at)
        return len(self.asked_at)

    async def balances_at(self, keys: Sequence[AccountKey], *, size: int) -> list[int]:
        assert size == len(self.asked_at)
        return [self.units.get(key, 0) for key in keys]

    def stopped(self) -> list[bool]:
        return [flag.credits_stopped and flag.debits_stopped for entry in self.entries for flag in entry.flags]

    def wallets(self) -> list[UUID]:
        return [opened.wallet for entry in self.entries for opened in entry.opens]  # type: ignore[union-attr]


class OneKey:
    """What the registry uses of custody: the operator's key signs."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.public_key = self._key.public_key().public_bytes_raw()
        self.name = "operator"

    async def ensure_key(self, name: str, profile: object) -> "OneKey":
        assert name == self.name
        return self

    async def signer(self, name: str, **_: object) -> "OneKey":
        return self

    async def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


@dataclass
class World:
    """The service, and what a test asks of it."""

    database: Database
    clock: SteppedClock
    ledger: SmallLedger
    do: RegistryUseCases
    read: RegistryReads
    verifier: DatabaseTokenVerifier
    certificates: CertificateRules = field(default_factory=CertificateRules)
    _commands: int = field(default=0)

    @property
    def watch(self) -> CertificateWatch:
        """As a process that has just started has it."""
        return CertificateWatch(rules=self.certificates, participants=self.do.participants)

    def command_id(self) -> CommandId:
        self._commands += 1
        return CommandId(f"command-{self._commands}")

    async def register(self, *applications: Application) -> list[RegisteredParticipant]:
        cmd = RegisterParticipants(command_id=self.command_id(), actor=ONBOARDER, participants=applications)
        return (await self.do.register_participants(cmd)).results

    async def registered(self, *applications: Application) -> list[UUID]:
        results = await self.register(*applications)
        assert all(result.problem is None for result in results), results
        return [result.participant_id for result in results if result.participant_id]

    async def hear(self, *events: CloudEvent) -> None:
        async with UnitOfWork(self.database, self.clock).begin() as tx:
            await on_kyc_news(
                tx,
                list(events),
                participants=self.do.participants,
                statuses=self.do.statuses,
                ledger=self.ledger,  # type: ignore[arg-type]
                watch=self.watch,
            )

    async def active(self, *applications: Application) -> list[UUID]:
        ids = await self.registered(*applications)
        await self.hear(*(kyc_decided(participant_id, "approved") for participant_id in ids))
        return ids

    async def state(self, participant_id: UUID) -> str:
        found = await self.rows("SELECT state FROM participant WHERE participant_id = :id", id=participant_id)
        return str(found[0]["state"])

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        async with self.database.connect() as conn:
            return [dict(row._mapping) for row in await conn.execute(text(statement), values)]

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        """What was told, in order; every one is checked against both forms of the contract."""
        rows = await self.rows("SELECT type, aggregate_id, data FROM outbox ORDER BY id")
        for row in rows:
            check_event(row["type"], row["data"])
            key = "rule_book_version" if row["type"] == RULE_BOOK_EFFECTIVE else "participant_id"
            assert row["aggregate_id"] == row["data"][key]
        # That of the first rule book is told before anything happens.
        assert rows.pop(0)["type"] == RULE_BOOK_EFFECTIVE
        return [(row["type"].split(".")[2], row["data"]) for row in rows]

    async def all_texts_outside_participant(self) -> str:
        """Everything the database keeps, the tables of names left out."""
        tables = await self.rows(
            "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' "
            "AND tablename NOT IN ('participant', 'representative', 'disclosed_holder')"
        )
        texts = []
        for table in tables:
            texts += [str(row["t"]) for row in await self.rows(f'SELECT t::text AS t FROM "{table["name"]}" t')]
        assert texts
        return "\n".join(texts)


def check_event(event_type: str, data: dict[str, Any]) -> None:
    msgspec.convert(data, EVENT_TYPES[event_type])
    document = load_contract("events", "registry")
    assert document is not None
    name = EVENT_TYPES[event_type].__name__
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(data)


def kyc_decided(
    participant_id: UUID, outcome: str, *, category: str = "unqualified", valid_until: str = "2027-03-02T09:00:00Z"
) -> CloudEvent:
    data = {
        "participant_id": str(participant_id),
        "outcome": outcome,
        "category": category,
        "valid_until": valid_until if outcome == "approved" else None,
    }
    return _event("kapital.identity.kyc_decided.v1", participant_id, data)


def kyc_expired(participant_id: UUID) -> CloudEvent:
    return _event("kapital.identity.kyc_expired.v1", participant_id, {"participant_id": str(participant_id)})


def measure(participant_id: UUID, measure: str, before: str) -> CloudEvent:
    data = {
        "participant_id": str(participant_id),
        "measure": measure,
        "measure_before": before,
        "effective_at": START.isoformat(),
    }
    return _event("kapital.identity.measure_changed.v1", participant_id, data)


def told(event: str, participant_id: UUID) -> CloudEvent:
    """An event of identity of which only the participant matters."""
    return _event("kapital.identity." + event, participant_id, {"participant_id": str(participant_id)})


def _event(event_type: str, participant_id: UUID, data: dict[str, Any]) -> CloudEvent:
    return CloudEvent(
        id=new_uuid7(),
        source="/kapital/identity",
        type=event_type,
        subject=str(participant_id),
        time=START,
        data=data,
        correlationid="test",
    )


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


@pytest_asyncio.fixture
async def world(make_database, clock: SteppedClock) -> World:
    database = await make_database("registry", "kapital.registry.migrations", pool_size=10)
    verifier, ledger = DatabaseTokenVerifier(database, clock), SmallLedger(clock)
    use_cases = RegistryUseCases(
        uow=UnitOfWork(database, clock),
        participants=ParticipantTable(),
        access=AccessTable(),
        staff=StaffTables(),
        secrets=SystemSecrets(),
        new_id=new_uuid7,
        rule_books=RuleBookTable(),
        ledger=ledger,  # type: ignore[arg-type]
        custody=OneKey(),  # type: ignore[arg-type]
        operator="ООО «Оператор»",
        extract_pages=register_extract,
        forget_token=verifier.forget,
        representatives=RepresentativeTable(),
        show_representative=one_representative,
        acts=simple_acts(clock),
        statuses=StatusTable(),
        disclosures=HolderDisclosureTables(),
        mandates=MandateTable(),
    )
    reads = RegistryReads(database=database, clock=clock)
    await use_cases.begin_with_rule_book(RULE_BOOK, RULE_BOOK_SHA256)
    return World(database, clock, ledger, use_cases, reads, verifier)
