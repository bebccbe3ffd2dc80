"""Play a decision to its end: every payment to every holder, by the same code that computes it in life.

Pure: the same terms and the same scenario give the same result. Nobody transfers units in a simulation, so the list
of holders of a payment is who holds them then.
"""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from kapital.kernel.calendar import BusinessCalendar
from kapital.kernel.problems import Family, Problem, Retry
from kapital.tokenization.domain.early_options import AnyOption, BuybackOffer, CallOption, PutOption
from kapital.tokenization.domain.evaluator import early_price, per_unit, shared
from kapital.tokenization.domain.payoff import Holding, PayoutLine, UnitPayout, lines
from kapital.tokenization.domain.published_values import Fixings, substitute
from kapital.tokenization.domain.schedule import ScheduledAction, actions, observations, required_fixings
from kapital.tokenization.domain.shortfall import arrears_rules
from kapital.tokenization.domain.simulation.funding import Shortage
from kapital.tokenization.domain.terms import IssuanceTerms

KIND_WORDS: Final = {
    "coupon": "купон",
    "amortisation": "часть номинала",
    "redemption": "погашение",
    "buyback": "выкуп по оферте",
    "put": "пут",
    "call": "колл",
}
"""The kinds of payments as people read them, in tables and charts."""
_RANKS: Final = {"coupon": 0, "amortisation": 1, "buyback": 2, "put": 3, "call": 4, "redemption": 5}


class ScenarioImpossible(Problem):
    """The scenario asks for what the decision does not know. Facts: `what`."""

    code = "scenario_impossible"
    title = "The decision does not allow this"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class Scenario(Struct, frozen=True, kw_only=True):
    """What happens around the paper.

    Shape: `holders` by name, in units, together at most the quantity; calls, puts and offers by their number in
    the decision, from 1; who puts or accepts names units. `call` ends all units, `part_calls` so many of all
    holders together. From `unfunded_from` on the issuer has no money, until `funded_again_on` if given.
    """

    holders: Mapping[str, int]
    values: Fixings = msgspec.field(default_factory=dict)
    outcome: str | None = None
    call: int | None = None
    part_calls: Mapping[int, int] = msgspec.field(default_factory=dict)
    puts: Mapping[int, Mapping[str, int]] = msgspec.field(default_factory=dict)
    acceptances: Mapping[int, Mapping[str, int]] = msgspec.field(default_factory=dict)
    unfunded_from: date | None = None
    funded_again_on: date | None = None


class Payment(Struct, frozen=True, kw_only=True):
    """One payment of the paper. `paid_on` is None if it is never paid; kopecks and units by holder.

    `unit` is exact kopecks; `substitutes` say which values were missing and what stood in for them.
    """

    kind: str
    nominal_on: date
    pay_on: date
    pay_by_on: date
    paid_on: date | None
    unit: Fraction
    kopecks: dict[str, int]
    extinguished: dict[str, int]
    explanation: str
    substitutes: list[str]

    @property
    def total_kopecks(self) -> int:
        """What all holders are due together."""
        return sum(self.kopecks.values())


class Course(Struct, frozen=True, kw_only=True):
    """The whole life of the paper. `states` are what the issue became, by day; what is never paid stays a debt."""

    payments: list[Payment]
    states: list[tuple[date, str]]
    units_left: dict[str, int]

    def received(self, holder: str) -> int:
        """What a holder got in all, in kopecks."""
        return sum(p.kopecks.get(holder, 0) for p in self.payments if p.paid_on is not None)


def play(terms: IssuanceTerms, scenario: Scenario, *, calendar: BusinessCalendar) -> Course:
    """Every payment until no unit is left, or the issue is in default.

    Raises: ScenarioImpossible, FallbackFindsNothing, FixingNotUsable, OutcomeMissing, OutcomeUnknown,
    PayoffCodeUnknown, CalendarYearNotCovered.
    """
    _require_possible(terms, scenario)
    left = dict(scenario.holders)
    shortage = Shortage(scenario.unfunded_from, scenario.funded_again_on, terms.default.grace_business_days, calendar)
    payments: list[Payment] = []
    for step in _steps(terms, scenario, calendar):
        if not any(left.values()):
            break
        due = _due(terms, scenario, step, left, calendar)
        if due is None:
            continue
        paid_on = shortage.paid_on(due.pay_on, due.pay_by_on)
        kopecks = _with_late_interest(terms, due, step[2], paid_on)
        payments.append(msgspec.structs.replace(due, paid_on=paid_on, kopecks=kopecks))
        if paid_on is not None:
            left = {holder: units - due.extinguished.get(holder, 0) for holder, units in left.items()}
    states = shortage.states()
    over_on = payments[-1].paid_on
    if over_on is not None and not any(left.values()):
        states.append((over_on, "redeemed"))
    return Course(payments=payments, states=states, units_left=left)


_Step = ScheduledAction | CallOption | PutOption | BuybackOffer


def _with_late_interest(terms: IssuanceTerms, due: Payment, step: _Step, paid_on: date | None) -> dict[str, int]:
    """What each holder gets, with the interest of a payment of the schedule that was made in the days of grace."""
    rules = arrears_rules(terms)
    if rules is None or paid_on is None or paid_on <= due.pay_by_on or not isinstance(step, ScheduledAction):
        return due.kopecks
    return {
        holder: kopecks + rules.late_interest(kopecks, due.pay_by_on, paid_on)
        for holder, kopecks in due.kopecks.items()
    }


def _steps(terms: IssuanceTerms, scenario: Scenario, calendar: BusinessCalendar) -> list[tuple[str, int, _Step]]:
    """What is paid, in order; on one day income before parts of the nominal, and what ends units last."""
    steps: list[tuple[str, int, _Step]] = [
        (action.kind.value, action.number, action) for action in actions(terms, calendar=calendar)
    ]
    options = terms.options
    steps += [("buyback", number, options.offers[number - 1]) for number in scenario.acceptances]
    steps += [("put", number, options.puts[number - 1]) for number in scenario.puts]
    if scenario.call is not None:
        steps.append(("call", scenario.call, options.calls[scenario.call - 1]))
    steps += [("call", number, options.calls[number - 1]) for number in scenario.part_calls]
    return sorted(steps, key=lambda step: (_nominal_on(step[2]), _RANKS[step[0]]))


def _nominal_on(step: _Step) -> date:
    return step.nominal_on if isinstance(step, ScheduledAction) else step.on


def _due(
    terms: IssuanceTerms,
    scenario: Scenario,
    step: tuple[str, int, _Step],
    left: Mapping[str, int],
    calendar: BusinessCalendar,
) -> Payment | None:
    kind, number, what = step
    substitutes: list[str] = []
    if isinstance(what, ScheduledAction):
        values, substitutes = _values(terms, scenario, what, calendar)
        unit = per_unit(terms, what, values, scenario.outcome, calendar=calendar)
        pay_on, pay_by_on, units = what.pay_on, what.pay_by_on, left
    else:
        unit = early_price(terms, what)
        pay_on = pay_by_on = calendar.adjust(what.on, terms.payments.business_day_rule)
        units = _ended(terms, scenario, kind, number, what, left)
    paid = _lines(terms, unit, units)
    if not paid:
        return None
    return Payment(
        kind=kind,
        nominal_on=_nominal_on(what),
        pay_on=pay_on,
        pay_by_on=pay_by_on,
        paid_on=None,
        unit=unit.amount,
        kopecks={holder: line.amount_kopecks for holder, line in paid.items()},
        extinguished={holder: line.extinguish_units for holder, line in paid.items() if line.extinguish_units},
        explanation=unit.explanation,
        substitutes=substitutes,
    )


def _ended(
    terms: IssuanceTerms, scenario: Scenario, kind: str, number: int, what: AnyOption, left: Mapping[str, int]
) -> Mapping[str, int]:
    """How many units of each holder an option ends; nobody ends more than is left."""
    if isinstance(what, CallOption):
        part = scenario.part_calls.get(number)
        return left if part is None else shared(terms, part, left)
    asked = (scenario.puts if kind == "put" else scenario.acceptances)[number]
    possible = {holder: min(units, left[holder]) for holder, units in asked.items()}
    return shared(terms, what.units_max, possible) if isinstance(what, BuybackOffer) else possible


def _lines(terms: IssuanceTerms, unit: UnitPayout, units: Mapping[str, int]) -> dict[str, PayoutLine]:
    names = sorted(units)
    holdings = [
        Holding(wallet_id=UUID(int=index), position="available", units=units[name])
        for index, name in enumerate(names)
    ]
    return {names[line.wallet_id.int]: line for line in lines(terms, unit, holdings)}


def _values(
    terms: IssuanceTerms, scenario: Scenario, action: ScheduledAction, calendar: BusinessCalendar
) -> tuple[Fixings, list[str]]:
    """The values of the action, with what the fallback puts in the place of missing ones."""
    values, reasons = dict(scenario.values), []
    of_series = observations(terms)
    for need in required_fixings(terms, action, calendar=calendar):
        if (need.series, need.observed_on) not in scenario.values:
            found = substitute(of_series[need.series], need.observed_on, scenario.values, calendar=calendar)
            values[need.series, need.observed_on] = found.value
            reasons.append(found.reason)
    return values, reasons


def _require_possible(terms: IssuanceTerms, scenario: Scenario) -> None:
    options = terms.options
    if any(units < 0 for units in scenario.holders.values()) or not any(scenario.holders.values()):
        raise _impossible("holders have whole units, at least one of them")
    if sum(scenario.holders.values()) > terms.quantity_max:
        raise _impossible(f"holders have more than {terms.quantity_max} units")
    asked = (
        ("call", ([] if scenario.call is None else [scenario.call]) + list(scenario.part_calls), options.calls),
        ("put", list(scenario.puts), options.puts),
        ("offer", list(scenario.acceptances), options.offers),
    )
    for name, numbers, known in asked:
        for number in numbers:
            if not 1 <= number <= len(known):
                raise _impossible(f"there is no {name} {number}")
    for number, units in scenario.part_calls.items():
        if options.calls[number - 1].partial is not True or number == scenario.call or units < 1:
            raise _impossible(f"call {number} is no call of {units} units")
    for who in (*scenario.puts.values(), *scenario.acceptances.values()):
        for holder, units in who.items():
            if holder not in scenario.holders or not 0 < units <= scenario.holders[holder]:
                raise _impossible(f"{holder[:40]} has no {units} units")
    since, until = scenario.unfunded_from, scenario.funded_again_on
    if until is not None and (since is None or until <= since):
        raise _impossible("money comes back after it was missing")


def _impossible(what: str) -> ScenarioImpossible:
    return ScenarioImpossible(what, {"what": what})
