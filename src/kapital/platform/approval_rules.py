"""Whether two persons approve what was calculated of a payment: dated rules of the settings.

Law: domain.md 3.6 (corporate actions are approved by two, maker SETTLEMENT, checker RISK) [P]. The terms were
approved by two, each outside value too, and the calculation is a pure function of them: without a rule the machine
approves it.
"""

from datetime import date

from kapital.platform.dated_rules import DatedRule, DatedSwitch


class ApprovalRule(DatedRule):
    """From a day to a day (both included) two persons approve each payment that was calculated."""


class ApprovalRules(DatedSwitch[ApprovalRule]):
    """The rules by day."""

    setting = "actions_approved_by_two"

    def needs_two_on(self, on: date) -> bool:
        """Whether a payment that waits for its approval on a day waits for two persons."""
        return self._holds_on(on)
