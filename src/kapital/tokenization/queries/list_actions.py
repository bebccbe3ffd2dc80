"""Read model: the corporate actions of an issue and what they wait for."""

from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.base import unset_if_none
from kapital.contracts.tokenization import ActionList, ActionRow, EarlyEnd, NeededFixing, PayoutKind
from kapital.kernel.actor import Actor
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.early import Early
from kapital.tokenization.ports import Parts
from kapital.tokenization.queries.access import require_readable


async def list_actions(conn: AsyncConnection, parts: Parts, actor: Actor, issue_id: UUID) -> ActionList:
    """Every action of a published issue in order of payment, with the values not yet confirmed.

    Raises: IssueNotFound.
    """
    issue = (await parts.issues.read(conn, [issue_id])).get(issue_id)
    require_readable(issue, actor, "list_actions")
    actions = await parts.actions.of_issue(conn, issue_id)
    wanted = {(need.series, need.observed_on) for action in actions for need in action.needs}
    known = set(await parts.fixings.confirmed(conn, wanted)) if wanted else set()
    known |= set((await parts.fixings.substitutes(conn, [issue_id])).get(issue_id, {}))
    outcome_known = issue_id in await parts.fixings.outcomes(conn, [issue_id])
    return ActionList(items=[action_row(action, known, outcome_known=outcome_known) for action in actions])


def action_row(action: CorporateAction, known: set[tuple[str, date]], *, outcome_known: bool = False) -> ActionRow:
    """One action, as anybody may see it; `known` are the outside values that count."""
    return ActionRow(
        action_id=action.action_id,
        number=action.number,
        kind=PayoutKind(action.kind.value),
        nominal_on=action.nominal_on,
        pay_on=action.pay_on,
        record_at=action.record_at,
        state=action.state.value,
        version=action.version,
        record_size=unset_if_none(action.record_size),
        total_kopecks=action.total_kopecks,
        paid_kopecks=action.paid_kopecks,
        holders=action.holders,
        explanation=unset_if_none(action.explanation),
        calculation_sha256=unset_if_none(action.calculation_sha256),
        missing_fixings=[
            NeededFixing(series=need.series, observed_on=need.observed_on, available_at=need.available_at)
            for need in action.needs
            if (need.series, need.observed_on) not in known
        ],
        outcome_missing=action.needs_outcome and not outcome_known,
        early=unset_if_none(_early(action.early)),
        rest_of=unset_if_none(action.rest_of),
        late_interest_kopecks=unset_if_none(action.late_kopecks or None),
    )


def _early(early: Early | None) -> EarlyEnd | None:
    if early is None:
        return None
    return EarlyEnd(
        option=unset_if_none(early.option),
        price=unset_if_none(early.price),
        price_kopecks=unset_if_none(early.price_kopecks),
        units_max=unset_if_none(early.units_max),
        accept_from_at=unset_if_none(early.open_at),
        accept_until_at=unset_if_none(early.close_at),
        revocable=early.revocable,
        units=early.units,
    )
