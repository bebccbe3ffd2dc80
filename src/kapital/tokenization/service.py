"""Puts the parts of tokenization together; the only place that chooses adapters."""

from typing import Final

from kapital.custody.api import Custody
from kapital.kernel.calendar import russian_calendar
from kapital.kernel.clock import Clock
from kapital.ledger.api import Ledger
from kapital.platform.database import Database
from kapital.platform.unit_of_work import UnitOfWork
from kapital.tokenization.adapters.actions import ActionTables, FixingTables
from kapital.tokenization.adapters.investors import InvestorTables
from kapital.tokenization.adapters.issues import IssueTables
from kapital.tokenization.adapters.orders import OrderTables
from kapital.tokenization.ports import Documents, Parts
from kapital.tokenization.use_cases.tokenization import Tokenization

NAME: Final = "tokenization"
MIGRATIONS: Final = "kapital.tokenization.migrations"


def parts_of(
    database: Database,
    clock: Clock,
    *,
    ledger: Ledger,
    custody: Custody,
    documents: Documents,
    rule_book_version: str,
) -> Parts:
    """Tokenization over its own database, the ledger, custody and an object store."""
    return Parts(
        uow=UnitOfWork(database, clock),
        database=database,
        clock=clock,
        calendar=russian_calendar(),
        ledger=ledger,
        custody=custody,
        documents=documents,
        issues=IssueTables(),
        orders=OrderTables(),
        investors=InvestorTables(),
        actions=ActionTables(),
        fixings=FixingTables(),
        rule_book_version=rule_book_version,
    )


def tokenization_of(parts: Parts) -> Tokenization:
    """The commands over the parts."""
    return Tokenization(parts)
