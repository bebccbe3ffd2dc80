"""Whether participants need a certificate of a signature bound to them: dated rules of the settings.

Law: domain.md 3.1 (a certificate bound at identification; without a valid one payouts go on and purchases do not);
63-FZ art. 6 part 2: whether the rule book of an installation asks for it is its operator's to say [M?].
"""

from collections.abc import Iterable
from datetime import date

from kapital.platform.dated_rules import DatedRule, by_day


class CertificateRule(DatedRule):
    """From a day to a day (both included) participants need a certificate that may sign."""


class CertificateRules:
    """The rules by day. Raises on making: InvariantBroken for rules that overlap."""

    def __init__(self, rules: Iterable[CertificateRule] = ()) -> None:
        self._rules = by_day("certificate_required", rules)

    def required_on(self, on: date) -> bool:
        """Whether a certificate is needed on a day."""
        return self._rules is not None and self._rules.find_row_at(on) is not None
