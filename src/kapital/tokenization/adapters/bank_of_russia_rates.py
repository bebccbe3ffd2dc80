"""The Bank of Russia's answers KeyRateXML and RuoniaXML, as files: the key rate and RUONIA of each business day.

Format: www.cbr.ru/DailyInfoWebServ/DailyInfo.asmx. KeyRate/KR{DT, Rate}, newest first; Ruonia/ro{D0, ruo, vol,
DateUpdate}, oldest first, the value of a day published on the next business day. The SOAP envelope may be absent.
Read tolerantly where answers are known to differ (order, unknown fields, decimal comma), otherwise refused whole.
"""

import re
from datetime import date, datetime
from io import BytesIO
from typing import Final

from kapital.kernel.calendar import MOSCOW, BusinessCalendar
from kapital.platform.xml_records import Node, XmlRefused, records_of
from kapital.tokenization.domain.published_values import PublishedValue, merged
from kapital.tokenization.domain.rates_answer import (
    BYTES_MAX,
    RatesAnswer,
    RatesAnswerTooLarge,
    RatesAnswerUnreadable,
)

ROWS_MAX: Final = 20_000
"""Above fifty years of business days."""
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,5})([.,][0-9]{1,8})?")
_ROOTS: Final = ("Envelope", "KeyRateXMLResponse", "RuoniaXMLResponse", "KeyRate", "Ruonia")
_ROWS: Final = {"KR": ("cbr_key_rate", "DT", "Rate"), "ro": ("ruonia", "D0", "ruo")}


def read_rates(content: bytes, *, calendar: BusinessCalendar) -> RatesAnswer:
    """Read one answer. A day given twice with one value is a deviation, with two values a refusal.

    Raises: RatesAnswerTooLarge, RatesAnswerUnreadable, FixingValuesDiffer.
    """
    if len(content) > BYTES_MAX:
        raise RatesAnswerTooLarge(facts={"limit": BYTES_MAX})
    values: list[PublishedValue] = []
    deviations: list[tuple[str, str]] = []
    try:
        for number, (_, row) in enumerate(records_of(BytesIO(content), roots=_ROOTS, records=_ROWS), start=1):
            if number > ROWS_MAX:
                raise RatesAnswerTooLarge(facts={"limit": ROWS_MAX})
            values.append(_value(row, number, deviations))
    except XmlRefused as refused:
        raise _unreadable(refused.why, **({} if refused.line is None else {"line": refused.line})) from refused
    if not values:
        raise _unreadable("no row of a rate: the answer is empty, or of another kind")
    merged({}, values)
    return RatesAnswer(_once(values, deviations, calendar), deviations)


def _value(row: Node, number: int, deviations: list[tuple[str, str]]) -> PublishedValue:
    series, day_name, rate_name = _ROWS[row.name]
    text = row.first(rate_name)
    if not _NUMBER.fullmatch(text):
        raise _unreadable(f"{rate_name} is not a number: {text[:40]!r}", row=number)
    if "," in text:
        deviations.append((f"row {number}", "decimal_comma"))
    known = {day_name, rate_name, "vol", "DateUpdate"}
    deviations += [(f"row {number}", "unknown_field") for child in row.children if child.name not in known]
    updated = row.first("DateUpdate")
    return PublishedValue(
        series=series,
        observed_on=_instant(row.first(day_name), day_name, number).date(),
        text=text.replace(",", "."),
        published_at=_instant(updated, "DateUpdate", number) if updated else None,
    )


def _instant(text: str, name: str, number: int) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        # Days of the Bank of Russia are days of Moscow; an instant without a zone is one of Moscow too.
        return at.replace(tzinfo=MOSCOW) if at.tzinfo is None else at.astimezone(MOSCOW)
    except (ValueError, OverflowError):  # the first and the last hours of all time have no Moscow time
        raise _unreadable(f"{name} is not a day: {text[:40]!r}", row=number) from None


def _once(
    values: list[PublishedValue], deviations: list[tuple[str, str]], calendar: BusinessCalendar
) -> list[PublishedValue]:
    by_day: dict[tuple[str, date], PublishedValue] = {}
    for value in values:
        at = value.observed_on.isoformat()
        if (value.series, value.observed_on) in by_day:
            deviations.append((at, "day_repeated"))
            continue
        if calendar.first_year <= value.observed_on.year <= calendar.last_year and not calendar.is_business_day(
            value.observed_on
        ):
            deviations.append((at, "not_a_business_day"))
        by_day[value.series, value.observed_on] = value
    return sorted(by_day.values(), key=lambda value: (value.series, value.observed_on))


def _unreadable(reason: str, **facts: int) -> RatesAnswerUnreadable:
    return RatesAnswerUnreadable(reason, {"reason": reason, **facts})
