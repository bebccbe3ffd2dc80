"""Terms of law counted in business days (рабочие дни) of Moscow."""

from datetime import datetime, time, timedelta

from kapital.kernel.calendar import MOSCOW, BusinessCalendar, CalendarYearNotCovered


def end_of_term(began_at: datetime, *, business_days: int, calendar: BusinessCalendar) -> datetime:
    """The first instant that is too late: the end, in Moscow, of the last business day of the term; UTC.

    In a year without a calendar business days are not guessed: the next days count whatever they are, which is never
    later. What protects must not fail because a calendar is missing.
    """
    began_on = began_at.astimezone(MOSCOW).date()
    try:
        last = calendar.add_business_days(began_on, business_days)
    except CalendarYearNotCovered:
        last = began_on + timedelta(days=business_days)
    return datetime.combine(last + timedelta(days=1), time(), MOSCOW).astimezone(began_at.tzinfo)
