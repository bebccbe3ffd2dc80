"""Whether tax is withheld at payout: dated rules of the settings. Without one nothing is withheld."""

from typing import Literal
from uuid import UUID

from kapital.platform.dated_rules import DatedRule


class TaxAtPayoutRule(DatedRule):
    """From a day to a day (both included) tax is withheld from what holders are paid.

    `agent`: who withholds – the `operator`, the `issuer`, or `nobody`, which takes one issue out of a rule of all.
    `unknown_residency`: how a person is taxed whose residency nobody has confirmed. `issue_id`: of this issue only;
    its own rule goes before one of all. Law: Tax Code art. 226.2 (who is the agent in which case: [M?]).
    """

    agent: Literal["operator", "issuer", "nobody"]
    unknown_residency: Literal["resident", "non_resident"]
    issue_id: UUID | None = None
