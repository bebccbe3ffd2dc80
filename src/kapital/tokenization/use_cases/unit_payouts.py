"""What one unit is paid by each action: shared by the calculation and by the list of holders."""

from collections.abc import Sequence
from uuid import UUID

from kapital.kernel.problems import Problem
from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.evaluator import per_unit
from kapital.tokenization.domain.payoff import UnitPayout
from kapital.tokenization.domain.terms import IssuanceTerms, load_terms
from kapital.tokenization.ports import Parts


async def unit_payouts(tx: Transaction, parts: Parts, actions: Sequence[CorporateAction]) -> dict[UUID, UnitPayout]:
    """What one unit is paid by each action whose outside values are all known.

    What stands in for a value by the fallback of an issue's decision is read before the source's own: it was
    disclosed, and a payment once calculated must not change when the source speaks late.
    """
    needing = {action.issue_id for action in actions if action.needs}
    wanted = {(need.series, need.observed_on) for action in actions for need in action.needs}
    published = await parts.fixings.confirmed(tx.conn, wanted) if wanted else {}
    substitutes = await parts.fixings.substitutes(tx.conn, needing)
    values = {issue_id: {**published, **substitutes[issue_id]} for issue_id in substitutes}
    outcomes = await parts.fixings.outcomes(tx.conn, {a.issue_id for a in actions if a.needs_outcome})
    known = [
        action
        for action in actions
        if all((need.series, need.observed_on) in values.get(action.issue_id, published) for need in action.needs)
        and (not action.needs_outcome or action.issue_id in outcomes)
    ]
    terms = await terms_of(tx, parts, {action.issue_id for action in known})
    units = {}
    for action in known:
        try:
            units[action.action_id] = per_unit(
                terms[action.issue_id],
                action.scheduled,
                values.get(action.issue_id, published),
                outcomes.get(action.issue_id),
                calendar=parts.calendar,
            )
        except Problem as problem:
            # One value that cannot be used must not hold back the payments of other issues.
            get_logger("kapital.tokenization").warning(
                "tokenization.action_not_calculated", code=problem.code, action_id=str(action.action_id)
            )
    return units


async def terms_of(tx: Transaction, parts: Parts, issue_ids: set[UUID]) -> dict[UUID, IssuanceTerms]:
    """The terms of issues, by the present version of their decisions."""
    decisions = await parts.issues.decisions(tx.conn, issue_ids)
    return {issue_id: load_terms(decision.terms) for issue_id, decision in decisions.items()}
