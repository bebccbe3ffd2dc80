"""Puts the parts of settlement together; the only place that chooses adapters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from litestar.di import Provide

from kapital.kernel.clock import Clock
from kapital.kernel.problems import ensure
from kapital.ledger.api import Ledger
from kapital.platform.acts.checking import Acts
from kapital.platform.bus import Subscriptions
from kapital.platform.clock import Ticks
from kapital.platform.database import Database
from kapital.platform.http import ServiceRoutes
from kapital.platform.objects import ObjectStore
from kapital.platform.settings import Settings
from kapital.platform.tax_rules import TaxAtPayoutRule
from kapital.platform.unit_of_work import UnitOfWork
from kapital.settlement.adapters.bank_directory_table import BankDirectoryTable
from kapital.settlement.adapters.bank_edge import PostgresBankEdge
from kapital.settlement.adapters.beneficiary_table import BeneficiaryTable
from kapital.settlement.adapters.http_bank import HttpBank, open_http_bank
from kapital.settlement.adapters.incoming_message_table import IncomingMessageTable
from kapital.settlement.adapters.incoming_payment_table import IncomingPaymentTable
from kapital.settlement.adapters.measure_table import MeasureTable
from kapital.settlement.adapters.message_file import MESSAGE_BYTES_MAX, BankCertificates, MessageStore
from kapital.settlement.adapters.payout_table import PayoutTables
from kapital.settlement.adapters.reconciliation_table import ReconciliationTable
from kapital.settlement.adapters.settlement_job_table import SettlementJobTable
from kapital.settlement.adapters.tax_table import TaxTables
from kapital.settlement.adapters.withdrawal_table import WithdrawalTable
from kapital.settlement.domain.problems import BankSettingsUnusable
from kapital.settlement.domain.tax import Residency, RussianIncomeTax, TaxAgent, TaxRule
from kapital.settlement.ports import Bank, MessageParts, Parts, TaxParts
from kapital.settlement.reactions import subscriptions
from kapital.settlement.routes import HANDLERS
from kapital.settlement.use_cases.bound import SettlementUseCases

NAME: Final = "settlement"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementService:
    """Settlement of one process. `use_cases.reconcile` is to be called every few minutes (scenario 20).

    A tick raises `Unavailable` (BankSilent and others) when it can do no more now; the next one goes on.
    """

    use_cases: SettlementUseCases
    routes: ServiceRoutes
    subscriptions: Subscriptions
    ticks: Ticks

    async def start(self) -> None:
        """Open the nominal account in the ledger, if it is not; before any money moves."""
        await self.use_cases.open_nominal_account()


def settlement_of(
    database: Database,
    clock: Clock,
    *,
    ledger: Ledger,
    bank: Bank,
    acts: Acts,
    messages: MessageParts | None = None,
    tax_rules: Sequence[TaxAtPayoutRule] = (),
) -> SettlementService:
    """Settlement over its own database, a ledger and a bank. Without `messages` no message of a bank is taken in.

    Without `tax_rules` nothing is withheld from payouts.
    """
    parts = parts_of(database, clock, ledger, bank, acts, tax_rules)
    use_cases = SettlementUseCases(parts, messages)

    async def book(_now: datetime) -> None:
        await use_cases.book_incoming()

    async def pay(_now: datetime) -> None:
        await use_cases.run_withdrawals()

    async def settle(_now: datetime) -> None:
        await use_cases.settle_waiting()

    async def collect(_now: datetime) -> None:
        await use_cases.collect_tax()

    return SettlementService(
        use_cases=use_cases,
        routes=ServiceRoutes(
            name=NAME,
            handlers=HANDLERS,
            dependencies={"settlement": Provide(lambda: parts, sync_to_thread=False)},
        ),
        subscriptions=subscriptions(parts),
        ticks=(book, pay, settle, collect),
    )


def http_bank_of(settings: Settings) -> HttpBank:
    """The bank that the settings name. Raises: BankSettingsUnusable."""
    ensure(settings.bank_url is not None and settings.bank_token_file is not None, "the settings checked it")
    try:
        return open_http_bank(
            str(settings.bank_url),
            token_file=Path(str(settings.bank_token_file)),
            answer_key_file=settings.bank_answer_key,
            authorities=settings.bank_authorities,
            certificate=settings.bank_client_certificate,
            certificate_key=settings.bank_client_key,
            timeout_s=settings.bank_timeout_s,
        )
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise BankSettingsUnusable(str(error)[:300]) from error


def message_parts_of(folder: Path, *, account: str, certificates: bytes | None) -> MessageParts:
    """What taking in messages stands on. Raises: TrustListUnreadable."""
    objects = ObjectStore(folder, size_max=MESSAGE_BYTES_MAX)
    return MessageParts(
        account=account,
        messages=IncomingMessageTable(),
        store=MessageStore(objects),
        signatures=BankCertificates(objects, certificates),
    )


def parts_of(
    database: Database,
    clock: Clock,
    ledger: Ledger,
    bank: Bank,
    acts: Acts,
    tax_rules: Sequence[TaxAtPayoutRule] = (),
) -> Parts:
    """What the use cases stand on."""
    return Parts(
        uow=UnitOfWork(database, clock),
        ledger=ledger,
        bank=bank,
        edge=PostgresBankEdge(database),
        beneficiaries=BeneficiaryTable(),
        incoming=IncomingPaymentTable(),
        withdrawals=WithdrawalTable(),
        jobs=SettlementJobTable(),
        measures=MeasureTable(),
        reconciliations=ReconciliationTable(),
        directory=BankDirectoryTable(),
        acts=acts,
        payouts=PayoutTables(),
        tax=TaxParts(law=RussianIncomeTax(), records=TaxTables(), rules=tuple(map(_tax_rule, tax_rules))),
    )


def _tax_rule(rule: TaxAtPayoutRule) -> TaxRule:
    return TaxRule(
        effective_from=rule.effective_from,
        effective_to=rule.effective_to,
        basis=rule.basis,
        agent=None if rule.agent == "nobody" else TaxAgent(rule.agent),
        unknown_residency=Residency(rule.unknown_residency),
        issue_id=rule.issue_id,
    )
