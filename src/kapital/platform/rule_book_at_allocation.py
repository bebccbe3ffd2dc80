"""Whether the rule book is asked for again when orders are satisfied: dated rules of the settings.

Law: 259-FZ art. 5 and 7 [M] (the rules bind who joined them); domain.md 1.3 (eligibility is checked at the order and
again at the allocation). Scenario 64 reads otherwise (old deals keep the old version), so that without a rule the
version is asked for at the order alone.
"""

from datetime import date

from kapital.platform.dated_rules import DatedRule, DatedSwitch


class RuleBookAtAllocationRule(DatedRule):
    """From a day to a day (both included) who has not accepted the rule book in force is allocated nothing."""


class RuleBookAtAllocation(DatedSwitch[RuleBookAtAllocationRule]):
    """The rules by day."""

    setting = "rule_book_at_allocation"

    def is_asked_on(self, on: date) -> bool:
        """Whether orders that are satisfied as of a day look at the rule book again."""
        return self._holds_on(on)
