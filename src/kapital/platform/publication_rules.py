"""Whether a decision is published only with a time-stamp: dated rules of the settings.

Law: domain.md 1.3, 3.3 (published after both signatures and the stamp) [P]; 259-FZ art. 3 names no stamp [M], so that
without a rule one is asked for where an authority is named, and none where it is not.
"""

from datetime import date

from kapital.platform.dated_rules import DatedRule, DatedSwitch


class PublicationStampRule(DatedRule):
    """From a day to a day (both included) nothing is published without the stamp of an authority."""


class PublicationStamps(DatedSwitch[PublicationStampRule]):
    """The rules by day."""

    setting = "publication_stamp_required"

    def are_required_on(self, on: date) -> bool:
        """Whether what is published on a day carries a stamp."""
        return self._holds_on(on)
