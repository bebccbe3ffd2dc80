"""Whether participants need a certificate of a signature bound to them: dated rules of the settings.

Law: domain.md 3.1 (a certificate bound at identification; without a valid one payouts go on and purchases do not);
63-FZ art. 6 part 2: whether the rule book of an installation asks for it is its operator's to say [M?].
"""

from datetime import date

from kapital.platform.dated_rules import DatedRule, DatedSwitch


class CertificateRule(DatedRule):
    """From a day to a day (both included) participants need a certificate that may sign."""


class CertificateRules(DatedSwitch[CertificateRule]):
    """The rules by day."""

    setting = "certificate_required"

    def required_on(self, on: date) -> bool:
        """Whether a certificate is needed on a day."""
        return self._holds_on(on)
