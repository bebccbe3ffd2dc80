"""What tokenization needs from outside: its tables, the ledger, custody, the object store, time.

The ledger and custody are the only services that may be called (architecture.md 1): their public faces are ports.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.custody.api import Custody
from kapital.kernel.calendar import BusinessCalendar
from kapital.kernel.clock import Clock
from kapital.ledger.api import Ledger
from kapital.platform.acts.checking import Acts
from kapital.platform.database import Database
from kapital.platform.retail_rules import RetailRules
from kapital.platform.rule_book import RuleBookInForce
from kapital.platform.unit_of_work import UnitOfWork
from kapital.tokenization.domain.corporate_action import CorporateAction, OpenPart
from kapital.tokenization.domain.decision import Decision, DecisionSignature, Review
from kapital.tokenization.domain.fixing import Fixing
from kapital.tokenization.domain.investor import Investor
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.issue_proposal import ExchangeConsent, IssueProposal
from kapital.tokenization.domain.order import Order
from kapital.tokenization.domain.order_review import ActToReview, OrderReview
from kapital.tokenization.domain.payoff import PayoutLine
from kapital.tokenization.domain.quote import Quote
from kapital.tokenization.domain.record_list import RecordList
from kapital.tokenization.domain.redemption_instruction import Instruction
from kapital.tokenization.domain.states import ActionState


class Documents(Protocol):
    """Keeps documents under the SHA-256 of their bytes (platform.objects)."""

    async def put(self, content: bytes) -> str:
        """Keep the bytes and return their SHA-256 (hex); keeping them twice is keeping them once."""
        ...

    async def get(self, key: str) -> bytes:
        """The document. Raises: ObjectNotFound."""
        ...


class DecisionPrinter(Protocol):
    """Sets the text of a decision as a document that is kept and signed for years."""

    async def pdf(self, text: str, *, title: str, decision_sha256: str, made_at: datetime) -> bytes:
        """The same text as a PDF. Raises: DecisionMustBePrintable."""
        ...


class Issues(Protocol):
    """Issues, versions of decisions, reviews, signatures."""

    async def add(self, conn: AsyncConnection, issue: Issue) -> bool:
        """Insert a new issue; False if its code (or id) is taken."""
        ...

    async def save(self, conn: AsyncConnection, issues: Sequence[Issue]) -> None:
        """Write the next version of each. Raises: StaleVersion."""
        ...

    async def code_is_taken(self, conn: AsyncConnection, code: str, but_by: UUID) -> bool:
        """Whether another issue has the code."""
        ...

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Issue]:
        """Those issues that exist, by id."""
        ...

    async def lock(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Issue]:
        """As `read`, rows locked in order of id until the transaction ends. Locked before any order of theirs."""
        ...

    async def page(
        self,
        conn: AsyncConnection,
        *,
        state: str | None,
        after: UUID | None,
        limit: int,
        reader_participant_id: UUID | None,
        all_issues: bool,
    ) -> list[Issue]:
        """Issues by id above `after`: all, or those that are published or the reader's own."""
        ...

    async def due_to_open(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Issue]:
        """Published issues whose placement has begun."""
        ...

    async def due_to_fill(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Issue]:
        """Issues in a continuous placement whose orders are to be filled, and that no held order keeps."""
        ...

    async def due_to_close(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Issue]:
        """Issues whose placement is over."""
        ...

    async def due_to_redeem(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Issue]:
        """Circulating issues whose redemption window has begun."""
        ...

    async def add_decision(self, conn: AsyncConnection, decision: Decision) -> None:
        """Keep a version of a decision for ever."""
        ...

    async def decisions(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Decision]:
        """The present version of each issue's decision."""
        ...

    async def add_review(self, conn: AsyncConnection, review: Review) -> None:
        """Note a review."""
        ...

    async def reviews(self, conn: AsyncConnection, issue_id: UUID) -> list[Review]:
        """Every review of every version, oldest first."""
        ...

    async def add_signatures(self, conn: AsyncConnection, signatures: Sequence[DecisionSignature]) -> None:
        """Keep the signatures of a version."""
        ...

    async def signatures(self, conn: AsyncConnection, issue_id: UUID) -> list[DecisionSignature]:
        """The signatures of the present version: issuer, operator."""
        ...


class Orders(Protocol):
    """Subscription orders and their fills."""

    async def of_commands(self, conn: AsyncConnection, keys: Sequence[tuple[str, str]]) -> list[Order]:
        """The orders kept for (actor id, command id) pairs."""
        ...

    async def add(self, conn: AsyncConnection, orders: Sequence[Order]) -> set[UUID]:
        """Insert orders; return the ids of those whose (actor, command, item) was not there."""
        ...

    async def save(
        self, conn: AsyncConnection, orders: Sequence[Order], changed: Iterable[str], *, steps: int = 1
    ) -> None:
        """Write the fields that were changed by so many steps, each a version. Raises: StaleVersion."""
        ...

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Order]:
        """Those orders that exist, by id. From acceptance on they stand while the issue's row is locked."""
        ...

    async def lock(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Order]:
        """Those orders that exist, by id, locked. The issue's row is locked before."""
        ...

    async def versions(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, int]:
        """The present version of those that exist. Stands while the issue's row is locked."""
        ...

    async def undecided(self, conn: AsyncConnection, before: datetime, limit: int) -> list[Order]:
        """Orders whose reserve was perhaps asked for and not decided, older than `before`."""
        ...

    async def undecided_of(self, conn: AsyncConnection, issue_ids: Iterable[UUID], limit: int) -> list[Order]:
        """The same for issues that close, whatever the age."""
        ...

    async def issues_undecided(self, conn: AsyncConnection, issue_ids: Iterable[UUID]) -> set[UUID]:
        """Which of the issues have undecided orders."""
        ...

    async def release_due(self, conn: AsyncConnection, after: UUID, limit: int) -> list[Order]:
        """Orders whose reserve has to go back, with ids above `after`."""
        ...

    async def accepted(self, conn: AsyncConnection, issue_ids: Iterable[UUID]) -> list[Order]:
        """Live orders of issues, by time priority. They stand while the issues' rows are locked."""
        ...

    async def live_of(self, conn: AsyncConnection, participant_ids: Iterable[UUID]) -> list[tuple[UUID, UUID]]:
        """Order and participant of each order that is under way or accepted."""
        ...

    async def note_released(self, conn: AsyncConnection, entries: Mapping[UUID, int]) -> int:
        """Note the ledger entry with which each reserve went back."""
        ...

    async def add_fills(self, conn: AsyncConnection, fills: Sequence[Mapping[str, Any]]) -> None:
        """Keep what each order got."""
        ...

    async def empty_fills(self, conn: AsyncConnection, order_ids: Iterable[UUID]) -> tuple[int, int]:
        """Note that nothing was delivered to these orders; returns the units and kopecks that they had."""
        ...

    async def any_unsettled(self, conn: AsyncConnection, issue_id: UUID) -> bool:
        """Whether an order of the issue still waits for its ledger entry."""
        ...

    async def any_ever_accepted(self, conn: AsyncConnection, issue_id: UUID) -> bool:
        """Whether an order of the issue was ever accepted, withdrawn since or not."""
        ...


class Investors(Protocol):
    """What others told of participants."""

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Investor]:
        """Those participants of whom anything was told."""
        ...

    async def note(self, conn: AsyncConnection, news: Sequence[dict[str, Any]], now: datetime) -> None:
        """Take in what events told; later news of one participant stands after earlier."""
        ...

    async def note_rule_book(self, conn: AsyncConnection, version: str, effective_at: datetime) -> None:
        """Take in that a version of the rule book is in force."""
        ...

    async def rule_book_in_force(self, conn: AsyncConnection) -> str | None:
        """The version in force, or None when no event told of one."""
        ...


class Quotes(Protocol):
    """Published quotes of issues whose price follows one."""

    async def add(self, conn: AsyncConnection, quote: Quote) -> None:
        """Keep a quote for ever. The issue's row is locked."""
        ...

    async def last(self, conn: AsyncConnection, at: Mapping[UUID, datetime]) -> dict[UUID, Quote]:
        """The latest quote of each issue that was published by an instant, whether it still serves or not."""
        ...

    async def page(self, conn: AsyncConnection, issue_id: UUID, *, before: int | None, limit: int) -> list[Quote]:
        """Quotes of an issue, latest first, with numbers below `before`."""
        ...


class RetailUse(Protocol):
    """What unqualified persons have used of their yearly limit."""

    async def read(
        self, conn: AsyncConnection, participant_ids: Iterable[UUID], since: date
    ) -> dict[UUID, dict[date, int]]:
        """What each has used, by day from `since` on, as it stands now."""
        ...

    async def lock(
        self, conn: AsyncConnection, participant_ids: Iterable[UUID], since: date
    ) -> dict[UUID, dict[date, int]]:
        """What each has used, by day from `since` on; nobody else takes of theirs until the transaction ends."""
        ...

    async def add(self, conn: AsyncConnection, changes: Mapping[tuple[UUID, date], int]) -> None:
        """Add to (or, below zero, take from) what persons have used on days."""
        ...


class OrderReviews(Protocol):
    """Checks of acts before settlement, and the reviews of those that they hold."""

    async def to_check(
        self, conn: AsyncConnection, issue_ids: Iterable[UUID], *, before: datetime, limit: int
    ) -> list[ActToReview]:
        """Acts behind accepted orders not checked yet, or last in vain before an instant."""
        ...

    async def lock_of_acts(self, conn: AsyncConnection, acts: Sequence[ActToReview]) -> list[OrderReview]:
        """The reviews that these acts have already, locked."""
        ...

    async def add(self, conn: AsyncConnection, reviews: Sequence[OrderReview]) -> set[UUID]:
        """Keep reviews; the ids of those whose act had none."""
        ...

    async def lock(self, conn: AsyncConnection, review_id: UUID) -> OrderReview | None:
        """One review, locked."""
        ...

    async def save(self, conn: AsyncConnection, reviews: Sequence[OrderReview]) -> None:
        """Write the next version of each. Raises: StaleVersion."""
        ...

    async def issues_open(self, conn: AsyncConnection, issue_ids: Iterable[UUID]) -> set[UUID]:
        """Which of the issues have accepted orders whose act is not checked, or held."""
        ...

    async def barred(self, conn: AsyncConnection, issue_ids: Iterable[UUID]) -> set[tuple[UUID, str, str]]:
        """Issue, actor and command of the acts whose orders get nothing."""
        ...

    async def page(
        self, conn: AsyncConnection, *, state: str | None, after: UUID | None, limit: int
    ) -> list[OrderReview]:
        """Reviews by id above `after`, in one state if it is given."""
        ...

    async def orders_of(self, conn: AsyncConnection, review_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
        """The orders that each review is about, in the order of their command."""
        ...

    async def count_open(self, conn: AsyncConnection) -> int:
        """How many acts keep placements from closing."""
        ...


class Actions(Protocol):
    """Corporate actions and their payout lines."""

    async def add(self, conn: AsyncConnection, actions: Sequence[CorporateAction]) -> set[UUID]:
        """Keep planned actions; those that are kept already stay as they are."""
        ...

    async def save(self, conn: AsyncConnection, actions: Sequence[CorporateAction]) -> None:
        """Write the next version of each. Raises: StaleVersion."""
        ...

    async def due(
        self, conn: AsyncConnection, states: Sequence[ActionState], by: str, now: datetime, limit: int
    ) -> list[CorporateAction]:
        """Actions of live issues in one of the states whose instant `by` has come, in order of payment."""
        ...

    async def idle_reserves(self, conn: AsyncConnection, limit: int) -> list[CorporateAction]:
        """Actions that will not be paid any more and whose money is set aside, or may be; no part is under way."""
        ...

    async def lock(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, CorporateAction]:
        """Those actions by id, locked. The issue's row is locked before."""
        ...

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, CorporateAction]:
        """Those actions that exist, by id."""
        ...

    async def of_issue(self, conn: AsyncConnection, issue_id: UUID) -> list[CorporateAction]:
        """Every action of an issue in order of payment."""
        ...

    async def add_lines(
        self, conn: AsyncConnection, action_id: UUID, parts: Sequence[Sequence[PayoutLine]], *, first: int = 1
    ) -> None:
        """Keep lines of an action, cut into parts with numbers from `first` on."""
        ...

    async def open_parts(
        self, conn: AsyncConnection, ids: Iterable[UUID], *, limit: int | None = None
    ) -> list[OpenPart]:
        """The parts not yet instructed or refused, in order; the first `limit` of them."""
        ...

    async def lines(
        self, conn: AsyncConnection, parts: Sequence[tuple[UUID, int]]
    ) -> dict[tuple[UUID, int], list[PayoutLine]]:
        """The lines of parts, in order."""
        ...

    async def set_parts(
        self, conn: AsyncConnection, parts: Sequence[tuple[UUID, int]], state: str
    ) -> dict[tuple[UUID, int], int]:
        """Note how parts stand; a settled part stays settled. Returns the amounts of those that changed."""
        ...

    async def count_parts(self, conn: AsyncConnection, action_id: UUID, state: str) -> int:
        """How many parts of the action stand so."""
        ...

    async def any_part_unsettled(self, conn: AsyncConnection, action_id: UUID) -> bool:
        """Whether a part of the action is not paid yet."""
        ...


class RecordLists(Protocol):
    """How far the list of holders of each action is taken."""

    async def lock_or_begin(self, conn: AsyncConnection, action_id: UUID, record_size: int) -> RecordList:
        """The list of an action as far as it is taken, begun if it is not, locked."""
        ...

    async def save(self, conn: AsyncConnection, taken: RecordList) -> None:
        """Write how far the list is taken now."""
        ...


class Fixings(Protocol):
    """Recorded outside values."""

    async def add(self, conn: AsyncConnection, fixing: Fixing) -> bool:
        """Keep a recorded value; False if one waits or counts already."""
        ...

    async def find_same(self, conn: AsyncConnection, fixing: Fixing) -> Fixing | None:
        """What waits or counts for the same series and day, or the same issue's event."""
        ...

    async def lock(self, conn: AsyncConnection, fixing_id: UUID) -> Fixing | None:
        """The value, locked."""
        ...

    async def save(self, conn: AsyncConnection, fixing: Fixing) -> None:
        """Write the next version. Raises: StaleVersion."""
        ...

    async def read(self, conn: AsyncConnection, fixing_id: UUID) -> Fixing | None:
        """The value as it stands."""
        ...

    async def undisputed(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Fixing]:
        """Outcomes whose term to contest is over, locked."""
        ...

    async def page(self, conn: AsyncConnection, *, state: str | None, after: UUID | None, limit: int) -> list[Fixing]:
        """Values by id above `after`, in one state if it is given."""
        ...

    async def confirmed(
        self, conn: AsyncConnection, needed: Iterable[tuple[str, date]]
    ) -> dict[tuple[str, date], Decimal]:
        """The confirmed values among those needed."""
        ...

    async def outcomes(self, conn: AsyncConnection, issue_ids: Iterable[UUID]) -> dict[UUID, str]:
        """The confirmed outcomes of issues that depend on an event."""
        ...


class Instructions(Protocol):
    """Holders' instructions to end units early, and the early actions of the schedule."""

    async def add(self, conn: AsyncConnection, instruction: Instruction) -> bool:
        """Keep a new instruction; False if the command has one."""
        ...

    async def save(self, conn: AsyncConnection, instructions: Sequence[Instruction]) -> None:
        """Write the next version of each. Raises: StaleVersion."""
        ...

    async def of_command(self, conn: AsyncConnection, actor_id: str, command_id: str) -> Instruction | None:
        """The instruction that a command made."""
        ...

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Instruction]:
        """Those instructions that exist, by id."""
        ...

    async def lock(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Instruction]:
        """As `read`, rows locked. Issue and action are locked before."""
        ...

    async def lock_of_actions(
        self, conn: AsyncConnection, action_ids: Iterable[UUID], states: Sequence[str]
    ) -> list[Instruction]:
        """The instructions of actions in some states, locked."""
        ...

    async def asked(
        self, conn: AsyncConnection, *, before: datetime, actions: Iterable[UUID], limit: int
    ) -> list[Instruction]:
        """Instructions not decided: older than `before`, or of these actions whatever their age."""
        ...

    async def release_due(self, conn: AsyncConnection, after: UUID, limit: int) -> list[Instruction]:
        """Instructions with units that have to go back, with ids above `after`."""
        ...

    async def note_released(self, conn: AsyncConnection, entries: Mapping[UUID, int]) -> None:
        """Note the ledger entries with which units went back."""
        ...

    async def page(
        self,
        conn: AsyncConnection,
        *,
        participant_id: UUID | None,
        action_id: UUID | None,
        after: UUID | None,
        limit: int,
    ) -> list[Instruction]:
        """Instructions by id above `after`, of one participant and one action where given."""
        ...

    async def early_actions(
        self, conn: AsyncConnection, *, states: Sequence[str], limit: int
    ) -> list[CorporateAction]:
        """Early actions in some states, whatever became of their issue."""
        ...

    async def to_free(self, conn: AsyncConnection, limit: int) -> list[CorporateAction]:
        """Calls whose lock stands on accounts that they no longer need: a part was listed, or all is cancelled."""
        ...

    async def paid_with_taken(self, conn: AsyncConnection, limit: int) -> list[CorporateAction]:
        """Paid actions whose instructions are not told so yet."""
        ...

    async def ended(self, conn: AsyncConnection, limit: int) -> list[UUID]:
        """Issues in circulation whose every unit ended early."""
        ...


class Proposals(Protocol):
    """Proposals of the operator on issues, and consents of holders to an exchange."""

    async def add(self, conn: AsyncConnection, proposal: IssueProposal) -> None:
        """Keep a new proposal."""
        ...

    async def save(self, conn: AsyncConnection, proposal: IssueProposal) -> None:
        """Write the next version. Raises: StaleVersion."""
        ...

    async def lock(self, conn: AsyncConnection, proposal_id: UUID) -> IssueProposal | None:
        """The proposal, locked. The issue is locked after it."""
        ...

    async def read(self, conn: AsyncConnection, proposal_id: UUID) -> IssueProposal | None:
        """The proposal as it stands."""
        ...

    async def page(
        self, conn: AsyncConnection, *, issue_id: UUID | None, after: UUID | None, limit: int
    ) -> list[IssueProposal]:
        """Proposals by id above `after`, of one issue if it is given."""
        ...

    async def to_perform(self, conn: AsyncConnection, limit: int) -> list[IssueProposal]:
        """Approved write-offs whose records are not all extinguished yet."""
        ...

    async def add_consent(self, conn: AsyncConnection, consent: ExchangeConsent) -> bool:
        """Keep a consent; False if the wallet, or the command, has one."""
        ...

    async def open_consent(
        self, conn: AsyncConnection, proposal_id: UUID, wallet_id: UUID, *, actor_id: str, command_id: str
    ) -> ExchangeConsent | None:
        """The consent that this command made, else the one of the wallet that waits for its entry."""
        ...

    async def lock_consent(self, conn: AsyncConnection, consent_id: UUID) -> ExchangeConsent | None:
        """The consent, locked."""
        ...

    async def save_consent(self, conn: AsyncConnection, consent: ExchangeConsent) -> None:
        """Write the next version. Raises: StaleVersion."""
        ...

    async def drop_consent(self, conn: AsyncConnection, consent_id: UUID) -> None:
        """Forget a consent that the register refused."""
        ...

    async def consents_due(self, conn: AsyncConnection, before: datetime, limit: int) -> Sequence[ExchangeConsent]:
        """Consents without their entry, older than `before`."""
        ...

    async def exchanged(self, conn: AsyncConnection, proposal_id: UUID) -> int:
        """Units of the old issue that were exchanged."""
        ...


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
    reviews: OrderReviews
    investors: Investors
    actions: Actions
    instructions: Instructions
    record_lists: RecordLists
    proposals: Proposals
    fixings: Fixings
    acts: Acts
    rule_book: RuleBookInForce
    quotes: Quotes
    retail_use: RetailUse
    retail_rules: RetailRules

    @property
    def rule_book_version(self) -> str:
        """The version in force, which audit lines name."""
        return self.rule_book.version

    async def rule_book_for_orders(self, conn: AsyncConnection) -> str:
        """The version that who orders must have accepted: the one told of, else the installation's first."""
        return await self.investors.rule_book_in_force(conn) or self.rule_book_version
