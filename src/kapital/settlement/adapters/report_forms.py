"""The report of reconciliation as a table of cells (CSV) and as a page (HTML, Russian and English, no script)."""

import base64
import csv
import hashlib
from collections.abc import Iterator
from io import StringIO
from typing import Any, Final, Literal

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from kapital.contracts import settlement as contract
from kapital.kernel.calendar import MOSCOW
from kapital.kernel.money import format_rubles
from kapital.settlement.adapters.report_words import WORDS

Language = Literal["ru", "en"]
_COLUMNS: Final = ("section", "name", "value")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet would take a text for something to be reckoned."""
_HIDDEN: Final = frozenset({"resolution_sha256"})


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("kapital.settlement", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["moscow"] = lambda at: f"{at.astimezone(MOSCOW):%d.%m.%Y %H:%M:%S}"
    made.filters["day"] = lambda on: f"{on:%d.%m.%Y}"
    made.tests["unset"] = lambda value: value is msgspec.UNSET
    return made


_ENVIRONMENT: Final = _environment()
_STYLE: Final = _ENVIRONMENT.get_template("reconciliation.css").render()
_STYLE_SHA256: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
PAGE_HEADERS: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_SHA256}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


def html_of(report: contract.ReconciliationReport, lang: Language) -> str:
    """The page: complete in itself, so that it can be kept as a file. Every value is escaped."""
    template = _ENVIRONMENT.get_template("reconciliation.html")
    words = WORDS[lang]
    return template.render(
        r=report, lang=lang, t=words, style=_STYLE, money=lambda kopecks: format_rubles(kopecks, lang)
    )


def csv_of(report: contract.ReconciliationReport) -> str:
    """One line a value: section, name, value; sums in kopecks, instants in UTC. A break is a section by its id."""
    file = StringIO()
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    for section, values in _sections(report):
        for name, value in values.items():
            writer.writerow([section, name, _cell(value)])
    return file.getvalue()


def _sections(report: contract.ReconciliationReport) -> Iterator[tuple[str, dict[str, Any]]]:
    told = msgspec.to_builtins(report)
    lists = {name: told.pop(name) for name in ("ageing", "breaks")}
    parts = {name: told.pop(name) for name in ("comparison", "statement", "books") if name in told}
    yield "report", told
    yield from parts.items()
    for bucket in lists["ageing"]:
        yield f"ageing/{bucket.pop('ageing')}", bucket
    for found in lists["breaks"]:
        yield f"break/{found.pop('break_id')}", {name: found[name] for name in found if name not in _HIDDEN}


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
