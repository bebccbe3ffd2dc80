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
from kapital.platform.sbp_rules import SbpRule, SbpRules
from kapital.platform.settings import Settings
from kapital.platform.tax_rules import TaxAtPayoutRule
from kapital.platform.unit_of_work import UnitOfWork
from kapital.platform.withdrawal_rules import WithdrawalRule, WithdrawalRules
from kapital.settlement.adapters.bank_directory_table import BankDirectoryTable
from kapital.settlement.adapters.bank_edge import PostgresBankEdge
from kapital.settlement.adapters.bank_file_table import BankFileTable
from kapital.settlement.adapters.bank_messages.order_files import order_file_of
from kapital.settlement.adapters.beneficiary_table import BeneficiaryTable
from kapital.settlement.adapters.break_table import BreakTable
from kapital.settlement.adapters.decided_rows import DecidedRows
from kapital.settlement.adapters.dvp_queue_table import DvpQueueTable
from kapital.settlement.adapters.dvp_review_table import DvpReviewTable
from kapital.settlement.adapters.dvp_table import DvpTable
from kapital.settlement.adapters.escrow_table import EscrowTable
from kapital.settlement.adapters.exchange_folder import ExchangeFolder
from kapital.settlement.adapters.files_bank import FilesBank
from kapital.settlement.adapters.http_bank import HttpBank, open_http_bank
from kapital.settlement.adapters.http_escrow import HttpEscrow
from kapital.settlement.adapters.http_shares import HttpShares
from kapital.settlement.adapters.incoming_message_table import IncomingMessageTable
from kapital.settlement.adapters.incoming_payment_table import IncomingPaymentTable
from kapital.settlement.adapters.issuer_table import IssuerTable
from kapital.settlement.adapters.measure_table import MeasureTable
from kapital.settlement.adapters.message_decision_table import MessageDecisionTable
from kapital.settlement.adapters.message_file import MESSAGE_BYTES_MAX, BankCertificates, MessageStore
from kapital.settlement.adapters.money_decision_table import MoneyDecisionTable
from kapital.settlement.adapters.payout_table import PayoutTables
from kapital.settlement.adapters.raw_messages import RawBankMessages
from kapital.settlement.adapters.reconciliation_table import ReconciliationTable
from kapital.settlement.adapters.sbp_table import SbpTopUpTable
from kapital.settlement.adapters.sbp_withdrawal_table import SbpWithdrawalTable
from kapital.settlement.adapters.settlement_job_table import SettlementJobTable
from kapital.settlement.adapters.share_table import ShareTable
from kapital.settlement.adapters.tax_table import TaxTables
from kapital.settlement.adapters.waiting_rows import WaitingRows
from kapital.settlement.adapters.withdrawal_table import WithdrawalTable
from kapital.settlement.domain.bank_message import Party
from kapital.settlement.domain.bank_notice import KEY_BYTES_MIN
from kapital.settlement.domain.payment_order import payer_faults
from kapital.settlement.domain.problems import BankSettingsUnusable
from kapital.settlement.domain.tax import Residency, RussianIncomeTax, TaxAgent, TaxRule
from kapital.settlement.dvp_review_routes import HANDLERS as REVIEW_HANDLERS
from kapital.settlement.dvp_routes import HANDLERS as DVP_HANDLERS
from kapital.settlement.ports import (
    Bank,
    EscrowParts,
    FilesParts,
    MessageParts,
    Parts,
    RawMessages,
    SbpParts,
    ShareParts,
    TaxParts,
    Webhook,
)
from kapital.settlement.ports.bank_shares import BankShares
from kapital.settlement.ports.escrow import Escrow
from kapital.settlement.reactions import subscriptions
from kapital.settlement.routes import HANDLERS
from kapital.settlement.routes_breaks import HANDLERS as BREAK_HANDLERS
from kapital.settlement.routes_decisions import DECISION_HANDLERS
from kapital.settlement.routes_messages import MESSAGE_HANDLERS
from kapital.settlement.routes_sbp import SBP_HANDLERS
from kapital.settlement.routes_shares import SHARE_HANDLERS
from kapital.settlement.use_cases.bound import SettlementUseCases
from kapital.settlement.use_cases.dvp_schedule import DvpSchedule
from kapital.settlement.use_cases.take_in_folder import FolderSchedule

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
        """Open the nominal account and its shares; before any money moves. Raises: BankSettingsUnusable."""
        if isinstance(bank := self.use_cases.parts.bank, FilesBank):
            await bank.open()
        await self.use_cases.open_nominal_account()
        await self.use_cases.open_shares()
        await self.use_cases.note_issuers()


def settlement_of(
    database: Database,
    clock: Clock,
    *,
    ledger: Ledger,
    bank: Bank,
    acts: Acts,
    messages: MessageParts | None = None,
    tax_rules: Sequence[TaxAtPayoutRule] = (),
    escrow: Escrow | None = None,
    shares: BankShares | None = None,
    sbp: SbpParts | None = None,
    withdrawal_rules: Sequence[WithdrawalRule] = (),
) -> SettlementService:
    """Settlement over its own database, a ledger and a bank. Without `messages` no message of a bank is taken in.

    Without `tax_rules` nothing is withheld from payouts, without `escrow` no instruction of the escrow rail is taken,
    without `withdrawal_rules` no withdrawal awaits the approval of two persons, without `shares` the bank is not told
    whose the money is.
    """
    parts = parts_of(
        database,
        clock,
        ledger,
        bank,
        acts,
        tax_rules,
        escrow=escrow,
        shares=shares,
        sbp=sbp,
        withdrawal_rules=withdrawal_rules,
    )
    use_cases = SettlementUseCases(parts, messages)
    # What the bank has laid down is taken in before anything is concluded from it.
    by_files = (FolderSchedule(parts, messages, messages.files),) if messages and messages.files else ()

    async def book(_now: datetime) -> None:
        await use_cases.book_incoming()

    async def tell(_now: datetime) -> None:
        await use_cases.tell_shares()

    async def book_messages(_now: datetime) -> None:
        await use_cases.finish_bank_messages()

    async def pay(_now: datetime) -> None:
        await use_cases.run_withdrawals()
        await use_cases.finish_decisions()

    async def settle(_now: datetime) -> None:
        await use_cases.settle_waiting()

    async def hold_in_escrow(_now: datetime) -> None:
        await use_cases.run_escrow()

    async def collect(_now: datetime) -> None:
        await use_cases.collect_tax()

    def bank_messages() -> MessageParts:
        # Not the bound method: what the routes are given is copied deeply, a function is not.
        return use_cases.message_parts()

    return SettlementService(
        use_cases=use_cases,
        routes=ServiceRoutes(
            name=NAME,
            handlers=(
                *(*HANDLERS, *DVP_HANDLERS, *BREAK_HANDLERS, *REVIEW_HANDLERS, *SBP_HANDLERS),
                *(*DECISION_HANDLERS, *SHARE_HANDLERS, *MESSAGE_HANDLERS),
            ),
            dependencies={
                "settlement": Provide(lambda: parts, sync_to_thread=False),
                "bank_messages": Provide(bank_messages, sync_to_thread=False),
            },
        ),
        subscriptions=subscriptions(parts),
        ticks=(
            *(*by_files, book, book_messages, tell, pay, settle, collect, hold_in_escrow),
            DvpSchedule(use_cases.parts),
        ),
    )


def sbp_parts_of(
    rules: Sequence[SbpRule] = (), *, qr_minutes: int = 30, webhook: Webhook | None = None, offered: bool = True
) -> SbpParts:
    """What the SBP stands on; not `offered`: the bank takes no orders of it."""
    return SbpParts(
        top_ups=SbpTopUpTable(),
        withdrawals=SbpWithdrawalTable(),
        rules=SbpRules(rules),
        qr_lives_s=qr_minutes * 60,
        webhook=webhook,
        offered=offered,
    )


def webhook_of(settings: Settings, raw: RawMessages) -> Webhook | None:
    """How the bank calls back by the settings; None where they name no key. Raises: BankSettingsUnusable."""
    if settings.bank_webhook_key is None:
        return None
    try:
        key = settings.bank_webhook_key.read_bytes().strip()
    except OSError as error:
        raise BankSettingsUnusable(str(error)[:300]) from error
    if len(key) < KEY_BYTES_MIN:
        raise BankSettingsUnusable(f"{settings.bank_webhook_key} has fewer than {KEY_BYTES_MIN} bytes")
    return Webhook(key=key, raw=raw)


def raw_messages_of(database: Database, clock: Clock, folder: Path) -> RawBankMessages:
    """Where what comes from the bank over HTTP is kept as it came."""
    return RawBankMessages(database, clock, ObjectStore(folder))


def http_bank_of(settings: Settings, raw: RawMessages) -> HttpBank:
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
            raw=raw,
        )
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise BankSettingsUnusable(str(error)[:300]) from error


def files_bank_of(settings: Settings, database: Database, clock: Clock) -> tuple[FilesBank, FilesParts]:
    """The bank by files that the settings name, and what its messages are taken in with.

    Raises: BankSettingsUnusable.
    """
    payer = Party(
        name=settings.operator_name,
        inn=settings.operator_inn,
        kpp=settings.operator_kpp,
        account=settings.bank_account,
        bic=settings.bank_bic,
    )
    if faults := payer_faults(payer):
        raise BankSettingsUnusable("; ".join(f"{fault.pointer} {fault.message}" for fault in faults)[:300])
    folder = ExchangeFolder(Path(str(settings.bank_files_dir)), settings.bank_files_format)
    try:
        folder.prepare()
    except OSError as error:
        raise BankSettingsUnusable(str(error)[:300]) from error
    orders = order_file_of(settings.bank_files_format, settings.bank_files_encoding)
    bank = FilesBank(database, clock, folder, orders, payer=payer)
    return bank, FilesParts(folder, BankFileTable())


def http_escrow_of(bank: HttpBank) -> Escrow:
    """Escrow at a bank over HTTP."""
    return HttpEscrow(bank)


def http_shares_of(bank: HttpBank) -> BankShares:
    """The shares of beneficiaries at a bank over HTTP."""
    return HttpShares(bank)


def message_parts_of(
    folder: Path, *, account: str, certificates: bytes | None, files: FilesParts | None = None
) -> MessageParts:
    """What taking in messages stands on; `files` of a bank by files only. Raises: TrustListUnreadable."""
    objects = ObjectStore(folder, size_max=MESSAGE_BYTES_MAX)
    return MessageParts(
        account=account,
        messages=IncomingMessageTable(),
        store=MessageStore(objects),
        signatures=BankCertificates(objects, certificates),
        files=files,
    )


def parts_of(
    database: Database,
    clock: Clock,
    ledger: Ledger,
    bank: Bank,
    acts: Acts,
    tax_rules: Sequence[TaxAtPayoutRule] = (),
    *,
    escrow: Escrow | None = None,
    shares: BankShares | None = None,
    sbp: SbpParts | None = None,
    withdrawal_rules: Sequence[WithdrawalRule] = (),
) -> Parts:
    """What the use cases stand on. Without `sbp` its limits are the dated parameters', and no bank calls back."""
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
        issuers=IssuerTable(),
        reconciliations=ReconciliationTable(),
        breaks=BreakTable(),
        directory=BankDirectoryTable(),
        acts=acts,
        payouts=PayoutTables(),
        dvp=DvpTable(),
        queue=DvpQueueTable(database),
        escrow=EscrowParts(
            bank=escrow,
            records=EscrowTable(),
            reviews=DvpReviewTable(),
            statements=acts.files,
            messages=IncomingMessageTable(),
        ),
        tax=TaxParts(law=RussianIncomeTax(), records=TaxTables(), rules=tuple(map(_tax_rule, tax_rules))),
        sbp=sbp or sbp_parts_of(),
        shares=ShareParts(shares, ShareTable()),
        decisions=MoneyDecisionTable(),
        message_decisions=MessageDecisionTable(),
        versions=DecidedRows(),
        waiting=WaitingRows(),
        withdrawal_rules=WithdrawalRules(withdrawal_rules),
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
