"""Every command of tokenization, bound to its parts: what routes, the schedule, the demonstration and tests call."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from kapital.contracts.tokenization import DecisionDrafted, IssueMoved, OrdersPlaced, OrdersWithdrawn
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.batcher import Batcher
from kapital.tokenization.domain.decision import Verdict
from kapital.tokenization.domain.fixing import Fixing
from kapital.tokenization.domain.problems import TooManyOrders
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.cancel_issue import CancelIssue, cancel_issue
from kapital.tokenization.use_cases.confirm_fixing import ConfirmFixing, FixingDecision, confirm_fixing
from kapital.tokenization.use_cases.draft_decision import DraftDecision, draft_decision
from kapital.tokenization.use_cases.place_orders import NewOrder, Placed, PlaceOrders, place_many, place_orders
from kapital.tokenization.use_cases.publish_decision import PublishDecision, publish_decision
from kapital.tokenization.use_cases.record_fixing import (
    RecordFixing,
    RecordOutcome,
    record_fixing,
    record_outcome,
)
from kapital.tokenization.use_cases.resume_orders import resume_orders
from kapital.tokenization.use_cases.review_decision import ReviewDecision, review_decision
from kapital.tokenization.use_cases.run_schedule import ScheduleReport, run_schedule
from kapital.tokenization.use_cases.sign_decision import SignDecision, sign_decision
from kapital.tokenization.use_cases.submit_decision import SubmitDecision, submit_decision
from kapital.tokenization.use_cases.withdraw_orders import WithdrawOrders, withdraw_orders


class TokenizationUseCases:
    """The commands. `parts` is there for the read side. Each method's promise stands at its use case."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

        async def run(cmds: Sequence[PlaceOrders]) -> list[Placed]:
            return await place_many(cmds, parts=parts)

        self._orders: Batcher[PlaceOrders, Placed] = Batcher(run, overfull=TooManyOrders)

    async def draft_decision(
        self, command_id: CommandId, actor: Actor, *, terms: bytes, issue_id: UUID | None = None
    ) -> DecisionDrafted:
        """See `use_cases.draft_decision`."""
        cmd = DraftDecision(command_id=command_id, actor=actor, terms=terms, issue_id=issue_id)
        return await draft_decision(cmd, parts=self.parts)

    async def submit_decision(
        self,
        command_id: CommandId,
        actor: Actor,
        *,
        issue_id: UUID,
        decision_sha256: str,
        version: int | None = None,
    ) -> IssueMoved:
        """See `use_cases.submit_decision`."""
        cmd = SubmitDecision(
            command_id=command_id,
            actor=actor,
            issue_id=issue_id,
            decision_sha256=decision_sha256,
            version=version,
        )
        return await submit_decision(cmd, parts=self.parts)

    async def review_decision(
        self,
        command_id: CommandId,
        actor: Actor,
        *,
        issue_id: UUID,
        decision_sha256: str,
        verdict: Verdict = Verdict.ACCEPT,
        note: str | None = None,
        version: int | None = None,
    ) -> IssueMoved:
        """See `use_cases.review_decision`."""
        cmd = ReviewDecision(
            command_id=command_id,
            actor=actor,
            issue_id=issue_id,
            decision_sha256=decision_sha256,
            verdict=verdict,
            note=note,
            version=version,
        )
        return await review_decision(cmd, parts=self.parts)

    async def sign_decision(
        self,
        command_id: CommandId,
        actor: Actor,
        *,
        issue_id: UUID,
        decision_sha256: str,
        version: int | None = None,
    ) -> IssueMoved:
        """See `use_cases.sign_decision`."""
        cmd = SignDecision(
            command_id=command_id,
            actor=actor,
            issue_id=issue_id,
            decision_sha256=decision_sha256,
            version=version,
        )
        return await sign_decision(cmd, parts=self.parts)

    async def publish_decision(
        self,
        command_id: CommandId,
        actor: Actor,
        *,
        issue_id: UUID,
        decision_sha256: str,
        version: int | None = None,
    ) -> IssueMoved:
        """See `use_cases.publish_decision`."""
        cmd = PublishDecision(
            command_id=command_id,
            actor=actor,
            issue_id=issue_id,
            decision_sha256=decision_sha256,
            version=version,
        )
        return await publish_decision(cmd, parts=self.parts)

    async def cancel_issue(
        self,
        command_id: CommandId,
        actor: Actor,
        *,
        issue_id: UUID,
        reason: str,
        version: int | None = None,
    ) -> IssueMoved:
        """See `use_cases.cancel_issue`."""
        cmd = CancelIssue(command_id=command_id, actor=actor, issue_id=issue_id, reason=reason, version=version)
        return await cancel_issue(cmd, parts=self.parts)

    async def place_orders(
        self, command_id: CommandId, actor: Actor, *, orders: tuple[NewOrder, ...]
    ) -> OrdersPlaced:
        """See `use_cases.place_orders`. Single orders that arrive together share one batch; a list goes by itself."""
        cmd = PlaceOrders(command_id=command_id, actor=actor, orders=orders)
        if len(orders) != 1:
            return await place_orders(cmd, parts=self.parts)
        return (await self._orders.submit(cmd)).answered()

    async def withdraw_orders(
        self, command_id: CommandId, actor: Actor, *, order_ids: tuple[UUID, ...]
    ) -> OrdersWithdrawn:
        """See `use_cases.withdraw_orders`."""
        cmd = WithdrawOrders(command_id=command_id, actor=actor, order_ids=order_ids)
        return await withdraw_orders(cmd, parts=self.parts)

    async def record_fixing(
        self,
        command_id: CommandId,
        actor: Actor,
        *,
        series: str,
        observed_on: date,
        value: str,
        evidence: str,
        document_sha256: str | None = None,
    ) -> Fixing:
        """See `use_cases.record_fixing`."""
        cmd = RecordFixing(
            command_id=command_id,
            actor=actor,
            series=series,
            observed_on=observed_on,
            value=value,
            evidence=evidence,
            document_sha256=document_sha256,
        )
        return await record_fixing(cmd, parts=self.parts)

    async def record_outcome(
        self,
        command_id: CommandId,
        actor: Actor,
        *,
        issue_id: UUID,
        outcome: str,
        evidence: str,
        document_sha256: str | None = None,
    ) -> Fixing:
        """See `use_cases.record_fixing`."""
        cmd = RecordOutcome(
            command_id=command_id,
            actor=actor,
            issue_id=issue_id,
            outcome=outcome,
            evidence=evidence,
            document_sha256=document_sha256,
        )
        return await record_outcome(cmd, parts=self.parts)

    async def confirm_fixing(
        self,
        command_id: CommandId,
        actor: Actor,
        *,
        fixing_id: UUID,
        value: str,
        verdict: FixingDecision = FixingDecision.CONFIRM,
    ) -> Fixing:
        """See `use_cases.confirm_fixing`."""
        cmd = ConfirmFixing(command_id=command_id, actor=actor, fixing_id=fixing_id, value=value, verdict=verdict)
        return await confirm_fixing(cmd, parts=self.parts)

    async def run_schedule(self, now: datetime) -> ScheduleReport:
        """See `use_cases.run_schedule`."""
        return await run_schedule(now, parts=self.parts)

    async def resume_orders(self) -> int:
        """See `use_cases.resume_orders`; once at the start of a process."""
        return await resume_orders(parts=self.parts)

    async def close(self) -> None:
        """Wait until every order that was submitted is answered."""
        await self._orders.close()
