"""`kapital simulate`: play a decision to its end before anybody issues it."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from kapital.commands.console import Force, Json, end, print_json
from kapital.commands.simulate_inputs import (
    by_number,
    called,
    day_of,
    decimal_of,
    holders_of,
    known_rates,
    latest,
    pair,
    read_file,
    stated_path,
)
from kapital.kernel.calendar import BusinessCalendar, moscow_day, russian_calendar
from kapital.kernel.money import format_rubles
from kapital.kernel.problems import Problem
from kapital.tokenization.domain.evaluator import find_evaluator
from kapital.tokenization.domain.payoff import kopecks_text
from kapital.tokenization.domain.simulation.chart import svg
from kapital.tokenization.domain.simulation.paths import (
    constant,
    looked_at_series,
    needed,
    random_outcome,
    random_walk,
)
from kapital.tokenization.domain.simulation.play import KIND_WORDS, Course, Payment, Scenario, play
from kapital.tokenization.domain.terms import Event, IssuanceTerms, load_terms
from kapital.tokenization.domain.terms_notes import find_notes
from kapital.tokenization.domain.terms_text import BYTES_MAX as TERMS_BYTES_MAX
from kapital.tokenization.domain.validator import find_faults

PATHS_MAX = 1_000
_NOT_PERFORMED = "early_redemption_not_supported"
"""The one fault that does not stop a simulation: early redemption told in words only is left out of it."""
_STATES = {
    "technical_default": "технический дефолт",
    "default": "дефолт",
    "circulating": "долг погашен, обращение продолжается",
    "redeemed": "погашен",
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options of the command that are not about printing."""

    holders: Mapping[str, int]
    starts: Mapping[str, Decimal]
    known: Mapping[tuple[str, date], Decimal]
    stated: Mapping[tuple[str, date], Decimal]
    missing: Sequence[date]
    outcome: str | None
    call: int | None
    part_calls: Mapping[int, int]
    puts: Mapping[int, Mapping[str, int]]
    acceptances: Mapping[int, Mapping[str, int]]
    unfunded_from: date | None
    funded_again_on: date | None


def simulate(
    terms: Path,
    *,
    holder: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    rates: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    value: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    path: Path | None = None,
    missing: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    seed: Annotated[int | None, Parameter(validator=Number(gte=0, lte=2**63))] = None,
    paths: Annotated[int, Parameter(validator=Number(gte=1, lte=PATHS_MAX))] = 1,
    outcome: str | None = None,
    call: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    put: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    accept: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    unfunded_from: str | None = None,
    funded_again_on: str | None = None,
    chart: Path | None = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Play the paper to its end and print every payment to every holder.

    Outside values come from the Bank of Russia's answers given with --rates; days beyond them stay at --value (the
    last known one; 14 % or 100 if there is none), or walk at random with --seed. What is missing is replaced by the
    decision's fallback.

    Parameters
    ----------
    terms
        Terms of a decision, YAML or JSON.
    holder
        Name and units, as `anna=10`; may be repeated, at most 100. Without it one holder has the whole quantity.
    rates
        An answer KeyRateXML or RuoniaXML of the Bank of Russia; may be repeated.
    value
        Series and the value its path begins with, as `cbr_key_rate=14.5`; may be repeated.
    path
        A table (CSV) with the columns series, day, value: the values of those series day by day. A business day of
        such a series without a line counts as not published, up to its last line; from there it goes on as if there
        were no table.
    missing
        A day (YYYY-MM-DD) on which no source published anything; may be repeated.
    seed
        Walk at random from this seed: the same seed gives the same paths everywhere.
    paths
        How many random paths, at most 1,000, each with the next seed; the first is printed whole.
    outcome
        Code of the event's outcome; without it the decision's fallback, or a random one with --seed.
    call
        Number of the call that the issuer exercises; as `1:50` it calls 50 units where the decision allows a part.
        May be repeated.
    put
        Number of a put, who exercises it and for how many units, as `1:anna=5`; may be repeated.
    accept
        Number of an offer, who accepts it and for how many units, as `1:anna=5`; may be repeated.
    unfunded_from
        Day (YYYY-MM-DD) from which the issuer has no money.
    funded_again_on
        Day on which it has money again.
    chart
        File for a chart of the payments (SVG).
    force
        Replace a file that is there.
    """
    calendar = russian_calendar().with_provisional_years()
    try:
        decision = load_terms(read_file(terms, TERMS_BYTES_MAX))
        notes = _faults(decision, calendar)
        known, stated = known_rates(rates, calendar), stated_path(path)
        _require_looked_at(decision, stated)
        whole_call, part_calls = called(call)
        asked = _Asked(
            holders=holders_of(holder, decision),
            starts=latest(known) | latest(stated) | {name: decimal_of(text) for name, text in map(pair, value)},
            known=known,
            stated=stated,
            missing=[day_of(text) for text in missing],
            outcome=outcome,
            call=whole_call,
            part_calls=part_calls,
            puts=by_number(put),
            acceptances=by_number(accept),
            unfunded_from=None if unfunded_from is None else day_of(unfunded_from),
            funded_again_on=None if funded_again_on is None else day_of(funded_again_on),
        )
        if paths > 1 and seed is None:
            end("--paths needs --seed: without it all paths are the same")
        courses = [_play(decision, asked, calendar, None if seed is None else seed + n) for n in range(paths)]
        _write_chart(chart, force, decision, courses[0])
    except Problem as problem:
        facts = ", ".join(f"{name} {fact}" for name, fact in problem.facts.items())
        lines = [f"  {fault.pointer}: {fault.message}" for fault in problem.errors]
        end("\n".join([f"{problem.code}: {problem.detail}" + (f" ({facts})" if facts else ""), *lines]))
    told = _told(decision, asked, courses, notes, calendar)
    if as_json:
        print_json(told)
    else:
        _print(decision, courses[0], told)


def _faults(terms: IssuanceTerms, calendar: BusinessCalendar) -> list[str]:
    """What does not stop the simulation; anything else is told whole and ends the command."""
    faults = find_faults(terms, calendar=calendar, today=moscow_day(terms.placement_start_at))
    wrong = [fault for fault in faults if fault.code != _NOT_PERFORMED]
    if wrong:
        end("\n".join(f"{f.code} {f.pointer}: {f.message_ru} [{f.legal_basis}]" for f in wrong))
    return [f"{one.code}: {one.message_ru}" for one in (*faults, *find_notes(terms, calendar=calendar))]


def _require_looked_at(terms: IssuanceTerms, stated: Mapping[tuple[str, date], Decimal]) -> None:
    if strange := sorted({series for series, _ in stated} - looked_at_series(terms)):
        end(f"--path: the decision does not look at {strange[0][:48]}")


def _play(terms: IssuanceTerms, asked: _Asked, calendar: BusinessCalendar, seed: int | None) -> Course:
    if seed is None:
        path = constant(terms, asked.starts, calendar=calendar)
    else:
        path = random_walk(terms, asked.starts, seed=seed, calendar=calendar)
    # Of a series that only stands in for another nothing is made up: it has the values that were given.
    stand_ins = looked_at_series(terms) - {series for series, _ in path}
    path.update({key: one for key, one in asked.known.items() if key in path or key[0] in stand_ins})
    # One pass over a table of 20,000 lines: the latest day of each series comes last.
    ends = dict(sorted(asked.stated))
    path = {key: one for key, one in path.items() if key[0] not in ends or key[1] > ends[key[0]]}
    path.update(asked.stated)
    outcome = asked.outcome
    if isinstance(terms.payoff, Event) and outcome is None:
        outcome = terms.payoff.fallback_outcome if seed is None else random_outcome(terms, seed=seed)
    scenario = Scenario(
        holders=asked.holders,
        values={key: one for key, one in path.items() if key[1] not in asked.missing},
        outcome=outcome,
        call=asked.call,
        part_calls=asked.part_calls,
        puts=asked.puts,
        acceptances=asked.acceptances,
        unfunded_from=asked.unfunded_from,
        funded_again_on=asked.funded_again_on,
    )
    return play(terms, scenario, calendar=calendar)


def _told(
    terms: IssuanceTerms, asked: _Asked, courses: Sequence[Course], notes: list[str], calendar: BusinessCalendar
) -> dict[str, Any]:
    course = courses[0]
    totals = sorted(sum(course.received(holder) for holder in asked.holders) for course in courses)
    evaluator = find_evaluator(terms)
    return {
        "code": terms.code,
        "evaluator_version": None if evaluator is None else evaluator.version,
        "notes": notes,
        "observed": {name: len(days) for name, days in needed(terms, calendar=calendar).items()},
        "payments": [_payment(payment) for payment in course.payments],
        "states": [{"on": on.isoformat(), "state": state} for on, state in course.states],
        "holders": [
            {
                "holder": name,
                "units": units,
                "invested_kopecks": units * terms.price_kopecks,
                "received_kopecks": course.received(name),
                "units_left": course.units_left[name],
            }
            for name, units in asked.holders.items()
        ],
        "received_kopecks": {
            "paths": len(totals),
            "least": totals[0],
            "median": totals[len(totals) // 2],
            "greatest": totals[-1],
        },
    }


def _payment(payment: Payment) -> dict[str, Any]:
    return {
        "kind": payment.kind,
        "nominal_on": payment.nominal_on.isoformat(),
        "pay_on": payment.pay_on.isoformat(),
        "paid_on": None if payment.paid_on is None else payment.paid_on.isoformat(),
        "unit_kopecks": str(payment.unit),
        "total_kopecks": payment.total_kopecks,
        "kopecks": payment.kopecks,
        "extinguished": payment.extinguished,
        "explanation": payment.explanation,
        "substitutes": payment.substitutes,
    }


def _print(terms: IssuanceTerms, course: Course, told: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 120)
    table = Table(title=escape(f"{terms.code}: {terms.title}"))
    for heading in ("День", "Выплата", "На единицу", "Всем", "Погашено, шт.", "Оплачено"):
        table.add_column(heading, justify="left" if heading in {"День", "Выплата", "Оплачено"} else "right")
    for payment in course.payments:
        table.add_row(
            f"{payment.pay_on:%d.%m.%Y}",
            KIND_WORDS[payment.kind],
            kopecks_text(payment.unit),
            format_rubles(payment.total_kopecks, "ru"),
            str(sum(payment.extinguished.values())),
            "нет" if payment.paid_on is None else f"{payment.paid_on:%d.%m.%Y}",
        )
    console.print(table)
    for payment in course.payments:
        for line in (payment.explanation, *payment.substitutes):
            print(f"{payment.pay_on:%d.%m.%Y}  {line}")
    for on, state in course.states:
        print(f"{on:%d.%m.%Y}  {_STATES[state]}")
    for one in told["holders"]:
        got, left = format_rubles(one["received_kopecks"], "ru"), one["units_left"]
        print(f"{one['holder']}: {one['units']} шт., получено {got}" + (f", осталось {left} шт." if left else ""))
    if (spread := told["received_kopecks"])["paths"] > 1:
        least, median, most = (format_rubles(spread[name], "ru") for name in ("least", "median", "greatest"))
        print(f"{spread['paths']} путей: от {least} до {most}, медиана {median}")
    for note in told["notes"]:
        print(note)


def _write_chart(file: Path | None, force: bool, terms: IssuanceTerms, course: Course) -> None:
    if file is None:
        return
    if file.exists() and not force:
        end(f"{file} is there; --force replaces it")
    try:
        file.write_text(svg(course, title=f"{terms.code}: {terms.title}"), encoding="utf-8")
    except OSError as error:
        end(f"{file}: {error.strerror}")
