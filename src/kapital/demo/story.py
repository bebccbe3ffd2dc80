"""The story of the demonstration, act by act. Money and units move only through the use cases of the services."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import UUID

from kapital.app import Kapital
from kapital.contracts.tokenization import ActionRow, IssueDetails, OrderAnswer, OrderBook
from kapital.demo.cast import (
    ISSUE_MANAGER,
    LEGAL,
    RISK,
    SEED,
    SETTLEMENT,
    Player,
    bring_on_stage,
    command,
)
from kapital.demo.signing import Signing
from kapital.kernel.calendar import MOSCOW
from kapital.kernel.problems import Problem, ensure
from kapital.ledger.api import money_asset
from kapital.platform.clock import SteppedClock
from kapital.settlement.domain.withdrawal import WithdrawalItem
from kapital.settlement.use_cases.request_withdrawals import RequestWithdrawals
from kapital.tokenization.domain.checklist import all_hold
from kapital.tokenization.domain.states import ActionState, IssueState
from kapital.tokenization.domain.terms import Event, IssuanceTerms, load_terms
from kapital.tokenization.queries.get_issue import get_issue
from kapital.tokenization.queries.get_order_book import get_order_book
from kapital.tokenization.queries.list_actions import list_actions
from kapital.tokenization.use_cases.confirm_fixing import ConfirmFixing
from kapital.tokenization.use_cases.draft_decision import DraftDecision
from kapital.tokenization.use_cases.place_orders import NewOrder, PlaceOrders
from kapital.tokenization.use_cases.publish_decision import PublishDecision
from kapital.tokenization.use_cases.record_fixing import RecordFixing, RecordOutcome
from kapital.tokenization.use_cases.review_decision import ReviewDecision
from kapital.tokenization.use_cases.sign_decision import SignDecision
from kapital.tokenization.use_cases.submit_decision import SubmitDecision

# How much of an issue is asked for, as a share of its maximum; the last issue finds too few buyers on purpose.
DEMAND: Final = Decimal("1.6")
DEMAND_OF_THE_FAILED: Final = Decimal("0.1")
FUNDED_ABOVE_PROCEEDS: Final = Decimal("0.6")
# So many investors press the button in the same moment.
AT_ONCE: Final = 20
BEFORE_PLACEMENT: Final = timedelta(days=4)
# When the operator works; what becomes due in the night is done in the morning.
BUSINESS_HOUR: Final = time(10, tzinfo=MOSCOW)
_PATIENCE: Final = 400  # steps of the clock; far more than any term sheet here needs

Progress = Callable[[str], None]


@dataclass(slots=True)
class IssueStory:
    """One issue on its way."""

    file: Path
    raw: bytes
    terms: IssuanceTerms
    issuer: Player
    issue_id: UUID
    book: OrderBook | None = None
    details: IssueDetails | None = None
    actions: Sequence[ActionRow] = ()
    holders: int = 0


@dataclass(slots=True)
class Story:
    """What happened. `statement` is an evidence package of `holder`, taken while units were held."""

    signing: Signing
    issues: list[IssueStory] = field(default_factory=list)
    investors: list[Player] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    accepted_orders: int = 0
    investors_in_kopecks: int = 0
    issuers_in_kopecks: int = 0
    investors_out_kopecks: int = 0
    issuers_out_kopecks: int = 0
    holder: Player | None = None
    statement: bytes = b""

    @property
    def money_in_kopecks(self) -> int:
        """What everybody paid to the nominal account."""
        return self.investors_in_kopecks + self.issuers_in_kopecks


def start_of(terms: Sequence[IssuanceTerms]) -> datetime:
    """When the demonstration begins: some days before the first placement, so that all decisions can be published."""
    return min(one.placement_start_at for one in terms).astimezone(UTC) - BEFORE_PLACEMENT


async def play(
    kapital: Kapital,
    clock: SteppedClock,
    files: Sequence[Path],
    *,
    investors: int,
    signing: Signing,
    progress: Progress,
) -> Story:
    """Play all acts. The last file's issue finds too few buyers and fails."""
    story = Story(signing)
    raw = [file.read_bytes() for file in files]
    terms = [load_terms(one) for one in raw]
    progress("participants: registered, identified by one person, approved by another")
    story.investors, issuers = await bring_on_stage(kapital, investors, terms)
    progress(f"certificates of signatures bound to them (sandbox authority, {signing.scheme})")
    await signing.give_certificates(kapital, [*story.investors, *issuers])
    for file, text, one, issuer in zip(files, raw, terms, issuers, strict=True):
        progress(f"{one.code}: decision drafted, reviewed by two, signed, published")
        issue_id = await publish(kapital, signing, issuer, text)
        story.issues.append(IssueStory(file, text, one, issuer, issue_id))
    progress("money arrives on the nominal account and finds its owners")
    await _fund_investors(kapital, story)
    await _advance(kapital, clock, max(one.placement_start_at for one in terms))
    for issue in story.issues:
        progress(f"{issue.terms.code}: orders")
        await _subscribe(kapital, story, issue, failing=issue is story.issues[-1])
    progress("placement closes: held or failed, allocation, delivery against payment, refunds")
    await _advance(kapital, clock, max(one.placement_end_at for one in terms))
    await _late_order(kapital, story)
    await _note_results(kapital, story)
    await _take_a_statement(kapital, story)
    await _fund_issuers(kapital, story)
    await _live_to_the_end(kapital, clock, story, progress)
    progress("everybody takes the money out")
    await _withdraw_all(kapital, story)
    return story


async def publish(kapital: Kapital, signing: Signing, issuer: Player, text: bytes) -> UUID:
    """Bring a decision from draft to publication; returns the issue's id."""
    app = kapital.tokenization.use_cases
    drafted = await app.draft_decision(DraftDecision(command_id=command(), actor=issuer.actor, terms=text))
    ensure(not drafted.faults, f"the example has faults: {[fault.code for fault in drafted.faults]}")
    issue_id, digest = drafted.issue_id, drafted.decision_sha256
    await app.submit_decision(
        SubmitDecision(command_id=command(), actor=issuer.actor, issue_id=issue_id, decision_sha256=digest)
    )
    answers = all_hold(load_terms(text))
    for reviewer in (ISSUE_MANAGER, LEGAL):
        await app.review_decision(
            ReviewDecision(
                command_id=command(), actor=reviewer, issue_id=issue_id, decision_sha256=digest, checklist=answers
            )
        )
    command_id = command()
    await app.sign_decision(
        SignDecision(
            command_id=command_id,
            actor=issuer.actor,
            issue_id=issue_id,
            decision_sha256=digest,
            signed_act=await signing.decision(kapital, issuer, command_id, issue_id, digest),
        )
    )
    await app.publish_decision(
        PublishDecision(command_id=command(), actor=ISSUE_MANAGER, issue_id=issue_id, decision_sha256=digest)
    )
    await kapital.bus.drain()
    return issue_id


# --- money ------------------------------------------------------------------------------------------------------


async def _fund_investors(kapital: Kapital, story: Story) -> None:
    """Each investor pays in enough for its orders; one forgets the code, one pays less than it orders."""
    need = sum(int(DEMAND * i.terms.quantity_max) * i.terms.price_kopecks for i in story.issues)
    each = need // len(story.investors) * 2
    story.investors_in_kopecks = await _pay_in(
        kapital, [(p, each if n else 100) for n, p in enumerate(story.investors)]
    )


async def _fund_issuers(kapital: Kapital, story: Story) -> None:
    """Issuers bring what they will owe above what they raised."""
    payments = [
        (issue.issuer, int(issue.book.paid_kopecks * FUNDED_ABOVE_PROCEEDS))
        for issue in story.issues
        if issue.book is not None and issue.book.paid_kopecks
    ]
    story.issuers_in_kopecks = await _pay_in(kapital, payments)


async def _pay_in(kapital: Kapital, payments: Sequence[tuple[Player, int]]) -> int:
    """Return the kopecks paid in."""
    await kapital.bank.receive_many([(kopecks, player.top_up_purpose) for player, kopecks in payments])
    await kapital.settle_down()
    return sum(kopecks for _, kopecks in payments)


async def _withdraw_all(kapital: Kapital, story: Story) -> None:
    rub = money_asset()
    players = [*story.investors, *(issue.issuer for issue in story.issues)]
    balances = {row.wallet: row.balance for row in await kapital.ledger.register(rub) if row.position == "available"}
    owed = [(player, balances[player.wallet]) for player in players if balances.get(player.wallet)]
    story.investors_out_kopecks = sum(balances.get(player.wallet, 0) for player in story.investors)
    story.issuers_out_kopecks = sum(balances.get(issue.issuer.wallet, 0) for issue in story.issues)
    # Years may have passed, and certificates run out.
    await story.signing.give_certificates(kapital, [player for player, _ in owed])
    for start in range(0, len(owed), AT_ONCE):
        some = owed[start : start + AT_ONCE]
        await asyncio.gather(*(_withdraw(kapital, story.signing, *one) for one in some))
    while await kapital.bank.work_off() or await _money_in_transit(kapital):
        await kapital.settle_down()


async def _withdraw(kapital: Kapital, signing: Signing, player: Player, kopecks: int) -> None:
    item = WithdrawalItem(wallet_id=player.wallet, amount_kopecks=kopecks, payout_account=player.account)
    command_id = command()
    signed = await signing.withdrawals(kapital, player, command_id, (item,))
    [answer] = await kapital.settlement.use_cases.request_withdrawals(
        RequestWithdrawals(command_id=command_id, actor=player.actor, items=(item,), signed_act=signed)
    )
    ensure(answer.code is None, f"a withdrawal was refused: {answer.code}")


async def _money_in_transit(kapital: Kapital) -> bool:
    return any(row.position == "locked" for row in await kapital.ledger.register(money_asset()))


# --- orders -----------------------------------------------------------------------------------------------------


async def _subscribe(kapital: Kapital, story: Story, issue: IssueStory, *, failing: bool) -> None:
    """Investors order one after another, in a drawn order, until the demand is met."""
    terms, draw = issue.terms, random.Random(f"{SEED}/{issue.terms.code}")  # noqa: S311 - the same story each time
    buyers = list(story.investors)
    draw.shuffle(buyers)
    demand = int((DEMAND_OF_THE_FAILED if failing else DEMAND) * terms.quantity_max)
    average = max(terms.min_order_units, demand // len(buyers))
    wanted: list[tuple[Player, int]] = []
    asked = 0
    for buyer in buyers:
        units = min(max(average * draw.randint(50, 150) // 100, terms.min_order_units), terms.max_order_units)
        units = -(-units // terms.lot) * terms.lot
        if failing and asked + units > demand:
            break
        asked += units
        wanted.append((buyer, units))
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        await asyncio.gather(*(_order(kapital, story, buyer, issue, units) for buyer, units in some))
    await kapital.bus.drain()


async def _order(kapital: Kapital, story: Story, buyer: Player, issue: IssueStory, units: int) -> None:
    command_id, orders = command(), (NewOrder(issue_id=issue.issue_id, units=units),)
    signed = await story.signing.orders(kapital, buyer, command_id, orders)
    try:
        placed = await kapital.tokenization.use_cases.place_orders(
            PlaceOrders(command_id=command_id, actor=buyer.actor, orders=orders, signed_act=signed)
        )
    except Problem as problem:
        story.refused[problem.code] += 1
        return
    [answer] = placed.items
    if answer.outcome is OrderAnswer.accepted:
        story.accepted_orders += 1
    elif answer.refusal:
        story.refused[answer.refusal.code] += 1


async def _late_order(kapital: Kapital, story: Story) -> None:
    """One order after the close: refused, and nothing happens."""
    first = story.issues[0]
    await _order(kapital, story, story.investors[1], first, first.terms.min_order_units)


async def _note_results(kapital: Kapital, story: Story) -> None:
    parts = kapital.tokenization.use_cases.parts
    for issue in story.issues:
        async with parts.database.connect() as conn:
            issue.book = await get_order_book(conn, parts, issue.issuer.actor, issue.issue_id)
        register = await kapital.ledger.register(issue.issue_id)
        issue.holders = len({row.wallet for row in register if row.wallet != issue.issue_id})


async def _take_a_statement(kapital: Kapital, story: Story) -> None:
    """A statement of the investor who holds the most issues, while there is something to see in it."""
    held: Counter[UUID] = Counter()
    for issue in story.issues:
        register = await kapital.ledger.register(issue.issue_id)
        held.update({row.wallet for row in register if row.position == "available"})
    story.holder = max(story.investors, key=lambda investor: held[investor.wallet])
    story.statement = await kapital.ledger.statement_evidence(story.holder.wallet)


# --- life -------------------------------------------------------------------------------------------------------


async def _live_to_the_end(kapital: Kapital, clock: SteppedClock, story: Story, progress: Progress) -> None:
    """Move the clock from event to event until every issue is redeemed or refunded."""
    ended = {IssueState.REDEEMED, IssueState.REFUNDED}
    told: set[UUID] = set()
    for _ in range(_PATIENCE):
        await _look(kapital, story)
        open_issues = [i for i in story.issues if i.details and IssueState(i.details.issue.state) not in ended]
        for issue in story.issues:
            for action in issue.actions:
                if action.state in {ActionState.PAID, ActionState.CLOSED} and action.action_id not in told:
                    told.add(action.action_id)
                    progress(f"{issue.terms.code}: {action.kind.value} {action.number} paid")
        if not open_issues:
            return
        await _provide_values(kapital, open_issues, clock.now())
        await kapital.settle_down()
        waiting = [a for i in open_issues for a in i.actions if a.state not in {ActionState.PAID, ActionState.CLOSED}]
        ahead = [at for a in waiting for at in _instants(a) if at > clock.now()]
        await _advance(kapital, clock, business_hour_after(min(ahead, default=clock.now() + timedelta(hours=1))))
    ensure(False, f"the story does not end: {[(i.terms.code, i.details) for i in story.issues]}")


def _instants(action: ActionRow) -> list[datetime]:
    needed = [need.available_at for need in action.missing_fixings]
    return [action.record_at, datetime.combine(action.pay_on, BUSINESS_HOUR), *needed]


def business_hour_after(at: datetime) -> datetime:
    """The first business hour not before an instant, in Moscow: nothing of the story happens at night."""
    same_day = datetime.combine(at.astimezone(MOSCOW).date(), BUSINESS_HOUR)
    return same_day if same_day >= at else same_day + timedelta(days=1)


async def _look(kapital: Kapital, story: Story) -> None:
    parts = kapital.tokenization.use_cases.parts
    for issue in story.issues:
        async with parts.database.connect() as conn:
            issue.details = await get_issue(conn, parts, issue.issuer.actor, issue.issue_id)
            issue.actions = (await list_actions(conn, parts, issue.issuer.actor, issue.issue_id)).items


async def _provide_values(kapital: Kapital, issues: Sequence[IssueStory], now: datetime) -> None:
    """What comes from outside – an index, an event – is recorded by one person and confirmed by another."""
    app, seen = kapital.tokenization.use_cases, set[tuple[str, date]]()
    for issue in issues:
        for action in issue.actions:
            for need in action.missing_fixings:
                key = (need.series, need.observed_on)
                if need.available_at <= now and key not in seen:
                    seen.add(key)
                    value = _synthetic_value(need.series, need.observed_on)
                    fixing = await app.record_fixing(
                        RecordFixing(
                            command_id=command(),
                            actor=SETTLEMENT,
                            series=key[0],
                            observed_on=key[1],
                            value=value,
                            evidence="demo/synthetic",
                        )
                    )
                    await app.confirm_fixing(
                        ConfirmFixing(command_id=command(), actor=RISK, fixing_id=fixing.fixing_id, value=value)
                    )
            if (
                action.outcome_missing
                and action.state == ActionState.FIXING
                and isinstance(issue.terms.payoff, Event)
            ):
                await _decide_outcome(kapital, issue, issue.terms.payoff.outcomes[0].code)


async def _decide_outcome(kapital: Kapital, issue: IssueStory, outcome: str) -> None:
    fixing = await kapital.tokenization.use_cases.record_outcome(
        RecordOutcome(
            command_id=command(),
            actor=SETTLEMENT,
            issue_id=issue.issue_id,
            outcome=outcome,
            evidence="demo/synthetic",
            document_sha256=sha256(b"demo/synthetic").hexdigest(),
        )
    )
    await kapital.tokenization.use_cases.confirm_fixing(
        ConfirmFixing(command_id=command(), actor=RISK, fixing_id=fixing.fixing_id, value=outcome)
    )


def _synthetic_value(series: str, observed_on: date) -> str:
    """A made-up value of a series: a slow rise from 3,000 points for an index, 14 % for a rate."""
    if "rate" in series or "ruonia" in series:
        return "14.00"
    return str(Decimal(3_000) + Decimal(2) * (observed_on - date(2026, 12, 1)).days)


async def _advance(kapital: Kapital, clock: SteppedClock, to: datetime) -> None:
    # By a length of time and not to an instant: the clock ticks on while we look at it.
    clock.advance(max(to - clock.now(), timedelta(0)) + timedelta(seconds=1))
    await kapital.settle_down()
