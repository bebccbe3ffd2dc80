"""What settlement needs from outside: the bank, the ledger, its own tables, and one hand on the bank at a time."""

from dataclasses import dataclass

from kapital.ledger.api import Ledger
from kapital.platform.acts.checking import Acts
from kapital.platform.unit_of_work import UnitOfWork
from kapital.platform.withdrawal_rules import WithdrawalRules
from kapital.settlement.ports.bank import (
    Bank,
    BankDirectory,
    BankEdge,
    DirectoryEdition,
    DirectorySource,
    PayoutState,
    PayoutStatus,
    RegisteredQr,
)
from kapital.settlement.ports.bank_shares import ShareParts
from kapital.settlement.ports.breaks import Breaks
from kapital.settlement.ports.decisions import MoneyDecisions
from kapital.settlement.ports.dvp import DvpInstructions
from kapital.settlement.ports.dvp_queue import DvpQueue
from kapital.settlement.ports.escrow import EscrowParts
from kapital.settlement.ports.files import ArrivedFile, ExchangeFolder, FileOrders, FilesParts, Place
from kapital.settlement.ports.issuers import Issuers
from kapital.settlement.ports.message_decisions import MessageDecisions, RowVersions
from kapital.settlement.ports.messages import (
    BankSignatures,
    IncomingMessages,
    MessageParts,
    MessageReading,
    MessageStore,
)
from kapital.settlement.ports.money import (
    Beneficiaries,
    Beneficiary,
    IncomingPayments,
    KeptCredit,
    KnownNotices,
    Measures,
    Reconciliations,
    SettlementJob,
    SettlementJobs,
    Withdrawals,
)
from kapital.settlement.ports.payouts import Collection, PaidLine, Payouts, TaxParts, TaxRecords
from kapital.settlement.ports.sbp import RawMessages, SbpParts, SbpTopUps, Webhook
from kapital.settlement.ports.waiting import Waiting, WaitingForPersons

__all__ = [
    "ArrivedFile",
    "Bank",
    "BankDirectory",
    "BankEdge",
    "BankSignatures",
    "Beneficiaries",
    "Beneficiary",
    "Breaks",
    "Collection",
    "DirectoryEdition",
    "DirectorySource",
    "DvpInstructions",
    "DvpQueue",
    "EscrowParts",
    "ExchangeFolder",
    "FileOrders",
    "FilesParts",
    "IncomingMessages",
    "IncomingPayments",
    "Issuers",
    "KeptCredit",
    "KnownNotices",
    "Measures",
    "MessageDecisions",
    "MessageParts",
    "MessageReading",
    "MessageStore",
    "MoneyDecisions",
    "PaidLine",
    "Parts",
    "PayoutState",
    "PayoutStatus",
    "Payouts",
    "Place",
    "RawMessages",
    "Reconciliations",
    "RegisteredQr",
    "RowVersions",
    "SbpParts",
    "SbpTopUps",
    "SettlementJob",
    "SettlementJobs",
    "ShareParts",
    "TaxParts",
    "TaxRecords",
    "Waiting",
    "WaitingForPersons",
    "Webhook",
    "Withdrawals",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the use cases of settlement stand on."""

    uow: UnitOfWork
    ledger: Ledger
    bank: Bank
    edge: BankEdge
    beneficiaries: Beneficiaries
    incoming: IncomingPayments
    withdrawals: Withdrawals
    jobs: SettlementJobs
    measures: Measures
    issuers: Issuers
    reconciliations: Reconciliations
    breaks: Breaks
    acts: Acts
    directory: BankDirectory
    payouts: Payouts
    tax: TaxParts
    dvp: DvpInstructions
    queue: DvpQueue
    escrow: EscrowParts
    sbp: SbpParts
    shares: ShareParts
    decisions: MoneyDecisions
    message_decisions: MessageDecisions
    versions: RowVersions
    waiting: Waiting
    withdrawal_rules: WithdrawalRules
