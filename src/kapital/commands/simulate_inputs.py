"""What `kapital simulate` is told: names with numbers, days, answers about rates, stated paths."""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from kapital.commands.console import end
from kapital.kernel.calendar import BusinessCalendar
from kapital.tokenization.adapters.bank_of_russia_rates import read_rates
from kapital.tokenization.domain.published_values import merged
from kapital.tokenization.domain.rates_answer import BYTES_MAX
from kapital.tokenization.domain.terms import IssuanceTerms

HOLDERS_MAX = 100
ROWS_MAX = 20_000
_COLUMNS = ["series", "day", "value"]


def read_file(file: Path, limit: int) -> bytes:
    """The bytes of a file, one more than the limit at most, so that the reader can refuse it."""
    try:
        with file.open("rb") as stream:
            return stream.read(limit + 1)
    except OSError as error:
        end(f"{file}: {error.strerror}")


def known_rates(files: Sequence[Path], calendar: BusinessCalendar) -> dict[tuple[str, date], Decimal]:
    """The values of the Bank of Russia's answers, by series and day."""
    known: dict[tuple[str, date], Decimal] = {}
    for file in files:
        known = merged(known, read_rates(read_file(file, BYTES_MAX), calendar=calendar).values)
    return known


def latest(known: Mapping[tuple[str, date], Decimal]) -> dict[str, Decimal]:
    """The last known value of each series: days beyond it go on from there."""
    return {series: known[series, on] for series, on in sorted(known)}


def holders_of(given: Sequence[str], terms: IssuanceTerms) -> dict[str, int]:
    """Holders by name, in units."""
    if len(given) > HOLDERS_MAX:
        end(f"at most {HOLDERS_MAX} holders")
    found = {name: whole(units) for name, units in map(pair, given)}
    if len(found) != len(given):
        end("--holder: each holder once")
    return found or {"holder": terms.quantity_max}


def by_number(given: Sequence[str]) -> dict[int, dict[str, int]]:
    """Who uses which option for how many units, by the option's number in the decision."""
    found: dict[int, dict[str, int]] = {}
    for text in given:
        number, colon, rest = text.partition(":")
        if not colon:
            end(f"{text[:40]}: as 1:anna=5")
        name, units = pair(rest)
        found.setdefault(whole(number), {})[name] = whole(units)
    return found


def pair(text: str) -> tuple[str, str]:
    """Name and what stands behind the sign of equality."""
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


def whole(text: str) -> int:
    """A whole number of at most 13 digits."""
    return int(_parsed(r"\d{1,13}", text, "a whole number", int))


def decimal_of(text: str) -> Decimal:
    """An exact number such as 14.5."""
    return Decimal(_parsed(r"\d{1,9}([.]\d{1,9})?", text, "a number such as 14.5", Decimal))


def day_of(text: str) -> date:
    """A day as YYYY-MM-DD."""
    found: date = _parsed(r"\d{4}-\d{2}-\d{2}", text, "a day YYYY-MM-DD", date.fromisoformat)
    return found


def stated_path(file: Path | None) -> dict[tuple[str, date], Decimal]:
    """The values of a table with the columns series, day, value; each series and day once."""
    if file is None:
        return {}
    content = read_file(file, BYTES_MAX)
    if len(content) > BYTES_MAX:
        end(f"{file}: at most {BYTES_MAX} bytes")
    try:
        rows = list(csv.reader(content.decode("utf-8-sig").splitlines(), strict=True))
    except (UnicodeDecodeError, csv.Error):
        end(f"{file}: not a table in UTF-8 with commas")
    if not rows or rows[0] != _COLUMNS or len(rows) < 2:
        end(f"{file}: the first line is {','.join(_COLUMNS)}, the others are values")
    if len(rows) > ROWS_MAX:
        end(f"{file}: at most {ROWS_MAX} lines")
    stated: dict[tuple[str, date], Decimal] = {}
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(_COLUMNS):
            end(f"{file}, line {line}: {len(_COLUMNS)} columns are needed")
        key = (row[0], day_of(row[1]))
        if key in stated:
            end(f"{file}, line {line}: {row[0][:48]} of {row[1]} stands twice")
        stated[key] = decimal_of(row[2])
    return stated


def called(given: Sequence[str]) -> tuple[int | None, dict[int, int]]:
    """The call of all units, and the calls of a part: `1`, or `1:50` for 50 units."""
    all_of: int | None = None
    parts: dict[int, int] = {}
    for text in given:
        number, colon, units = text.partition(":")
        if colon:
            parts[whole(number)] = whole(units)
        elif all_of is None:
            all_of = whole(number)
        else:
            end("--call: all units are called once")
    if all_of in parts or len(parts) + (all_of is not None) != len(given):
        end("--call: each call once")
    return all_of, parts
