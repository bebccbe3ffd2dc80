"""Whether the issuer has the money: technical default, grace, default, and the way back (domain.md 3.3, 3.6)."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from kapital.kernel.calendar import BusinessCalendar

_ONE_DAY = timedelta(days=1)


@dataclass(slots=True)
class Shortage:
    """From `since` the issuer has no money, until `until` if it gets some. Asked about payments in their order.

    The days of grace are counted from the last day of the first payment that was missed. A payment missed beyond
    them is a default, and then nothing is paid any more.
    """

    since: date | None
    until: date | None
    grace_business_days: int
    calendar: BusinessCalendar
    missed_on: date | None = field(default=None, init=False)
    _grace_until: date | None = field(default=None, init=False)

    def paid_on(self, pay_on: date, pay_by_on: date) -> date | None:
        """The day a payment is made, None if never."""
        if self.is_defaulted:
            return None
        if self.since is None or pay_on < self.since:
            return pay_on
        if self.until is not None and pay_on >= self.until:
            return pay_on
        if self.until is not None and self.until <= pay_by_on:
            return self.until  # the window was still open
        if self.missed_on is None:
            self.missed_on = pay_by_on
            self._grace_until = self.calendar.add_business_days(pay_by_on, self.grace_business_days)
        return None if self.is_defaulted else self.until

    @property
    def is_defaulted(self) -> bool:
        """Whether a payment stayed unpaid beyond the days of grace."""
        return self._grace_until is not None and (self.until is None or self.until > self._grace_until)

    def states(self) -> list[tuple[date, str]]:
        """What the issue becomes for want of money, by day."""
        if self.missed_on is None or self._grace_until is None:
            return []
        told = [(self.missed_on + _ONE_DAY, "technical_default")]
        if self.is_defaulted:
            told.append((self._grace_until + _ONE_DAY, "default"))
        elif self.until is not None:
            told.append((self.until, "circulating"))
        return told
