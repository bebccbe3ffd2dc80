"""A small world around tokenization: real PostgreSQL, ledger, custody and settlement, joined by the embedded bus."""

import asyncio
import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from kapital.contracts.tokenization import IssueMoved, OrdersPlaced, PlacedOrder, WithdrawnOrder
from kapital.custody.adapters.in_process import InProcessCustody
from kapital.custody.adapters.keys import SqlKeys
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId, derive_uuid7
from kapital.kernel.retail import RetailMeasure
from kapital.kernel.roles import Role
from kapital.ledger.api import (
    AccountKey,
    Basis,
    BasisKind,
    Committed,
    Ledger,
    OpenWallet,
    Position,
    Posting,
    Refused,
    Transaction,
    money_asset,
)
from kapital.ledger.service import LedgerService
from kapital.platform.approval_rules import ApprovalRule, ApprovalRules
from kapital.platform.awaiting_rules import AwaitingRule, AwaitingRules
from kapital.platform.bus import EmbeddedBus
from kapital.platform.clock import SteppedClock
from kapital.platform.database import Databases
from kapital.platform.events import CloudEvent
from kapital.platform.ids import new_uuid7
from kapital.platform.objects import ObjectStore
from kapital.platform.publication_rules import PublicationStampRule, PublicationStamps
from kapital.platform.retail_rules import RetailRule, RetailRules
from kapital.platform.rule_book import RuleBookInForce
from kapital.platform.rule_book_at_allocation import RuleBookAtAllocation, RuleBookAtAllocationRule
from kapital.platform.unit_of_work import UnitOfWork
from kapital.settlement.reactions import subscriptions as settlement_subscriptions
from kapital.settlement.service import parts_of as settlement_parts
from kapital.tokenization.domain.checklist import Answer, all_hold
from kapital.tokenization.domain.terms import load_terms
from kapital.tokenization.domain.terms_text import plain_value
from kapital.tokenization.reactions import SETTLEMENT_EVENTS, subscriptions
from kapital.tokenization.service import tokenization_of
from kapital.tokenization.use_cases.bound import TokenizationUseCases
from kapital.tokenization.use_cases.draft_decision import DraftDecision
from kapital.tokenization.use_cases.place_orders import NewOrder, PlaceOrders
from kapital.tokenization.use_cases.publish_decision import PublishDecision
from kapital.tokenization.use_cases.review_decision import ReviewDecision
from kapital.tokenization.use_cases.sign_decision import SignDecision
from kapital.tokenization.use_cases.submit_decision import SubmitDecision
from kapital.tokenization.use_cases.withdraw_orders import WithdrawOrders
from tests.acting import simple_acts

START = datetime(2026, 11, 24, 9, tzinfo=UTC)
RUB = money_asset()
EXAMPLES = Path(__file__).parents[2] / "examples" / "issues"
PACKAGES = {name: f"kapital.{name}.migrations" for name in ("tokenization", "ledger", "custody", "settlement")}
_BASIS = Basis(kind=BasisKind.HOLDER_INSTRUCTION, reference="test")
_numbers = count(1)
UNLIMITED = (RetailRule(measure=RetailMeasure.NONE, effective_from=date(2000, 1, 1), basis="tests of other things"),)
AWAITING = (AwaitingRule(effective_from=date(2000, 1, 1), basis="the rule book of the tests"),)


def statuses_changed(who: str, held: dict[str, str | None]) -> tuple[str, dict[str, Any]]:
    """What the registry tells of one who holds these statuses until these instants."""
    statuses = [
        {"status": name, "valid_from": START.isoformat(), "valid_until": until}
        for name, until in {"investor": None, **held}.items()
    ]
    told = {"participant_id": who, "statuses": statuses, "changed_at": START.isoformat()}
    return "registry.participant_statuses_changed", told


class ProcessDied(Exception):
    """Stands for kill -9: no code of ours catches it, nothing after it runs."""


@cache
def _example(name: str) -> Any:
    return plain_value((EXAMPLES / f"{name}.yaml").read_bytes())


def terms(example: str = "fixed-rate-window", **changes: Any) -> bytes:
    """An example's terms with a code of their own; lots and order limits out of the way unless asked for."""
    value = deepcopy(_example(example))
    value |= {"code": f"TEST-{next(_numbers)}", "lot": 1, "min_order_units": 1}
    for name, change in changes.items():
        value[name] = {**value.get(name, {}), **change} if isinstance(change, dict) else change
    value["max_order_units"] = changes.get("max_order_units", value["quantity_max"])
    return json.dumps(value, default=str, ensure_ascii=False).encode()


def staff(*roles: Role) -> Actor:
    return Actor(id=str(uuid4()), participant_id=None, roles=frozenset(roles))


MANAGER, LAWYER = staff(Role.ISSUE_MANAGER), staff(Role.LEGAL)
CLERK, RISK = staff(Role.SETTLEMENT), staff(Role.RISK)


@dataclass(frozen=True)
class Person:
    """A participant with a wallet."""

    actor: Actor
    wallet: UUID

    @property
    def id(self) -> UUID:
        assert self.actor.participant_id is not None
        return self.actor.participant_id


class MortalLedger:
    """The ledger, seen by a process that can be killed before or after a call."""

    def __init__(self, ledger: LedgerService) -> None:
        self._ledger = ledger
        self.die_before_post = False
        self.die_after_post = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def post(self, transactions: Sequence[Transaction]) -> list[Committed | Refused]:
        if self.die_before_post:
            raise ProcessDied
        answers = await self._ledger.post(transactions)
        if self.die_after_post:
            raise ProcessDied
        return answers


@dataclass
class World:
    databases: Databases
    clock: SteppedClock
    ledger: LedgerService
    custody: InProcessCustody
    documents: ObjectStore
    mortal: MortalLedger
    app: TokenizationUseCases
    bus: EmbeddedBus
    bank: dict[str, int] = field(default_factory=lambda: {"kopecks": 0})

    @classmethod
    async def open(cls, databases: Databases, folder: Path) -> "World":
        clock = SteppedClock(START)
        ledger = LedgerService(
            databases.get("ledger"),
            clock,
            rule_book_version="2026-01-01",
            code_version="test",
            origin="kapital.test/ledger",
        )
        await ledger.open_money()
        custody = InProcessCustody(UnitOfWork(databases.get("custody"), clock), SqlKeys(), folder / "keys", None)
        documents = ObjectStore(folder / "objects")
        mortal = MortalLedger(ledger)
        world = cls(
            databases,
            clock,
            ledger,
            custody,
            documents,
            mortal,
            cls._app(databases, clock, mortal, custody, documents),
            EmbeddedBus(databases, clock),
        )
        for types, handler in subscriptions(world.app.parts):
            if types == SETTLEMENT_EVENTS:
                world.bus.subscribe("tokenization", types, handler)
        settlement = settlement_parts(databases.get("settlement"), clock, ledger, None, simple_acts(clock))  # type: ignore[arg-type]
        for types, handler in settlement_subscriptions(settlement):
            if types[0].startswith("kapital.tokenization."):
                world.bus.subscribe("settlement", types, handler)
        return world

    @staticmethod
    def _app(
        databases: Databases,
        clock: SteppedClock,
        ledger: Any,
        custody: InProcessCustody,
        documents: ObjectStore,
        rules: Sequence[RetailRule] = UNLIMITED,
        awaiting: Sequence[AwaitingRule] = AWAITING,
        approval: Sequence[ApprovalRule] = (),
        books: Sequence[RuleBookAtAllocationRule] = (),
        stamps: Sequence[PublicationStampRule] = (),
    ) -> TokenizationUseCases:
        service = tokenization_of(
            databases.get("tokenization"),
            clock,
            ledger=ledger,
            custody=custody,
            documents=documents,
            acts=simple_acts(clock),
            rule_book=RuleBookInForce("2026-01-01"),
            retail_rules=RetailRules(rules),
            awaiting_rules=AwaitingRules(awaiting),
            approval_rules=ApprovalRules(approval),
            rule_book_at_allocation=RuleBookAtAllocation(books),
            publication_stamps=PublicationStamps(stamps),
        )
        return service.use_cases

    def another_process(
        self,
        ledger: Ledger | None = None,
        rules: Sequence[RetailRule] = UNLIMITED,
        awaiting: Sequence[AwaitingRule] = AWAITING,
        approval: Sequence[ApprovalRule] = (),
        books: Sequence[RuleBookAtAllocationRule] = (),
        stamps: Sequence[PublicationStampRule] = (),
    ) -> TokenizationUseCases:
        """The same service in another process: nothing shared but the databases."""
        return self._app(
            self.databases,
            self.clock,
            ledger or self.ledger,
            self.custody,
            self.documents,
            rules,
            awaiting,
            approval,
            books,
            stamps,
        )

    async def close(self) -> None:
        await self.app.close()
        await self.ledger.close()

    # --- people and money

    async def people(self, number: int, *, kopecks: int = 0, role: Role = Role.INVESTOR, **told: Any) -> list[Person]:
        """Participants with open wallets, valid identification and some money."""
        found = []
        for _ in range(number):
            participant = new_uuid7()
            actor = Actor(id=str(participant), participant_id=participant, roles=frozenset({role}))
            found.append(Person(actor, derive_uuid7(participant, "wallet")))
        opening = [
            Transaction(id=new_uuid7(), actor="test", basis=_BASIS, opens=(OpenWallet(p.wallet),)) for p in found
        ]
        await self.post(*opening)
        if kopecks:
            await self.top_up(found, kopecks)
        for person in found:
            await self.tell_of(person, **told)
        return found

    async def tell_of(
        self,
        person: Person,
        *,
        category: str = "unqualified",
        kind: str = "natural_person",
        state: str = "active",
        valid_until: datetime | None = None,
    ) -> None:
        until = valid_until or START + timedelta(days=365)
        who = str(person.id)
        await self.hear(
            (
                "registry.participant_registered",
                {"participant_id": who, "kind": kind, "roles": ["investor"], "rule_book_version": "2026-01-01"},
            ),
            (
                "identity.kyc_decided",
                {
                    "participant_id": who,
                    "outcome": "approved",
                    "category": category,
                    "valid_until": until.isoformat(),
                },
            ),
            statuses_changed(who, {"qualified_by_recognition": None} if category == "qualified" else {}),
            (
                "registry.wallet_opened",
                {
                    "wallet_id": str(person.wallet),
                    "participant_id": who,
                    "profile": "client_self",
                    "roles": ["investor"],
                    "entry_seq": 0,
                },
            ),
            ("registry.participant_state_changed", {"participant_id": who, "state": state}),
        )

    async def hear(self, *told: tuple[str, dict[str, Any]]) -> None:
        """Let tokenization hear events as the bus brings them: one transaction each."""
        for name, data in told:
            event = CloudEvent(
                id=new_uuid7(),
                source=f"/kapital/{name.split('.')[0]}",
                type=f"kapital.{name}.v1",
                subject=str(data.get("participant_id") or data["wallet_id"]),
                time=self.clock.now(),
                data=data,
                correlationid="test",
            )
            for types, handler in subscriptions(self.app.parts):
                if event.type in types:
                    async with self.app.parts.uow.begin() as tx:
                        await handler(tx, [event])

    async def post(self, *transactions: Transaction) -> None:
        for answer in await self.ledger.post(transactions):
            assert isinstance(answer, Committed), answer

    async def top_up(self, people: Sequence[Person], kopecks: int) -> None:
        self.bank["kopecks"] += kopecks * len(people)
        await self.post(
            *(
                Transaction(
                    id=new_uuid7(),
                    actor="test",
                    basis=_BASIS,
                    postings=(
                        Posting(AccountKey(RUB, Position.BANK, RUB), -kopecks),
                        Posting(AccountKey(RUB, Position.AVAILABLE, p.wallet), kopecks),
                    ),
                )
                for p in people
            )
        )

    async def money(self, person: Person, position: Position = Position.AVAILABLE) -> int:
        return (await self.ledger.balances([AccountKey(RUB, position, person.wallet)]))[0]

    async def units(self, person: Person, issue_id: UUID, position: Position = Position.AVAILABLE) -> int:
        return (await self.ledger.balances([AccountKey(issue_id, position, person.wallet)]))[0]

    # --- issues

    async def drafted(self, issuer: Person, example: str = "fixed-rate-window", **changes: Any) -> tuple[UUID, str]:
        draft = await self.app.draft_decision(
            DraftDecision(command_id=key(), actor=issuer.actor, terms=terms(example, **changes))
        )
        assert draft.faults == [], draft.faults
        return draft.issue_id, draft.decision_sha256

    async def published(self, issuer: Person, example: str = "fixed-rate-window", **changes: Any) -> UUID:
        issue_id, sha = await self.drafted(issuer, example, **changes)
        seen: dict[str, Any] = {"issue_id": issue_id, "decision_sha256": sha}
        await self.app.submit_decision(SubmitDecision(command_id=key(), actor=issuer.actor, **seen))
        for reviewer in (MANAGER, LAWYER):
            await self.app.review_decision(
                ReviewDecision(command_id=key(), actor=reviewer, **seen, checklist=await self.answers(issue_id))
            )
        await self.app.sign_decision(SignDecision(command_id=key(), actor=issuer.actor, **seen))
        await self.app.publish_decision(PublishDecision(command_id=key(), actor=MANAGER, **seen))
        return issue_id

    async def answers(self, issue_id: UUID) -> tuple[Answer, ...]:
        """The checklist of a reviewer who found everything in order."""
        async with self.databases.get("tokenization").connect() as conn:
            decision = (await self.app.parts.issues.decisions(conn, [issue_id]))[issue_id]
        return all_hold(load_terms(decision.terms))

    async def opened(self, issuer: Person, example: str = "fixed-rate-window", **changes: Any) -> UUID:
        issue_id = await self.published(issuer, example, **changes)
        issue = await self.issue(issue_id)
        if self.clock.now() < issue["placement_start_at"]:
            self.clock.set(issue["placement_start_at"])
        await self.tick()
        return issue_id

    async def tick(self) -> Any:
        return await self.app.run_schedule(self.clock.now())

    async def to(self, at: datetime) -> None:
        """Go to an instant, let the schedule and the other services do what is due, until nothing more is."""
        if at > self.clock.now():
            self.clock.set(at)
        for _ in range(3):
            await self.tick()
            await self.bus.drain()

    async def closed(self, issue_id: UUID) -> None:
        await self.to((await self.issue(issue_id))["placement_end_at"])

    async def order(
        self, person: Person, issue_id: UUID, units: int, *, command: CommandId | None = None
    ) -> PlacedOrder:
        placed: OrdersPlaced = await self.app.place_orders(
            PlaceOrders(
                command_id=command or key(), actor=person.actor, orders=(NewOrder(issue_id=issue_id, units=units),)
            )
        )
        return placed.items[0]

    async def order_all(self, people: Sequence[Person], issue_id: UUID, units: int) -> list[PlacedOrder]:
        return list(await asyncio.gather(*(self.order(p, issue_id, units) for p in people)))

    async def withdraw(self, person: Person, *orders: PlacedOrder) -> list[WithdrawnOrder]:
        ids = tuple(UUID(str(order.order_id)) for order in orders)
        return (
            await self.app.withdraw_orders(WithdrawOrders(command_id=key(), actor=person.actor, order_ids=ids))
        ).items

    # --- looking

    async def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        async with self.databases.get("tokenization").connect() as conn:
            return [dict(row) for row in (await conn.execute(text(query), values)).mappings()]

    async def issue(self, issue_id: UUID) -> dict[str, Any]:
        return (await self.rows("SELECT * FROM issue WHERE issue_id = :id", id=issue_id))[0]

    async def state(self, issue_id: UUID) -> str:
        return str((await self.issue(issue_id))["state"])

    async def states(self, placed: Sequence[PlacedOrder]) -> list[str]:
        ids = [order.order_id for order in placed]
        rows = await self.rows("SELECT order_id, state FROM subscription_order WHERE order_id = ANY(:ids)", ids=ids)
        found = {row["order_id"]: row["state"] for row in rows}
        return [found[order_id] for order_id in ids]

    async def events(self, name: str) -> list[dict[str, Any]]:
        rows = await self.rows(
            "SELECT data FROM outbox WHERE type = :type ORDER BY id", type=f"kapital.tokenization.{name}.v1"
        )
        return [json.loads(row["data"]) if isinstance(row["data"], str) else row["data"] for row in rows]

    async def actions(self, issue_id: UUID) -> list[dict[str, Any]]:
        return await self.rows("SELECT * FROM corporate_action WHERE issue_id = :id ORDER BY number", id=issue_id)

    async def snapshot(self) -> dict[str, list[dict[str, Any]]]:
        """Everything that a repeat must leave as it is."""
        tables = (
            "issue",
            "subscription_order",
            "fill",
            "corporate_action",
            "payout_part",
            "payout_line",
            "audit_event",
        )
        found = {name: await self.rows(f"SELECT * FROM {name} AS t ORDER BY t::text") for name in tables}
        found["outbox"] = await self.rows("SELECT id, type, data::text FROM outbox ORDER BY id")
        found["ledger"] = [{"size": await self.ledger.size()}]
        return found

    async def check(self) -> None:
        """The invariants that hold after every scenario."""
        assert (await self.ledger.balances([AccountKey(RUB, Position.BANK, RUB)])) == [-self.bank["kopecks"]]
        assert (await self.ledger.check()).clean
        for row in await self.rows("SELECT * FROM dead_letter"):
            raise AssertionError(row)
        await self._every_step_is_audited()
        await self._started_payments_find_their_money()

    async def _started_payments_find_their_money(self) -> None:
        """What is set aside on an issuer's wallet is what its started payments still owe, and of its own orders."""
        rows = await self.rows(
            """
            SELECT issuer_wallet_id AS wallet, sum(coalesce(owed, 0))::bigint AS owed
            FROM issue LEFT JOIN (
                SELECT a.issue_id, sum(p.amount_kopecks) AS owed
                FROM corporate_action a JOIN payout_part p USING (action_id)
                WHERE a.reserved_kopecks > 0 AND p.state <> 'settled'
                    AND (a.state IN ('funded', 'paying') OR EXISTS (SELECT FROM payout_part r
                        WHERE r.action_id = a.action_id AND r.state <> 'waiting'))
                GROUP BY a.issue_id
            ) AS started USING (issue_id)
            WHERE issuer_wallet_id IS NOT NULL GROUP BY issuer_wallet_id
            """
        )
        held = await self.ledger.balances([AccountKey(RUB, Position.RESERVED, row["wallet"]) for row in rows])
        assert held == [row["owed"] for row in rows]

    async def _every_step_is_audited(self) -> None:
        for table, subject in (
            ("issue", "issue_id"),
            ("subscription_order", "order_id"),
            ("corporate_action", "action_id"),
        ):
            # The last audited state of each object is the state that it is in.
            astray = await self.rows(
                f"""
                SELECT t.{subject}, t.state, a.after FROM {table} t
                LEFT JOIN LATERAL (
                    SELECT after ->> 'state' AS after FROM audit_event
                    WHERE subject = t.{subject}::text AND after ? 'state' ORDER BY id DESC LIMIT 1
                ) a ON true
                WHERE a.after IS DISTINCT FROM t.state AND t.state <> 'draft'
                """
            )
            assert astray == []


def key() -> CommandId:
    return CommandId(str(uuid4()))


def moved(answer: IssueMoved) -> str:
    return answer.state
