"""Use case: the issuer ends a placement before its time, by a right that the decision gives it."""

from dataclasses import dataclass
from uuid import UUID

from kapital.contracts.tokenization import IssueMoved
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.acts.form import SignedAct, Wording
from kapital.platform.acts.policy import ActKind
from kapital.platform.acts.records import keep_acts
from kapital.platform.unit_of_work import fingerprint
from kapital.tokenization.domain.act_texts import TEXT_VERSION
from kapital.tokenization.domain.life_texts import placement_end_command, placement_end_text
from kapital.tokenization.domain.problems import PlacementMustBeOpen
from kapital.tokenization.domain.problems_placement import (
    PlacementEndMustBeInDecision,
    PlacementMinimumMustBeReached,
)
from kapital.tokenization.domain.states import PLACEMENT_LIVE
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.acts import authorise_command
from kapital.tokenization.use_cases.issue_commands import earlier_answer, keep_answer, require_permitted


@dataclass(frozen=True, slots=True, kw_only=True)
class EndPlacement:
    """`decision_sha256` is the decision whose right is used."""

    command_id: CommandId
    actor: Actor
    issue_id: UUID
    decision_sha256: str
    signed_act: SignedAct | None = None


def wording_of_placement_end(issue_id: UUID, decision_sha256: str) -> Wording:
    """What the issuer signs."""
    return Wording(
        kind=ActKind.END_PLACEMENT,
        command=placement_end_command(issue_id, decision_sha256),
        text=placement_end_text(issue_id, decision_sha256),
        text_version=TEXT_VERSION,
    )


async def end_placement(cmd: EndPlacement, *, parts: Parts) -> IssueMoved:
    """Keep this instant as the end of the placement; the schedule closes and allocates as of it.

    Orders whose reserve was recorded before it count. What two persons stopped its issuer does not end.
    Law: domain.md 1.3 (close by the issuer's right in the decision), 3.3 (held or failed is no person's choice).
    Raises: NotPermitted, IdempotencyKeyReused, refusals of acts, IssueNotFound, DecisionHashMustMatch,
    PlacementEndMustBeInDecision, PlacementMustBeOpen, PlacementMinimumMustBeReached.
    """
    mark = fingerprint(cmd)
    wording = wording_of_placement_end(cmd.issue_id, cmd.decision_sha256)
    act = await authorise_command(parts, cmd.actor, cmd.command_id, mark, wording, cmd.signed_act)
    async with parts.uow.begin() as tx:
        if (earlier := await earlier_answer(tx, cmd.command_id, cmd.actor, mark)) is not None:
            return earlier
        found = (await parts.issues.lock(tx.conn, [cmd.issue_id])).get(cmd.issue_id)
        issue = require_permitted(tx, cmd.actor, "end_placement", found)
        issue.require_seen(cmd.decision_sha256, None)
        # The clock is read with the lock held: what was withdrawn or accepted before is written already.
        now = parts.clock.now()
        if not issue.issuer_may_end:
            raise PlacementEndMustBeInDecision
        if issue.state not in PLACEMENT_LIVE or issue.stopped_by_operator or issue.is_over(now):
            raise PlacementMustBeOpen(facts={"state": issue.state.value, "code": issue.code})
        if issue.accepted_units < issue.quantity_min:
            facts = {"units": issue.accepted_units, "quantity_min": issue.quantity_min}
            raise PlacementMinimumMustBeReached(facts=facts)
        ended = issue.changed(ended_early_at=now)
        await parts.issues.save(tx.conn, [ended])
        await keep_acts(tx.conn, [act] if act else [])
        await tx.audit.append(
            "tokenization.placement_ended_early",
            issue.issue_id,
            cmd.actor,
            basis={
                "rule_book_version": parts.rule_book_version,
                "decision_sha256": issue.decision_sha256,
                "act_file_sha256": act.file_sha256 if act else None,
            },
            before={"state": issue.state.value, "version": issue.version},
            after={"state": ended.state.value, "version": ended.version, "ended_early_at": now.isoformat()},
        )
        return await keep_answer(tx, cmd.command_id, cmd.actor, mark, ended)
