"""Early ends of an issue as corporate actions: planned from the decision, called by notice, offered by the issuer.

Law: 259-FZ art. 3 (early redemption as the decision says, item 12 [M]); domain.md 3.6, scenarios 38–40.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from uuid import UUID

import msgspec

from kapital.kernel.calendar import BusinessCalendar, moscow_day
from kapital.kernel.ids import derive_uuid7
from kapital.kernel.money import format_rubles, split_pro_rata
from kapital.kernel.problems import InvariantBroken
from kapital.tokenization.domain import evaluator
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.early import Early
from kapital.tokenization.domain.early_options import AnyOption
from kapital.tokenization.domain.issue import Issue, day_start
from kapital.tokenization.domain.payoff import Holding, PayoutLine, UnitPayout, lines
from kapital.tokenization.domain.payoff_v2 import bought_back
from kapital.tokenization.domain.problems_early import (
    CallMustAllowPart,
    CallNoticeMustBeInTime,
    EarlyOptionNotFound,
    OfferWindowMustFit,
)
from kapital.tokenization.domain.redemption_instruction import Instruction
from kapital.tokenization.domain.schedule import ActionKind, actions, early_pay_on, last_notice_on
from kapital.tokenization.domain.states import ActionState
from kapital.tokenization.domain.terms import IssuanceTerms

_ONE_DAY = timedelta(days=1)


def planned_options(
    issue: Issue, terms: IssuanceTerms, calendar: BusinessCalendar, *, first_number: int, now: datetime
) -> list[CorporateAction]:
    """The puts and offers of the decision, open to holders by their days; ids are derived as those of payments."""
    found: list[tuple[date, ActionKind, Early]] = []
    for number, put in enumerate(terms.options.puts, start=1):
        last_on = last_notice_on(terms, put.on, calendar, least=1)
        early = _early(number, put.price, now, last_on, revocable=bool(put.revocable))
        found.append((put.on, ActionKind.PUT, early))
    for number, offer in enumerate(terms.options.offers, start=1):
        early = _early(
            number,
            offer.price,
            day_start(offer.accept_from_on),
            offer.accept_to_on,
            revocable=bool(offer.revocable),
            units_max=offer.units_max,
        )
        found.append((offer.on, ActionKind.BUYBACK, early))
    return [
        _action(issue, terms, calendar, on=on, kind=kind, number=first_number + index, early=early)
        for index, (on, kind, early) in enumerate(found)
    ]


def called(
    issue: Issue,
    terms: IssuanceTerms,
    calendar: BusinessCalendar,
    *,
    option: int,
    units: int | None,
    number: int,
    at: datetime,
) -> CorporateAction:
    """The call that a notice given at `at` makes.

    Raises: EarlyOptionNotFound, CallNoticeMustBeInTime, CallMustAllowPart.
    """
    if not 1 <= option <= len(terms.options.calls):
        raise EarlyOptionNotFound(facts={"option": option, "known": len(terms.options.calls)})
    call = terms.options.calls[option - 1]
    last_on, today = last_notice_on(terms, call.on, calendar, least=0), moscow_day(at)
    if today > last_on:
        raise CallNoticeMustBeInTime(
            f"the notice of this call had to be given by {last_on.isoformat()}",
            {"on": call.on.isoformat(), "last": last_on.isoformat(), "today": today.isoformat()},
        )
    if units is not None and not (call.partial and 0 < units < issue.allocated_units):
        raise CallMustAllowPart(facts={"units": units, "issued": issue.allocated_units})
    early = Early(option=option, price=call.price, units_max=units)
    return _action(issue, terms, calendar, on=call.on, kind=ActionKind.CALL, number=number, early=early)


def offered(
    issue: Issue,
    terms: IssuanceTerms,
    calendar: BusinessCalendar,
    *,
    command: str,
    price_kopecks: int,
    units_max: int,
    accept_to_on: date,
    on: date,
    number: int,
    at: datetime,
) -> CorporateAction:
    """An offer of the issuer's own to buy back at a price of its own, whole and without accrued income apart.

    Accepted from now to the end of `accept_to_on`, settled on `on`: a business day after it, over with the days of
    grace before the redemption. Raises: OfferWindowMustFit.
    """
    window_on = calendar.adjust(terms.redemption.on, terms.payments.business_day_rule)
    over_on = calendar.add_business_days(on, terms.default.grace_business_days)
    fits = moscow_day(at) <= accept_to_on < on and calendar.is_business_day(on) and over_on < window_on
    if not fits or not 0 < units_max <= issue.allocated_units:
        raise OfferWindowMustFit(
            facts={
                "accept_to_on": accept_to_on.isoformat(),
                "on": on.isoformat(),
                "over_on": over_on.isoformat(),
                "redemption_on": window_on.isoformat(),
                "issued": issue.allocated_units,
            }
        )
    early = Early(
        price_kopecks=price_kopecks,
        units_max=units_max,
        open_at=at,
        close_at=day_start(accept_to_on + _ONE_DAY),
        revocable=True,
    )
    action = _action(issue, terms, calendar, on=on, kind=ActionKind.BUYBACK, number=number, early=early)
    return msgspec.structs.replace(action, action_id=derive_uuid7(issue.issue_id, f"offer/{command}"))


def unit_price(terms: IssuanceTerms, action: CorporateAction) -> UnitPayout:
    """What one unit that the action ends is paid. Raises: PayoffCodeUnknown."""
    early = early_of(action)
    if early.price_kopecks is not None:
        price = format_rubles(early.price_kopecks, "ru")
        text = f"Выкуп по оферте эмитента: {price} на единицу"
        return UnitPayout(amount=Fraction(early.price_kopecks), extinguish=True, explanation=text)
    return evaluator.early_price(terms, option_of(terms, action))


def option_of(terms: IssuanceTerms, action: CorporateAction) -> AnyOption:
    """The option of the decision that the action performs."""
    early, options = early_of(action), terms.options
    listed: Mapping[ActionKind, Sequence[AnyOption]] = {
        ActionKind.CALL: options.calls,
        ActionKind.PUT: options.puts,
        ActionKind.BUYBACK: options.offers,
    }
    if early.option is None:
        raise InvariantBroken("an offer of the issuer's own is no option of the decision")
    return listed[action.kind][early.option - 1]


def early_of(action: CorporateAction) -> Early:
    """What the action knows as an early end; for another action it is our own fault to ask."""
    if action.early is None:
        raise InvariantBroken("a scheduled action ends no units early")
    return action.early


def call_lines(terms: IssuanceTerms, action: CorporateAction, holdings: Sequence[Holding]) -> list[PayoutLine]:
    """What a call pays and ends: all units, or the part that falls on each wallet and on each of its positions.

    Shape: `holdings` hold each wallet and position once. Shares as `evaluator.shared`; within a wallet by the largest
    remainder, ties in order of the position's name.
    """
    part, unit = early_of(action).units_max, unit_price(terms, action)
    if part is None:
        return lines(terms, unit, holdings)
    held: dict[UUID, list[Holding]] = defaultdict(list)
    for holding in sorted(holdings, key=lambda one: (one.wallet_id, one.position)):
        held[holding.wallet_id].append(holding)
    totals = {str(wallet): sum(one.units for one in of_wallet) for wallet, of_wallet in held.items()}
    shares = evaluator.shared(terms, part, totals)
    taken = [
        msgspec.structs.replace(one, units=units)
        for wallet, of_wallet in held.items()
        for one, units in zip(
            of_wallet,
            split_pro_rata(shares.get(str(wallet), 0), [holding.units for holding in of_wallet]),
            strict=True,
        )
        if units
    ]
    return lines(terms, unit, taken)


def taken_units(
    terms: IssuanceTerms, action: CorporateAction, instructions: Sequence[Instruction]
) -> dict[UUID, int]:
    """How many units of each instruction the action ends: all, or what the cap of an offer lets.

    Shares are those of wallets; within a wallet earlier instructions are served first.
    """
    early = early_of(action)
    if early.units_max is None:
        return {one.instruction_id: one.units for one in instructions}
    asked: dict[str, int] = defaultdict(int)
    for one in instructions:
        asked[str(one.wallet_id)] += one.units
    # The issuer's own offer is no term of the decision, so that no version of the decision's code says how to share.
    own = early.option is None
    shares = bought_back(early.units_max, asked) if own else evaluator.shared(terms, early.units_max, asked)
    taken = {}
    for one in sorted(instructions, key=lambda one: (one.lock_seq or 0, one.instruction_id)):
        left = shares.get(str(one.wallet_id), 0)
        taken[one.instruction_id] = min(one.units, left)
        shares[str(one.wallet_id)] = left - taken[one.instruction_id]
    return taken


def instructed_lines(
    terms: IssuanceTerms, action: CorporateAction, instructions: Sequence[Instruction], taken: Mapping[UUID, int]
) -> list[PayoutLine]:
    """What the action pays for the units taken, one line a wallet, out of the locked position."""
    units: dict[UUID, int] = defaultdict(int)
    for one in instructions:
        units[one.wallet_id] += taken[one.instruction_id]
    holdings = [
        Holding(wallet_id=wallet, position="locked", units=count) for wallet, count in sorted(units.items()) if count
    ]
    return lines(terms, unit_price(terms, action), holdings)


def _early(
    option: int, price: str, open_at: datetime, last_on: date, *, revocable: bool, units_max: int | None = None
) -> Early:
    return Early(
        option=option,
        price=price,
        units_max=units_max,
        open_at=open_at,
        close_at=day_start(last_on + _ONE_DAY),
        revocable=revocable,
    )


def _action(
    issue: Issue,
    terms: IssuanceTerms,
    calendar: BusinessCalendar,
    *,
    on: date,
    kind: ActionKind,
    number: int,
    early: Early,
) -> CorporateAction:
    pay_on = early_pay_on(terms, on, calendar)
    grace_on = calendar.add_business_days(pay_on, terms.default.grace_business_days)
    # A list of instructions is complete when none is taken any more; a call is listed under its lock on the day.
    # Nothing ends before the lists of that day's income are what they will be.
    of_day = (a.record_at for a in actions(terms, calendar=calendar) if a.pay_on == pay_on)
    pay_at = max([day_start(pay_on), *of_day])
    record_at = early.close_at or pay_at
    return CorporateAction(
        action_id=derive_uuid7(issue.issue_id, f"early/{kind}/{early.option}/{number}"),
        issue_id=issue.issue_id,
        number=number,
        kind=kind,
        nominal_on=on,
        pay_on=pay_on,
        pay_by_on=pay_on,
        record_at=record_at,
        fixing_at=record_at,
        pay_at=pay_at,
        overdue_at=day_start(pay_on + _ONE_DAY),
        grace_until_at=day_start(grace_on + _ONE_DAY),
        needs=[],
        needs_outcome=False,
        state=ActionState.SCHEDULED,
        version=1,
        early=early,
        calendar_sha256=calendar.sha256,
    )
