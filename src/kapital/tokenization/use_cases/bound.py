"""Every command of tokenization, bound to its parts: what routes, the schedule, the demonstration and tests call."""

from collections.abc import Sequence
from datetime import datetime

from kapital.contracts.tokenization import DecisionDrafted, IssueMoved, OrdersPlaced, OrdersWithdrawn
from kapital.platform.batcher import Batcher
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.fixing import Fixing
from kapital.tokenization.domain.issue_proposal import ExchangeConsent, IssueProposal
from kapital.tokenization.domain.order_review import OrderReview
from kapital.tokenization.domain.payoff_code import PayoffCode
from kapital.tokenization.domain.problems import TooManyOrders
from kapital.tokenization.domain.quote import Quote
from kapital.tokenization.domain.redemption_instruction import Instruction
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.approve_payoff_code import (
    DecidePayoffCode,
    ProposePayoffCode,
    decide_payoff_code,
    propose_payoff_code,
)
from kapital.tokenization.use_cases.call_units import CallUnits, OfferBuyback, call_units, offer_buyback
from kapital.tokenization.use_cases.cancel_issue import CancelIssue, cancel_issue
from kapital.tokenization.use_cases.confirm_fixing import ConfirmFixing, confirm_fixing
from kapital.tokenization.use_cases.contest_outcome import (
    ContestOutcome,
    JudgeContest,
    contest_outcome,
    judge_contest,
)
from kapital.tokenization.use_cases.decide_order_review import (
    DecideOrderReview,
    ProposeOrderReview,
    decide_order_review,
    propose_order_review,
)
from kapital.tokenization.use_cases.draft_decision import DraftDecision, draft_decision
from kapital.tokenization.use_cases.end_placement import EndPlacement, end_placement
from kapital.tokenization.use_cases.exchange_units import ConsentToExchange, consent_to_exchange
from kapital.tokenization.use_cases.instruct_redemption import InstructRedemption, instruct_redemption
from kapital.tokenization.use_cases.issue_proposals import (
    ConsentToCancellation,
    DecideIssueStep,
    ProposeIssueStep,
    consent_to_cancellation,
    decide_issue_step,
    propose_issue_step,
)
from kapital.tokenization.use_cases.place_orders import Placed, PlaceOrders, place_many, place_orders
from kapital.tokenization.use_cases.publish_decision import PublishDecision, publish_decision
from kapital.tokenization.use_cases.publish_quote import PublishQuote, publish_quote
from kapital.tokenization.use_cases.record_fixing import (
    RecordFixing,
    RecordOutcome,
    record_fixing,
    record_outcome,
)
from kapital.tokenization.use_cases.record_rates import RatesRecorded, RecordRates, record_rates
from kapital.tokenization.use_cases.record_substitute import RecordSubstitute, record_substitute
from kapital.tokenization.use_cases.replan_actions import replan_actions
from kapital.tokenization.use_cases.resume_orders import resume_orders
from kapital.tokenization.use_cases.review_decision import ReviewDecision, review_decision
from kapital.tokenization.use_cases.run_schedule import ScheduleReport, run_schedule
from kapital.tokenization.use_cases.sign_decision import SignDecision, sign_decision
from kapital.tokenization.use_cases.submit_decision import SubmitDecision, submit_decision
from kapital.tokenization.use_cases.withdraw_instruction import WithdrawInstruction, withdraw_instruction
from kapital.tokenization.use_cases.withdraw_orders import WithdrawOrders, withdraw_orders

_GATHER = 0.25
"""Brokers' programs send the next order when the last is answered: a batch waits for them, a quarter of its time."""


class TokenizationUseCases:
    """The commands. `parts` is there for the read side. Each method's promise stands at its use case."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

        async def run(cmds: Sequence[PlaceOrders]) -> list[Placed]:
            return await place_many(cmds, parts=parts)

        self._orders: Batcher[PlaceOrders, Placed] = Batcher(run, gather=_GATHER, overfull=TooManyOrders)

    async def draft_decision(self, cmd: DraftDecision) -> DecisionDrafted:
        """See `use_cases.draft_decision`."""
        return await draft_decision(cmd, parts=self.parts)

    async def submit_decision(self, cmd: SubmitDecision) -> IssueMoved:
        """See `use_cases.submit_decision`."""
        return await submit_decision(cmd, parts=self.parts)

    async def review_decision(self, cmd: ReviewDecision) -> IssueMoved:
        """See `use_cases.review_decision`."""
        return await review_decision(cmd, parts=self.parts)

    async def sign_decision(self, cmd: SignDecision) -> IssueMoved:
        """See `use_cases.sign_decision`."""
        return await sign_decision(cmd, parts=self.parts)

    async def publish_decision(self, cmd: PublishDecision) -> IssueMoved:
        """See `use_cases.publish_decision`."""
        return await publish_decision(cmd, parts=self.parts)

    async def cancel_issue(self, cmd: CancelIssue) -> IssueMoved:
        """See `use_cases.cancel_issue`."""
        return await cancel_issue(cmd, parts=self.parts)

    async def place_orders(self, cmd: PlaceOrders) -> OrdersPlaced:
        """See `use_cases.place_orders`. Single orders that arrive together share one batch; a list goes by itself."""
        if len(cmd.orders) != 1:
            return await place_orders(cmd, parts=self.parts)
        return (await self._orders.submit(cmd)).answered()

    async def withdraw_orders(self, cmd: WithdrawOrders) -> OrdersWithdrawn:
        """See `use_cases.withdraw_orders`."""
        return await withdraw_orders(cmd, parts=self.parts)

    async def propose_order_review(self, cmd: ProposeOrderReview) -> OrderReview:
        """See `use_cases.decide_order_review`."""
        return await propose_order_review(cmd, parts=self.parts)

    async def decide_order_review(self, cmd: DecideOrderReview) -> OrderReview:
        """See `use_cases.decide_order_review`."""
        return await decide_order_review(cmd, parts=self.parts)

    async def end_placement(self, cmd: EndPlacement) -> IssueMoved:
        """See `use_cases.end_placement`."""
        return await end_placement(cmd, parts=self.parts)

    async def call_units(self, cmd: CallUnits) -> CorporateAction:
        """See `use_cases.call_units`."""
        return await call_units(cmd, parts=self.parts)

    async def offer_buyback(self, cmd: OfferBuyback) -> CorporateAction:
        """See `use_cases.call_units`."""
        return await offer_buyback(cmd, parts=self.parts)

    async def instruct_redemption(self, cmd: InstructRedemption) -> Instruction:
        """See `use_cases.instruct_redemption`."""
        return await instruct_redemption(cmd, parts=self.parts)

    async def withdraw_instruction(self, cmd: WithdrawInstruction) -> Instruction:
        """See `use_cases.withdraw_instruction`."""
        return await withdraw_instruction(cmd, parts=self.parts)

    async def publish_quote(self, cmd: PublishQuote) -> Quote:
        """See `use_cases.publish_quote`."""
        return await publish_quote(cmd, parts=self.parts)

    async def record_fixing(self, cmd: RecordFixing) -> Fixing:
        """See `use_cases.record_fixing`."""
        return await record_fixing(cmd, parts=self.parts)

    async def record_outcome(self, cmd: RecordOutcome) -> Fixing:
        """See `use_cases.record_fixing`."""
        return await record_outcome(cmd, parts=self.parts)

    async def propose_payoff_code(self, cmd: ProposePayoffCode) -> PayoffCode:
        """See `use_cases.approve_payoff_code`."""
        return await propose_payoff_code(cmd, parts=self.parts)

    async def decide_payoff_code(self, cmd: DecidePayoffCode) -> PayoffCode:
        """See `use_cases.approve_payoff_code`."""
        return await decide_payoff_code(cmd, parts=self.parts)

    async def record_rates(self, cmd: RecordRates) -> RatesRecorded:
        """See `use_cases.record_rates`."""
        return await record_rates(cmd, parts=self.parts)

    async def record_substitute(self, cmd: RecordSubstitute) -> Fixing:
        """See `use_cases.record_substitute`."""
        return await record_substitute(cmd, parts=self.parts)

    async def confirm_fixing(self, cmd: ConfirmFixing) -> Fixing:
        """See `use_cases.confirm_fixing`."""
        return await confirm_fixing(cmd, parts=self.parts)

    async def propose_issue_step(self, cmd: ProposeIssueStep) -> IssueProposal:
        """See `use_cases.issue_proposals`."""
        return await propose_issue_step(cmd, parts=self.parts)

    async def consent_to_cancellation(self, cmd: ConsentToCancellation) -> IssueProposal:
        """See `use_cases.issue_proposals`."""
        return await consent_to_cancellation(cmd, parts=self.parts)

    async def decide_issue_step(self, cmd: DecideIssueStep) -> IssueProposal:
        """See `use_cases.issue_proposals`."""
        return await decide_issue_step(cmd, parts=self.parts)

    async def consent_to_exchange(self, cmd: ConsentToExchange) -> ExchangeConsent:
        """See `use_cases.exchange_units`."""
        return await consent_to_exchange(cmd, parts=self.parts)

    async def contest_outcome(self, cmd: ContestOutcome) -> Fixing:
        """See `use_cases.contest_outcome`."""
        return await contest_outcome(cmd, parts=self.parts)

    async def judge_contest(self, cmd: JudgeContest) -> Fixing:
        """See `use_cases.contest_outcome`."""
        return await judge_contest(cmd, parts=self.parts)

    async def run_schedule(self, now: datetime) -> ScheduleReport:
        """See `use_cases.run_schedule`."""
        return await run_schedule(now, parts=self.parts)

    async def replan_actions(self) -> int:
        """See `use_cases.replan_actions`; once at the start of a process."""
        return await replan_actions(parts=self.parts)

    async def resume_orders(self) -> int:
        """See `use_cases.resume_orders`; once at the start of a process."""
        return await resume_orders(parts=self.parts)

    async def close(self) -> None:
        """Wait until every order that was submitted is answered."""
        await self._orders.close()
