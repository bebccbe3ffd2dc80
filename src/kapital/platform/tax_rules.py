"""Whether tax is withheld at payout: dated rules of the settings. Without one nothing is withheld."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class TaxAtPayoutRule(BaseModel):
    """From a day to a day (both included) tax is withheld from what holders are paid.

    `agent`: who withholds – the `operator`, the `issuer`, or `nobody`, which takes one issue out of a rule of all.
    `unknown_residency`: how a person is taxed whose residency nobody has confirmed. `issue_id`: of this issue only;
    its own rule goes before one of all. Law: Tax Code art. 226.2 (who is the agent in which case: [M?]).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    effective_from: date
    effective_to: date | None = None
    basis: str = Field(min_length=1, max_length=500)
    agent: Literal["operator", "issuer", "nobody"]
    unknown_residency: Literal["resident", "non_resident"]
    issue_id: UUID | None = None
