"""Words of the decision's text: numbers, days, lists, and texts of the issuer made harmless."""

import re
from datetime import date, datetime
from typing import Final

from kapital.kernel.calendar import MOSCOW
from kapital.tokenization.domain.terms import decimal

# What Markdown or HTML could read as a sign, so that a text of the issuer cannot pose as a heading, a link or a
# script of the decision; some signs only count at the start of a line.
_SIGNS: Final = re.compile(r"[\\`*_{}\[\]<>#|~&]")
_LINE_START: Final = re.compile(r"^([-+=]|[0-9]{1,9}(?=[.)]))")
_ENTITIES: Final = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_FEW_MAX: Final = 4
_ELEVEN: Final = 11
_BLANK_LINES: Final = re.compile(r"\n\s*\n")


def bullets(*items: str) -> str:
    """A Markdown list."""
    return "\n".join(f"- {item}" for item in items)


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text of the issuer, each on one line and escaped."""
    return [one_line(part) for part in _BLANK_LINES.split(text.strip())]


def one_line(text: str) -> str:
    """A text of the issuer on one line, escaped."""
    return escaped(" ".join(text.split()))


def escaped(text: str) -> str:
    """A text of the issuer in which no sign, and no space at its ends, means anything to Markdown or HTML."""
    harmless = _SIGNS.sub(lambda found: _ENTITIES.get(found[0], "\\" + found[0]), text.strip())
    return _LINE_START.sub(lambda found: "\\" + found[0] if found[0] in "-+=" else found[0] + "\\", harmless)


def units_text(units: int) -> str:
    """A count of units with thin groups of three."""
    return f"{units:,}".replace(",", "\u00a0")


def business_days(count: int) -> str:
    """The accusative: 1 рабочий день, 2 рабочих дня, 5 рабочих дней."""
    tens, ones = count % 100 // 10, count % 10
    if tens == 1 or ones == 0 or ones > _FEW_MAX:
        return f"{count} рабочих дней"
    return f"{count} рабочий день" if ones == 1 else f"{count} рабочих дня"


def within_business_days(count: int) -> str:
    """The genitive after «в течение»; 0 is the same day."""
    if count == 0:
        return "в тот же день"
    singular = count % 10 == 1 and count % 100 != _ELEVEN
    return f"в течение {count} {'рабочего дня' if singular else 'рабочих дней'}"


def comma(number: str) -> str:
    """A number as Russians write it."""
    return number.replace(".", ",")


def percent(rate: str) -> str:
    """A fraction of one as percent."""
    return comma(f"{(decimal(rate) * 100).normalize():f} %")


def day_text(on: date) -> str:
    """A day as dd.mm.yyyy."""
    return f"{on:%d.%m.%Y}"


def moscow_text(at: datetime) -> str:
    """An instant in Moscow time."""
    return f"{at.astimezone(MOSCOW):%d.%m.%Y %H:%M} по московскому времени"
