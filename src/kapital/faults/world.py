"""The world of a fault run: people with money, an issue that pays coupons, issues to be placed, and two processes.

It is made once, by the use cases that serve the staff; one case after another goes on in it. One in which something
broke is thrown away.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from kapital.app import Kapital, open_kapital
from kapital.demo.cast import Player, bring_on_stage, command
from kapital.demo.run import examples_folder
from kapital.demo.signing import Signing
from kapital.demo.story import publish
from kapital.faults.clock import RunClock
from kapital.faults.finding import BankKind
from kapital.faults.processes import NOTICES, BankProcess, House, HouseProcess, HouseStart, exchange_of, free_port
from kapital.faults.statements import Statements
from kapital.kernel.actor import Actor
from kapital.kernel.roles import Role
from kapital.platform.database import Database, dsn_for
from kapital.platform.failpoints import make_fault_run
from kapital.platform.postgres import SERVICES
from kapital.registry.domain.access import TokenSubjectKind
from kapital.registry.use_cases.issue_access_token import IssueAccessToken
from kapital.registry.use_cases.register_staff import RegisterStaff
from kapital.sandbox.bank.bank import DATABASE, SandboxBank
from kapital.tokenization.domain.terms import load_terms
from kapital.tokenization.domain.terms_text import plain_value

START: Final = datetime(2026, 12, 1, 7, tzinfo=UTC)
INVESTORS: Final = 4
PRICE_KOPECKS: Final = 1_000
FUNDS_KOPECKS: Final = 10**9
UNITS_MAX: Final = 100_000
COUPONS: Final = ("2027-01-14", "2027-02-14", "2027-03-14", "2027-04-14", "2027-05-14", "2027-06-14", "2027-07-14")
REDEEMED_ON: Final = "2027-08-14"
OFFICES: Final = ((Role.SETTLEMENT, 1), (Role.SETTLEMENT, 2), (Role.RISK, 1))
"""Who works in them: role and number."""
_PAID_WITHIN: Final = timedelta(days=4)
"""A coupon that falls on a day of rest is paid on the first working day after it."""
_HOUR: Final = timedelta(hours=1)
_TOKEN_LIFE: Final = timedelta(hours=23)
_ADMINISTRATOR: Final = Actor(id="machine:faults", participant_id=None, roles=frozenset({Role.ADMIN}))


@dataclass(frozen=True, slots=True)
class ToPlace:
    """A published issue whose placement ends at an instant."""

    issue_id: UUID
    ends_at: datetime


@dataclass(slots=True, kw_only=True)
class World:
    """`kapital` looks and never works: it is open beside the house, on the same databases. `bank_side` is the bank's
    own people. `placements` and `coupons` are what is left to be played; of what is `placed` everybody has
    units. `put_in`: kopecks that clients put on accounts of their own at the bank, by БИК and number. `bank_erred`:
    the bank's money moved without an operation, or on another day, so that no statement of it adds up. `kind`: how
    the bank is spoken to."""

    folder: Path
    clock: RunClock
    kapital: Kapital
    house: HouseProcess
    bank: BankProcess
    bank_side: SandboxBank
    statements: Statements
    investors: list[Player]
    issuer: Player
    placements: list[ToPlace] = field(default_factory=list)
    coupons: list[datetime] = field(default_factory=list)
    placed: list[UUID] = field(default_factory=list)
    rows: dict[str, asyncpg.Connection] = field(default_factory=dict)
    put_in: Counter[tuple[str, str]] = field(default_factory=Counter)
    bank_erred: bool = False
    kind: BankKind = BankKind.PLAIN
    _staff: dict[tuple[Role, int], UUID] = field(default_factory=lambda: {one: uuid4() for one in OFFICES})
    # A connection serves one question at a time; who plays and who starts the house again both ask.
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def exchange(self) -> Path:
        """The exchange folder of a bank by files."""
        return exchange_of(self.folder)

    @property
    def house_folder(self) -> Path:
        """The data of the house, where failpoints are armed."""
        return self.kapital.settings.data_dir

    async def fetch(self, service: str, query: str, *values: Any) -> list[asyncpg.Record]:
        """Rows of a database of the house, or of the bank (`sandbox_bank`)."""
        async with self._asking:
            return list(await self.rows[service].fetch(query, *values))

    async def value(self, service: str, query: str, *values: Any) -> Any:
        """One value."""
        async with self._asking:
            return await self.rows[service].fetchval(query, *values)

    def phone_of(self, player: Player) -> str:
        """The phone at which the SBP pays an investor."""
        return f"+7900{self.investors.index(player):07d}"

    async def headers(self, player: Player) -> dict[str, str]:
        """The headers of a participant's requests."""
        return await self._headers(TokenSubjectKind.PARTICIPANT, player.participant_id, player.actor.roles)

    async def office_headers(self, role: Role, person: int = 1) -> dict[str, str]:
        """The headers of a member of the staff of an office."""
        return await self._headers(TokenSubjectKind.STAFF, self._staff[role, person], frozenset({role}))

    async def hire(self) -> None:
        """Register the members of each office."""
        for (role, _), staff_id in self._staff.items():
            await self.kapital.registry.use_cases.register_staff(
                RegisterStaff(command_id=command(), actor=_ADMINISTRATOR, staff_id=staff_id, roles=frozenset({role}))
            )

    async def _headers(self, kind: TokenSubjectKind, subject: UUID, roles: frozenset[Role]) -> dict[str, str]:
        issued = await self.kapital.registry.use_cases.issue_access_token(
            IssueAccessToken(
                command_id=command(),
                actor=_ADMINISTRATOR,
                subject_kind=kind,
                subject_id=subject,
                roles=roles,
                expires_at=self.clock.now() + _TOKEN_LIFE,
            )
        )
        return {"Authorization": f"Bearer {issued.token}"}


@asynccontextmanager
async def open_world(
    folder: Path, dsn: str, house: House, *, placements: int, kind: BankKind = BankKind.PLAIN
) -> AsyncIterator[World]:
    """Make a world in a new folder on databases of its own, and start its house. Ends both processes at the end."""
    async with AsyncExitStack() as opened:
        await asyncio.to_thread(folder.mkdir, parents=True)
        await _drop_databases(dsn)
        clock = RunClock(folder)
        clock.start_at(START)
        port = free_port()
        calls_back = f"http://127.0.0.1:{port}{NOTICES}"
        bank = BankProcess(folder / "bank", dsn, free_port(), calls_back, kind)
        opened.push_async_callback(bank.stop)
        await bank.start()
        statements = Statements(folder, clock)
        start = HouseStart(
            folder=folder / "house",
            dsn=dsn,
            port=port,
            token=make_fault_run(folder / "house"),
            bank_url=bank.url,
            bank_token_file=bank.token_file,
            bank_answer_key=bank.answer_key,
            bank_webhook_key=bank.webhook_key,
            bank_certificates=bank.files_root if kind is BankKind.FILES else statements.certificates,
            run_folder=folder,
            kind=kind,
        )
        kapital = await opened.enter_async_context(open_kapital(start.settings(may_die=False), clock))
        database = Database(DATABASE, dsn_for(dsn, f"kapital_{DATABASE}"), pool_size=2)
        opened.push_async_callback(database.close)
        process = HouseProcess(house, start)
        opened.push_async_callback(process.stop)
        bank_side = SandboxBank(database, clock)
        world = await _made(kapital, clock, folder, process, bank, bank_side, statements, placements)
        world.kind = kind
        for service in (*SERVICES, DATABASE):
            world.rows[service] = await asyncpg.connect(dsn_for(dsn, f"kapital_{service}"))
            opened.push_async_callback(world.rows[service].close)
        process.start()
        await process.well()
        yield world


async def _made(
    kapital: Kapital,
    clock: RunClock,
    folder: Path,
    house: HouseProcess,
    bank: BankProcess,
    bank_side: SandboxBank,
    statements: Statements,
    placements: int,
) -> World:
    first = _coupon_terms(clock.now() + _HOUR)
    investors, [issuer] = await bring_on_stage(kapital, INVESTORS, [load_terms(first)])
    world = World(
        folder=folder,
        clock=clock,
        kapital=kapital,
        house=house,
        bank=bank,
        bank_side=bank_side,
        statements=statements,
        investors=investors,
        issuer=issuer,
    )
    await world.hire()
    await bank_side.receive_many([(FUNDS_KOPECKS, player.top_up_purpose) for player in investors])
    signing = Signing(None, clock)
    ends_at = clock.now() + _HOUR
    world.placements.append(ToPlace(await publish(kapital, signing, issuer, first), ends_at))
    for number in range(1, placements):
        ends_at += _HOUR
        text = _discount_terms(number, clock.now(), ends_at)
        world.placements.append(ToPlace(await publish(kapital, signing, issuer, text), ends_at))
    world.coupons += [datetime.fromisoformat(f"{on}T12:00:00+03:00") + _PAID_WITHIN for on in COUPONS]
    await kapital.settle_down()
    return world


def _coupon_terms(ends_at: datetime) -> bytes:
    value: dict[str, Any] = plain_value((examples_folder() / "fixed-rate-window.yaml").read_bytes())
    value |= _common("FAULTS-COUPON", START, ends_at)
    value["payoff"] |= {"accrual_start_on": "2026-12-14", "coupon_dates": [*COUPONS, REDEEMED_ON]}
    value["redemption"] |= {"on": REDEEMED_ON}
    return json.dumps(value, default=str, ensure_ascii=False).encode()


def _discount_terms(number: int, starts_at: datetime, ends_at: datetime) -> bytes:
    value: dict[str, Any] = plain_value((examples_folder() / "discount-one-month.yaml").read_bytes())
    issuer = plain_value((examples_folder() / "fixed-rate-window.yaml").read_bytes())["issuer"]
    value |= _common(f"FAULTS-{number}", starts_at, ends_at) | {"issuer": issuer}
    value["payoff"] = {"kind": "discount", "redemption_kopecks": PRICE_KOPECKS + 1}
    value["redemption"] |= {"on": "2027-11-15"}
    return json.dumps(value, default=str, ensure_ascii=False).encode()


def _common(code: str, starts_at: datetime, ends_at: datetime) -> dict[str, Any]:
    return {
        "code": code,
        "quantity_min": 1,
        "quantity_max": UNITS_MAX,
        "min_order_units": 1,
        "max_order_units": UNITS_MAX,
        "lot": 1,
        "price_kopecks": PRICE_KOPECKS,
        "placement_start_at": starts_at.replace(microsecond=0).isoformat(),
        "placement_end_at": ends_at.replace(microsecond=0).isoformat(),
    }


async def _drop_databases(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for service in (*SERVICES, DATABASE):
            await connection.execute(f'DROP DATABASE IF EXISTS "kapital_{service}" WITH (FORCE)')
    finally:
        await connection.close()
