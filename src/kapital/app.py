"""The composition root: every service of the house in one process, on the parts that the settings name."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kapital.custody.api import KeyNotFound, KeyProfile
from kapital.custody.service import CustodyService, custody_of
from kapital.disclosure.service import DisclosureService, disclosure_of
from kapital.identity.domain.screening import ListSource
from kapital.identity.service import IdentityService, identity_of, kyc_policy_of, scanner_of
from kapital.kernel.actor import Actor, machine_actor
from kapital.kernel.calendar import BusinessCalendar, russian_calendar
from kapital.kernel.clock import Clock
from kapital.kernel.problems import InvariantBroken
from kapital.kernel.roles import Role
from kapital.ledger.adapters.writer_process import WriterProcess
from kapital.ledger.routes import ledger_routes
from kapital.ledger.service import LedgerService, tiles_audit
from kapital.platform.access import current_policies, load_policies, use_policies
from kapital.platform.acts.setup import acts_of
from kapital.platform.approval_rules import ApprovalRules
from kapital.platform.awaiting_rules import AwaitingRules
from kapital.platform.bus import EmbeddedBus
from kapital.platform.certificate_rules import CertificateRules
from kapital.platform.clock import SystemClock, Ticks
from kapital.platform.database import Databases
from kapital.platform.failpoints import take_part
from kapital.platform.http import HttpApp, ServiceRoutes, create_app
from kapital.platform.objects import ObjectStore
from kapital.platform.periodic import attempt
from kapital.platform.postgres import RegisterNotFound, open_databases
from kapital.platform.process import tune_collector
from kapital.platform.publication_rules import PublicationStamps
from kapital.platform.retail_rules import RetailRules
from kapital.platform.rule_book import RuleBookInForce
from kapital.platform.rule_book_at_allocation import RuleBookAtAllocation
from kapital.platform.settings import Settings
from kapital.platform.signatures.powers import PoaStatusSource
from kapital.registry.service import RegistryService, registry_of
from kapital.sandbox.bank.bank import SandboxBank
from kapital.sandbox.bank.escrow_port import SandboxEscrow
from kapital.settlement.ports import Bank, FilesParts, RawMessages
from kapital.settlement.ports.bank_shares import BankShares
from kapital.settlement.ports.escrow import Escrow
from kapital.settlement.service import (
    SettlementService,
    files_bank_of,
    http_bank_of,
    http_escrow_of,
    http_shares_of,
    message_parts_of,
    raw_messages_of,
    sbp_parts_of,
    settlement_of,
    webhook_of,
)
from kapital.tokenization.service import TokenizationService, tokenization_of

MIGRATIONS: Final = {
    "ledger": "kapital.ledger.migrations",
    "custody": "kapital.custody.migrations",
    "registry": "kapital.registry.migrations",
    "identity": "kapital.identity.migrations",
    "tokenization": "kapital.tokenization.migrations",
    "settlement": "kapital.settlement.migrations",
    "disclosure": "kapital.disclosure.migrations",
    "sandbox": "kapital.sandbox.bank.migrations",
}
SCHEDULER: Final[Actor] = machine_actor(Role.SCHEDULER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kapital:
    """All services of one process. `sandbox_bank` is None when the settings name another bank."""

    settings: Settings
    clock: Clock
    databases: Databases
    bus: EmbeddedBus
    ledger: LedgerService
    custody: CustodyService
    registry: RegistryService
    identity: IdentityService
    tokenization: TokenizationService
    settlement: SettlementService
    disclosure: DisclosureService
    sandbox_bank: SandboxBank | None
    objects: ObjectStore

    @property
    def bank(self) -> SandboxBank:
        """The sandbox bank of this process, for demonstrations and tests."""
        if self.sandbox_bank is None:
            raise InvariantBroken("only the sandbox bank of this process has a counter to stand behind")
        return self.sandbox_bank

    def routes(self) -> list[ServiceRoutes]:
        """Routes of every service."""
        return [
            ledger_routes(self.ledger),
            self.registry.routes,
            self.identity.routes,
            self.tokenization.routes,
            self.settlement.routes,
            self.custody.routes,
            self.disclosure.routes,
        ]

    def ticks(self) -> list[tuple[str, Ticks]]:
        """What time alone brings in each service."""
        return [
            ("registry", self.registry.ticks),
            ("identity", self.identity.ticks),
            ("settlement", self.settlement.ticks),
            ("tokenization", self.tokenization.ticks),
        ]

    async def tick(self, now: datetime) -> None:
        """Do everything that time alone brings, once. May be called at any time by any number of processes."""
        for _, ticks in self.ticks():
            for tick in ticks:
                await tick(now)

    async def settle_down(self) -> None:
        """Tick and deliver until nothing moves; for demonstrations and tests."""
        await self.tick(self.clock.now())
        await self.bus.drain()
        await self.tick(self.clock.now())
        await self.bus.drain()


@asynccontextmanager
async def open_kapital(
    settings: Settings,
    clock: Clock | None = None,
    *,
    create: bool = True,
    powers: PoaStatusSource | None = None,
) -> AsyncIterator[Kapital]:
    """Open databases, bring their schemas up to date, build every service, close all at the end.

    `powers`: the register of powers of attorney (МЧД); without one none has a status, and what needs it waits.
    Without `create` an installation that is not there is refused: a check of a new register would prove nothing.
    Raises: FailpointNotAllowed, PoliciesUnusable, RegisterNotFound, EmbeddedPostgresFailed, DatabaseUnavailable, and
    what custody raises for a wrong passphrase.
    """
    take_part(settings)
    tune_collector()
    clock = clock or SystemClock()
    use_policies(load_policies(settings.policies_dir))
    async with AsyncExitStack() as opened:
        databases = await open_databases(settings, create=create)
        opened.push_async_callback(databases.close)
        for name, package in MIGRATIONS.items():
            await databases.get(name).migrate(package)
        yield await _build(settings, clock, databases, opened, create=create, powers=powers)


async def _build(
    settings: Settings,
    clock: Clock,
    databases: Databases,
    opened: AsyncExitStack,
    *,
    create: bool,
    powers: PoaStatusSource | None,
) -> Kapital:
    """Build every part. What has to be closed is known to `opened` at once: a later part may fail."""
    objects = ObjectStore(settings.data_dir / "objects")
    # Under their hash, so that the policies behind every recorded decision can be read for as long as it is kept.
    await objects.put(current_policies().content)
    custody = custody_of(
        databases.get("custody"), clock, data_dir=settings.data_dir, passphrase=settings.custody_passphrase
    )
    opened.push_async_callback(custody.close)
    await custody.start()
    await _require_log_key(custody, settings, create=create)
    rule_book = RuleBookInForce(settings.rule_book_version)
    ledger = LedgerService(
        databases.get("ledger"),
        clock,
        rule_book_version=settings.rule_book_version,
        code_version=settings.code_version,
        origin=settings.log_origin,
        signers=[await custody.custody.signer(settings.log_origin)],
        audit=tiles_audit(settings.data_dir / "audit"),
        writer=WriterProcess,
    )
    opened.push_async_callback(ledger.close)
    await ledger.ready()
    rule_book.tell(ledger.follow_rule_book)
    raw_messages = raw_messages_of(databases.get("settlement"), clock, settings.data_dir / "bank-messages")
    banking = _bank_of(settings, databases, clock, opened, raw_messages)
    opened_acts = acts_of(settings, clock, objects, powers)
    opened.push_async_callback(opened_acts.close)
    acts = opened_acts.acts
    registry = registry_of(
        databases.get("registry"),
        clock,
        ledger=ledger,
        custody=custody.custody,
        operator=settings.operator_name,
        rule_book=rule_book,
        acts=acts,
        rule_book_sha256=settings.rule_book_sha256,
        certificates=CertificateRules(settings.certificate_required),
    )
    await registry.start()
    identity = identity_of(
        databases.get("identity"),
        clock,
        ledger=ledger,
        acts=acts,
        objects=objects,
        scanner=scanner_of(settings),
        policy=kyc_policy_of(settings),
        required_lists=frozenset(map(ListSource, settings.screening_required_lists)),
    )
    # Before any other part may move what is to be frozen. One freeze that the register refuses keeps no house shut.
    await attempt("freezes", identity.start(clock.now()))
    settlement = settlement_of(
        databases.get("settlement"),
        clock,
        ledger=ledger,
        bank=banking.bank,
        acts=acts,
        messages=message_parts_of(
            settings.data_dir / "bank-messages",
            account=settings.bank_account,
            certificates=settings.bank_certificates.read_bytes() if settings.bank_certificates else None,
            files=banking.files,
        ),
        tax_rules=settings.tax_at_payout,
        escrow=banking.escrow if settings.bank_escrow else None,
        shares=banking.shares if settings.bank_shares else None,
        sbp=sbp_parts_of(
            settings.sbp_rules,
            qr_minutes=settings.sbp_qr_minutes,
            webhook=webhook_of(settings, raw_messages),
            offered=banking.files is None,
        ),
        withdrawal_rules=settings.withdrawal_rules,
    )
    await settlement.start()
    tokenization = tokenization_of(
        databases.get("tokenization"),
        clock,
        ledger=ledger,
        custody=custody.custody,
        documents=objects,
        acts=acts,
        rule_book=rule_book,
        retail_rules=RetailRules(settings.retail_rules),
        awaiting_rules=AwaitingRules(settings.orders_await_funds),
        approval_rules=ApprovalRules(settings.actions_approved_by_two),
        calendar=_calendar_of(settings),
        rule_book_at_allocation=RuleBookAtAllocation(settings.rule_book_at_allocation),
        operator_inn=settings.operator_inn,
        publication_stamps=PublicationStamps(settings.publication_stamp_required),
    )
    opened.push_async_callback(tokenization.close)
    disclosure = disclosure_of(databases.get("disclosure"), objects, operator_name=settings.operator_name)
    bus = EmbeddedBus(databases, clock, poll_interval_s=settings.bus_poll_interval_ms / 1000, unheard=("custody",))
    for consumer, subscriptions in (
        ("registry", registry.subscriptions),
        ("identity", identity.subscriptions),
        ("tokenization", tokenization.subscriptions),
        ("settlement", settlement.subscriptions),
        ("disclosure", disclosure.subscriptions),
    ):
        for event_types, handler in subscriptions:
            bus.subscribe(consumer, event_types, handler)
    await tokenization.start()
    return Kapital(
        settings=settings,
        clock=clock,
        databases=databases,
        bus=bus,
        ledger=ledger,
        custody=custody,
        registry=registry,
        identity=identity,
        tokenization=tokenization,
        settlement=settlement,
        disclosure=disclosure,
        sandbox_bank=banking.sandbox,
        objects=objects,
    )


@dataclass(frozen=True, slots=True)
class _Banking:
    """The bank by its ports: what it does not offer is None. `sandbox`: it is of this process."""

    bank: Bank
    sandbox: SandboxBank | None = None
    escrow: Escrow | None = None
    shares: BankShares | None = None
    files: FilesParts | None = None


def _bank_of(
    settings: Settings, databases: Databases, clock: Clock, opened: AsyncExitStack, raw: RawMessages
) -> _Banking:
    """The bank that the settings choose. Raises: BankSettingsUnusable."""
    if settings.bank == "files":
        by_files, files = files_bank_of(settings, databases.get("settlement"), clock)
        return _Banking(by_files, files=files)
    if settings.bank == "http":
        bank = http_bank_of(settings, raw)
        opened.push_async_callback(bank.close)
        return _Banking(bank, escrow=http_escrow_of(bank), shares=http_shares_of(bank))
    sandbox_bank = SandboxBank(databases.get("sandbox"), clock)
    return _Banking(sandbox_bank, sandbox=sandbox_bank, escrow=SandboxEscrow(sandbox_bank))


def _calendar_of(settings: Settings) -> BusinessCalendar:
    """The packaged years, those of the operator's own file, and provisional ones after them.

    Raises: CalendarFileMalformed; OSError for a file that cannot be read.
    """
    if settings.calendar is None:
        return russian_calendar().with_provisional_years()
    own = BusinessCalendar.from_csv("ru", settings.calendar.read_text(encoding="utf-8"))
    return russian_calendar().with_years_of(own).with_provisional_years()


async def _require_log_key(custody: CustodyService, settings: Settings, *, create: bool) -> None:
    """Make sure that the log's key is there. Without `create` another name of the log would be another log.

    Raises: RegisterNotFound.
    """
    if create:
        await custody.custody.ensure_key(settings.log_origin, KeyProfile.ANCHOR)
        return
    try:
        await custody.custody.key(settings.log_origin)
    except KeyNotFound as error:
        raise RegisterNotFound(
            f"no log {settings.log_origin} in {settings.data_dir} (KAPITAL_LOG_ORIGIN, KAPITAL_DATA_DIR)"
        ) from error


def http_app(kapital: Kapital) -> HttpApp:
    """The HTTP application of all services."""
    return create_app(
        kapital.routes(),
        settings=kapital.settings,
        databases=kapital.databases,
        verifier=kapital.registry.verifier,
        parts={"ledger_writer": lambda: kapital.ledger.stopped},
    )
