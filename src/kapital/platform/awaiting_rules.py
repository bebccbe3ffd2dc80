"""Whether orders may await their money: dated rules of the settings.

Law: domain.md 1.3, 3.4 (no reserve, no acceptance; an order may await its money until a cut-off); 259-FZ art. 3: that
an order is taken before it is paid is for the rule book of an installation to say [M?], so without a rule none is.
"""

from datetime import date

from kapital.platform.dated_rules import DatedRule, DatedSwitch


class AwaitingRule(DatedRule):
    """From a day to a day (both included) orders are taken that await their money."""


class AwaitingRules(DatedSwitch[AwaitingRule]):
    """The rules by day."""

    setting = "orders_await_funds"

    def allowed_on(self, on: date) -> bool:
        """Whether an order placed on a day may await its money."""
        return self._holds_on(on)
