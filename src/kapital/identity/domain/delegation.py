"""Delegated identification (поручение идентификации): a bank identifies for the operator under an agreement.

Law: 115-FZ art. 7(1.5) [M]; Bank of Russia Ordinance 6798-U: the Bank of Russia is told who does it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from kapital.identity.domain.kyc_problems import (
    BicMalformed,
    DelegationNotInForce,
    DelegationNotNotified,
    DelegationTermUnsound,
)
from kapital.kernel.problems import StaleVersion
from kapital.kernel.requisites import bic_is_valid


@dataclass(slots=True, kw_only=True)
class Delegation:
    """An agreement. Shape: all days are included."""

    delegation_id: UUID
    agent_name: str
    agent_bic: str
    number: str
    valid_from: date
    valid_until: date
    entered_by: str
    entered_at: datetime
    notified_on: date | None = None
    ended_on: date | None = None
    version: int = 1

    def require_sound(self) -> None:
        """Raises: BicMalformed, DelegationTermUnsound."""
        if not bic_is_valid(self.agent_bic):
            raise BicMalformed
        if self.valid_until < self.valid_from:
            raise DelegationTermUnsound(facts={"reason": "ends_before_it_begins"})
        if self.ended_on is not None and not self.valid_from <= self.ended_on <= self.valid_until:
            raise DelegationTermUnsound(facts={"reason": "ended_outside_its_term"})
        if self.notified_on is not None and self.notified_on > self.valid_until:
            raise DelegationTermUnsound(facts={"reason": "notified_after_its_term"})

    def change(self, *, version: int, notified_on: date | None, ended_on: date | None, today: date) -> None:
        """Record a notice or an end; a day that stands is not overwritten.

        Raises: StaleVersion, DelegationTermUnsound.
        """
        if version != self.version:
            raise StaleVersion(facts={"version": self.version})
        if notified_on is None and ended_on is None:
            raise DelegationTermUnsound(facts={"reason": "nothing_changes"})
        if (notified_on and self.notified_on) or (ended_on and self.ended_on):
            raise DelegationTermUnsound(facts={"reason": "already_recorded"})
        if notified_on is not None and notified_on > today:
            raise DelegationTermUnsound(facts={"reason": "notified_in_the_future"})
        self.notified_on, self.ended_on = notified_on or self.notified_on, ended_on or self.ended_on
        self.version += 1
        self.require_sound()

    def require_usable(self, *, on: date, agent_reference: str | None) -> None:
        """Return if an identification may be taken in on this day.

        Raises: DelegationNotInForce, DelegationNotNotified.
        """
        last = min(self.valid_until, self.ended_on or self.valid_until)
        if not self.valid_from <= on <= last or agent_reference is None:
            facts = {"on": str(on), "valid_from": str(self.valid_from), "valid_until": str(last)}
            raise DelegationNotInForce(facts=facts)
        if self.notified_on is None or self.notified_on > on:
            raise DelegationNotNotified
