"""The versions of the rule book that events told of, and whom an instant's version keeps from units."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from kapital.kernel.problems import Problem
from kapital.tokenization.domain.investor import Investor
from kapital.tokenization.domain.problems import RuleBookNotAccepted


class RuleBooks(NamedTuple):
    """Versions by name, with the instant from which each is in force."""

    effective_at: Mapping[str, datetime]

    def in_force(self, at: datetime) -> str | None:
        """The version in force at an instant; None before the first that an event told of."""
        begun = [(since, version) for version, since in self.effective_at.items() if since <= at]
        return max(begun)[1] if begun else None

    def why_bars(self, investor: Investor | None, at: datetime) -> Problem | None:
        """Why an order is not satisfied as of an instant of who has not accepted the version in force then, or None.

        Whoever accepted a later version by now has accepted what the version in force asked for. Before the first
        version that was told of nothing is asked: the order itself needed the acceptance of the only one.
        Law: 259-FZ art. 5 and 7 [M] (the rules bind who joined them).
        """
        version = self.in_force(at)
        accepted = None if investor is None else investor.rule_book_version
        if version is None or accepted == version:
            return None
        since = None if accepted is None else self.effective_at.get(accepted)
        if since is not None and since > self.effective_at[version]:
            return None
        return RuleBookNotAccepted(facts={"in_force": version})
