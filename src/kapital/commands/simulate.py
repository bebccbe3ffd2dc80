"""`kapital simulate`: play a decision to its end before anybody issues it."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from kapital.commands.console import Force, Json, end, print_json
from kapital.kernel.calendar import BusinessCalendar, moscow_day, russian_calendar
from kapital.kernel.money import format_rubles
from kapital.kernel.problems import Problem
from kapital.tokenization.adapters.bank_of_russia_rates import BYTES_MAX, read_rates
from kapital.tokenization.domain.evaluator import find_evaluator
from kapital.tokenization.domain.payoff import kopecks_text
from kapital.tokenization.domain.published_values import merged
from kapital.tokenization.domain.simulation.chart import svg
from kapital.tokenization.domain.simulation.paths import constant, needed, random_outcome, random_walk
from kapital.tokenization.domain.simulation.play import KIND_WORDS, Course, Payment, Scenario, play
from kapital.tokenization.domain.terms import Event, IssuanceTerms, load_terms
from kapital.tokenization.domain.terms_text import BYTES_MAX as TERMS_BYTES_MAX
from kapital.tokenization.domain.validator import find_faults

PATHS_MAX = 1_000
HOLDERS_MAX = 100
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
    missing: Sequence[date]
    outcome: str | None
    call: int | None
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
    missing: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    seed: Annotated[int | None, Parameter(validator=Number(gte=0, lte=2**63))] = None,
    paths: Annotated[int, Parameter(validator=Number(gte=1, lte=PATHS_MAX))] = 1,
    outcome: str | None = None,
    call: int | None = None,
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
    missing
        A day (YYYY-MM-DD) on which no source published anything; may be repeated.
    seed
        Walk at random from this seed: the same seed gives the same paths everywhere.
    paths
        How many random paths, at most 1,000, each with the next seed; the first is printed whole.
    outcome
        Code of the event's outcome; without it the decision's fallback, or a random one with --seed.
    call
        Number of the call that the issuer exercises.
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
    calendar = russian_calendar()
    try:
        decision = load_terms(_read(terms, TERMS_BYTES_MAX))
        notes = _faults(decision, calendar)
        known = _known(rates, calendar)
        asked = _Asked(
            holders=_holders(holder, decision),
            starts=_latest(known) | {name: _decimal(text) for name, text in map(_pair, value)},
            known=known,
            missing=[_day(text) for text in missing],
            outcome=outcome,
            call=call,
            puts=_by_number(put),
            acceptances=_by_number(accept),
            unfunded_from=None if unfunded_from is None else _day(unfunded_from),
            funded_again_on=None if funded_again_on is None else _day(funded_again_on),
        )
        if paths > 1 and seed is None:
            end("--paths needs --seed: without it all paths are the same")
        courses = [_play(decision, asked, calendar, None if seed is None else seed + n) for n in range(paths)]
        _write_chart(chart, force, decision, courses[0])
    except Problem as problem:
        facts = ", ".join(f"{name} {fact}" for name, fact in problem.facts.items())
        lines = [f"  {fault.pointer}: {fault.message}" for fault in problem.errors]
        end("\n".join([f"{problem.code}: {problem.detail}" + (f" ({facts})" if facts else ""), *lines]))
    told = _told(decision, asked, courses, notes)
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
    return [f"{fault.code}: {fault.message_ru}" for fault in faults]


def _play(terms: IssuanceTerms, asked: _Asked, calendar: BusinessCalendar, seed: int | None) -> Course:
    if seed is None:
        path = constant(terms, asked.starts, calendar=calendar)
    else:
        path = random_walk(terms, asked.starts, seed=seed, calendar=calendar)
    path.update({key: known for key, known in asked.known.items() if key in path})
    outcome = asked.outcome
    if isinstance(terms.payoff, Event) and outcome is None:
        outcome = terms.payoff.fallback_outcome if seed is None else random_outcome(terms, seed=seed)
    scenario = Scenario(
        holders=asked.holders,
        values={key: one for key, one in path.items() if key[1] not in asked.missing},
        outcome=outcome,
        call=asked.call,
        puts=asked.puts,
        acceptances=asked.acceptances,
        unfunded_from=asked.unfunded_from,
        funded_again_on=asked.funded_again_on,
    )
    return play(terms, scenario, calendar=calendar)


def _told(terms: IssuanceTerms, asked: _Asked, courses: Sequence[Course], notes: list[str]) -> dict[str, Any]:
    course = courses[0]
    totals = sorted(sum(course.received(holder) for holder in asked.holders) for course in courses)
    evaluator = find_evaluator(terms)
    return {
        "code": terms.code,
        "evaluator_version": None if evaluator is None else evaluator.version,
        "notes": notes,
        "observed": {name: len(days) for name, days in needed(terms, calendar=russian_calendar()).items()},
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


def _read(file: Path, limit: int) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(limit + 1)  # one byte more is enough for the reader to refuse it
    except OSError as error:
        end(f"{file}: {error.strerror}")


def _known(files: Sequence[Path], calendar: BusinessCalendar) -> dict[tuple[str, date], Decimal]:
    known: dict[tuple[str, date], Decimal] = {}
    for file in files:
        known = merged(known, read_rates(_read(file, BYTES_MAX), calendar=calendar).values)
    return known


def _latest(known: Mapping[tuple[str, date], Decimal]) -> dict[str, Decimal]:
    """The last known value of each series: days beyond it go on from there."""
    return {series: known[series, on] for series, on in sorted(known)}


def _holders(given: Sequence[str], terms: IssuanceTerms) -> dict[str, int]:
    if len(given) > HOLDERS_MAX:
        end(f"at most {HOLDERS_MAX} holders")
    found = {name: _whole(units) for name, units in map(_pair, given)}
    if len(found) != len(given):
        end("--holder: each holder once")
    return found or {"holder": terms.quantity_max}


def _by_number(given: Sequence[str]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for text in given:
        number, colon, rest = text.partition(":")
        if not colon:
            end(f"{text[:40]}: as 1:anna=5")
        name, units = _pair(rest)
        found.setdefault(_whole(number), {})[name] = _whole(units)
    return found


def _pair(text: str) -> tuple[str, str]:
    name, equals, rest = text.partition("=")
    if not (name and equals and rest):
        end(f"{text[:40]}: as name=number")
    return name, rest


def _parsed(pattern: str, text: str, what: str, read: Callable[[str], Any]) -> Any:
    try:
        if re.fullmatch(pattern, text, re.ASCII):
            return read(text)
    except ValueError:
        pass
    return end(f"{text[:40]} is not {what}")


def _whole(text: str) -> int:
    return int(_parsed(r"\d{1,13}", text, "a whole number", int))


def _decimal(text: str) -> Decimal:
    return Decimal(_parsed(r"\d{1,9}([.]\d{1,9})?", text, "a number such as 14.5", Decimal))


def _day(text: str) -> date:
    found: date = _parsed(r"\d{4}-\d{2}-\d{2}", text, "a day YYYY-MM-DD", date.fromisoformat)
    return found
