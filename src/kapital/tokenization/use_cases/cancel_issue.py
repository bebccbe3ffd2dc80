"""Use case: the issuer gives the issue up before the first accepted order."""

from dataclasses import dataclass
from uuid import UUID

from kapital.contracts.tokenization import IssueMoved
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import StaleVersion
from kapital.platform.unit_of_work import fingerprint
from kapital.tokenization.domain.problems import IssueMustHaveNoAcceptedOrder
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.issue_commands import earlier_answer, keep_answer, require_permitted
from kapital.tokenization.use_cases.steps import move_issue


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelIssue:
    """`reason` goes to the audit trail."""

    command_id: CommandId
    actor: Actor
    issue_id: UUID
    reason: str
    version: int | None = None


async def cancel_issue(cmd: CancelIssue, *, parts: Parts) -> IssueMoved:
    """Move to CANCELLED. Orders whose reserve is on its way are turned away when they are decided.

    Raises: NotPermitted, IdempotencyKeyReused, IssueNotFound, StaleVersion, IssueMustHaveNoAcceptedOrder, WrongState.
    """
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await earlier_answer(tx, cmd.command_id, cmd.actor, mark)) is not None:
            return earlier
        issue = require_permitted(
            tx, cmd.actor, "cancel_issue", (await parts.issues.lock(tx.conn, [cmd.issue_id])).get(cmd.issue_id)
        )
        if cmd.version is not None and cmd.version != issue.version:
            raise StaleVersion(facts={"seen": cmd.version, "kept": issue.version})
        if await parts.orders.any_ever_accepted(tx.conn, issue.issue_id):
            raise IssueMustHaveNoAcceptedOrder
        basis = {"reason": cmd.reason[:1000]}
        issue = await move_issue(tx, parts, issue, "cancelled", actor=cmd.actor, basis=basis)
        return await keep_answer(tx, cmd.command_id, cmd.actor, mark, issue)
