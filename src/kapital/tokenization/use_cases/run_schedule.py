"""One tick of the schedule: everything that time alone brings."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.advance_actions import advance_actions
from kapital.tokenization.use_cases.advance_early import advance_early
from kapital.tokenization.use_cases.close_placements import close_placements
from kapital.tokenization.use_cases.contest_outcome import end_contest_terms
from kapital.tokenization.use_cases.exchange_units import resume_exchanges
from kapital.tokenization.use_cases.expire_orders import expire_orders
from kapital.tokenization.use_cases.fill_continuous import fill_continuous
from kapital.tokenization.use_cases.fund_orders import fund_orders, tell_awaiting_orders
from kapital.tokenization.use_cases.open_placements import open_placements
from kapital.tokenization.use_cases.order_acts import check_waiting_acts
from kapital.tokenization.use_cases.perform_proposals import extinguish_written_off
from kapital.tokenization.use_cases.recheck_acts import tell_open_reviews
from kapital.tokenization.use_cases.reserve_payouts import release_reserves
from kapital.tokenization.use_cases.resume_orders import resume_orders
from kapital.tokenization.use_cases.start_redemptions import start_redemptions

_ORDER_WAITS = timedelta(seconds=30)
"""An order undecided for longer than any reserve takes: whoever worked on it is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleReport:
    """How many issues, orders, acts, outcomes, early ends and actions a tick moved; `filled`: placements.

    `funded`, `expired`: orders whose money came, or did not come in time.
    """

    opened: int
    resumed: int
    acts: int
    funded: int
    expired: int
    filled: int
    closed: int
    redemptions: int
    outcomes: int
    early: int
    actions: int


async def run_schedule(now: datetime, *, parts: Parts) -> ScheduleReport:
    """Open and close placements, start redemptions, bring corporate actions on, resume orders left behind, and fund
    or end those that await money.

    Promise: may be called at any time, any number of times, by several processes at once, and never has to be called
    at an exact time: each step is decided under row locks by the state and the instants of the decision. `now` in the
    future is taken as the present.
    """
    now = min(now, parts.clock.now())
    report = ScheduleReport(
        opened=await open_placements(now, parts=parts),
        resumed=await resume_orders(parts=parts, older_than=_ORDER_WAITS),
        acts=await check_waiting_acts(parts=parts),
        funded=await fund_orders(now, parts=parts),
        expired=await expire_orders(now, parts=parts),
        filled=await fill_continuous(now, parts=parts),
        closed=await close_placements(now, parts=parts),
        redemptions=await start_redemptions(now, parts=parts),
        outcomes=await end_contest_terms(now, parts=parts),
        early=await advance_early(now, parts=parts),
        actions=await advance_actions(now, parts=parts),
    )
    await release_reserves(parts)
    await resume_exchanges(parts=parts)
    await extinguish_written_off(parts=parts)
    await tell_open_reviews(parts=parts)
    await tell_awaiting_orders(parts=parts)
    return report
