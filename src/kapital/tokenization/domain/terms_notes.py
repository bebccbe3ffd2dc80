"""What a reader of terms should know though it is no fault."""

from typing import Final

from kapital.kernel.calendar import BusinessCalendar, CalendarYearNotCovered
from kapital.tokenization.domain.fault_rule import Rule
from kapital.tokenization.domain.schedule import nominal_days
from kapital.tokenization.domain.terms import IssuanceTerms
from kapital.tokenization.domain.validator import Fault

NOTES: Final = {
    "calendar_provisional": Rule(
        "производственного календаря на {year} год ещё нет: дни выплат в нём посчитаны по выходным и праздникам "
        "Трудового кодекса и уточнятся, когда календарь будет загружен",
        "there is no production calendar of {year} yet: its days of payment follow weekends and the holidays of the "
        "Labour Code, and are planned anew when the calendar is loaded",
        "Трудовой кодекс ст. 112",
        "M",
    ),
}


def find_notes(terms: IssuanceTerms, *, calendar: BusinessCalendar) -> list[Fault]:
    """One note for each year of payments, or of the days of grace, whose calendar is provisional, ascending."""
    years = {on.year for on, _ in nominal_days(terms)}
    try:
        years.add(calendar.add_business_days(terms.redemption.on, terms.default.grace_business_days).year)
    except CalendarYearNotCovered:
        return []  # a fault, which the validator tells
    rule = NOTES["calendar_provisional"]
    return [
        Fault(
            code="calendar_provisional",
            pointer="/redemption/on",
            message_ru=rule.ru.format(year=year),
            message_en=rule.en.format(year=year),
            legal_basis=rule.basis,
            confidence=rule.confidence,
        )
        for year in sorted(years)
        if calendar.is_provisional(year)
    ]
