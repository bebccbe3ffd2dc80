"""Puts the parts of tokenization together; the only place that chooses adapters."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from litestar.di import Provide

from kapital.custody.api import Custody
from kapital.kernel.calendar import BusinessCalendar, russian_calendar
from kapital.kernel.clock import Clock
from kapital.ledger.api import Ledger
from kapital.platform.acts.checking import Acts
from kapital.platform.approval_rules import ApprovalRules
from kapital.platform.awaiting_rules import AwaitingRules
from kapital.platform.bus import Subscriptions
from kapital.platform.clock import Ticks
from kapital.platform.database import Database
from kapital.platform.http import ServiceRoutes
from kapital.platform.publication_rules import PublicationStamps
from kapital.platform.retail_rules import RetailRules
from kapital.platform.rule_book import RuleBookInForce
from kapital.platform.rule_book_at_allocation import RuleBookAtAllocation
from kapital.platform.unit_of_work import UnitOfWork
from kapital.tokenization.adapters.actions import ActionTables
from kapital.tokenization.adapters.awaiting import AwaitedOrderTables
from kapital.tokenization.adapters.bank_of_russia_rates import read_rates
from kapital.tokenization.adapters.decision_pdf import TypstPrinter
from kapital.tokenization.adapters.fixings import FixingTables
from kapital.tokenization.adapters.instructions import InstructionTables
from kapital.tokenization.adapters.investors import InvestorTables
from kapital.tokenization.adapters.issues import IssueTables
from kapital.tokenization.adapters.mandates import MandateTables
from kapital.tokenization.adapters.order_reviews import OrderReviewTables
from kapital.tokenization.adapters.orders import OrderTables
from kapital.tokenization.adapters.payoff_codes import PayoffCodeTable, require_code_unchanged
from kapital.tokenization.adapters.payout_shares import PayoutShareTables
from kapital.tokenization.adapters.proposals import ProposalTables
from kapital.tokenization.adapters.quotes import QuoteTable
from kapital.tokenization.adapters.record_lists import RecordListTable
from kapital.tokenization.adapters.retail_use import RetailUseTable
from kapital.tokenization.ports import Documents, Parts
from kapital.tokenization.reactions import subscriptions
from kapital.tokenization.routes import HANDLERS
from kapital.tokenization.use_cases.bound import TokenizationUseCases

NAME: Final = "tokenization"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizationService:
    """Tokenization of one process."""

    use_cases: TokenizationUseCases
    routes: ServiceRoutes
    subscriptions: Subscriptions
    ticks: Ticks

    async def start(self) -> None:
        """Bring on the orders that an earlier process left between its steps, and plan by the present calendar."""
        await self.use_cases.replan_actions()
        await self.use_cases.resume_orders()

    async def close(self) -> None:
        """Wait until every order that was submitted is answered."""
        await self.use_cases.close()


def tokenization_of(
    database: Database,
    clock: Clock,
    *,
    ledger: Ledger,
    custody: Custody,
    documents: Documents,
    acts: Acts,
    rule_book: RuleBookInForce,
    retail_rules: RetailRules,
    awaiting_rules: AwaitingRules,
    approval_rules: ApprovalRules,
    rule_book_at_allocation: RuleBookAtAllocation,
    publication_stamps: PublicationStamps,
    calendar: BusinessCalendar | None = None,
    operator_inn: str = "",
) -> TokenizationService:
    """Tokenization over its own database, the ledger, custody and an object store.

    Without a `calendar` it is the packaged one, with provisional years.
    Raises: PayoffCodeChanged – a process whose payoff code was edited starts nothing.
    """
    require_code_unchanged()
    parts = Parts(
        uow=UnitOfWork(database, clock),
        database=database,
        clock=clock,
        calendar=calendar or russian_calendar().with_provisional_years(),
        ledger=ledger,
        custody=custody,
        documents=documents,
        printer=TypstPrinter(),
        issues=IssueTables(),
        orders=OrderTables(),
        awaiting=AwaitedOrderTables(),
        awaiting_rules=awaiting_rules,
        approval_rules=approval_rules,
        rule_book_at_allocation=rule_book_at_allocation,
        reviews=OrderReviewTables(),
        investors=InvestorTables(),
        actions=ActionTables(),
        instructions=InstructionTables(),
        record_lists=RecordListTable(),
        shares=PayoutShareTables(),
        proposals=ProposalTables(),
        fixings=FixingTables(),
        read_rates=read_rates,
        payoff_codes=PayoffCodeTable(),
        acts=acts,
        rule_book=rule_book,
        quotes=QuoteTable(),
        retail_use=RetailUseTable(),
        retail_rules=retail_rules,
        mandates=MandateTables(),
        operator_inn=operator_inn,
        publication_stamps=publication_stamps,
    )
    use_cases = TokenizationUseCases(parts)

    async def follow_schedule(now: datetime) -> None:
        await use_cases.run_schedule(now)

    return TokenizationService(
        use_cases=use_cases,
        routes=ServiceRoutes(
            name=NAME,
            handlers=HANDLERS,
            dependencies={"tokenization": Provide(lambda: use_cases, sync_to_thread=False)},
        ),
        subscriptions=subscriptions(parts),
        ticks=(follow_schedule,),
    )
