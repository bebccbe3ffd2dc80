"""What tokenization needs from outside: its tables, the ledger, custody, the object store, time.

The ledger and custody are the only services that may be called (architecture.md 1): their public faces are ports.
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.custody.api import Custody
from kapital.kernel.calendar import BusinessCalendar
from kapital.kernel.clock import Clock
from kapital.ledger.api import Ledger
from kapital.platform.acts.checking import Acts
from kapital.platform.approval_rules import ApprovalRules
from kapital.platform.awaiting_rules import AwaitingRules
from kapital.platform.database import Database
from kapital.platform.publication_rules import PublicationStamps
from kapital.platform.retail_rules import RetailRules
from kapital.platform.rule_book import RuleBookInForce
from kapital.platform.rule_book_at_allocation import RuleBookAtAllocation
from kapital.platform.unit_of_work import UnitOfWork
from kapital.tokenization.ports.actions import Actions, Fixings, Instructions, RatesReader, RecordLists
from kapital.tokenization.ports.awaiting import AwaitedOrders
from kapital.tokenization.ports.issues import DecisionPrinter, Documents, Issues, Proposals
from kapital.tokenization.ports.mandates import Mandates
from kapital.tokenization.ports.orders import Investors, OrderReviews, Orders, Quotes, RetailUse
from kapital.tokenization.ports.payoff_codes import PayoffCodes
from kapital.tokenization.ports.shortfall import PayoutShares

__all__ = [
    "Actions",
    "AwaitedOrders",
    "DecisionPrinter",
    "Documents",
    "Fixings",
    "Instructions",
    "Investors",
    "Issues",
    "Mandates",
    "OrderReviews",
    "Orders",
    "Parts",
    "PayoffCodes",
    "PayoutShares",
    "Proposals",
    "Quotes",
    "RatesReader",
    "RecordLists",
    "RetailUse",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """All that the use cases work with; `service.build` chooses the adapters."""

    uow: UnitOfWork
    database: Database
    clock: Clock
    calendar: BusinessCalendar
    ledger: Ledger
    custody: Custody
    documents: Documents
    printer: DecisionPrinter
    issues: Issues
    orders: Orders
    awaiting: AwaitedOrders
    awaiting_rules: AwaitingRules
    approval_rules: ApprovalRules
    rule_book_at_allocation: RuleBookAtAllocation
    reviews: OrderReviews
    investors: Investors
    actions: Actions
    instructions: Instructions
    record_lists: RecordLists
    shares: PayoutShares
    proposals: Proposals
    fixings: Fixings
    read_rates: RatesReader
    payoff_codes: PayoffCodes
    acts: Acts
    rule_book: RuleBookInForce
    quotes: Quotes
    retail_use: RetailUse
    retail_rules: RetailRules
    mandates: Mandates
    operator_inn: str
    publication_stamps: PublicationStamps

    @property
    def rule_book_version(self) -> str:
        """The version in force, which audit lines name."""
        return self.rule_book.version

    async def rule_book_for_orders(self, conn: AsyncConnection) -> str:
        """The version that who orders must have accepted: the one told of, else the installation's first."""
        return await self.investors.rule_book_in_force(conn) or self.rule_book_version
