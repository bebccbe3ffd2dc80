"""The whole house in a test, and the words in which the acceptance scenarios are told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx
import msgspec
from pydantic import SecretStr
from sqlalchemy import text

from kapital.app import Kapital, http_app, open_kapital
from kapital.contracts.tokenization import OrdersPlaced, PlacedOrder, WithdrawnOrder
from kapital.demo.cast import ISSUE_MANAGER, LEGAL, Player, bring_on_stage
from kapital.demo.story import start_of
from kapital.invariants import check_invariants
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.ledger.api import AccountKey, Position, money_asset
from kapital.platform.clock import SteppedClock
from kapital.platform.settings import Settings
from kapital.platform.signatures.powers import PoaStatusSource
from kapital.registry.domain.access import TokenSubjectKind
from kapital.registry.use_cases.issue_access_token import IssueAccessToken
from kapital.registry.use_cases.register_staff import RegisterStaff
from kapital.tokenization.domain.checklist import all_hold
from kapital.tokenization.domain.terms import load_terms
from kapital.tokenization.use_cases.draft_decision import DraftDecision
from kapital.tokenization.use_cases.place_orders import NewOrder, PlaceOrders
from kapital.tokenization.use_cases.publish_decision import PublishDecision
from kapital.tokenization.use_cases.review_decision import ReviewDecision
from kapital.tokenization.use_cases.sign_decision import SignDecision
from kapital.tokenization.use_cases.submit_decision import SubmitDecision
from kapital.tokenization.use_cases.withdraw_orders import WithdrawOrders
from tests.commands import Told, run
from tests.tokenization.world import terms

RUB = money_asset()
PRICE = 100_000
"""Kopecks a unit in every issue of the scenarios."""
ADMINISTRATOR = Actor(id="machine:test", participant_id=None, roles=frozenset({Role.ADMIN}))
START = start_of([load_terms(terms())])


class Issue(NamedTuple):
    """A published issue."""

    id: UUID
    issuer: Player
    opens_at: datetime
    closes_at: datetime


@dataclass
class House:
    """All services of one process over databases of their own, and a client of their HTTP."""

    kapital: Kapital
    clock: SteppedClock
    web: httpx.AsyncClient
    server: str
    folder: Path
    investors: list[Player] = field(default_factory=list)
    money_in: int = 0

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        server: str,
        folder: Path,
        *,
        clock: SteppedClock | None = None,
        powers: PoaStatusSource | None = None,
        **changes: Any,
    ) -> AsyncIterator["House"]:
        """Open a house on the databases of `server`, with everything else in `folder`; `changes` are settings."""
        clock = clock or SteppedClock(START)
        settings = Settings(
            data_dir=folder,
            database_url=SecretStr(server),
            database_pool_size=10,
            **({"acts_signed": "simple"} | changes),
        )
        async with (
            open_kapital(settings, clock, powers=powers) as kapital,
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=http_app(kapital)),
                base_url="http://kapital.test",
            ) as web,
        ):
            yield cls(kapital, clock, web, server, folder)

    # --- people and money

    async def people(self, investors: int, *decisions: bytes, kopecks: int = 0) -> list[Player]:
        """Bring investors and one issuer for each decision; each investor pays in. Returns the issuers."""
        self.investors, issuers = await bring_on_stage(self.kapital, investors, [load_terms(d) for d in decisions])
        if kopecks:
            await self.pay_in(self.investors, kopecks)
        return issuers

    async def pay_in(self, players: Sequence[Player], kopecks: int) -> None:
        """Each player pays the same sum from its bank account, with its code in the purpose."""
        await self.kapital.bank.receive_many([(kopecks, player.top_up_purpose) for player in players])
        self.money_in += kopecks * len(players)
        await self.kapital.settle_down()

    async def money(self, player: Player, position: Position = Position.AVAILABLE) -> int:
        """Kopecks of a player."""
        return (await self.kapital.ledger.balances([AccountKey(RUB, position, player.wallet)]))[0]

    async def moneys(self, position: Position = Position.AVAILABLE) -> list[int]:
        """Kopecks of each investor."""
        return await self.kapital.ledger.balances([AccountKey(RUB, position, p.wallet) for p in self.investors])

    async def units(self, issue: Issue) -> list[int]:
        """Units of each investor."""
        keys = [AccountKey(issue.id, Position.AVAILABLE, player.wallet) for player in self.investors]
        return await self.kapital.ledger.balances(keys)

    # --- issues

    async def published(self, issuer: Player, decision: bytes) -> Issue:
        """Bring a decision from draft to publication."""
        app = self.kapital.tokenization.use_cases
        draft = await app.draft_decision(DraftDecision(command_id=key(), actor=issuer.actor, terms=decision))
        assert draft.faults == [], draft.faults
        seen: dict[str, Any] = {"issue_id": draft.issue_id, "decision_sha256": draft.decision_sha256}
        await app.submit_decision(SubmitDecision(command_id=key(), actor=issuer.actor, **seen))
        answers = all_hold(load_terms(decision))
        for reviewer in (ISSUE_MANAGER, LEGAL):
            await app.review_decision(ReviewDecision(command_id=key(), actor=reviewer, checklist=answers, **seen))
        await app.sign_decision(SignDecision(command_id=key(), actor=issuer.actor, **seen))
        await app.publish_decision(PublishDecision(command_id=key(), actor=ISSUE_MANAGER, **seen))
        await self.kapital.bus.drain()
        told = load_terms(decision)
        return Issue(draft.issue_id, issuer, told.placement_start_at, told.placement_end_at)

    async def opened(
        self, investors: int, *, units_each: int, example: str = "fixed-rate-window", **changes: Any
    ) -> Issue:
        """An issue in placement, and investors with money for so many units each."""
        decision = terms(example, **changes)
        [issuer] = await self.people(investors, decision, kopecks=units_each * PRICE)
        issue = await self.published(issuer, decision)
        await self.to(issue.opens_at)
        assert await self.state(issue) == "placement_open"
        return issue

    async def to(self, at: datetime) -> None:
        """Go to an instant and let everything happen that is due."""
        self.clock.advance(max(at - self.clock.now(), timedelta(0)))
        await self.kapital.settle_down()

    async def closed(self, issue: Issue) -> None:
        """Go past the close and let allocation, delivery against payment and refunds happen."""
        await self.to(issue.closes_at + timedelta(seconds=1))

    async def orders(
        self, player: Player, issue: Issue, *units: int, command: CommandId | None = None
    ) -> OrdersPlaced:
        """Place orders with one command."""
        return await self.kapital.tokenization.use_cases.place_orders(
            PlaceOrders(
                command_id=command or key(),
                actor=player.actor,
                orders=tuple(NewOrder(issue_id=issue.id, units=n) for n in units),
            )
        )

    async def order(self, player: Player, issue: Issue, units: int) -> PlacedOrder:
        """Place one order."""
        return (await self.orders(player, issue, units)).items[0]

    async def withdraw(self, player: Player, order: PlacedOrder) -> WithdrawnOrder:
        """Withdraw one order."""
        ids = (UUID(str(order.order_id)),)
        return (
            await self.kapital.tokenization.use_cases.withdraw_orders(
                WithdrawOrders(command_id=key(), actor=player.actor, order_ids=ids)
            )
        ).items[0]

    # --- looking

    async def rows(self, service: str, query: str, **values: Any) -> list[dict[str, Any]]:
        """Rows of a service's database."""
        async with self.kapital.databases.get(service).connect() as conn:
            return [dict(row) for row in (await conn.execute(text(query), values)).mappings()]

    async def state(self, issue: Issue) -> str:
        """State of an issue."""
        [row] = await self.rows("tokenization", "SELECT state FROM issue WHERE issue_id = :id", id=issue.id)
        return str(row["state"])

    async def order_states(self, issue: Issue) -> list[str]:
        """State of each order of an issue, in order of arrival."""
        rows = await self.rows(
            "tokenization",
            "SELECT state FROM subscription_order WHERE issue_id = :id ORDER BY created_at, order_id",
            id=issue.id,
        )
        return [row["state"] for row in rows]

    async def unit_records(self, issue: Issue) -> list[Any]:
        """Entries of the ledger that move units of the issue."""
        entries = await self.kapital.ledger.entries(0, min(10_000, await self.kapital.ledger.size()))
        decoded = [msgspec.json.decode(entry.body) for entry in entries]
        return [e for e in decoded if any(p["account"]["asset"] == str(issue.id) for p in e.get("postings", []))]

    async def public_page(self, issue: Issue) -> tuple[dict[str, Any], str]:
        """What disclosure tells everybody of an issue: data, and the page in English."""
        data = await self.web.get(f"/v1/disclosure/issues/{issue.id}")
        page = await self.web.get(f"/disclosure/issues/{issue.id}", params={"lang": "en"})
        assert (data.status_code, page.status_code) == (200, 200)
        return data.json(), page.text

    async def token(self, player: Player) -> dict[str, str]:
        """Headers of a player's requests, with an idempotency key of their own."""
        issued = await self.kapital.registry.use_cases.issue_access_token(
            IssueAccessToken(
                command_id=key(),
                actor=ADMINISTRATOR,
                subject_kind=TokenSubjectKind.PARTICIPANT,
                subject_id=UUID(str(player.actor.participant_id)),
                roles=player.actor.roles,
                expires_at=self.clock.now() + timedelta(hours=8),
            )
        )
        return {"Authorization": f"Bearer {issued.token}", "Idempotency-Key": key()}

    async def staff_token(self, *roles: Role) -> dict[str, str]:
        """Headers of a member of the staff."""
        staff_id = uuid4()
        await self.kapital.registry.use_cases.register_staff(
            RegisterStaff(command_id=key(), actor=ADMINISTRATOR, staff_id=staff_id, roles=frozenset(roles))
        )
        issued = await self.kapital.registry.use_cases.issue_access_token(
            IssueAccessToken(
                command_id=key(),
                actor=ADMINISTRATOR,
                subject_kind=TokenSubjectKind.STAFF,
                subject_id=staff_id,
                roles=frozenset(roles),
                expires_at=self.clock.now() + timedelta(hours=8),
            )
        )
        return {"Authorization": f"Bearer {issued.token}", "Idempotency-Key": key()}

    async def cli(self, *arguments: str) -> Told:
        """Run `kapital …` on this house, in a process of its own."""
        of_this = {"KAPITAL_DATA_DIR": str(self.folder), "KAPITAL_DATABASE_URL": self.server}
        return await asyncio.to_thread(lambda: run(*arguments, **of_this))

    @asynccontextmanager
    async def another_process(self) -> AsyncIterator[Kapital]:
        """The same house in another process: nothing shared but databases, folder and the clock."""
        async with open_kapital(self.kapital.settings, self.clock) as other:
            yield other

    async def must_be_sound(self) -> None:
        """Check all seven invariants, that no event was parked, and that all money is where it came in."""
        found = await check_invariants(self.kapital)
        assert found.findings == []
        assert all(found.holds().values())
        for service in ("registry", "identity", "tokenization", "settlement", "disclosure"):
            assert await self.rows(service, "SELECT * FROM dead_letter") == []
        assert await self.kapital.bank.balance_kopecks() == self.money_in
        assert await self.kapital.ledger.balances([AccountKey(RUB, Position.BANK, RUB)]) == [-self.money_in]


def refusal(answer: PlacedOrder | WithdrawnOrder) -> str | None:
    """The code with which an order or a withdrawal was refused, or None."""
    told = answer.refusal
    return None if told is msgspec.UNSET or told is None else told.code


def key() -> CommandId:
    """A new idempotency key."""
    return CommandId(str(uuid4()))
